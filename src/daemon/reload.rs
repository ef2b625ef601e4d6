//! Reload: another configuration for the running process, or none of it.
//!
//! Everything is read, checked and built first; only then is it swapped in, one pointer per
//! room. Transactions under way finish under what they began with. A file that is wrong changes
//! nothing, and whoever asked is told why.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::certificates::Snapshot;
use super::doors::{Doors, DoorsPlan};
use super::generation::Generation;
use super::{personal_data, service, upkeep, upstream};
use crate::http::operations::ReloadRequest;
use crate::http::public;
use crate::outbound;
use crate::pipeline::House;
use crate::store::Store;
use crate::telemetry::{LogControl, Metrics, ReloadResult, events};

/// How often certificate files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where the rooms look for what they serve under.
pub(super) struct Rooms {
    /// The relay's.
    pub(super) house: watch::Sender<Arc<House>>,
    /// The public pages'.
    pub(super) site: watch::Sender<Arc<public::Settings>>,
    /// The listeners'.
    pub(super) doors: Doors,
    /// The way to the upstream.
    pub(super) upstream: Arc<outbound::Pool>,
    /// Upkeep's.
    pub(super) generation: watch::Sender<Arc<Generation>>,
}

/// Reloads when asked to.
pub(super) struct Reloader {
    /// The file; `None` where there is none, as in a demonstration.
    pub(super) path: Option<PathBuf>,
    /// What must know new scopes first.
    pub(super) store: Store,
    /// Where the result goes.
    pub(super) rooms: Rooms,
    /// Where it is counted.
    pub(super) metrics: Arc<Metrics>,
    /// What it may change of the log.
    pub(super) log: Option<LogControl>,
}

impl Reloader {
    /// Answers `requests` and SIGHUP until `stop`.
    pub(super) async fn run(
        self,
        mut requests: mpsc::Receiver<ReloadRequest>,
        mut hangups: service::Hangups,
        stop: CancellationToken,
    ) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut files = Snapshot::of(&self.rooms.generation.borrow().config);
        loop {
            let request = tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => Some(request),
                    None => return,
                },
                () = hangups.next() => None,
                _ = looks.tick() => {
                    self.renew(&mut files);
                    continue;
                }
                () = stop.cancelled() => return,
            };
            service::reloading();
            let seen = Snapshot::of(&self.rooms.generation.borrow().config);
            let result = self.reload().await;
            if result.is_ok() {
                // What changed since, or belongs to a refused file, is looked at again.
                files = seen;
            }
            service::ready(self.rooms.generation.borrow().house.generation);
            self.tell(&result);
            if let Some(request) = request {
                // Whoever asked may have gone; the log has the result.
                let _ = request.send(result);
            }
        }
    }

    fn tell(&self, result: &Result<u64, String>) {
        let generation = self.rooms.generation.borrow().house.generation;
        let label = match result {
            Ok(_) => ReloadResult::Succeeded,
            Err(why) => {
                error!(why, "the configuration cannot be served");
                ReloadResult::Refused
            }
        };
        events::ReloadFinished { result: label, generation }.emit(&self.metrics);
        self.show_certificates();
    }

    /// Shows when the certificates in use end.
    pub(super) fn show_certificates(&self) {
        for (role, not_after) in self.rooms.doors.certificate_ends() {
            events::CertificateSeen { role: &role, not_after }.emit(&self.metrics);
        }
    }

    /// Serves renewed certificates. A pair that does not fit, as while one of its two files is
    /// replaced, leaves the old one in use until the files change again.
    fn renew(&self, files: &mut Snapshot) {
        let generation = Arc::clone(&self.rooms.generation.borrow());
        let now = Snapshot::of(&generation.config);
        if now == *files {
            return;
        }
        *files = now;
        let config = &generation.config;
        let planned = self.rooms.doors.plan(config);
        match planned.and_then(|plan| Ok((plan, upstream::settings(config)?))) {
            Ok((plan, upstream)) => {
                self.rooms.doors.apply(plan);
                self.rooms.upstream.replace(upstream);
                info!("certificates renewed");
                self.show_certificates();
            }
            Err(error) => {
                let error = format!("{error:#}");
                warn!(error, "certificate files changed and cannot be used, the old ones stay");
            }
        }
    }

    async fn reload(&self) -> Result<u64, String> {
        let Some(path) = self.path.clone() else {
            return Err("there is no configuration file to reload".to_owned());
        };
        let current = Arc::clone(&self.rooms.generation.borrow());
        let number = current.house.generation + 1;
        // Reading files may take as long as the disk likes; sessions go on meanwhile.
        let reading = tokio::task::spawn_blocking(move || Generation::read(&path, number));
        let next = match reading.await {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => return Err(format!("{error:#}")),
            Err(failure) => return Err(failure.to_string()),
        };
        current.needs_restart(&next).map_err(|error| error.to_string())?;
        let plan = self.rooms.doors.plan(&next.config).map_err(|error| format!("{error:#}"))?;
        let next = Arc::new(next);
        // Tokens need the numbers of new scopes. Without a store there is no marketing, and
        // upkeep tries again.
        let _ = upkeep::first(&self.store, &next).await;
        self.swap(&next, plan);
        Ok(number)
    }

    /// The house goes first: a session admitted under the new settings finds its client in it,
    /// and one whose client is gone is told to connect again.
    fn swap(&self, next: &Arc<Generation>, plan: DoorsPlan) {
        self.rooms.house.send_replace(Arc::clone(&next.house));
        self.rooms.doors.apply(plan);
        self.rooms.upstream.replace(next.upstream.clone());
        if let Some(log) = &self.log {
            log.set_personal_data(personal_data(&next.config.log));
            if let Err(error) = log.set_filter(&next.config.log.filter) {
                warn!(%error, "the log filter stays as it was");
            }
        }
        self.rooms.site.send_replace(Arc::new(next.site()));
        self.rooms.generation.send_replace(Arc::clone(next));
    }
}
