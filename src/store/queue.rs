//! A bounded queue between the asynchronous callers and the store's own threads.
//!
//! Takers get everything that waits (up to a bound) in one go: that is what makes group commit
//! and batched reads. A full queue refuses at once instead of making anybody wait.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Why an item was not taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// As many wait as may wait.
    Full,
    /// The store is closing.
    Closed,
}

/// A bounded queue with several takers.
pub(super) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    changed: Condvar,
    waiting_max: usize,
}

struct Inner<T> {
    items: VecDeque<T>,
    wakes: u64,
    is_closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue that holds at most `waiting_max` items.
    pub(super) fn new(waiting_max: usize) -> Self {
        let inner = Inner { items: VecDeque::new(), wakes: 0, is_closed: false };
        Self { inner: Mutex::new(inner), changed: Condvar::new(), waiting_max }
    }

    /// Takes `item` in, or says at once why not.
    pub(super) fn push(&self, item: T) -> Result<(), Refused> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(Refused::Closed);
        }
        if inner.items.len() >= self.waiting_max {
            return Err(Refused::Full);
        }
        inner.items.push_back(item);
        drop(inner);
        self.changed.notify_one();
        Ok(())
    }

    /// Makes every taker return once, even with nothing to do.
    pub(super) fn wake(&self) {
        self.lock().wakes += 1;
        self.changed.notify_all();
    }

    /// Lets nothing more in; what waits is still handed out.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Up to `max` waiting items, as soon as there is one; none after `patience` or a
    /// [`Queue::wake`] since `seen`; `None` once closed and empty.
    pub(super) fn take(
        &self,
        max: usize,
        patience: Option<Duration>,
        seen: &mut u64,
    ) -> Option<Vec<T>> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut inner = self.lock();
        loop {
            if !inner.items.is_empty() || inner.wakes != *seen {
                *seen = inner.wakes;
                let count = inner.items.len().min(max);
                return Some(inner.items.drain(..count).collect());
            }
            if inner.is_closed {
                return None;
            }
            inner = match deadline {
                None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Some(Vec::new());
                    }
                    self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().items.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Queue, Refused};

    #[test]
    fn hands_out_everything_that_waits_up_to_the_bound() {
        let queue = Queue::new(8);
        for n in 0..5 {
            queue.push(n).unwrap();
        }
        let mut seen = 0;
        assert_eq!(queue.take(3, None, &mut seen), Some(vec![0, 1, 2]));
        assert_eq!(queue.take(3, None, &mut seen), Some(vec![3, 4]));
        assert_eq!(queue.take(3, Some(Duration::ZERO), &mut seen), Some(vec![]));
    }

    #[test]
    fn refuses_at_once_when_full() {
        let queue = Queue::new(1);
        queue.push(1).unwrap();
        assert_eq!(queue.push(2), Err(Refused::Full));
    }

    #[test]
    fn closing_hands_out_the_rest_first() {
        let queue = Queue::new(2);
        queue.push(1).unwrap();
        queue.close();
        assert_eq!(queue.push(2), Err(Refused::Closed));
        let mut seen = 0;
        assert_eq!(queue.take(9, None, &mut seen), Some(vec![1]));
        assert_eq!(queue.take(9, None, &mut seen), None);
    }

    #[test]
    fn a_wake_is_seen_once_by_each_taker() {
        let queue: Queue<u8> = Queue::new(1);
        queue.wake();
        for _ in 0..2 {
            let mut seen = 0;
            assert_eq!(queue.take(1, None, &mut seen), Some(vec![]));
            assert_eq!(queue.take(1, Some(Duration::ZERO), &mut seen), Some(vec![]));
            assert_eq!(seen, 1);
        }
    }
}
