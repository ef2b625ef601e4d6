//! The thread that writes: everything waiting at a wake-up becomes one durable transaction.
//!
//! Each call has a savepoint of its own, so that the fault of one does not hurt its neighbours.
//! Nobody is answered before the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};

use super::connect::Opened;
use super::door::{Door, Purpose};
use super::fault::{Fault, Reach};
use super::import::{self, Folding};
use super::job::WriteJob;
use super::journal::Writing;
use super::shared::{Shared, lock};
use crate::relay::ports::StoreError;
use crate::telemetry::events;

/// Calls per transaction.
const CALLS_MAX: usize = 256;

type Jobs = Vec<Box<dyn WriteJob>>;

/// Runs until the queue is closed and empty. Tells `tried` after the first attempt to open.
pub(super) fn run(shared: &Arc<Shared>, tried: &SyncSender<()>) {
    let door = Door::new(Arc::clone(shared), Purpose::Write);
    let mut desk = Desk { shared, door, openings_tidied: 0 };
    let mut seen = 0;
    desk.door.open_if_due();
    // Whoever started the store may have stopped waiting.
    let _ = tried.try_send(());
    desk.serve(Vec::new());
    while let Some(jobs) = shared.writes.take(CALLS_MAX, desk.door.patience(), &mut seen) {
        let served = catch_unwind(AssertUnwindSafe(|| desk.serve(jobs)));
        if served.is_err() {
            desk.door.shut("a fault in the program ended its transaction");
        }
    }
    if desk.door.opened().is_some() {
        desk.serve(Vec::new());
    }
    if let Some(opened) = desk.door.opened() {
        // Marks left behind are behind by no more than what upkeep had not seen yet.
        let _ = shared.guard.save_last(&opened.connection, &shared.settings);
    }
    // The last connection to close copies the log into the file; two that close at once both
    // believe that the other is still there.
    for reader in std::mem::take(&mut *lock(&shared.readers)) {
        // A reader that panicked has ended too.
        let _ = reader.join();
    }
}

struct Desk<'a> {
    shared: &'a Arc<Shared>,
    door: Door,
    /// The opening after which imports left unfinished were looked for.
    openings_tidied: u64,
}

impl Desk<'_> {
    fn serve(&mut self, mut jobs: Jobs) {
        let shared = self.shared;
        self.door.open_if_due();
        let has_work = !jobs.is_empty()
            || shared.has_leftovers()
            || !shared.writer_lamp.is_well()
            || !self.is_tidy();
        let Some(opened) = self.door.opened() else {
            return answer(jobs, &Err(StoreError::Unavailable(self.door.reason())));
        };
        if !has_work {
            return;
        }
        let committed = opened.watch.check().and_then(|()| {
            transact(shared, &mut opened.connection, |writing| perform_all(writing, &mut jobs))
        });
        match &committed {
            Ok(()) => self.door.praise(),
            Err(fault) => self.door.blame(fault),
        }
        answer(jobs, &committed.as_ref().map(|&()| ()).map_err(StoreError::from));
        if committed.is_ok() && !self.is_tidy() {
            self.tidy();
        }
    }

    fn is_tidy(&self) -> bool {
        self.openings_tidied == self.shared.openings.load(Ordering::Acquire)
    }

    /// Folds what an import brought that was completed by a process that ended too early.
    fn tidy(&mut self) {
        let Some(opened) = self.door.opened() else { return };
        match finish_imports(self.shared, opened) {
            Err(fault) if fault.reach() != Reach::Call => self.door.blame(&fault),
            // A damaged piece stays unfolded: it permits nothing, and `verify` tells of it.
            Ok(()) | Err(_) => {
                self.openings_tidied = self.shared.openings.load(Ordering::Acquire);
            }
        }
    }
}

fn finish_imports(shared: &Arc<Shared>, opened: &mut Opened) -> Result<(), Fault> {
    loop {
        let mut folding = Folding::Finished;
        transact(shared, &mut opened.connection, |writing| {
            folding = import::fold_complete(writing.connection())?;
            Ok(())
        })?;
        if folding == Folding::Finished {
            return Ok(());
        }
    }
}

fn answer(jobs: Jobs, committed: &Result<(), StoreError>) {
    for job in jobs {
        job.answer(committed.clone());
    }
}

/// Runs `work` in one transaction that is on disk when this returns `Ok`.
fn transact(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    work: impl FnOnce(&mut Writing<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let began = Instant::now();
    // The write lock is taken first: nobody appends to the chain between reading and writing it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writing = Writing::begin(&transaction, &shared.writer, shared.settings.clock.now())?;
    let leftovers = shared.write_leftovers(&mut writing)?;
    work(&mut writing)?;
    let latest = writing.head().at;
    writing.finish()?;
    transaction.commit()?;
    shared.guard.saw_entry(latest);
    leftovers.keep();
    if let Some(metrics) = &shared.settings.metrics {
        events::StoreCommitted { took: began.elapsed() }.emit(metrics);
    }
    Ok(())
}

fn perform_all(writing: &mut Writing<'_>, jobs: &mut Jobs) -> Result<(), Fault> {
    for job in jobs.iter_mut() {
        if job.is_abandoned() {
            continue;
        }
        let head = writing.head();
        run_cached(writing.connection(), "SAVEPOINT call")?;
        match job.perform(writing) {
            Ok(()) => run_cached(writing.connection(), "RELEASE call")?,
            Err(fault) if fault.reach() == Reach::Call => {
                run_cached(writing.connection(), "ROLLBACK TO call")?;
                run_cached(writing.connection(), "RELEASE call")?;
                writing.rewind(head);
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

fn run_cached(connection: &Connection, sql: &str) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
