//! The thread that writes: everything waiting at a wake-up becomes one durable transaction.
//!
//! Each call has a savepoint of its own, so that the fault of one does not hurt its neighbours.
//! Nobody is answered before the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rusqlite::{Connection, TransactionBehavior};

use super::connect::Opened;
use super::door::{Door, Purpose};
use super::fault::{Fault, Reach};
use super::import::{self, Folding};
use super::job::WriteJob;
use super::journal::Writing;
use super::shared::Shared;
use crate::relay::ports::StoreError;

/// Calls per transaction.
const CALLS_MAX: usize = 256;

type Jobs = Vec<Box<dyn WriteJob>>;

/// Runs until the queue is closed and empty. Tells `tried` after the first attempt to open.
pub(super) fn run(shared: &Arc<Shared>, tried: &SyncSender<()>) {
    let mut door = Door::new(Arc::clone(shared), Purpose::Write);
    let mut seen = 0;
    open(shared, &mut door);
    // Whoever started the store may have stopped waiting.
    let _ = tried.try_send(());
    while let Some(jobs) = shared.writes.take(CALLS_MAX, door.patience(), &mut seen) {
        let served = catch_unwind(AssertUnwindSafe(|| serve(shared, &mut door, jobs)));
        if served.is_err() {
            door.shut("a fault in the program ended its transaction");
        }
    }
    if door.opened().is_some() && shared.has_leftovers() {
        serve(shared, &mut door, Vec::new());
    }
}

fn open(shared: &Arc<Shared>, door: &mut Door) {
    if door.opened().is_some() {
        return;
    }
    door.open_if_due();
    let Some(opened) = door.opened() else { return };
    // An import may have been completed by a process that ended before it folded everything.
    if let Err(fault) = finish_imports(shared, opened) {
        door.blame(&fault);
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

fn serve(shared: &Arc<Shared>, door: &mut Door, mut jobs: Jobs) {
    open(shared, door);
    let has_work = !jobs.is_empty() || shared.has_leftovers() || !shared.writer_lamp.is_well();
    let Some(opened) = door.opened() else {
        return answer(jobs, &Err(StoreError::Unavailable(door.reason())));
    };
    if !has_work {
        return;
    }
    let committed = opened.watch.check().and_then(|()| {
        transact(shared, &mut opened.connection, |writing| perform_all(writing, &mut jobs))
    });
    match &committed {
        Ok(()) => door.praise(),
        Err(fault) => door.blame(fault),
    }
    answer(jobs, &committed.as_ref().map(|&()| ()).map_err(StoreError::from));
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
    // The write lock is taken first: nobody appends to the chain between reading and writing it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writing = Writing::begin(&transaction, &shared.writer, shared.settings.clock.now())?;
    let leftovers = shared.write_leftovers(&mut writing)?;
    work(&mut writing)?;
    writing.finish()?;
    transaction.commit()?;
    leftovers.keep();
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
