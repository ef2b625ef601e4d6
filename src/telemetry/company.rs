//! Company for the subscribers of tests.
//!
//! While only one subscriber lives, the first caller of a log line decides whether it is ever
//! written, by asking its own thread, which may have none. In company all subscribers are asked.

use std::io;
use std::sync::LazyLock;

use tracing::Dispatch;

static COMPANY: LazyLock<[Dispatch; 2]> = LazyLock::new(|| {
    [(); 2].map(|()| Dispatch::new(tracing_subscriber::fmt().with_writer(io::sink).finish()))
});

/// Keeps the next subscriber from being the only one.
pub(crate) fn keep() {
    LazyLock::force(&COMPANY);
}
