//! The machine's clock, as the relay's port wants it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::Timestamp;
use crate::relay::ports::Clock;

/// Reads the system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
