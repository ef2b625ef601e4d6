//! What callers and the store's threads share: queues, lamps, and what must not be lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::fault::{Fault, Reach};
use super::guard::Guard;
use super::job::{ReadJob, WriteJob};
use super::journal::{EntryKind, Payload, Writer, Writing};
use super::queue::Queue;
use super::settings::Settings;
use super::{decisions, ledger, row};
use crate::pipeline::FateKey;
use crate::relay::ports::{DecisionRow, StoreError};

/// Attempts whose claims may wait for their release. Those beyond it end by their time.
const RELEASES_MAX: usize = 10_000;

/// How many threads read.
pub(super) const READERS: usize = 2;

/// Shows whether one thread has its connection open, and why not.
pub(super) struct Lamp {
    is_open: AtomicBool,
    is_failing: AtomicBool,
    reason: Mutex<String>,
}

impl Lamp {
    fn new() -> Self {
        let reason = Mutex::new("it is not open yet".to_owned());
        Self { is_open: AtomicBool::new(false), is_failing: AtomicBool::new(false), reason }
    }

    /// Whether the connection is open.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Whether the connection is open and the last transaction went through.
    pub(super) fn is_well(&self) -> bool {
        self.is_open() && !self.is_failing.load(Ordering::Acquire)
    }

    /// The connection is open and answers.
    pub(super) fn shine(&self) {
        self.is_failing.store(false, Ordering::Release);
        self.is_open.store(true, Ordering::Release);
    }

    /// The connection is open and did not answer.
    pub(super) fn flicker(&self, fault: &Fault) {
        *lock(&self.reason) = fault.to_string();
        self.is_failing.store(true, Ordering::Release);
    }

    /// The connection is not open.
    pub(super) fn darken(&self, reason: &str) {
        reason.clone_into(&mut lock(&self.reason));
        self.is_open.store(false, Ordering::Release);
    }

    /// Why it is not well.
    pub(super) fn reason(&self) -> String {
        lock(&self.reason).clone()
    }
}

/// Claims to be released: their attempt's caller never learnt that it had them.
struct Release {
    attempt: i64,
    keys: Vec<FateKey>,
}

/// What callers and threads share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) writer: Writer,
    pub(super) writes: Queue<Box<dyn WriteJob>>,
    pub(super) reads: Queue<Box<dyn ReadJob>>,
    pub(super) writer_lamp: Lamp,
    pub(super) reader_lamps: [Lamp; READERS],
    /// How often the writer opened the file; readers try again when it grows.
    pub(super) openings: AtomicU64,
    /// The threads that read; the writer outlives them.
    pub(super) readers: Mutex<Vec<JoinHandle<()>>>,
    /// Whether database and clock may be believed.
    pub(super) guard: Guard,
    attempts: AtomicI64,
    releases: Mutex<Vec<Release>>,
    /// Notes on their way, by number, and when they set out.
    notes: Mutex<BTreeMap<u64, Instant>>,
    notes_begun: AtomicU64,
    notes_lost: AtomicU64,
    notes_lost_total: AtomicU64,
}

impl Shared {
    /// The state of a store not open yet.
    pub(super) fn new(settings: Settings) -> Result<Self, Fault> {
        let writer = Writer { node: settings.node.clone(), boot: row::fresh_salt()? };
        Ok(Self {
            writer,
            writes: Queue::new(settings.queue_max),
            reads: Queue::new(settings.queue_max),
            writer_lamp: Lamp::new(),
            reader_lamps: std::array::from_fn(|_| Lamp::new()),
            openings: AtomicU64::new(0),
            readers: Mutex::default(),
            guard: Guard::default(),
            attempts: AtomicI64::new(0),
            releases: Mutex::default(),
            notes: Mutex::default(),
            notes_begun: AtomicU64::new(0),
            notes_lost: AtomicU64::new(0),
            notes_lost_total: AtomicU64::new(0),
            settings,
        })
    }

    /// Service messages whose journal row was lost since the start.
    pub(super) fn notes_lost_total(&self) -> u64 {
        self.notes_lost_total.load(Ordering::Relaxed)
    }

    /// How many notes are on their way, and how long the oldest has been.
    pub(super) fn notes_waiting(&self) -> (usize, Option<Duration>) {
        let notes = lock(&self.notes);
        (notes.len(), notes.first_key_value().map(|(_, since)| since.elapsed()))
    }

    /// Whether there is something to write that no caller waits for.
    pub(super) fn has_leftovers(&self) -> bool {
        self.notes_lost.load(Ordering::Acquire) > 0 || !lock(&self.releases).is_empty()
    }

    /// Writes what no caller waits for. What was taken must be handed to [`Leftovers::keep`]
    /// once it is committed, else it is put back.
    pub(super) fn write_leftovers(
        self: &Arc<Self>,
        writing: &mut Writing<'_>,
    ) -> Result<Leftovers, Fault> {
        let leftovers = Leftovers {
            releases: std::mem::take(&mut *lock(&self.releases)),
            notes_lost: self.notes_lost.swap(0, Ordering::AcqRel),
            shared: Arc::clone(self),
        };
        for Release { attempt, keys } in &leftovers.releases {
            for key in keys {
                match ledger::release(writing.connection(), key, &self.writer, *attempt) {
                    Err(fault) if fault.reach() != Reach::Call => return Err(fault),
                    // A damaged row keeps its claim; it must not keep everybody from writing.
                    Ok(()) | Err(_) => {}
                }
            }
        }
        if leftovers.notes_lost > 0 {
            let body =
                serde_json::json!({ "service_messages_lost": leftovers.notes_lost }).to_string();
            let payload = Payload { body: body.as_bytes(), ..Payload::default() };
            writing.enter_payload(EntryKind::Gap, writing.now(), &payload)?;
        }
        Ok(leftovers)
    }

    /// A number that tells an attempt's claims from others of this process.
    pub(super) fn next_attempt(&self) -> i64 {
        self.attempts.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A lease for the claims an attempt has just written.
    pub(super) fn lease(self: &Arc<Self>, attempt: i64, keys: Vec<FateKey>) -> Lease {
        Lease { shared: Arc::clone(self), attempt, keys }
    }

    /// A service message on its way to the journal; `None`, and counted, if too many wait.
    pub(super) fn note(self: &Arc<Self>, row: DecisionRow) -> Option<Note> {
        let number = self.notes_begun.fetch_add(1, Ordering::Relaxed);
        let note = Note { shared: Arc::clone(self), row, number, is_written: false };
        let mut notes = lock(&self.notes);
        let waiting = notes.len();
        notes.insert(number, Instant::now());
        drop(notes);
        // Half of the queue is for callers who wait: objections and permits.
        (waiting < self.settings.queue_max.div_ceil(2)).then_some(note)
    }
}

/// What was taken to be written without a caller; put back when dropped.
pub(super) struct Leftovers {
    shared: Arc<Shared>,
    releases: Vec<Release>,
    notes_lost: u64,
}

impl Leftovers {
    /// It is durable now.
    pub(super) fn keep(mut self) {
        self.releases.clear();
        self.notes_lost = 0;
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        lock(&self.shared.releases).append(&mut self.releases);
        self.shared.notes_lost.fetch_add(self.notes_lost, Ordering::AcqRel);
    }
}

/// Claims on their way to the attempt that asked for them.
///
/// A caller who gave up, or a commit that failed without saying whether it happened, drops the
/// lease unaccepted; the claims are then released, or else no retry could get past them.
pub(super) struct Lease {
    shared: Arc<Shared>,
    attempt: i64,
    keys: Vec<FateKey>,
}

impl Lease {
    /// The attempt has its claims and will settle them.
    pub(super) fn accept(mut self) {
        self.keys.clear();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let keys = std::mem::take(&mut self.keys);
        let mut releases = lock(&self.shared.releases);
        if releases.len() < RELEASES_MAX {
            releases.push(Release { attempt: self.attempt, keys });
        }
        drop(releases);
        self.shared.writes.wake();
    }
}

/// A service message on its way to the journal. Counted as lost unless it arrives.
pub(super) struct Note {
    shared: Arc<Shared>,
    row: DecisionRow,
    number: u64,
    is_written: bool,
}

impl WriteJob for Note {
    fn is_abandoned(&self) -> bool {
        false
    }

    fn perform(&mut self, writing: &mut Writing<'_>) -> Result<(), Fault> {
        decisions::enter(writing, EntryKind::Service, &self.row)?;
        self.is_written = true;
        Ok(())
    }

    fn answer(mut self: Box<Self>, committed: Result<(), StoreError>) {
        self.is_written &= committed.is_ok();
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        lock(&self.shared.notes).remove(&self.number);
        if !self.is_written {
            self.shared.notes_lost.fetch_add(1, Ordering::AcqRel);
            self.shared.notes_lost_total.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
