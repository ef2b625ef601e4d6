//! Looking up what a long journal says about one decision, and files of an earlier version.

use rusqlite::Connection;

use super::{
    Bench, PATIENCE, attempt, close, denial, objection, outcome, permit, person, sale, settlement,
    transaction, version,
};
use crate::base::{BatchId, DecisionId, Timestamp, TransactionId};
use crate::pipeline::{Fate, Settled};
use crate::relay::ports::{
    DecisionRow, Evidences, Journal, Query, Records, Settlement, StoreError,
};
use crate::store::locator::SECTION;
use crate::store::lock::ServeLock;
use crate::store::row::row_sum;
use crate::store::schema::{APPLICATION_ID, LEDGER_OF_MIGRATIONS, MIGRATIONS};
use crate::store::{Health, Role, Settings, Store, VerifyError, verify};

/// Decisions of strangers, enough to fill more than a section, each in its transaction.
fn crowd() -> Vec<DecisionRow> {
    let number = |n: i64| u64::try_from(n).unwrap();
    (0..SECTION + 9)
        .map(|n| DecisionRow {
            id: DecisionId::from_bits(number(n).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            transaction: TransactionId::from_bytes((u128::from(number(n)) << 64).to_be_bytes()),
            ..denial(9)
        })
        .collect()
}

async fn settle_one(bench: &Bench, store: &Store) -> Timestamp {
    let sent = Settlement {
        outcomes: vec![outcome(1, Some(person(1)))],
        ..settlement(bench, 1, &[("jane", Settled::Final(Fate::Accepted))])
    };
    let at = sent.at;
    store.settle(sent).await.unwrap();
    at
}

#[tokio::test]
async fn p9_decision_and_its_outcome_are_found_across_sections() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 1, vec![permit(1, 0), denial(2)], &["jane"])).await.unwrap();
    let crowd = crowd();
    let last = crowd.last().unwrap().clone();
    store.record(attempt(&bench, 2, crowd.clone(), &[])).await.unwrap();
    settle_one(&bench, &store).await;
    let found = store.decision(permit(1, 0).id).await.unwrap().unwrap();
    assert_eq!((found.seq, found.outcomes.len()), (1, 1), "in the first section and in the last");
    let whole = store.transaction(transaction(1)).await.unwrap();
    assert_eq!(whole, [found]);
    assert_eq!(store.transaction(transaction(2)).await.unwrap()[0].seq, 2);
    for row in [&crowd[77], &last] {
        assert_eq!(store.decision(row.id).await.unwrap().unwrap().transaction, row.transaction);
        assert_eq!(store.transaction(row.transaction).await.unwrap().len(), 1);
    }
    assert_eq!(store.decision(DecisionId::from_bits(3)).await.unwrap(), None);
    close(store).await;
    let sections: (i64, i64) = bench
        .raw()
        .query_row("SELECT count(DISTINCT section), max(seq) FROM locator", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(sections, (1, SECTION), "one section is complete");
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn p9_damaged_locator_is_found() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 2, crowd(), &[])).await.unwrap();
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
    for damage in [
        "UPDATE locator SET seq = seq + 1 WHERE seq = 7",
        "DELETE FROM locator WHERE seq = 8",
        "INSERT INTO locator VALUES ('n1', 1, 5, 5000)",
    ] {
        let raw = bench.raw();
        let undo = raw.unchecked_transaction().unwrap();
        undo.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM locator").unwrap();
        assert!(undo.execute(damage, []).unwrap() > 0);
        undo.commit().unwrap();
        let found = verify(&bench.path(), PATIENCE);
        match found {
            Err(VerifyError::Broken(place)) => assert_eq!(place.table, "locator", "{damage}"),
            other => panic!("{damage} went unnoticed: {other:?}"),
        }
        raw.execute_batch("DELETE FROM locator; INSERT INTO locator SELECT * FROM kept").unwrap();
    }
}

/// A file as version 1 made it, with the facts of the file in `bench`, which is at rest.
fn version_1_of(bench: &Bench) -> Bench {
    let old = Bench::new();
    let file = Connection::open(old.path()).unwrap();
    let first = &MIGRATIONS[0];
    file.execute_batch(LEDGER_OF_MIGRATIONS).unwrap();
    file.execute_batch(first.sql).unwrap();
    let row = (first.version, first.name, first.checksum().as_bytes().to_vec());
    file.execute("INSERT INTO migration VALUES (?1, ?2, ?3)", row).unwrap();
    file.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    file.execute("ATTACH ?1 AS new", [bench.path().to_str().unwrap()]).unwrap();
    for table in
        ["meta", "journal", "head", "payload", "evidence", "batch", "pending", "scope", "ledger"]
    {
        file.execute_batch(&format!("INSERT INTO {table} SELECT * FROM new.{table}")).unwrap();
    }
    let mut records = file
        .prepare(
            "SELECT person, version, at, body FROM new.record LEFT JOIN new.sent USING (person)",
        )
        .unwrap();
    let mut rows = records.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let columns = [0, 1, 2, 3].map(|column| row.get_ref(column).unwrap());
        let sum = row_sum("record", &columns);
        let values = columns.map(rusqlite::types::Value::try_from).map(Result::unwrap);
        let [person, version, at, body] = values;
        file.execute(
            "INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5)",
            (person, version, at, body, sum),
        )
        .unwrap();
    }
    old
}

#[tokio::test]
async fn file_of_version_1_is_carried_over_whole() {
    let bench = Bench::new();
    let store = bench.open();
    store.append_all(vec![(person(1), sale("2026-01-05"))], batch()).await.unwrap();
    store.append(person(2), objection("2026-01-06")).await.unwrap();
    let decided_on = version(&store, 1).await;
    store.record(attempt(&bench, 1, vec![permit(1, decided_on)], &["jane"])).await.unwrap();
    let sent_at = settle_one(&bench, &store).await;
    let crowd = crowd();
    store.record(attempt(&bench, 2, crowd.clone(), &["joan"])).await.unwrap();
    let expected = store.decision(permit(1, 1).id).await.unwrap();
    let counts = store.counts().await.unwrap();
    close(store).await;

    let old = version_1_of(&bench);
    let refused = verify(&old.path(), PATIENCE).unwrap_err().to_string();
    assert!(refused.contains("open it to write first"), "{refused}");
    let store = old.open();
    assert_eq!(store.decision(permit(1, 1).id).await.unwrap(), expected);
    assert_eq!(expected.unwrap().outcomes.len(), 1);
    assert_eq!(store.last_marketing_sent_at(person(1)).await.unwrap(), Some(sent_at));
    assert_eq!(store.last_marketing_sent_at(person(2)).await.unwrap(), None);
    assert_eq!((version(&store, 1).await, version(&store, 2).await), (1, 1));
    assert!(store.transaction(crowd[500].transaction).await.unwrap().len() == 1);
    assert_eq!(store.counts().await.unwrap(), counts);
    close(store).await;
    verify(&old.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn record_damaged_in_version_1_is_not_made_whole() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), objection("2026-01-06")).await.unwrap();
    close(store).await;
    let old = version_1_of(&bench);
    let damage = "UPDATE record SET body = replace(body, '2026-01-06', '2026-01-07')";
    assert_eq!(old.raw().execute(damage, []).unwrap(), 1);
    let store = old.open();
    let query = Query { persons: vec![person(1).into()], fates: vec![], scope: None };
    let refused = store.load(query).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    close(store).await;
    assert!(matches!(verify(&old.path(), PATIENCE), Err(VerifyError::Broken(_))));
}

#[test]
fn migration_and_program_agree_on_the_length_of_a_section() {
    assert!(MIGRATIONS[1].sql.contains(&format!("head.seq / {SECTION} * {SECTION}")));
    assert!(MIGRATIONS[1].sql.contains(&format!("(place - 1) / {SECTION},")));
}

fn batch() -> BatchId {
    BatchId::parse("done").unwrap()
}

#[tokio::test]
async fn visitor_leaves_a_file_alone_that_an_older_relay_serves() {
    let bench = Bench::new();
    close(bench.open()).await;
    let old = version_1_of(&bench);
    let node = old.settings("n1").node;
    let older_relay = ServeLock::acquire(&old.path(), &node).unwrap();
    let visitor = || Settings { role: Role::Visit, ..old.settings("n1") };
    let store = Store::open(visitor()).unwrap();
    let Health::Degraded(why) = store.health() else { panic!("it must not be migrated") };
    assert!(why.contains("restart that first"), "{why}");
    close(store).await;
    drop(older_relay);
    close(old.open_with(visitor())).await;
}

#[tokio::test]
async fn records_an_earlier_version_folded_are_folded_anew() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), sale("2026-03-01")).await.unwrap();
    close(store).await;
    let file = bench.raw();
    let read = "SELECT person, version, body FROM record";
    let (key, version, body): (Vec<u8>, i64, String) =
        file.query_row(read, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let old = body.replace("\"traceable\":false", "\"traceable\":true");
    assert_ne!(old, body);
    let sum = row_sum(
        "record",
        &[
            rusqlite::types::ValueRef::Blob(&key),
            rusqlite::types::ValueRef::Integer(version),
            rusqlite::types::ValueRef::Text(old.as_bytes()),
        ],
    );
    file.execute("UPDATE record SET body = ?1, sum = ?2", (&old, sum.as_slice())).unwrap();
    file.execute("DELETE FROM migration WHERE version = 7", []).unwrap();
    file.pragma_update(None, "user_version", 6).unwrap();
    drop(file);
    close(bench.open()).await;
    verify(&bench.path(), PATIENCE).unwrap();
    let now: String = bench.raw().query_row("SELECT body FROM record", [], |r| r.get(0)).unwrap();
    assert_eq!(now, body);
}
