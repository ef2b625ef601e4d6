//! How many pieces fit into one short transaction on this machine, now.
//!
//! The relay's commits wait for whoever holds the write lock; bulk work must not hold it longer
//! than the promised 20 ms, on a fast disk or a slow one.

use std::time::Duration;

/// How long one transaction of bulk work may hold the write lock.
const HOLD_MAX: Duration = Duration::from_millis(20);

/// Pieces of the first transaction.
const FIRST: usize = 64;
const SMALLEST: usize = 4;
const LARGEST: usize = 512;

/// The size of the next transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pace(usize);

impl Pace {
    /// A careful beginning.
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    /// How many pieces to take next.
    pub(super) const fn pieces(self) -> usize {
        self.0
    }

    /// Learns from a transaction that took so long.
    pub(super) fn learn(&mut self, took: Duration) {
        self.0 = if took > HOLD_MAX {
            self.0 / 2
        } else if took < HOLD_MAX / 2 {
            self.0 + self.0 / 4
        } else {
            self.0
        }
        .clamp(SMALLEST, LARGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LARGEST, Pace, SMALLEST};

    #[test]
    fn shrinks_at_once_and_grows_slowly_within_bounds() {
        let mut pace = Pace::new();
        pace.learn(Duration::from_millis(21));
        assert_eq!(pace.pieces(), 32);
        pace.learn(Duration::from_millis(15));
        assert_eq!(pace.pieces(), 32);
        pace.learn(Duration::from_millis(3));
        assert_eq!(pace.pieces(), 40);
        for (took, bound) in [(1, LARGEST), (100, SMALLEST)] {
            for _ in 0..40 {
                pace.learn(Duration::from_millis(took));
            }
            assert_eq!(pace.pieces(), bound);
        }
    }
}
