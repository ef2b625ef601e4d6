//! What officers do: successions, erasures, objections lifted. The store verifies after each.

use super::{
    Bench, PATIENCE, attempt, close, denial, entity, objection, outcome, permit, person, piece,
    sale, settlement, version,
};
use crate::base::{EntityId, EvidenceId, PersonKeys};
use crate::eligibility::{Deal, Evidence, Fact, ObjectionChannel, Scope, Succession, Successions};
use crate::relay::ports::{Evidences, Journal, Query, Records};
use crate::store::{NotLifted, PieceStanding, Store, VerifyError, verify};

fn officer() -> serde_json::Value {
    serde_json::json!({ "by": "jane.doe", "reason": "ticket 7" })
}

fn act() -> Vec<u8> {
    officer().to_string().into_bytes()
}

fn other() -> EntityId {
    EntityId::parse("other").unwrap()
}

fn step(deal: Deal) -> Succession {
    let at = "2025-01-01".parse().unwrap();
    Succession { from: other(), to: entity(), at, deal, document: Some("deed \"4\"".to_owned()) }
}

async fn history(store: &Store) -> Successions {
    let query = Query { persons: vec![person(1).into()], fates: vec![], scope: None };
    store.load(query).await.unwrap().history
}

async fn kinds(store: &Store, number: u8) -> Vec<&'static str> {
    let query = Query { persons: vec![person(number).into()], fates: vec![], scope: None };
    let record = store.load(query).await.unwrap().records.remove(0).record;
    record.entries().iter().map(|entry| entry.fact.kind()).collect()
}

async fn whole(bench: &Bench, store: Store) {
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn p2_a_succession_holds_for_the_next_reading_until_it_is_withdrawn() {
    let bench = Bench::new();
    let store = bench.open();
    assert_eq!(history(&store).await, Successions::default());
    assert_eq!(store.succeed(step(Deal::Universal), act()).await, Ok(1));
    assert_eq!(store.succeed(step(Deal::AssetDeal), act()).await, Ok(2));
    let both = vec![step(Deal::Universal), step(Deal::AssetDeal)];
    assert_eq!(history(&store).await, Successions::new(both));
    assert_eq!(store.withdraw_succession(1, act()).await, Ok(true));
    assert_eq!(store.withdraw_succession(1, act()).await, Ok(false));
    assert_eq!(store.withdraw_succession(3, act()).await, Ok(false), "withdrawals are no rows");
    assert_eq!(history(&store).await, Successions::new(vec![step(Deal::AssetDeal)]));
    let listed = store.successions().await.unwrap();
    assert_eq!(listed.iter().map(|row| row.is_withdrawn).collect::<Vec<_>>(), [true, false]);
    whole(&bench, store).await;
}

#[track_caller]
fn check_broken(bench: &Bench, sql: &str, table: &str) {
    let raw = bench.raw();
    raw.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    assert_eq!(raw.execute(sql, []).unwrap(), 1, "{sql}");
    drop(raw);
    match verify(&bench.path(), PATIENCE).unwrap_err() {
        VerifyError::Broken(broken) => assert_eq!(broken.table, table, "{broken}"),
        VerifyError::Unreadable(what) => panic!("{what}"),
    }
}

#[tokio::test]
async fn p9_a_succession_that_was_removed_or_changed_shows() {
    for sql in [
        "DELETE FROM succession",
        "UPDATE succession SET body = replace(body, 'universal', 'asset_deal')",
    ] {
        let bench = Bench::new();
        let store = bench.open();
        store.succeed(step(Deal::Universal), act()).await.unwrap();
        close(store).await;
        check_broken(&bench, sql, "succession");
    }
}

/// What must be gone from the file.
const SECRET: &str = "order-of-jane-1701";

/// Somebody with a sale of two entities, an objection, one mail that was sent and one refused.
async fn known(bench: &Bench, store: &Store) {
    let mut foreign = sale("2026-01-06");
    if let Fact::Sale(dealing) = &mut foreign.fact {
        dealing.entity = other();
    }
    let mut own = sale("2026-01-05");
    own.provenance.reference = Some(SECRET.to_owned());
    for evidence in [own, foreign, objection("2026-01-07")] {
        store.append(person(1), evidence).await.unwrap();
    }
    let mut sent = permit(1, 3);
    sent.payload = decided_for(&entity());
    let mut refused = denial(1);
    refused.id = crate::base::DecisionId::from_bits(77);
    refused.payload = decided_for(&other());
    store.record(attempt(bench, 1, vec![sent, refused], &["jane"])).await.unwrap();
    let mut settled = settlement(bench, 1, &[]);
    settled.outcomes = vec![outcome(1, Some(person(1)))];
    store.settle(settled).await.unwrap();
}

fn decided_for(entity: &EntityId) -> Vec<u8> {
    let record = serde_json::json!({
        "decision": "0000000000001", "transaction": "00000000000000000000000001",
        "at": "2026-02-01T00:00:00Z", "stream": "news",
        "class": { "class": "marketing", "elements": [], "signals": [] },
        "marketing": {
            "entity": entity, "brand": "acme", "topics": [], "jurisdictions": [],
            "enforce": "all", "is_sent": true, "footer": "edited", "record_version": 3,
            "verdict": {
                "verdict": "permit", "basis": null, "reasons": [], "informational": [],
                "rule_set": null, "version": null, "citations": [], "by_rule_set": [],
            },
        },
        "config": crate::base::Digest::default(),
    });
    serde_json::from_value::<crate::pipeline::DecisionRecord>(record.clone()).unwrap();
    record.to_string().into_bytes()
}

#[tokio::test]
async fn p2_erasing_takes_what_could_serve_and_leaves_what_protects() {
    let bench = Bench::new();
    let store = bench.open();
    known(&bench, &store).await;
    assert_eq!(store.decisions_about(vec![person(1)]).await.unwrap().len(), 2);
    let erased = store.erase(person(1).into(), entity(), officer()).await.unwrap();
    assert_eq!((erased.evidence, erased.payloads, erased.rows), (1, 2, 1));
    assert_eq!(kinds(&store, 1).await, ["sale", "objection", "erasure"], "the other entity's sale");
    let pieces = store.subject_pieces(person(1).into()).await.unwrap();
    let told: Vec<_> = pieces.iter().map(|piece| piece.evidence.fact.kind()).collect();
    assert_eq!(told, ["sale", "objection", "erasure"]);
    let left = store.decisions_about(vec![person(1)]).await.unwrap();
    assert_eq!(left.len(), 1, "the decision for the other entity stays");
    assert_eq!(version(&store, 1).await, 4, "versions are never given twice");
    // What is told again is dated before the erasure and serves nobody.
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    assert_eq!(kinds(&store, 1).await, ["sale", "objection", "erasure"]);
    let again = store.erase(person(1).into(), entity(), officer()).await.unwrap();
    assert_eq!((again.evidence, again.payloads), (0, 0), "it did not even come in");
    whole(&bench, store).await;
    let file = std::fs::read(bench.path()).unwrap();
    assert!(memchr::memmem::find(&file, SECRET.as_bytes()).is_none(), "the space is overwritten");
}

#[tokio::test]
async fn p2_erasing_covers_linked_addresses_and_older_keys() {
    let bench = Bench::new();
    let store = bench.open();
    let keys = PersonKeys { newest: person(1), older: vec![person(2)] };
    for number in [1, 2, 3] {
        store.append(person(number), sale("2026-01-05")).await.unwrap();
    }
    store.link(vec![person(1).into(), person(3).into()], act()).await.unwrap();
    let erased = store.erase(keys.clone(), entity(), officer()).await.unwrap();
    assert_eq!((erased.evidence, erased.rows), (3, 3));
    for number in [1, 2, 3] {
        assert_eq!(kinds(&store, number).await, ["erasure"], "{number}");
    }
    assert_eq!(store.linked_rows(keys).await, Ok(vec![person(3)]));
    whole(&bench, store).await;
}

#[tokio::test]
async fn p9_evidence_that_vanished_without_an_erasure_shows() {
    let bench = Bench::new();
    let store = bench.open();
    known(&bench, &store).await;
    store.erase(person(1).into(), entity(), officer()).await.unwrap();
    close(store).await;
    let gone = "DELETE FROM evidence WHERE body ->> '$.fact.kind' = 'objection'";
    check_broken(&bench, gone, "evidence");
}

fn told_by(channel: ObjectionChannel) -> Evidence {
    piece("2026-01-06", Fact::Objection { scope: Scope::Entity(entity()), channel })
}

#[tokio::test]
async fn p2_only_what_staff_or_an_import_told_is_lifted() {
    let bench = Bench::new();
    let store = bench.open();
    for (number, channel, is_lifted) in [
        (1, ObjectionChannel::Link, false),
        (2, ObjectionChannel::OneClick, false),
        (3, ObjectionChannel::Preference, false),
        (4, ObjectionChannel::Import, true),
        (5, ObjectionChannel::Direct, true),
    ] {
        store.append(person(number), told_by(channel)).await.unwrap();
        let id = EvidenceId(u64::from(number));
        match store.lift(id, officer()).await.unwrap() {
            Ok(rows) => assert!(is_lifted && rows == 1, "{channel:?}"),
            Err(NotLifted::OwnAct(_)) => assert!(!is_lifted, "{channel:?}"),
            Err(other) => panic!("{channel:?}: {other}"),
        }
        assert_eq!(kinds(&store, number).await.is_empty(), is_lifted);
    }
    assert_eq!(store.lift(EvidenceId(4), officer()).await, Ok(Err(NotLifted::CountsNot)));
    assert_eq!(store.lift(EvidenceId(99), officer()).await, Ok(Err(NotLifted::Unknown)));
    store.append(person(6), sale("2026-01-05")).await.unwrap();
    let refusal = store.lift(EvidenceId(6), officer()).await;
    assert_eq!(refusal, Ok(Err(NotLifted::NoObjection("sale"))));
    let pieces = store.subject_pieces(person(4).into()).await.unwrap();
    assert_eq!(pieces[0].standing, PieceStanding::Undone, "nothing is deleted");
    whole(&bench, store).await;
}

#[tokio::test]
async fn lifting_reaches_the_copies_under_linked_addresses() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), told_by(ObjectionChannel::Import)).await.unwrap();
    store.link(vec![person(1).into(), person(2).into()], act()).await.unwrap();
    assert_eq!(kinds(&store, 2).await, ["objection"]);
    assert_eq!(store.lift(EvidenceId(1), officer()).await, Ok(Ok(2)));
    assert!(kinds(&store, 1).await.is_empty() && kinds(&store, 2).await.is_empty());
    store.append(person(2), told_by(ObjectionChannel::Import)).await.unwrap();
    assert_eq!(kinds(&store, 2).await, ["objection"], "told again, it counts again");
    whole(&bench, store).await;
}
