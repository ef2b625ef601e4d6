//! What must be done once the store is usable, and what must be done every hour.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::SystemClock;
use super::generation::Generation;
use crate::classify::Approval;
use crate::eligibility::Scope;
use crate::pipeline::Enforce;
use crate::relay::ports::{Clock as _, StoreError};
use crate::store::{Act, Health, Store};
use crate::telemetry::{Metrics, StoreState, events};

const JOURNAL_RETRY: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_hours(1);
const WATCH_EVERY: Duration = Duration::from_secs(1);
const REMIND_EVERY: Duration = Duration::from_hours(24);

/// Prepares the store if it is usable now; [`run`] does it later if not.
pub(super) async fn first(store: &Store, generation: &Generation) -> Result<(), StoreError> {
    let prepared = match store.health() {
        Health::Usable => prepare(store, generation).await,
        Health::Degraded(why) => Err(StoreError::Unavailable(why)),
    };
    if let Err(error) = &prepared {
        warn!(%error, "the store is not ready; marketing is held");
    }
    prepared
}

/// Prepares the store for each generation as soon as it is usable, unless [`first`] has, and
/// journals it; in between sweeps the ledger every hour.
pub(super) async fn run(
    store: Store,
    mut generations: watch::Receiver<Arc<Generation>>,
    mut prepared: Result<(), StoreError>,
    stop: CancellationToken,
) {
    loop {
        let generation = Arc::clone(&generations.borrow_and_update());
        while prepared.is_err() {
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = stop.cancelled() => return,
            }
            prepared = prepare(&store, &generation).await;
        }
        while let Err(error) = journal(&store, &generation).await {
            warn!(%error, "the configuration in force is not journalled yet");
            tokio::select! {
                () = tokio::time::sleep(JOURNAL_RETRY) => {}
                () = stop.cancelled() => return,
            }
        }
        tokio::select! {
            () = sweep(&store) => {}
            changed = generations.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
        // What the reload prepared is prepared again: it costs nothing and asks no questions.
        let next = Arc::clone(&generations.borrow());
        prepared = prepare(&store, &next).await;
    }
}

/// Sweeps the ledger every hour, for ever.
async fn sweep(store: &Store) {
    loop {
        match store.sweep(SystemClock.now()).await {
            Ok(0) => {}
            Ok(forgotten) => info!(forgotten, "forgot recipients of messages long untouched"),
            Err(error) => warn!(%error, "the ledger was not swept"),
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// Shows every second whether the store answers, and what of the journal was lost.
pub(super) async fn watch(store: Store, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut lost = 0;
    loop {
        let state = match store.health() {
            Health::Usable => StoreState::Usable,
            Health::Degraded(_) => StoreState::Unusable,
        };
        events::StoreObserved { state }.emit(&metrics);
        let now_lost = store.notes_lost_total();
        if now_lost > lost {
            events::JournalGap { rows: now_lost - lost }.emit(&metrics);
            lost = now_lost;
        }
        let (rows, oldest) = store.notes_waiting();
        events::JournalObserved { rows, oldest }.emit(&metrics);
        tokio::select! {
            () = tokio::time::sleep(WATCH_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Says every day which streams do not enforce everything yet.
pub(super) async fn remind(generations: watch::Receiver<Arc<Generation>>, stop: CancellationToken) {
    loop {
        let house = Arc::clone(&generations.borrow().house);
        let now = SystemClock.now();
        for stream in &house.streams {
            let enforce = stream.enforcement(now);
            if enforce != Enforce::All {
                let until = stream.lease().until;
                warn!(stream = %stream.id, ?enforce, %until, "does not enforce everything yet");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(REMIND_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Every scope a token may name needs its number before the first copy.
async fn prepare(store: &Store, generation: &Generation) -> Result<(), StoreError> {
    let Generation { config, house, .. } = generation;
    let entities = config.entities.iter().map(|entity| Scope::Entity(entity.id.clone()));
    let used = house.streams.iter().flat_map(|s| s.sender.iter().chain(&s.other_senders));
    let mut scopes: Vec<Scope> = entities.chain(used.map(|sender| sender.scope.clone())).collect();
    scopes.sort();
    scopes.dedup();
    store.ensure_scopes(scopes).await.map(|_| ())
}

/// The journal names what decisions were made with (promise P9).
async fn journal(store: &Store, generation: &Generation) -> Result<(), StoreError> {
    let Generation { config, house, .. } = generation;
    store.keep_sources(house.sources()).await?;
    let start = json!({
        "act": if house.generation == 1 { "start" } else { "reload" },
        "generation": house.generation,
        "version": env!("CARGO_PKG_VERSION"),
        "config": config.digest.to_string(),
        "approvals": house.approvals.iter().map(in_short).collect::<Vec<_>>(),
    });
    store.annotate(Act::Config, start.to_string().into_bytes()).await?;
    for set in house.rules.sets() {
        let entry = json!({
            "rule_set": set.id().as_str(),
            "version": set.version(),
            "hash": set.hash().to_string(),
        });
        store.annotate(Act::RuleSet, entry.to_string().into_bytes()).await?;
    }
    Ok(())
}

/// An approved notice as the journal names it.
fn in_short(approval: &Approval) -> serde_json::Value {
    let terms = approval.terms();
    json!({
        "digest": approval.digest(),
        "entity": terms.entity,
        "by": terms.by,
        "until": terms.until,
    })
}
