//! Start, run, drain: the one place where all rooms are wired together.
//!
//! Start goes configuration → store → policy → outbound → listeners → ready. Stop goes the
//! other way: no new connections, sessions say 421 at the next safe point, transactions under
//! way finish and settle, then the store closes; a deadline names who was late.

mod clock;
mod house;
mod listeners;
mod survey;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub use clock::SystemClock;
pub(crate) use house::footer;
pub use house::house;
pub(crate) use listeners::listen_openly;

use crate::base::Keyring;
use crate::config::Config;
use crate::outbound;
use crate::relay::{Deadlines, Parts, Relay};
use crate::store::{self, Store};
use crate::telemetry::Metrics;

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
}

/// The relay as the daemon wires it.
pub(crate) type WiredRelay = Relay<Store, outbound::Pool, SystemClock>;

impl Daemon {
    /// Starts everything `config` asks for. A store that cannot be opened does not stop the
    /// start: service mail flows, marketing is answered 451 (promises P5, P7).
    ///
    /// # Errors
    /// A template or rule set is unusable, or an address cannot be listened on.
    pub async fn start(config: &Config, keyring: Keyring) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
        let store = open_store(config, &keyring, &metrics)?;
        let house = Arc::new(house(config, keyring.clone())?);
        let prepared = upkeep::first(&store, config, &house).await;
        let upstream = Arc::new(outbound::Pool::new(outbound::Settings {
            connections_max: config.upstream.connections_max,
            ..outbound::Settings::new(&config.upstream.address, config.node.hostname.as_str())
        }));
        let idle = Arc::clone(&upstream);
        let daemon = Self {
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            sessions: TaskTracker::new(),
            late: TaskTracker::new(),
            pages: TaskTracker::new(),
            store: store.clone(),
            drain_deadline: config.node.drain_deadline,
        };
        let houses = watch::channel(Arc::clone(&house)).1;
        let relay: WiredRelay = Relay::new(Parts {
            house: houses.clone(),
            store: Arc::new(store.clone()),
            upstream,
            clock: SystemClock,
            metrics: Arc::clone(&metrics),
            deadlines: Deadlines { reply: config.node.reply_deadline, ..Deadlines::default() },
            late: daemon.late.clone(),
        });
        let stop = daemon.closing.clone();
        daemon.pages.spawn(async move { idle.close_idle(stop).await });
        let stop = daemon.closing.clone();
        daemon.pages.spawn(upkeep::watch(store.clone(), Arc::clone(&metrics), stop));
        let stop = daemon.closing.clone();
        daemon.pages.spawn(survey::run(store.clone(), houses, Arc::clone(&metrics), stop));
        let stop = daemon.closing.clone();
        daemon.pages.spawn(upkeep::remind(Arc::clone(&house), stop));
        let stop = daemon.closing.clone();
        daemon.pages.spawn(upkeep::run(store.clone(), config.clone(), house, prepared, stop));
        daemon.start_pages(config, keyring, &metrics).await?;
        daemon.start_listeners(config, relay, &metrics).await?;
        info!(node = %config.node.id, "ready");
        Ok(daemon)
    }

    /// Stops as the module describes; returns when all is done or the deadline has passed.
    pub async fn stop(self) {
        self.draining.cancel();
        info!(
            sessions = self.sessions.len(),
            copies = self.late.len(),
            deadline = ?self.drain_deadline,
            "stopping; a second signal stops at once"
        );
        self.sessions.close();
        self.late.close();
        let drained = async {
            self.sessions.wait().await;
            self.late.wait().await;
        };
        if tokio::time::timeout(self.drain_deadline, drained).await.is_err() {
            warn!(
                sessions = self.sessions.len(),
                copies = self.late.len(),
                "stopped with work under way"
            );
        }
        self.closing.cancel();
        self.pages.close();
        if tokio::time::timeout(Duration::from_secs(5), self.pages.wait()).await.is_err() {
            warn!(pages = self.pages.len(), "stopped with pages being served");
        }
        if self.store.close(Duration::from_secs(10)).await.is_err() {
            warn!("stopped before the store had closed");
        }
        info!("stopped");
    }
}

fn open_store(config: &Config, keyring: &Keyring, metrics: &Arc<Metrics>) -> anyhow::Result<Store> {
    let mut settings = store::Settings::new(&config.store.path, config.node.id.clone());
    settings.keyring = Some(keyring.fingerprint());
    settings.busy_timeout = config.store.busy_timeout;
    settings.metrics = Some(Arc::clone(metrics));
    Store::open(settings).context("cannot start the store's threads")
}

/// Waits for SIGTERM or SIGINT.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        // Without a handler for SIGTERM, Ctrl-C still stops in order.
        let _ = interrupted.await;
        return;
    };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
}
