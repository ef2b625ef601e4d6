//! Connections to one upstream, bounded in number and reused while they are fresh.
//!
//! A connection in use belongs to the future that uses it, so one whose future was dropped is
//! closed and never reused. Servers close idle connections at will; a job that meets such a one
//! is tried once more on a fresh connection, if nothing of it can have been taken.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Settings;
use super::connection::{Connection, OpenError};
use super::outcome;
use crate::mail::MailData;
use crate::pipeline::{Dispatch, Outcome, UpstreamFault};
use crate::relay::ports::Upstream;
use crate::smtp::client::{Capabilities, Failure, Job, RecipientResult};

/// How long a job waits for a free connection.
const SLOT_WAIT_MAX: Duration = Duration::from_secs(15);

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

/// All connections to one upstream.
#[derive(Debug)]
pub struct Pool {
    settings: Settings,
    slots: Semaphore,
    /// The most recently used last.
    idle: Mutex<Vec<Idle>>,
    learnt: Mutex<Option<Capabilities>>,
}

impl Pool {
    /// A pool without connections.
    pub fn new(settings: Settings) -> Self {
        let slots = Semaphore::new(settings.connections_max.clamp(1, Semaphore::MAX_PERMITS));
        Self { settings, slots, idle: Mutex::default(), learnt: Mutex::default() }
    }

    /// What the upstream offered when last connected to; `None` before the first time.
    pub fn capabilities(&self) -> Option<Capabilities> {
        *lock(&self.learnt)
    }

    /// Connects once to learn what the upstream offers, and keeps the connection.
    ///
    /// # Errors
    /// [`OpenError`] if the upstream cannot be reached or refuses the session.
    pub async fn probe(&self) -> Result<Capabilities, OpenError> {
        let connection = self.open().await?;
        let capabilities = connection.capabilities();
        self.keep(connection);
        Ok(capabilities)
    }

    /// Closes connections unused for too long, until `shutdown`; then all unused ones.
    pub async fn close_idle(&self, shutdown: CancellationToken) {
        while shutdown
            .run_until_cancelled(tokio::time::sleep(self.settings.idle_max))
            .await
            .is_some()
        {
            self.quit_all(|idle| idle.since.elapsed() >= self.settings.idle_max);
        }
        self.quit_all(|_| true);
    }

    /// Runs one job; one outcome per recipient, in order.
    pub(super) async fn transact(&self, job: Job, data: &MailData) -> Vec<Outcome> {
        // Whoever waits longer would start when the client's reply is due.
        let Ok(slot) = timeout(SLOT_WAIT_MAX, self.slots.acquire()).await else {
            return vec![Outcome::Failed(UpstreamFault::NotStarted); job.forward_paths.len()];
        };
        // The semaphore is never closed; should it be, running unbounded is the lesser harm.
        let _slot = slot.ok();
        if let Some(mut reused) = self.take_idle() {
            let results = reused.run(job.clone(), data).await;
            let is_stale = reused.is_job_untouched() && results.iter().all(is_stale);
            if !is_stale {
                self.keep(reused);
                return results.into_iter().map(outcome::outcome).collect();
            }
            debug!("a reused upstream connection was closed; trying a fresh one");
        }
        match self.open().await {
            Ok(mut fresh) => {
                let results = fresh.run(job, data).await;
                self.keep(fresh);
                results.into_iter().map(outcome::outcome).collect()
            }
            Err(error) => {
                debug!(%error, "no upstream connection");
                let fault = outcome::open_fault(&error);
                vec![Outcome::Failed(fault); job.forward_paths.len()]
            }
        }
    }

    async fn open(&self) -> Result<Connection, OpenError> {
        let connection = Connection::open(&self.settings).await?;
        *lock(&self.learnt) = Some(connection.capabilities());
        Ok(connection)
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        while let Some(Idle { connection, since }) = idle.pop() {
            if !connection.is_reusable() {
                continue;
            }
            if since.elapsed() < self.settings.idle_max {
                return Some(connection);
            }
            connection.quit();
        }
        None
    }

    fn keep(&self, connection: Connection) {
        if connection.is_reusable() {
            lock(&self.idle).push(Idle { connection, since: Instant::now() });
        }
    }

    fn quit_all(&self, which: impl Fn(&Idle) -> bool) {
        let mut idle = lock(&self.idle);
        for at in (0..idle.len()).rev() {
            if which(&idle[at]) {
                idle.remove(at).connection.quit();
            }
        }
    }
}

impl Upstream for Pool {
    async fn dispatch(&self, dispatch: &Dispatch) -> Vec<Outcome> {
        self.transact(outcome::job(dispatch), dispatch.data()).await
    }
}

/// Whether a result says no more than that the connection was gone already.
const fn is_stale(result: &RecipientResult) -> bool {
    matches!(result, RecipientResult::Failed(Failure::Lost | Failure::Session))
}

/// A poisoned lock guards plain lists here, which no panic leaves half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
