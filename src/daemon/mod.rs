//! Start, run, reload, drain: the one place where all rooms are wired together.
//!
//! Start goes configuration → store → policy → outbound → listeners → ready. Stop goes the
//! other way: no new connections, sessions say 421 at the next safe point, transactions under
//! way finish and settle, then the store closes; a deadline names who was late.

pub(crate) mod approvals;
mod certificates;
mod clock;
mod doors;
mod generation;
mod house;
mod listeners;
mod proofs;
mod reload;
mod service;
mod sockets;
mod survey;
mod upkeep;
mod upstream;
mod watching;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub use clock::{SteadyClock, SystemClock, built_at};
pub(crate) use doors::check_certificates;
pub use generation::{Generation, keyring};
pub(crate) use house::footer;
pub use house::{house, rule_book};
pub(crate) use listeners::listen_openly;
pub(crate) use proofs::cutoffs;
pub use service::stop_signal;
pub use sockets::Sockets;

use crate::base::Keyring;
use crate::config::{Config, LogConfig, PersonalDataConfig};
use crate::outbound;
use crate::relay::{Deadlines, LateTransaction, Parts, Relay};
use crate::store::{self, Store};
use crate::telemetry::{LogControl, Metrics, PersonalData};
use reload::{Reloader, Rooms};

/// Reloads asked for and not yet begun, at most.
const RELOADS_WAITING_MAX: usize = 4;

/// How long a stop waits for pages being served, and for the store to close.
const PAGES_WAIT: Duration = Duration::from_secs(5);
const STORE_CLOSE_WAIT: Duration = Duration::from_secs(10);
const CLOSING_MAX: Duration = Duration::from_secs(20);

/// What a daemon has around it beside its configuration.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The file a reload reads; without one there is no reload.
    pub path: Option<PathBuf>,
    /// Sockets the service manager lends.
    pub sockets: Sockets,
    /// What a reload may change of the log.
    pub log: Option<LogControl>,
}

/// What log lines may say about persons.
pub(crate) const fn personal_data(log: &LogConfig) -> PersonalData {
    match log.personal_data {
        PersonalDataConfig::Masked => PersonalData::Masked,
        PersonalDataConfig::Shown => PersonalData::Shown,
    }
}

/// How a daemon stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// As the module describes.
    InOrder,
    /// Nothing was waited for.
    AtOnce,
}

/// A running relay.
pub struct Daemon {
    /// Cancelled first: sessions end at their next safe point, `/readyz` says 503.
    draining: CancellationToken,
    /// Cancelled last: the pages stay up until transactions are done.
    closing: CancellationToken,
    sessions: TaskTracker,
    late: TaskTracker,
    pages: TaskTracker,
    store: Store,
    drain_deadline: Duration,
    sockets: Sockets,
    /// Known once the relay is there.
    relay: Option<WiredRelay>,
}

/// The relay as the daemon wires it.
pub(crate) type WiredRelay = Relay<Store, outbound::Pool, SteadyClock>;

impl Daemon {
    /// Starts everything `generation` asks for. A store that cannot be opened does not stop the
    /// start: service mail flows, marketing is answered 451 (promises P5, P7).
    ///
    /// # Errors
    /// An address cannot be listened on, or a lent socket belongs to nobody.
    pub async fn start(generation: Generation, surroundings: Surroundings) -> anyhow::Result<Self> {
        let Surroundings { path, sockets, log } = surroundings;
        // From now on a SIGHUP no longer ends the process.
        let hangups = service::hangups();
        let generation = Arc::new(generation);
        let config = &generation.config;
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
        let store = open_store(config, &generation.keyring, &metrics)?;
        let prepared = upkeep::first(&store, &generation).await;
        let upstream = Arc::new(outbound::Pool::observed(
            generation.upstream.clone(),
            watching::upstream(Arc::clone(&metrics)),
        ));
        let idle = Arc::clone(&upstream);
        let mut daemon = Self::new(store.clone(), sockets, config.node.drain_deadline);
        let house = watch::Sender::new(Arc::clone(&generation.house));
        let site = watch::Sender::new(Arc::new(generation.site()));
        let generations = watch::Sender::new(Arc::clone(&generation));
        let relay: WiredRelay = Relay::new(Parts {
            house: house.subscribe(),
            store: Arc::new(store.clone()),
            upstream: Arc::clone(&upstream),
            clock: SteadyClock(store.clone()),
            metrics: Arc::clone(&metrics),
            deadlines: Deadlines { reply: config.node.reply_deadline, ..Deadlines::default() },
            late: daemon.late.clone(),
        });
        daemon.keep(|stop| async move { idle.close_idle(stop).await });
        daemon.keep(|stop| upkeep::watch(store.clone(), Arc::clone(&metrics), stop));
        let houses = house.subscribe();
        daemon.keep(|stop| survey::run(store.clone(), houses, Arc::clone(&metrics), stop));
        daemon.keep(|stop| upkeep::remind(generations.subscribe(), stop));
        let watched = generations.subscribe();
        daemon.keep(|stop| proofs::watch(store.clone(), watched, Arc::clone(&metrics), stop));
        daemon.keep(|stop| proofs::retain(store.clone(), generations.subscribe(), stop));
        daemon.keep(|stop| upkeep::run(store.clone(), generations.subscribe(), prepared, stop));
        let (reloads, requests) = mpsc::channel(RELOADS_WAITING_MAX);
        daemon.start_pages(config, site.subscribe(), &metrics, reloads).await?;
        daemon.relay = Some(relay.clone());
        let doors = daemon.start_listeners(config, relay, &metrics).await?;
        daemon.sockets.finish()?;
        let rooms = Rooms { house, site, doors, upstream, generation: generations };
        let reloader = Reloader { path, store, rooms, metrics, log };
        reloader.show_certificates();
        daemon.keep(|stop| reloader.run(requests, hangups, stop));
        daemon.keep(service::feed_watchdog);
        service::ready(generation.house.generation);
        info!(node = %config.node.id, "ready");
        Ok(daemon)
    }

    fn new(store: Store, sockets: Sockets, drain_deadline: Duration) -> Self {
        Self {
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            sessions: TaskTracker::new(),
            late: TaskTracker::new(),
            pages: TaskTracker::new(),
            store,
            drain_deadline,
            sockets,
            relay: None,
        }
    }

    /// Runs a duty until the daemon closes.
    fn keep<D>(&self, duty: impl FnOnce(CancellationToken) -> D)
    where
        D: Future<Output = ()> + Send + 'static,
    {
        self.pages.spawn(duty(self.closing.clone()));
    }

    /// Stops as the module describes, or at once when `hurry` is over; returns when all is done,
    /// the deadline has passed, or nothing more is waited for.
    pub async fn stop(self, hurry: impl Future<Output = ()>) -> Stopped {
        self.draining.cancel();
        service::stopping(self.drain_deadline + CLOSING_MAX);
        info!(
            transactions = self.transactions().count(),
            late_copies = self.late.len(),
            deadline = ?self.drain_deadline,
            "stopping; a second signal stops at once"
        );
        self.sessions.close();
        self.late.close();
        let drained = async {
            self.sessions.wait().await;
            self.late.wait().await;
        };
        tokio::select! {
            drained = tokio::time::timeout(self.drain_deadline, drained) => if drained.is_err() {
                self.name_the_late("the deadline passed with work under way");
            },
            () = hurry => {
                // Whoever asks twice does not want to wait: clients keep what is unanswered.
                self.name_the_late("asked twice, stopping at once");
                return Stopped::AtOnce;
            }
        }
        self.closing.cancel();
        self.pages.close();
        if tokio::time::timeout(PAGES_WAIT, self.pages.wait()).await.is_err() {
            warn!(pages = self.pages.len(), "stopped with pages being served");
        }
        if self.store.close(STORE_CLOSE_WAIT).await.is_err() {
            warn!("stopped before the store had closed");
        }
        info!("stopped");
        Stopped::InOrder
    }

    fn transactions(&self) -> impl Iterator<Item = LateTransaction> {
        self.relay.iter().flat_map(WiredRelay::under_way)
    }

    /// Says who is being left: their clients got no reply and will try again.
    fn name_the_late(&self, why: &str) {
        let transactions = self.transactions().count();
        warn!(transactions, late_copies = self.late.len(), "{why}");
        for LateTransaction { transaction, client, age } in self.transactions() {
            let age = format!("{:.1}s", age.as_secs_f64());
            warn!(%transaction, client, age, "left without a reply");
        }
    }
}

fn open_store(config: &Config, keyring: &Keyring, metrics: &Arc<Metrics>) -> anyhow::Result<Store> {
    let mut settings = store::Settings::new(&config.store.path, config.node.id.clone());
    settings.keyring = Some(keyring.prints());
    settings.busy_timeout = config.store.busy_timeout;
    settings.high_water = Some(config.store.high_water(&config.node.id));
    settings.built_at = built_at();
    settings.metrics = Some(Arc::clone(metrics));
    Store::open(settings).context("cannot start the store's threads")
}
