//! Looking round for metrics that no event changes: leases, file sizes, mail never tried again.
//!
//! It only reads and shows; what to do about it is the operator's, told by the alert rules.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::SystemClock;
use crate::base::{StreamId, Timestamp};
use crate::pipeline::{Enforce, House};
use crate::relay::ports::Clock as _;
use crate::store::Store;
use crate::telemetry::{Metrics, StoreFile, events};

const GLANCE_EVERY: Duration = Duration::from_secs(30);
/// Walking the ledger costs more than a glance.
const COUNT_EVERY: Duration = Duration::from_mins(10);
const COUNT_FIRST_AFTER: Duration = Duration::from_secs(10);
/// Mailers that queue try again within minutes, the slowest within some hours.
const RETRY_EXPECTED_WITHIN: Duration = Duration::from_hours(6);

/// Looks round until `stop`.
pub(super) async fn run(
    store: Store,
    houses: watch::Receiver<Arc<House>>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let mut glances = interval(GLANCE_EVERY);
    let mut counts = interval_at(Instant::now() + COUNT_FIRST_AFTER, COUNT_EVERY);
    for ticks in [&mut glances, &mut counts] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            _ = glances.tick() => {
                show_leases(&houses.borrow().clone(), SystemClock.now(), &metrics);
                show_sizes(&store.settings().path, &metrics);
            }
            _ = counts.tick() => count_never_retried(&store, &metrics).await,
            () = stop.cancelled() => return,
        }
    }
}

fn show_leases(house: &House, now: Timestamp, metrics: &Metrics) {
    let leases: Vec<(StreamId, Timestamp)> = house
        .streams
        .iter()
        .filter(|stream| stream.enforcement(now) != Enforce::All)
        .map(|stream| (stream.id.clone(), stream.lease().until))
        .collect();
    events::LeasesObserved { leases: &leases, at: now }.emit(metrics);
}

fn show_sizes(database: &Path, metrics: &Metrics) {
    let log = PathBuf::from(format!("{}-wal", database.display()));
    for (file, path) in [(StoreFile::Database, database), (StoreFile::Log, log.as_path())] {
        // A log that is not there is an empty one; a database that is not there is told by
        // `consentry_store_usable`.
        let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
        events::StoreMeasured { file, bytes }.emit(metrics);
    }
}

async fn count_never_retried(store: &Store, metrics: &Metrics) {
    let now = SystemClock.now().as_millis();
    let patience = i64::try_from(RETRY_EXPECTED_WITHIN.as_millis()).unwrap_or(i64::MAX);
    match store.never_retried(Timestamp::from_millis(now - patience)).await {
        Ok(recipients) => events::NeverRetried { recipients }.emit(metrics),
        Err(error) => warn!(%error, "recipients never tried again were not counted"),
    }
}
