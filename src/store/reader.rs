//! The threads that read: everything waiting at a wake-up is answered from one snapshot.
//!
//! The snapshot begins after the wake-up, so after each of the calls in it: an objection that
//! was acknowledged before a call is always seen by it (promise P2).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rusqlite::TransactionBehavior;

use super::connect::Opened;
use super::door::{Door, Purpose};
use super::fault::{Fault, Reach};
use super::job::ReadJob;
use super::shared::Shared;
use crate::relay::ports::StoreError;

/// Calls per snapshot.
const CALLS_MAX: usize = 256;

type Jobs = Vec<Box<dyn ReadJob>>;

/// Runs until the queue is closed and empty. Tells `tried` after the first attempt to open.
pub(super) fn run(shared: &Arc<Shared>, reader: usize, tried: &SyncSender<()>) {
    let mut door = Door::new(Arc::clone(shared), Purpose::Read(reader));
    let mut seen = 0;
    door.open_if_due();
    // Whoever started the store may have stopped waiting.
    let _ = tried.try_send(());
    while let Some(jobs) = shared.reads.take(CALLS_MAX, door.patience(), &mut seen) {
        let served = catch_unwind(AssertUnwindSafe(|| serve(&mut door, jobs)));
        if served.is_err() {
            door.shut("a fault in the program ended its reading");
        }
    }
}

fn serve(door: &mut Door, jobs: Jobs) {
    door.open_if_due();
    let Some(opened) = door.opened() else {
        let error = StoreError::Unavailable(door.reason());
        return refuse(jobs, &error);
    };
    if jobs.is_empty() {
        return;
    }
    match answer_all(opened, jobs) {
        Ok(()) => door.praise(),
        Err(fault) => door.blame(&fault),
    }
}

fn answer_all(opened: &mut Opened, jobs: Jobs) -> Result<(), Fault> {
    let mut jobs = jobs.into_iter();
    let fault = match answer_each(opened, &mut jobs) {
        Ok(()) => return Ok(()),
        Err(fault) => fault,
    };
    refuse(jobs.collect(), &StoreError::from(&fault));
    Err(fault)
}

fn answer_each(
    opened: &mut Opened,
    jobs: &mut impl Iterator<Item = Box<dyn ReadJob>>,
) -> Result<(), Fault> {
    opened.watch.check()?;
    let behavior = TransactionBehavior::Deferred;
    let snapshot = opened.connection.transaction_with_behavior(behavior)?;
    for job in jobs.filter(|job| !job.is_abandoned()) {
        match job.answer(&snapshot) {
            Err(fault) if fault.reach() != Reach::Call => return Err(fault),
            Ok(()) | Err(_) => {}
        }
    }
    snapshot.commit()?;
    Ok(())
}

fn refuse(jobs: Jobs, error: &StoreError) {
    for job in jobs {
        job.refuse(error.clone());
    }
}
