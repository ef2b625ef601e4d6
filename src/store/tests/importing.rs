//! Evidence, imports and scope numbers.

use super::{Bench, PATIENCE, close, entity, objection, person, sale, until, version};
use crate::base::{BatchId, BrandId, EvidenceId, PersonKey, TopicId};
use crate::eligibility::{Evidence, Scope};
use crate::relay::ports::{Evidences, Query, Records};
use crate::store::import;
use crate::store::job::Patience;
use crate::store::{Imported, Store, verify};

fn batch(name: &str) -> BatchId {
    BatchId::parse(name).unwrap()
}

/// Sales and objections of persons 1 to 6, the objections last.
fn contacts() -> Vec<(PersonKey, Evidence)> {
    let sales = (1..=6).map(|number| (person(number), sale("2026-01-05")));
    let objections = (1..=2).map(|number| (person(number), objection("2026-02-05")));
    sales.chain(objections).collect()
}

#[tokio::test]
async fn same_import_twice_adds_nothing() {
    let bench = Bench::new();
    let store = bench.open();
    let first = store.append_all(contacts(), batch("jan")).await.unwrap();
    assert_eq!(first, Imported { fresh: 8, known: 0 });
    let again = store.append_all(contacts(), batch("again")).await.unwrap();
    assert_eq!(again, Imported { fresh: 0, known: 8 });
    // That an objection was told by another import as well is noted, once.
    assert_eq!((version(&store, 1).await, version(&store, 3).await), (3, 1));
    store.append_all(contacts(), batch("third")).await.unwrap();
    assert_eq!(version(&store, 1).await, 3);
    let evidence = store.evidence_of(person(1)).await.unwrap();
    assert_eq!(evidence.len(), 2);
    assert_eq!(evidence[1].1.provenance.batch, Some(batch("jan")));
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn same_piece_differs_by_moment_proof_and_person() {
    let bench = Bench::new();
    let store = bench.open();
    let mut order = sale("2026-01-05");
    order.provenance.reference = Some("order 1".to_owned());
    let mut better_proven = order.clone();
    better_proven.provenance.ip = Some("192.0.2.1".to_owned());
    let mut recorded_later = order.clone();
    recorded_later.provenance.recorded_at = bench.now();
    let pieces = vec![
        (person(1), sale("2026-01-05")),
        (person(1), sale("2026-01-06")),
        (person(1), order),
        (person(1), recorded_later),
        (person(1), better_proven),
        (person(2), sale("2026-01-05")),
    ];
    let imported = store.append_all(pieces, batch("jan")).await.unwrap();
    assert_eq!(imported, Imported { fresh: 5, known: 1 });
}

#[tokio::test]
async fn large_import_is_written_in_chunks_and_counts_whole() {
    let bench = Bench::new();
    let store = bench.open();
    let keyed = |number: u16| {
        let mut key = [0; 16];
        key[..2].copy_from_slice(&number.to_be_bytes());
        PersonKey::from_bytes(key)
    };
    let pieces: Vec<_> = (0..600).map(|number| (keyed(number), sale("2026-01-05"))).collect();
    let mut seen = Vec::new();
    let watch = |written| seen.push(written);
    let imported = store.append_all_watched(pieces, batch("all"), watch).await.unwrap();
    assert_eq!(imported.fresh, 600);
    assert_eq!(seen, [256, 512, 600]);
    let persons = (0..600).map(|n| keyed(n).into()).collect();
    let query = Query { persons, fates: vec![], scope: None };
    let records = store.load(query).await.unwrap().records;
    assert!(records.iter().all(|record| record.version == 1));
    close(store).await;
    assert_eq!(verify(&bench.path(), PATIENCE).unwrap().records, 600);
}

/// Imports the contacts up to the point where the import would be marked complete.
async fn break_off(store: &Store, name: &str) {
    let id = batch(name);
    store.write(Patience::Regardless, move |writing| import::open(writing, &id)).await.unwrap();
    store.append_chunks(contacts(), &batch(name), &mut |_| {}).await.unwrap();
}

#[tokio::test]
async fn import_that_broke_off_permits_nothing_but_its_objections_hold() {
    let bench = Bench::new();
    let store = bench.open();
    break_off(&store, "broken").await;
    assert_eq!((version(&store, 1).await, version(&store, 3).await), (1, 0));
    assert_eq!(store.evidence_of(person(3)).await.unwrap().len(), 1, "written, not counting");
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
    let store = bench.open();
    assert_eq!(version(&store, 3).await, 0);
    let again = store.append_all(contacts(), batch("whole")).await.unwrap();
    assert_eq!(again, Imported { fresh: 0, known: 8 });
    assert_eq!((version(&store, 1).await, version(&store, 3).await), (3, 1));
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn piece_waiting_for_an_import_counts_at_once_when_told_directly() {
    let bench = Bench::new();
    let store = bench.open();
    break_off(&store, "broken").await;
    let mut told = sale("2026-01-05");
    told.provenance.actor = Some("staff".to_owned());
    store.append(person(3), told).await.unwrap();
    assert_eq!((version(&store, 3).await, version(&store, 4).await), (1, 0));
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn import_completed_by_a_process_that_died_is_folded_at_the_next_start() {
    let bench = Bench::new();
    let store = bench.open();
    break_off(&store, "died").await;
    let complete = store.write(Patience::Regardless, |writing| {
        import::complete(writing, &batch("died"), Imported { fresh: 8, known: 0 })
    });
    complete.await.unwrap();
    assert_eq!(version(&store, 3).await, 0);
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
    // A lock at the start only delays it.
    let foreign = bench.raw();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = bench.open();
    assert_eq!(version(&store, 3).await, 0);
    foreign.execute_batch("ROLLBACK").unwrap();
    drop(foreign);
    until(async || (version(&store, 3).await == 1).then_some(())).await;
    assert_eq!(version(&store, 1).await, 2);
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn evidence_is_numbered_in_the_order_it_was_written() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    store.append(person(2), sale("2026-01-05")).await.unwrap();
    store.append(person(1), objection("2026-01-01")).await.unwrap();
    let found = store.evidence_of(person(1)).await.unwrap();
    assert_eq!(found[0], (EvidenceId(1), sale("2026-01-05")));
    assert_eq!(found[1], (EvidenceId(3), objection("2026-01-01")));
}

#[tokio::test]
async fn scopes_keep_their_numbers() {
    let bench = Bench::new();
    let store = bench.open();
    let everything = Scope::Entity(entity());
    let brand = Scope::Brand(entity(), BrandId::parse("shoes").unwrap());
    let topic = Scope::Topic(entity(), TopicId::parse("shoes").unwrap());
    let scopes = vec![brand.clone(), topic.clone(), brand.clone()];
    let numbers = store.ensure_scopes(scopes).await.unwrap();
    assert_eq!(numbers, [1, 2, 1]);
    close(store).await;
    let store = bench.open();
    let numbers = store.ensure_scopes(vec![everything.clone(), topic.clone()]).await.unwrap();
    assert_eq!(numbers, [3, 2]);
    for (number, scope) in [(1, brand), (2, topic.clone()), (3, everything)] {
        assert_eq!(store.scope(number).await.unwrap(), Some(scope));
    }
    assert_eq!(store.scope(4).await.unwrap(), None);
    assert_eq!(store.scope(u64::MAX).await.unwrap(), None);
    let query = |scope| Query { persons: vec![], fates: vec![], scope: Some(scope) };
    assert_eq!(store.load(query(topic)).await.unwrap().scope_id, Some(2));
    let unknown = Scope::Topic(entity(), TopicId::parse("hats").unwrap());
    assert_eq!(store.load(query(unknown)).await.unwrap().scope_id, None);
}
