//! What retention deletes, what it leaves, and what the journal says about it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Bench, PATIENCE, attempt, close, denial, objection, outcome, permit, person, sale};
use crate::base::{DecisionId, PersonKey, Timestamp};
use crate::relay::ports::{DecisionRow, Evidences as _, Journal as _, Settlement};
use crate::store::locator::SECTION;
use crate::store::{Cutoffs, Retained, Store, VerifyError, verify};

const YEAR: Duration = Duration::from_hours(365 * 24);

/// A store with an old permit, an old outcome, old refusals of a stranger and of somebody known,
/// an old service message, and the same a year later.
async fn aged(bench: &Bench) -> (Store, Timestamp) {
    let store = bench.open();
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    store.append(person(2), objection("2026-01-05")).await.unwrap();
    let mut cutoff = bench.now();
    for age in 0..2 {
        let row = |number: u8, of: fn(u8) -> DecisionRow| DecisionRow {
            id: DecisionId::from_bits(u64::from(number) + 100 * age),
            ..of(number)
        };
        let first = DecisionRow { permit_version: Some(1), ..row(1, denial) };
        let decisions = vec![first, row(2, denial), row(3, denial)];
        store.record(attempt(bench, 1, decisions, &[])).await.unwrap();
        let outcomes = vec![outcome(1, Some(person(1)))];
        let fates: &[(&str, crate::pipeline::Settled)] = &[];
        let settled = Settlement { outcomes, ..super::settlement(bench, 1, fates) };
        store.settle(settled).await.unwrap();
        store.note(DecisionRow { person: None, ..row(4, denial) });
        let noted = async || (store.notes_waiting().0 == 0).then_some(());
        super::until(noted).await;
        if age == 0 {
            bench.pass(YEAR);
            cutoff = bench.now();
        }
    }
    (store, cutoff)
}

async fn is_kept(store: &Store, number: u64) -> bool {
    store.decision(DecisionId::from_bits(number)).await.unwrap().is_some()
}

#[tokio::test]
async fn strangers_go_first_and_people_with_evidence_stay() {
    let bench = Bench::new();
    let (store, cutoff) = aged(&bench).await;
    let cutoffs = Cutoffs { strangers: Some(cutoff), ..Cutoffs::default() };
    let expected = Retained { strangers: 1, ..Retained::default() };
    assert_eq!(store.rehearse_retention(cutoffs.clone()).await.unwrap(), expected);
    assert!(is_kept(&store, 3).await, "a rehearsal deletes nothing");
    assert_eq!(store.retain(cutoffs.clone()).await.unwrap(), expected);
    assert_eq!(store.retain(cutoffs).await.unwrap(), Retained::default(), "nothing is left");
    for (number, kept) in [(1, true), (2, true), (3, false), (4, true), (103, true)] {
        assert_eq!(is_kept(&store, number).await, kept, "{number}");
    }
    close(store).await;
    let report = verify(&bench.path(), PATIENCE).unwrap();
    assert_eq!(report.deleted, 1);
}

#[tokio::test]
async fn p9_the_chain_stays_whole_and_tells_what_was_deleted_and_why() {
    let bench = Bench::new();
    let (store, cutoff) = aged(&bench).await;
    let when = Some(cutoff);
    let terms = BTreeMap::from([("decisions".to_owned(), "12 months".to_owned())]);
    let all = Cutoffs { decisions: when, outcomes: when, service: when, strangers: when, terms };
    let retained = store.retain(all).await.unwrap();
    let expected = Retained { decisions: 3, outcomes: 1, service: 1, strangers: 0 };
    assert_eq!(retained, expected);
    for number in 1..=4 {
        assert!(!is_kept(&store, number).await && is_kept(&store, 100 + number).await, "{number}");
    }
    close(store).await;
    assert_eq!(verify(&bench.path(), PATIENCE).unwrap().deleted, 5);
    let said: String = bench
        .raw()
        .query_row(
            "SELECT group_concat(CAST(body AS TEXT)) FROM journal JOIN payload USING (chain, seq)
             WHERE kind = 'erasure'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(said.contains("retention") && said.contains("12 months"), "{said}");
}

#[tokio::test]
async fn the_last_marketing_is_remembered_longer_than_its_outcome() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    store.record(attempt(&bench, 1, vec![permit(1, 1)], &[])).await.unwrap();
    let outcomes = vec![outcome(1, Some(person(1)))];
    store.settle(Settlement { outcomes, ..super::settlement(&bench, 1, &[]) }).await.unwrap();
    bench.pass(YEAR);
    let cutoffs = Cutoffs { outcomes: Some(bench.now()), ..Cutoffs::default() };
    assert_eq!(store.retain(cutoffs).await.unwrap().outcomes, 1);
    assert!(store.last_marketing_sent_at(person(1)).await.unwrap().is_some());
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
    let raw = bench.raw();
    assert_eq!(raw.execute("UPDATE sent SET at = at - 1", []).unwrap(), 1);
    assert!(verify(&bench.path(), PATIENCE).is_err(), "but not as somebody likes");
}

#[tokio::test]
async fn p9_a_payload_no_entry_deleted_is_missed() {
    let bench = Bench::new();
    let (store, cutoff) = aged(&bench).await;
    let cutoffs = Cutoffs { service: Some(cutoff), ..Cutoffs::default() };
    assert_eq!(store.retain(cutoffs).await.unwrap().service, 1);
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
    for kind in ["decision", "service", "erasure"] {
        let raw = bench.raw();
        raw.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM payload").unwrap();
        let delete = "DELETE FROM payload WHERE (chain, seq) = (SELECT chain, seq FROM payload
                      JOIN journal USING (chain, seq) WHERE kind = ?1 LIMIT 1)";
        assert_eq!(raw.execute(delete, [kind]).unwrap(), 1);
        match verify(&bench.path(), PATIENCE) {
            Err(VerifyError::Broken(found)) => assert_eq!(found.table, "payload", "{kind}"),
            other => panic!("a {kind} vanished unnoticed: {other:?}"),
        }
        raw.execute_batch("DELETE FROM payload; INSERT INTO payload SELECT * FROM kept").unwrap();
    }
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn retention_goes_through_all_sections_and_keeps_the_index_of_each() {
    let bench = Bench::new();
    let store = bench.open();
    let count = u64::try_from(2 * SECTION + 10).unwrap();
    for chunk in (0..count).collect::<Vec<_>>().chunks(2000) {
        let row = |number: &u64| DecisionRow {
            id: DecisionId::from_bits(*number),
            person: Some(PersonKey::from_bytes([9; 16])),
            ..denial(0)
        };
        let batch = attempt(&bench, 1, chunk.iter().map(row).collect(), &[]);
        store.record(batch).await.unwrap();
    }
    bench.pass(YEAR);
    let cutoff = bench.now();
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    store.record(attempt(&bench, 2, vec![permit(1, 1)], &[])).await.unwrap();
    let cutoffs = Cutoffs { decisions: Some(cutoff), ..Cutoffs::default() };
    assert_eq!(store.retain(cutoffs).await.unwrap().decisions, count);
    assert!(store.decision(permit(1, 1).id).await.unwrap().is_some());
    close(store).await;
    assert_eq!(verify(&bench.path(), PATIENCE).unwrap().deleted, count);
}
