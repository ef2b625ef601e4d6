//! Upkeep of what can be proven: signing the journal, remembering how far the store had come,
//! deleting what was kept long enough.
//!
//! None of it is on any message's way; what fails is said in the log and tried again.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::SystemClock;
use super::generation::Generation;
use crate::base::{Signer, Timestamp};
use crate::config::{RetentionConfig, StoreConfig, TermConfig};
use crate::relay::ports::{Clock as _, Hold, StoreError};
use crate::store::{Checkpoint, Cutoffs, Health, Store};
use crate::telemetry::{HoldCause, Metrics, events};

const LOOK_EVERY: Duration = Duration::from_secs(2);
const RETAIN_EVERY: Duration = Duration::from_hours(24);
const RETAIN_FIRST_AFTER: Duration = Duration::from_mins(5);
const RETRY: Duration = Duration::from_mins(10);

/// Looks every two seconds how far the store has come: remembers it outside the database, shows
/// what holds marketing back, and signs what is due. Signs once more at the end.
pub(super) async fn watch(
    store: Store,
    generations: watch::Receiver<Arc<Generation>>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let mut keeper = Keeper::new(store, metrics, &generations.borrow());
    loop {
        let config = generations.borrow().config.store.clone();
        keeper.look(&config).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => break,
        }
    }
    let config = generations.borrow().config.store.clone();
    keeper.sign_if(&config, 1, Duration::ZERO).await;
}

struct Keeper {
    store: Store,
    metrics: Arc<Metrics>,
    signer: Arc<Signer>,
    signed_at: Instant,
    /// Signed states the file could not take yet.
    unwritten: Vec<Checkpoint>,
    complaint: Option<String>,
}

impl Keeper {
    fn new(store: Store, metrics: Arc<Metrics>, generation: &Generation) -> Self {
        let signer = Arc::new(Signer::live(&generation.keyring));
        let (signed_at, unwritten) = (Instant::now(), Vec::new());
        Self { store, metrics, signer, signed_at, unwritten, complaint: None }
    }

    async fn look(&mut self, config: &StoreConfig) {
        if matches!(self.store.health(), Health::Usable) {
            let kept = self.store.keep_high_water().await;
            self.complain("the marks of the store were not kept", kept.err());
            self.sign_if(config, config.checkpoint_entries, config.checkpoint_every).await;
        }
        let cause = self.store.hold().map(cause);
        let why = self.store.hold_in_words().unwrap_or_default();
        events::HoldObserved { cause, why: &why }.emit(&self.metrics);
    }

    /// Says what goes wrong once, until it goes right or wrong in another way.
    fn complain(&mut self, what: &str, error: Option<StoreError>) {
        let complaint = error.map(|error| error.to_string());
        if let Some(error) = complaint.as_ref().filter(|_| complaint != self.complaint) {
            warn!(error, "{what}");
        }
        self.complaint = complaint;
    }

    /// Signs if so many entries are unsigned, or any since so long.
    async fn sign_if(&mut self, config: &StoreConfig, entries: u64, since: Duration) {
        let Ok(signed) = self.store.signed().await else { return };
        let unsigned = signed.head.saturating_sub(signed.last);
        events::JournalUnsigned { entries: unsigned }.emit(&self.metrics);
        let is_due = unsigned >= entries || (unsigned > 0 && self.signed_at.elapsed() >= since);
        if is_due {
            match self.store.checkpoint(Arc::clone(&self.signer)).await {
                Ok(checkpoint) => {
                    self.signed_at = Instant::now();
                    self.unwritten.extend(checkpoint);
                }
                Err(error) => warn!(%error, "the journal was not signed"),
            }
        }
        self.write(config.checkpoints.clone()).await;
    }

    /// Hands signed states over to the file they are kept in.
    async fn write(&mut self, file: Option<PathBuf>) {
        let Some(file) = file else {
            self.unwritten.clear();
            return;
        };
        if self.unwritten.is_empty() {
            return;
        }
        let lines: String = self.unwritten.iter().map(|one| one.to_line() + "\n").collect();
        let appending = tokio::task::spawn_blocking({
            let file = file.clone();
            move || append(&file, &lines)
        });
        match appending.await {
            Ok(Ok(())) => {
                debug!(checkpoints = self.unwritten.len(), "signed states were kept");
                self.unwritten.clear();
            }
            Ok(Err(error)) => {
                let file = file.display();
                warn!(%file, %error, "signed states of the journal were not kept");
            }
            Err(error) => warn!(%error, "signed states of the journal were not kept"),
        }
    }
}

const fn cause(hold: Hold) -> HoldCause {
    match hold {
        Hold::Restored => HoldCause::Restore,
        Hold::ClockBack | Hold::ClockBeforeBuild => HoldCause::Clock,
    }
}

fn append(file: &Path, lines: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

/// Deletes once a day what was kept long enough.
pub(super) async fn retain(
    store: Store,
    generations: watch::Receiver<Arc<Generation>>,
    stop: CancellationToken,
) {
    let mut pause = RETAIN_FIRST_AFTER;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        let retention = generations.borrow().config.store.retention;
        // A clock that cannot be trusted must not make anything old.
        if store.hold().is_some() {
            pause = RETRY;
            continue;
        }
        let retaining = store.retain(cutoffs(&retention, SystemClock.now()));
        let retained = tokio::select! {
            retained = retaining => retained,
            () = stop.cancelled() => return,
        };
        pause = match retained {
            Ok(retained) => {
                if retained.total() > 0 {
                    info!(payloads = retained.total(), "deleted payloads kept long enough");
                }
                RETAIN_EVERY
            }
            Err(error) => {
                warn!(%error, "payloads kept long enough were not all deleted");
                RETRY
            }
        };
    }
}

/// What `retention` lets go at `now`.
pub(crate) fn cutoffs(retention: &RetentionConfig, now: Timestamp) -> Cutoffs {
    let moment = |term: TermConfig| term.before(now.date()).map(Timestamp::from_date);
    let RetentionConfig { decisions, outcomes, service, strangers } = *retention;
    let terms = [
        ("decisions", decisions),
        ("outcomes", outcomes),
        ("service", service),
        ("strangers", strangers),
    ];
    let terms: BTreeMap<String, String> =
        terms.into_iter().map(|(rule, term)| (rule.to_owned(), term.to_string())).collect();
    Cutoffs {
        decisions: moment(decisions),
        outcomes: moment(outcomes),
        service: moment(service),
        strangers: moment(strangers),
        terms,
    }
}
