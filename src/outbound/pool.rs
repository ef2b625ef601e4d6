//! The upstream as the relay knows it: connections bounded in number and reused while fresh.
//!
//! The settings may be replaced while copies are under way: those finish as they began, and
//! whoever had not got a connection yet gets one under the new settings.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::generation::Generation;
use super::open_error::{OpenError, OpenFault};
use super::opening::Encryption;
use super::outcome;
use crate::mail::MailData;
use crate::pipeline::{Dispatch, Outcome, UpstreamFault};
use crate::relay::ports::Upstream;
use crate::smtp::client::{Capabilities, Job};

/// How long a job waits for a free connection.
const SLOT_WAIT_MAX: Duration = Duration::from_secs(15);

/// What there is to count about connections.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Observed {
    /// One was opened.
    Opened(Encryption),
    /// One could not be opened.
    Failed(OpenFault),
}

/// Who counts; called as it happens, so it must not block.
pub type Observer = dyn Fn(Observed) + Send + Sync;

/// All connections to one upstream.
pub struct Pool {
    current: RwLock<Arc<Generation>>,
    observer: Box<Observer>,
}

impl Pool {
    /// A pool without connections, whose doings nobody counts.
    pub fn new(settings: Settings) -> Self {
        Self::observed(settings, |_| {})
    }

    /// A pool without connections that tells `observer` of each it opens or fails to.
    pub fn observed(
        settings: Settings,
        observer: impl Fn(Observed) + Send + Sync + 'static,
    ) -> Self {
        let current = RwLock::new(Arc::new(Generation::new(settings)));
        Self { current, observer: Box::new(observer) }
    }

    /// Goes on with `settings`: idle connections are closed, copies under way finish as they
    /// began, everything later uses the new settings, and a refused login is tried at once.
    pub fn replace(&self, settings: Settings) {
        let next = Arc::new(Generation::new(settings));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let last = std::mem::replace(&mut *current, next);
        drop(current);
        // Only now: who is turned away here must find the new settings.
        last.retire();
    }

    /// What the upstream offered when last connected to; `None` before the first time.
    pub fn capabilities(&self) -> Option<Capabilities> {
        self.current().capabilities()
    }

    /// Connects once to learn what the upstream offers, and keeps the connection.
    ///
    /// # Errors
    /// [`OpenError`] if the upstream cannot be reached, does not protect the way as demanded,
    /// or refuses the session or the login.
    pub async fn probe(&self) -> Result<Capabilities, OpenError> {
        let generation = self.current();
        let connection = generation.open(&*self.observer).await?;
        let capabilities = connection.capabilities();
        generation.keep(connection);
        Ok(capabilities)
    }

    /// Closes connections unused for too long, until `shutdown`; then all unused ones.
    pub async fn close_idle(&self, shutdown: CancellationToken) {
        loop {
            let idle_max = self.current().settings().idle_max;
            let sleep = tokio::time::sleep(idle_max);
            if shutdown.run_until_cancelled(sleep).await.is_none() {
                break;
            }
            self.current().close_stale();
        }
        self.current().close_idle();
    }

    /// Runs one job; one outcome per recipient, in order.
    pub(super) async fn transact(&self, job: Job, data: &MailData) -> Vec<Outcome> {
        // Whoever waits longer would start when the client's reply is due.
        let Ok((generation, _slot)) = timeout(SLOT_WAIT_MAX, self.slot()).await else {
            return vec![Outcome::Failed(UpstreamFault::NotStarted); job.forward_paths.len()];
        };
        generation.run(job, data, &*self.observer).await
    }

    /// Waits for the right to use one connection.
    async fn slot(&self) -> (Arc<Generation>, OwnedSemaphorePermit) {
        loop {
            let generation = self.current();
            // An error means that other settings hold by now: wait for a slot under those.
            if let Ok(slot) = Arc::clone(generation.slots()).acquire_owned().await {
                return (generation, slot);
            }
        }
    }

    fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("settings", self.current().settings()).finish_non_exhaustive()
    }
}

impl Upstream for Pool {
    async fn dispatch(&self, dispatch: &Dispatch) -> Vec<Outcome> {
        self.transact(outcome::job(dispatch), dispatch.data()).await
    }
}
