//! Group commit: what is answered when, and who is hurt by whom.

use std::time::Duration;

use super::{
    Bench, Gate, PATIENCE, attempt, close, denial, ledger, objection, permit, person, until,
    version, waiting,
};
use crate::relay::ports::{Evidences, Journal, RecordError, StoreError};
use crate::store::job::Patience;
use crate::store::{EntryKind, Settings, decisions, verify};

#[tokio::test]
async fn one_commit_serves_all_who_wait_and_a_conflict_hurts_nobody_else() {
    let bench = Bench::new();
    let store = bench.open();
    let gate = Gate::hold(&store).await;
    let calls: Vec<_> = (1..=50)
        .map(|number| {
            // Number 25 was decided on a version that the person never had.
            let decided_on = u64::from(number == 25);
            let batch = attempt(&bench, number, vec![permit(number, decided_on)], &["jane"]);
            let store = store.clone();
            tokio::spawn(async move { store.record(batch).await })
        })
        .collect();
    waiting(&store, 50).await;
    drop(gate);
    for (number, call) in (1..=50).zip(calls) {
        let recorded = call.await.unwrap();
        match number {
            25 => assert_eq!(recorded.unwrap_err(), RecordError::Conflict),
            _ => assert!(recorded.unwrap().journal_head() > 0, "{number}"),
        }
    }
    let moments: (i64, i64, i64) = bench
        .raw()
        .query_row("SELECT count(*), min(at), max(at) FROM journal", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(moments.0, 49);
    assert_eq!(moments.1, moments.2, "all in one transaction");
    close(store).await;
    assert_eq!(verify(&bench.path(), PATIENCE).unwrap().payloads, 49);
}

#[tokio::test]
async fn p1_receipt_comes_only_after_the_commit() {
    let bench = Bench::new();
    let store = bench.open();
    let first = Gate::hold(&store).await;
    let record = tokio::spawn({
        let (store, batch) = (store.clone(), attempt(&bench, 1, vec![permit(1, 0)], &["jane"]));
        async move { store.record(batch).await }
    });
    waiting(&store, 1).await;
    let second = Gate::queue(&store).await;
    drop(first);
    second.entered().await;
    // The decision stands in the open transaction now, and nobody may hear of it.
    let count = || -> i64 {
        bench.raw().query_row("SELECT count(*) FROM payload", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(), 0);
    assert!(!record.is_finished());
    drop(second);
    assert_eq!(record.await.unwrap().unwrap().journal_head(), 1);
    assert_eq!(count(), 1);
}

#[tokio::test]
async fn p1_receipt_survives_a_crash_right_after_it() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 1, vec![permit(1, 0)], &["jane"])).await.unwrap();
    // What a machine that stops here finds on its disk, while the store still runs.
    let crashed = Bench::new();
    for ending in ["", "-wal"] {
        let name = |path: std::path::PathBuf| format!("{}{ending}", path.display());
        std::fs::copy(name(bench.path()), name(crashed.path())).unwrap();
    }
    let found = crashed.open().decision(permit(1, 0).id).await.unwrap().unwrap();
    assert_eq!(found.payload, permit(1, 0).payload);
    assert_eq!(found.permit_version, Some(0));
    assert_eq!((found.node.as_str(), found.seq), ("n1", 1));
}

#[tokio::test]
async fn p2_objection_between_reading_and_recording_makes_a_conflict() {
    let bench = Bench::new();
    let store = bench.open();
    let decided_on = version(&store, 1).await;
    store.append(person(1), objection("2026-02-28")).await.unwrap();
    let late = attempt(&bench, 1, vec![denial(2), permit(1, decided_on)], &["jane"]);
    assert_eq!(store.record(late).await.unwrap_err(), RecordError::Conflict);
    assert_eq!(store.decision(denial(2).id).await.unwrap(), None, "nothing of it is written");
    assert!(!ledger(&store, 1, "jane").await.is_claimed);
    let again = attempt(&bench, 1, vec![permit(1, version(&store, 1).await)], &["jane"]);
    assert!(store.record(again).await.is_ok());
}

#[tokio::test]
async fn p2_acknowledged_objection_is_in_every_later_reading() {
    let bench = Bench::new();
    let store = bench.open();
    let visitor = bench.open_with(bench.settings("n2"));
    for day in 1..=20_u64 {
        store.append(person(1), objection(&format!("2026-01-{day:02}"))).await.unwrap();
        assert_eq!(version(&store, 1).await, day);
        assert_eq!(version(&visitor, 1).await, day);
    }
}

#[tokio::test]
async fn denials_do_not_ask_for_a_version() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), objection("2026-02-28")).await.unwrap();
    assert!(store.record(attempt(&bench, 1, vec![denial(1)], &[])).await.is_ok());
}

#[tokio::test]
async fn p7_permit_about_nobody_is_no_permit() {
    let bench = Bench::new();
    let store = bench.open();
    let mut row = permit(1, 0);
    row.person = None;
    let refused = store.record(attempt(&bench, 1, vec![row], &[])).await.unwrap_err();
    assert_eq!(refused, RecordError::Conflict);
}

fn impatient(bench: &Bench) -> Settings {
    Settings { write_timeout: Duration::from_millis(30), ..bench.settings("n1") }
}

#[tokio::test]
async fn attempt_given_up_before_its_turn_is_never_recorded() {
    let bench = Bench::new();
    let store = bench.open_with(impatient(&bench));
    let gate = Gate::hold(&store).await;
    let batch = attempt(&bench, 1, vec![permit(1, 0)], &["jane"]);
    let given_up = store.record(batch).await.unwrap_err();
    assert_eq!(given_up, RecordError::Store(StoreError::Timeout));
    drop(gate);
    // Once a later write is through, its turn has passed.
    until(async || store.append(person(1), objection("2026-02-28")).await.ok()).await;
    assert_eq!(store.decision(permit(1, 0).id).await.unwrap(), None);
    assert!(!ledger(&store, 1, "jane").await.is_claimed);
}

#[tokio::test]
async fn claims_of_an_attempt_given_up_during_its_commit_are_released() {
    let bench = Bench::new();
    let store = bench.open_with(impatient(&bench));
    let first = Gate::hold(&store).await;
    let batch = attempt(&bench, 1, vec![permit(1, 0)], &["jane", "joan"]);
    let record = tokio::spawn({
        let (store, batch) = (store.clone(), batch.clone());
        async move { store.record(batch).await }
    });
    waiting(&store, 1).await;
    let second = Gate::queue(&store).await;
    drop(first);
    second.entered().await;
    let given_up = record.await.unwrap().unwrap_err();
    assert_eq!(given_up, RecordError::Store(StoreError::Timeout));
    drop(second);
    until(async || store.decision(permit(1, 0).id).await.unwrap()).await;
    until(async || (!ledger(&store, 1, "joan").await.is_claimed).then_some(())).await;
    assert!(until(async || store.record(batch.clone()).await.ok()).await.journal_head() > 1);
}

#[tokio::test]
async fn p2_objection_is_written_even_if_its_caller_gave_up() {
    let bench = Bench::new();
    let store = bench.open_with(impatient(&bench));
    let gate = Gate::hold(&store).await;
    let given_up = store.append(person(1), objection("2026-02-28")).await;
    assert_eq!(given_up, Err(StoreError::Timeout));
    drop(gate);
    until(async || (version(&store, 1).await == 1).then_some(())).await;
}

#[tokio::test]
async fn full_queue_answers_at_once() {
    let bench = Bench::new();
    let store = bench.open_with(Settings { queue_max: 1, ..bench.settings("n1") });
    let gate = Gate::hold(&store).await;
    let waits = tokio::spawn({
        let store = store.clone();
        async move { store.append(person(1), objection("2026-02-28")).await }
    });
    waiting(&store, 1).await;
    let refused = store.append(person(2), objection("2026-02-28")).await;
    assert_eq!(refused, Err(StoreError::Overloaded));
    drop(gate);
    waits.await.unwrap().unwrap();
}

#[tokio::test]
async fn fault_of_one_call_leaves_its_neighbours_and_the_chain_whole() {
    let bench = Bench::new();
    let store = bench.open();
    let gate = Gate::hold(&store).await;
    let broken = tokio::spawn({
        let store = store.clone();
        async move {
            let write = store.write(Patience::Regardless, |writing| {
                decisions::enter(writing, EntryKind::Decision, &denial(9))?;
                writing.connection().execute("INSERT INTO nowhere VALUES (1)", [])?;
                Ok(())
            });
            write.await
        }
    });
    waiting(&store, 1).await;
    let neighbour = tokio::spawn({
        let store = store.clone();
        async move { store.append(person(1), objection("2026-02-28")).await }
    });
    waiting(&store, 2).await;
    drop(gate);
    assert!(matches!(broken.await.unwrap(), Err(StoreError::Unavailable(_))));
    neighbour.await.unwrap().unwrap();
    assert_eq!(store.decision(denial(9).id).await.unwrap(), None);
    close(store).await;
    let report = verify(&bench.path(), PATIENCE).unwrap();
    assert_eq!((report.evidence, report.chains[0].entries), (1, 1));
}

#[tokio::test]
async fn panic_in_one_call_does_not_end_the_store() {
    let bench = Bench::new();
    let store = bench.open();
    let lost: Result<(), _> = store.write(Patience::Regardless, |_| panic!("on purpose")).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))));
    until(async || store.append(person(1), objection("2026-02-28")).await.ok()).await;
    assert_eq!(version(&store, 1).await, 1);
}

#[tokio::test]
async fn p5_lost_service_notes_are_counted_and_journalled_as_a_gap() {
    let bench = Bench::new();
    let store = bench.open_with(Settings { queue_max: 4, ..bench.settings("n1") });
    let gate = Gate::hold(&store).await;
    for number in 1..=7 {
        store.note(denial(number));
    }
    assert_eq!(store.shared().writes.waiting(), 2, "notes take half of the queue at most");
    drop(gate);
    store.append(person(1), objection("2026-02-28")).await.unwrap();
    let gaps: Vec<String> = bench
        .raw()
        .prepare(
            "SELECT CAST(body AS TEXT) FROM payload JOIN journal USING (chain, seq)
             WHERE kind = 'gap'",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(gaps, ["{\"service_messages_lost\":5}"]);
    assert_eq!(store.notes_lost_total(), 5);
    let noted = store.decision(denial(1).id).await.unwrap().unwrap();
    assert_eq!(noted.kind, EntryKind::Service);
}
