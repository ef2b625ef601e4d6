//! Running a router on a listener, with bounds that slow or greedy clients cannot stretch.
//!
//! One clock per connection covers everything that RFC 9112 leaves open: from being accepted,
//! or from the last octet we wrote, a client has one wait to send a whole request and take our
//! next octet, and may send only so much meanwhile. Not here: what is answered.

mod guard;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use guard::GuardedListener;

/// What one listener grants its clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionLimits {
    /// Connections open at a time; more wait in the kernel's queue. At least 1.
    pub connections_max: usize,
    /// From being accepted, or from our last octet, to our next one.
    pub progress_wait: Duration,
    /// Octets a client may send in that time; a longer request is cut off.
    pub request_bytes_max: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 256,
            progress_wait: Duration::from_secs(30),
            request_bytes_max: 128 * 1024,
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerAddress(pub IpAddr);

impl Connected<IncomingStream<'_, GuardedListener>> for PeerAddress {
    fn connect_info(stream: IncomingStream<'_, GuardedListener>) -> Self {
        Self(stream.remote_addr().ip())
    }
}

/// Serves `router` on `listener` until `shutdown`; then takes no more connections, lets
/// requests under way finish within [`ConnectionLimits::progress_wait`], and returns.
///
/// # Errors
/// None at present; failing accepts are retried.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<PeerAddress>();
    axum::serve(GuardedListener::new(listener, limits), service)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}
