//! Imports from a staging file: merged, compared, undone, told again.

use proptest::prelude::{ProptestConfig, any, proptest};

use super::{Bench, PATIENCE, close, entity, objection, person, piece, sale, version};
use crate::base::{BatchId, EvidenceId};
use crate::eligibility::{Evidence, Fact, RecipientRecord};
use crate::relay::ports::{Evidences, Query, Records};
use crate::store::job::Patience;
use crate::store::{Difference, Imported, Reach, Staging, Store, import, verify};

fn batch(name: &str) -> BatchId {
    BatchId::parse(name).unwrap()
}

type Told = (u8, Evidence);

fn in_batch(mut piece: Evidence, name: &str) -> Evidence {
    piece.provenance.batch = Some(batch(name));
    piece
}

/// Imports `pieces` the way the command line does.
async fn merge(bench: &Bench, store: &Store, name: &str, pieces: &[Told]) -> Imported {
    let mut staging = Staging::create(&bench.path(), &batch(name)).unwrap();
    for (number, piece) in pieces {
        staging.push(&person(*number).into(), &in_batch(piece.clone(), name)).unwrap();
    }
    let about = serde_json::json!({ "format": "own", "sha256": "ab" });
    store.merge(&staging, &batch(name), about, |_| {}).await.unwrap()
}

async fn undo(store: &Store, name: &str, reach: Reach) -> Option<u64> {
    let act = serde_json::json!({ "acts": [{ "by": "ann", "reason": "wrong file" }] });
    store.undo_import(&batch(name), reach, act, |_| {}).await.unwrap()
}

async fn record(store: &Store, number: u8) -> RecipientRecord {
    let query = Query { persons: vec![person(number).into()], fates: vec![], scope: None };
    store.load(query).await.unwrap().records.remove(0).record
}

async fn kinds(store: &Store, number: u8) -> Vec<&'static str> {
    record(store, number).await.entries().iter().map(|entry| entry.fact.kind()).collect()
}

fn contacts() -> Vec<Told> {
    let complaint = piece("2026-01-09", Fact::Complaint { entity: entity() });
    vec![
        (1, sale("2026-01-05")),
        (1, objection("2026-01-06")),
        (2, sale("2026-01-05")),
        (2, sale("2026-01-07")),
        (3, complaint),
    ]
}

fn staging_files(bench: &Bench) -> usize {
    let names = std::fs::read_dir(bench.folder.path()).unwrap();
    names.filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "staging")).count()
}

#[tokio::test]
async fn p2_undoing_an_import_takes_its_permissions_and_leaves_its_objections() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(2), sale("2025-12-01")).await.unwrap();
    assert_eq!(merge(&bench, &store, "a", &contacts()).await, Imported { fresh: 5, known: 0 });
    let before = version(&store, 2).await;
    assert_eq!(undo(&store, "a", Reach::Permissions).await, Some(3));
    assert_eq!(kinds(&store, 1).await, ["objection"]);
    assert_eq!(kinds(&store, 2).await, ["sale"], "what was told before stays");
    assert_eq!(kinds(&store, 3).await, ["complaint"]);
    assert_eq!(version(&store, 2).await, before + 2, "permits decided meanwhile conflict");
    assert_eq!(undo(&store, "a", Reach::Permissions).await, Some(0), "once is enough");
    assert_eq!(undo(&store, "a", Reach::Everything).await, Some(2));
    assert!(kinds(&store, 1).await.is_empty());
    assert_eq!(undo(&store, "b", Reach::Everything).await, None);
    let listed = store.imports().await.unwrap();
    assert_eq!((listed.len(), listed[0].fresh, listed[0].undone), (1, 5, 5));
    assert!(listed[0].about.as_deref().unwrap().contains("sha256"));
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn an_import_that_was_undone_counts_when_told_again() {
    let bench = Bench::new();
    let store = bench.open();
    merge(&bench, &store, "a", &contacts()).await;
    undo(&store, "a", Reach::Everything).await;
    let pieces: Vec<_> =
        contacts().into_iter().map(|(number, piece)| (person(number).into(), piece)).collect();
    let expected = Difference { new: 0, changed: 5, known: 0 };
    assert_eq!(store.compare(pieces).await.unwrap(), expected);
    assert_eq!(merge(&bench, &store, "b", &contacts()).await, Imported { fresh: 0, known: 5 });
    assert_eq!(kinds(&store, 1).await, ["objection", "sale"]);
    assert_eq!(kinds(&store, 2).await, ["sale", "sale"]);
    assert_eq!(undo(&store, "a", Reach::Everything).await, Some(0), "they are b's now");
    assert_eq!(undo(&store, "b", Reach::Permissions).await, Some(3));
    assert_eq!(kinds(&store, 1).await, ["objection"]);
    store.append(person(2), sale("2026-01-05")).await.unwrap();
    assert_eq!(kinds(&store, 2).await, ["sale"], "told directly");
    assert_eq!(undo(&store, "b", Reach::Everything).await, Some(2));
    assert_eq!(kinds(&store, 2).await, ["sale"], "no import's any more");
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn what_a_broken_import_left_belongs_to_the_import_that_told_it_again() {
    let bench = Bench::new();
    let store = bench.open();
    let id = batch("broken");
    store.write(Patience::Regardless, move |writing| import::open(writing, &id)).await.unwrap();
    let pieces = contacts().into_iter().map(|(number, piece)| (person(number), piece)).collect();
    store.append_chunks(pieces, &batch("broken"), &mut |_| {}).await.unwrap();
    assert_eq!(undo(&store, "broken", Reach::Permissions).await, Some(0), "nothing counted");
    merge(&bench, &store, "whole", &contacts()).await;
    assert_eq!(kinds(&store, 2).await, ["sale", "sale"]);
    assert_eq!(undo(&store, "whole", Reach::Permissions).await, Some(3));
    assert!(kinds(&store, 2).await.is_empty());
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn a_comparison_tells_new_people_from_known_ones_and_writes_nothing() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(2), sale("2026-01-05")).await.unwrap();
    let pieces =
        contacts().into_iter().map(|(number, piece)| (person(number).into(), piece)).collect();
    let found = store.compare(pieces).await.unwrap();
    assert_eq!(found, Difference { new: 3, changed: 1, known: 1 });
    assert_eq!(store.counts().await.unwrap().evidence, 1);
}

#[tokio::test]
async fn staging_files_go_with_their_import_and_dead_ones_with_the_next() {
    let bench = Bench::new();
    let store = bench.open();
    let left = bench.folder.path().join("evidence.db.import-1.staging");
    std::fs::write(&left, b"left over").unwrap();
    let alive = Staging::create(&bench.path(), &batch("alive")).unwrap();
    assert!(!left.exists());
    merge(&bench, &store, "a", &contacts()).await;
    assert_eq!(staging_files(&bench), 1, "only the one that is alive");
    drop(alive);
    assert_eq!(staging_files(&bench), 0);
}

#[tokio::test]
async fn a_large_import_is_merged_whole_while_others_write() {
    let bench = Bench::new();
    let store = bench.open();
    let pieces: Vec<Told> = (0..3000)
        .map(|n: u32| {
            let at = format!("2026-01-05T00:00:{:02}.{:03}Z", n / 1000, n % 1000);
            (u8::try_from(n % 250).unwrap(), sale(&at))
        })
        .collect();
    let mut beside = bench.open_with(bench.settings("n2"));
    beside.append(person(251), objection("2026-01-01")).await.unwrap();
    let imported = merge(&bench, &store, "large", &pieces).await;
    assert_eq!(imported, Imported { fresh: 3000, known: 0 });
    assert_eq!(version(&store, 7).await, 12);
    assert_eq!(undo(&store, "large", Reach::Permissions).await, Some(3000));
    assert!(record(&store, 7).await.is_empty());
    beside = {
        close(beside).await;
        bench.open_with(bench.settings("n2"))
    };
    close(beside).await;
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn records_are_walked_in_pages_without_gap() {
    let bench = Bench::new();
    let store = bench.open();
    for number in 1..=5 {
        store.append(person(number), sale("2026-01-05")).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.records_after(after, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        seen.extend(page.iter().map(|(key, _)| *key));
    }
    assert_eq!(seen, (1..=5).map(person).collect::<Vec<_>>());
}

/// A piece chosen by two small numbers.
fn chosen(kind: u8, day: u8) -> Evidence {
    let at = format!("2026-01-{:02}", day % 4 + 1);
    match kind % 3 {
        0 => objection(&at),
        1 => piece(&at, Fact::Complaint { entity: entity() }),
        _ => sale(&at),
    }
}

/// The record of these pieces alone, numbered as the store numbers them.
async fn expected(store: &Store, number: u8, keeps: impl Fn(&Evidence) -> bool) -> RecipientRecord {
    let mut record = RecipientRecord::default();
    for (id, piece) in store.evidence_of(person(number)).await.unwrap() {
        if keeps(&piece) {
            record.apply(EvidenceId(id.0), &piece);
        }
    }
    record
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn p2_import_then_undo_gives_the_same_fold_but_for_objections(
        before in proptest::collection::vec((0..3_u8, any::<u8>(), any::<u8>()), 0..6),
        pieces in proptest::collection::vec((0..3_u8, any::<u8>(), any::<u8>()), 1..10),
        again in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let store = bench.open();
            for (number, kind, day) in &before {
                store.append(person(*number), chosen(*kind, *day)).await.unwrap();
            }
            let told: Vec<Told> =
                pieces.iter().map(|(number, kind, day)| (*number, chosen(*kind, *day))).collect();
            merge(&bench, &store, "a", &told).await;
            undo(&store, "a", Reach::Permissions).await.unwrap();
            let mut name = "a";
            if again {
                merge(&bench, &store, "b", &told).await;
                undo(&store, "b", Reach::Permissions).await.unwrap();
                name = "b";
            }
            let of_import = |piece: &Evidence| piece.provenance.batch.is_some();
            for number in 0..3 {
                let kept = |p: &Evidence| !of_import(p) || p.fact.is_protective();
                assert_eq!(record(&store, number).await, expected(&store, number, kept).await);
            }
            undo(&store, name, Reach::Everything).await.unwrap();
            undo(&store, "a", Reach::Everything).await.unwrap();
            for number in 0..3 {
                // What two imports told is neither's to take back.
                let kept = |p: &Evidence| !of_import(p) || again && p.fact.is_protective();
                assert_eq!(record(&store, number).await, expected(&store, number, kept).await);
            }
            close(store).await;
            verify(&bench.path(), PATIENCE).unwrap();
        });
    }
}
