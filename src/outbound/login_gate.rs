//! Keeps a wrong password from being tried again and again until the provider locks the account.
//!
//! While a login is not known to be good, one connection at a time may try it; once refused, it
//! rests for a while that doubles with each refusal. Where no login is configured all pass.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync;
use tokio::time::Instant;

use super::open_error::{OpenError, OpenFault};

/// The first rest after a refusal.
const REST_MIN: Duration = Duration::from_secs(1);

/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(60);

/// What is known about the login.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Standing {
    /// Nothing.
    #[default]
    Untried,
    /// It was taken.
    Good,
    /// It was refused; not to be tried before `until`.
    Refused { rest: Duration, until: Instant },
}

impl Standing {
    fn after_refusal(self, now: Instant) -> Self {
        let rest = match self {
            // Refusals of attempts begun before the last one was known are no news.
            Self::Refused { until, .. } if now < until => return self,
            Self::Refused { rest, .. } => (rest * 2).min(REST_MAX),
            Self::Untried | Self::Good => REST_MIN,
        };
        Self::Refused { rest, until: now + rest }
    }
}

#[derive(Debug, Default)]
struct State {
    standing: Standing,
    /// Attempts that ended, and how the last one failed.
    attempts: u64,
    last: Option<OpenFault>,
}

/// Who may try to log in now.
#[derive(Debug, Default)]
pub struct LoginGate {
    state: Mutex<State>,
    turn: sync::Mutex<()>,
}

/// The right to try; gives way to the next when dropped.
#[derive(Debug)]
pub struct Turn<'a>(
    #[expect(dead_code, reason = "held, not read")] Option<sync::MutexGuard<'a, ()>>,
);

impl LoginGate {
    /// Waits for the right to try to log in.
    ///
    /// # Errors
    /// [`OpenError::HeldBack`] while a refused login rests; [`OpenError::Alike`] if the attempt
    /// waited for has failed, for the same would happen to this one.
    pub async fn turn(&self) -> Result<Turn<'_>, OpenError> {
        let before = {
            let state = self.state();
            if state.standing == Standing::Good {
                return Ok(Turn(None));
            }
            state.attempts
        };
        let turn = self.turn.lock().await;
        let state = self.state();
        match (state.standing, state.last) {
            (Standing::Good, _) => return Ok(Turn(None)),
            (Standing::Refused { until, .. }, _) if Instant::now() < until => {
                return Err(OpenError::HeldBack(until - Instant::now()));
            }
            (_, Some(fault)) if state.attempts != before => return Err(OpenError::Alike(fault)),
            (Standing::Untried | Standing::Refused { .. }, _) => {}
        }
        Ok(Turn(Some(turn)))
    }

    /// Tells how an attempt ended: with a connection, or with trouble of some kind.
    pub fn learn(&self, failure: Option<OpenFault>) {
        let mut state = self.state();
        state.attempts += 1;
        state.last = failure;
        match failure {
            None => state.standing = Standing::Good,
            Some(OpenFault::Login) => {
                state.standing = state.standing.after_refusal(Instant::now());
            }
            // Nothing was learnt about the login.
            Some(
                OpenFault::Connect
                | OpenFault::Timeout
                | OpenFault::Tls
                | OpenFault::Certificate
                | OpenFault::Session,
            ) => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and nothing in it could be left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LoginGate, REST_MAX};
    use crate::outbound::open_error::{OpenError, OpenFault};

    async fn is_let_through(gate: &LoginGate) -> bool {
        match gate.turn().await {
            Ok(_) => true,
            Err(OpenError::HeldBack(_)) => false,
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_login_rests_longer_each_time_up_to_a_minute() {
        let gate = LoginGate::default();
        for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(is_let_through(&gate).await);
            gate.learn(Some(OpenFault::Login));
            assert!(!is_let_through(&gate).await);
            tokio::time::advance(Duration::from_secs(rest) - Duration::from_millis(1)).await;
            assert!(!is_let_through(&gate).await, "{rest}");
            // A refusal of an attempt begun earlier makes the rest no longer.
            gate.learn(Some(OpenFault::Login));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_taken_once_is_tried_by_all_until_it_is_refused() {
        let gate = LoginGate::default();
        gate.learn(Some(OpenFault::Login));
        tokio::time::advance(REST_MAX).await;
        gate.learn(None);
        let one = gate.turn().await.unwrap();
        let other = gate.turn().await.unwrap();
        drop((one, other));
        gate.learn(Some(OpenFault::Connect));
        assert!(is_let_through(&gate).await, "that was not about the login");
        gate.learn(Some(OpenFault::Login));
        assert!(!is_let_through(&gate).await);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(is_let_through(&gate).await, "the rests begin anew");
    }

    #[tokio::test]
    async fn an_untried_login_is_tried_by_one_and_the_others_share_its_failure() {
        let gate = LoginGate::default();
        let first = gate.turn().await.unwrap();
        let (second, ()) = tokio::join!(gate.turn(), async {
            tokio::task::yield_now().await;
            gate.learn(Some(OpenFault::Connect));
            drop(first);
        });
        assert!(matches!(second, Err(OpenError::Alike(OpenFault::Connect))), "{second:?}");
        assert!(gate.turn().await.is_ok(), "who comes later tries again");
    }

    #[tokio::test]
    async fn who_waited_for_a_success_goes_on() {
        let gate = LoginGate::default();
        let first = gate.turn().await.unwrap();
        let (second, ()) = tokio::join!(gate.turn(), async {
            tokio::task::yield_now().await;
            gate.learn(None);
            drop(first);
        });
        assert!(second.is_ok());
    }
}
