//! A bounded queue between the asynchronous callers and the store's own threads.
//!
//! Takers get everything that waits (up to a bound) in one go: that is what makes group commit
//! and batched reads. A full queue refuses at once instead of making anybody wait. An item that
//! nobody waits for may linger until others join it, and costs no transaction of its own then.

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
    /// When what waits is to be handed out, though more may come; the earliest any item asks for.
    due: Option<Instant>,
    /// How many takers sleep: nobody else needs to be woken.
    sleepers: usize,
    wakes: u64,
    is_closed: bool,
}

impl<T> Inner<T> {
    /// Up to `max` items if they are to be handed out now.
    fn ripe(&mut self, max: usize) -> Option<Vec<T>> {
        let is_ripe = self.is_closed
            || self.items.len() >= max
            || self.due.is_some_and(|due| due <= Instant::now());
        (is_ripe && !self.items.is_empty()).then(|| self.drain(max))
    }

    /// Up to `max` items; what is left over has waited long enough and stays due.
    fn drain(&mut self, max: usize) -> Vec<T> {
        let count = self.items.len().min(max);
        if count == self.items.len() {
            self.due = None;
        } else {
            self.due = Some(Instant::now());
        }
        self.items.drain(..count).collect()
    }
}

impl<T> Queue<T> {
    /// An empty queue that holds at most `waiting_max` items.
    pub(super) fn new(waiting_max: usize) -> Self {
        let inner =
            Inner { items: VecDeque::new(), due: None, sleepers: 0, wakes: 0, is_closed: false };
        Self { inner: Mutex::new(inner), changed: Condvar::new(), waiting_max }
    }

    /// Takes `item` in, or says at once why not. It is handed out at once, or with whatever comes
    /// within `linger`.
    pub(super) fn push(&self, item: T, linger: Duration) -> Result<(), Refused> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(Refused::Closed);
        }
        if inner.items.len() >= self.waiting_max {
            return Err(Refused::Full);
        }
        inner.items.push_back(item);
        let due = Instant::now() + linger;
        let is_sooner = inner.due.is_none_or(|known| due < known);
        if is_sooner {
            inner.due = Some(due);
        }
        // A taker that does not sleep looks for itself; one that sleeps knows the earlier moment.
        let must_wake = is_sooner && inner.sleepers > 0;
        drop(inner);
        if must_wake {
            self.changed.notify_one();
        }
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

    /// Up to `max` waiting items, as soon as one is due or so many wait; whatever waits after
    /// `patience` or a [`Queue::wake`] since `seen`; `None` once closed and empty.
    pub(super) fn take(
        &self,
        max: usize,
        patience: Option<Duration>,
        seen: &mut u64,
    ) -> Option<Vec<T>> {
        let give_up = patience.map(|patience| Instant::now() + patience);
        let mut inner = self.lock();
        loop {
            if inner.wakes != *seen {
                *seen = inner.wakes;
                return Some(inner.drain(max));
            }
            if let Some(items) = inner.ripe(max) {
                return Some(items);
            }
            if inner.is_closed {
                return None;
            }
            inner = match give_up.into_iter().chain(inner.due).min() {
                None => self.sleep(inner, None),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Some(inner.drain(max));
                    }
                    self.sleep(inner, Some(left))
                }
            };
        }
    }

    fn sleep<'a>(
        &self,
        mut inner: MutexGuard<'a, Inner<T>>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, Inner<T>> {
        inner.sleepers += 1;
        let mut inner = match left {
            None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        inner.sleepers -= 1;
        inner
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

    const AT_ONCE: Duration = Duration::ZERO;
    const EVER: Duration = Duration::from_hours(1);

    #[test]
    fn hands_out_everything_that_waits_up_to_the_bound() {
        let queue = Queue::new(8);
        for n in 0..5 {
            queue.push(n, AT_ONCE).unwrap();
        }
        let mut seen = 0;
        assert_eq!(queue.take(3, None, &mut seen), Some(vec![0, 1, 2]));
        assert_eq!(queue.take(3, None, &mut seen), Some(vec![3, 4]));
        assert_eq!(queue.take(3, Some(Duration::ZERO), &mut seen), Some(vec![]));
    }

    #[test]
    fn refuses_at_once_when_full() {
        let queue = Queue::new(1);
        queue.push(1, AT_ONCE).unwrap();
        assert_eq!(queue.push(2, AT_ONCE), Err(Refused::Full));
    }

    #[test]
    fn closing_hands_out_the_rest_first() {
        let queue = Queue::new(2);
        queue.push(1, AT_ONCE).unwrap();
        queue.close();
        assert_eq!(queue.push(2, AT_ONCE), Err(Refused::Closed));
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

    #[test]
    fn lingering_items_wait_for_one_that_is_urgent_and_keep_their_turn() {
        let queue = Queue::new(8);
        queue.push(1, EVER).unwrap();
        queue.push(2, EVER).unwrap();
        let mut seen = 0;
        queue.push(3, AT_ONCE).unwrap();
        assert_eq!(queue.take(8, None, &mut seen), Some(vec![1, 2, 3]));
        queue.push(4, Duration::from_millis(1)).unwrap();
        assert_eq!(queue.take(8, None, &mut seen), Some(vec![4]), "once its time has come");
    }

    #[test]
    fn lingering_items_are_handed_out_when_a_transaction_is_full_or_the_store_closes() {
        let queue = Queue::new(8);
        let mut seen = 0;
        for n in 0..3 {
            queue.push(n, EVER).unwrap();
        }
        assert_eq!(queue.take(2, None, &mut seen), Some(vec![0, 1]));
        assert_eq!(queue.take(2, None, &mut seen), Some(vec![2]), "the rest has waited enough");
        queue.push(3, EVER).unwrap();
        queue.close();
        assert_eq!(queue.take(2, None, &mut seen), Some(vec![3]));
    }

    #[test]
    fn a_sleeping_taker_is_woken_by_what_is_due_earlier() {
        let queue = Queue::new(8);
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| queue.take(8, None, &mut 0));
            while queue.lock().sleepers == 0 {
                std::thread::yield_now();
            }
            queue.push(1, EVER).unwrap();
            queue.push(2, AT_ONCE).unwrap();
            assert!(matches!(taker.join().unwrap().as_deref(), Some([1, 2] | [1])));
        });
    }
}
