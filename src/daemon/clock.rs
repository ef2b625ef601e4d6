//! The machine's clock as the relay's port wants it, and what is held against it.
//!
//! A clock a few seconds behind the journal is put right silently; one further behind, or before
//! the day this program was made, holds marketing back until it is right or somebody answers
//! for it. Service mail takes whatever the clock says.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::{Date, date};

use crate::base::Timestamp;
use crate::relay::ports::Clock;
use crate::store::Store;

/// No build of these sources is older than this day; it is moved forward with each release.
const SOURCES_OF: Date = date(2026, 11, 1);

/// When this program was made: what `SOURCE_DATE_EPOCH` said to the compiler (packages set it
/// from their changelog), else a day its sources cannot be older than.
pub fn built_at() -> Timestamp {
    let told = option_env!("SOURCE_DATE_EPOCH").and_then(|text| text.parse::<i64>().ok());
    told.map_or(Timestamp::from_date(SOURCES_OF), |seconds| {
        Timestamp::from_millis(seconds.saturating_mul(1000))
    })
}

/// Reads the system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The system clock, but never a little behind the journal: the later of the two counts.
#[derive(Clone, Debug)]
pub struct SteadyClock(
    /// Whose journal.
    pub Store,
);

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.0.steady_now()
    }
}

#[cfg(test)]
mod tests {
    use super::{SystemClock, built_at};
    use crate::relay::ports::Clock as _;

    #[test]
    fn the_program_was_made_before_it_runs() {
        assert!(built_at() <= SystemClock.now());
    }
}
