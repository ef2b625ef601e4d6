//! All connections made under one set of settings.
//!
//! A connection in use belongs to the future that uses it, so one whose future was dropped is
//! closed and never reused. Servers close idle connections at will; a job that meets such a one
//! is tried once more on a fresh connection, if nothing of it can have been taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Semaphore;
use tracing::{debug, error, info, warn};

use super::Settings;
use super::connection::Connection;
use super::login_gate::LoginGate;
use super::open_error::{OpenError, OpenFault};
use super::opening;
use super::outcome;
use super::pool::{Observed, Observer};
use crate::mail::MailData;
use crate::pipeline::Outcome;
use crate::smtp::client::{Capabilities, Failure, Job, RecipientResult};

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

/// The connections nobody uses at present.
#[derive(Debug, Default)]
struct Shelf {
    /// The most recently used last.
    idle: Vec<Idle>,
    /// Nothing is put here any more: other settings hold.
    is_retired: bool,
}

/// One set of settings and the connections made under it.
pub struct Generation {
    settings: Settings,
    slots: Arc<Semaphore>,
    shelf: Mutex<Shelf>,
    learnt: Mutex<Option<Capabilities>>,
    gate: LoginGate,
    /// What the operator was told last; `None` if all was well.
    told: Mutex<Option<String>>,
}

impl Generation {
    pub fn new(settings: Settings) -> Self {
        let slots = Semaphore::new(settings.connections_max.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            settings,
            slots: Arc::new(slots),
            shelf: Mutex::default(),
            learnt: Mutex::default(),
            gate: LoginGate::default(),
            told: Mutex::default(),
        }
    }

    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who may use a connection; closed when other settings hold.
    pub const fn slots(&self) -> &Arc<Semaphore> {
        &self.slots
    }

    pub fn capabilities(&self) -> Option<Capabilities> {
        *lock(&self.learnt)
    }

    /// Runs one job for the holder of a slot; one outcome per recipient, in order.
    pub async fn run(&self, job: Job, data: &MailData, observer: &Observer) -> Vec<Outcome> {
        if let Some(mut reused) = self.take_idle() {
            let results = reused.run(job.clone(), data).await;
            let is_stale = reused.is_job_untouched() && results.iter().all(is_stale);
            if !is_stale {
                self.keep(reused);
                return results.into_iter().map(outcome::outcome).collect();
            }
            debug!("a reused upstream connection was closed; trying a fresh one");
        }
        match self.open(observer).await {
            Ok(mut fresh) => {
                let results = fresh.run(job, data).await;
                self.keep(fresh);
                results.into_iter().map(outcome::outcome).collect()
            }
            Err(error) => {
                let fault = error.fault().upstream_fault();
                vec![Outcome::Failed(fault); job.forward_paths.len()]
            }
        }
    }

    /// A fresh connection.
    pub async fn open(&self, observer: &Observer) -> Result<Connection, OpenError> {
        let opened = self.open_in_turn().await;
        match &opened {
            Ok(connection) => {
                *lock(&self.learnt) = Some(connection.capabilities());
                observer(Observed::Opened(connection.encryption()));
            }
            // Nobody tried to connect.
            Err(OpenError::HeldBack(_) | OpenError::Alike(_)) => {}
            Err(error) => observer(Observed::Failed(error.fault())),
        }
        self.tell(&opened);
        opened
    }

    async fn open_in_turn(&self) -> Result<Connection, OpenError> {
        if self.settings.login.is_none() {
            return opening::open(&self.settings).await;
        }
        let turn = self.gate.turn().await?;
        let opened = opening::open(&self.settings).await;
        self.gate.learn(opened.as_ref().err().map(OpenError::fault));
        drop(turn);
        opened
    }

    /// Tells the operator what changed, once: copies that fail one after the other for the same
    /// reason are noted each, but the reason is news only the first time.
    fn tell(&self, opened: &Result<Connection, OpenError>) {
        let upstream = &self.settings.address;
        let news = match opened {
            Ok(connection) => connection.failed_handshake().map(str::to_owned),
            // These only repeat what was told.
            Err(OpenError::HeldBack(_) | OpenError::Alike(_)) => return,
            Err(error) => Some(error.whole()),
        };
        let mut told = lock(&self.told);
        if *told == news {
            return;
        }
        match (&news, opened.as_ref().err().map(OpenError::fault)) {
            (None, _) => info!(upstream, "the upstream is in order again"),
            (Some(why), None) => {
                warn!(upstream, why, "TLS fails, and mail goes out in clear as `tls` allows");
            }
            // Nothing of this passes by itself.
            (Some(why), Some(OpenFault::Login | OpenFault::Tls | OpenFault::Certificate)) => {
                error!(upstream, why, "the upstream cannot be used");
            }
            (Some(why), Some(OpenFault::Connect | OpenFault::Timeout | OpenFault::Session)) => {
                warn!(upstream, why, "the upstream cannot be used");
            }
        }
        *told = news;
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut shelf = lock(&self.shelf);
        while let Some(Idle { mut connection, since }) = shelf.idle.pop() {
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

    /// Keeps a connection for the next job, unless it or its settings are past use.
    pub fn keep(&self, mut connection: Connection) {
        if !connection.is_reusable() {
            return;
        }
        let mut shelf = lock(&self.shelf);
        if shelf.is_retired {
            connection.quit();
        } else {
            shelf.idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes what was not used for too long.
    pub fn close_stale(&self) {
        self.quit(|idle| idle.since.elapsed() >= self.settings.idle_max);
    }

    /// Closes everything that is not in use.
    pub fn close_idle(&self) {
        self.quit(|_| true);
    }

    /// Closes everything that is not in use, and what is in use once it is not.
    pub fn retire(&self) {
        lock(&self.shelf).is_retired = true;
        self.slots.close();
        self.close_idle();
    }

    fn quit(&self, which: impl Fn(&Idle) -> bool) {
        let mut shelf = lock(&self.shelf);
        for at in (0..shelf.idle.len()).rev() {
            if which(&shelf.idle[at]) {
                shelf.idle.remove(at).connection.quit();
            }
        }
    }
}

/// Whether a result says no more than that the connection was gone already.
const fn is_stale(result: &RecipientResult) -> bool {
    matches!(result, RecipientResult::Failed(Failure::Lost | Failure::Session))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while one of these is held, and their values cannot be left half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
