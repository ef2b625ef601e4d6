//! Keeps a slow store from slowing service mail (promise P5).
//!
//! Each call has 50 ms. After three timeouts in a row the store is left alone for five seconds.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::base::limits::SERVICE_STORE_BUDGET;

const TIMEOUTS_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_secs(5);

/// Counts timeouts of calls made for service mail.
#[derive(Default)]
pub(super) struct StoreGuard {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    timeouts: u32,
    paused_until: Option<Instant>,
}

impl StoreGuard {
    /// Runs `call` within the budget; `None` if it is late, fails or the store is left alone.
    pub(super) async fn brief<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        if self.is_paused() {
            return None;
        }
        let answer = timeout(SERVICE_STORE_BUDGET, call).await;
        self.learn(answer.is_err());
        answer.ok()?.ok()
    }

    fn is_paused(&self) -> bool {
        let state = self.lock();
        state.paused_until.is_some_and(|until| Instant::now() < until)
    }

    fn learn(&self, was_late: bool) {
        let mut state = self.lock();
        state.timeouts = if was_late { state.timeouts + 1 } else { 0 };
        if state.timeouts >= TIMEOUTS_MAX {
            *state = State { timeouts: 0, paused_until: Some(Instant::now() + PAUSE) };
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is two plain values; a panic elsewhere cannot leave it half-written.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::StoreGuard;

    #[tokio::test(start_paused = true)]
    async fn p5_three_late_answers_leave_the_store_alone_for_five_seconds() {
        let guard = StoreGuard::default();
        let late = || async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Ok::<_, ()>(1)
        };
        let prompt = || async { Ok::<_, ()>(2) };
        for _ in 0..3 {
            let before = tokio::time::Instant::now();
            assert_eq!(guard.brief(late()).await, None);
            assert!(before.elapsed() <= Duration::from_millis(51));
        }
        assert_eq!(guard.brief(prompt()).await, None, "left alone");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(guard.brief(prompt()).await, Some(2), "asked again");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_time_forgives_earlier_delays() {
        let guard = StoreGuard::default();
        for _ in 0..5 {
            let late = std::future::pending::<Result<(), ()>>();
            assert_eq!(guard.brief(late).await, None);
            assert_eq!(guard.brief(async { Ok::<_, ()>(3) }).await, Some(3));
        }
    }
}
