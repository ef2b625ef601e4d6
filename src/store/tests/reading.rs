//! Reading: order, snapshots, several nodes over one file.

use super::{Bench, PATIENCE, close, denial, fate_key, ledger, message, objection, person};
use super::{attempt, version};
use crate::pipeline::LedgerEntry;
use crate::relay::ports::{Evidences, Journal, Query, Records, StoreError, VersionedRecord};
use crate::store::{Act, Counts, verify};

#[tokio::test]
async fn answers_come_in_the_order_of_the_question() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(2), objection("2026-02-28")).await.unwrap();
    store.record(attempt(&bench, 1, vec![], &["joan"])).await.unwrap();
    let query = Query {
        persons: [1, 2, 1].map(|number| person(number).into()).to_vec(),
        fates: ["jane", "joan"].map(|name| fate_key(&message(1), name)).to_vec(),
        scope: None,
    };
    let snapshot = store.load(query).await.unwrap();
    let versions: Vec<u64> = snapshot.records.iter().map(|record| record.version).collect();
    assert_eq!(versions, [0, 1, 0]);
    assert_eq!(snapshot.records[0], VersionedRecord::default());
    assert_ne!(snapshot.records[1].record, snapshot.records[0].record);
    assert_eq!(snapshot.fates[0], LedgerEntry::default());
    assert!(snapshot.fates[1].is_claimed);
    assert_eq!(snapshot.scope_id, None);
}

#[tokio::test]
async fn p7_damaged_record_is_an_error_and_not_an_empty_record() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), objection("2026-02-28")).await.unwrap();
    store.append(person(2), objection("2026-02-28")).await.unwrap();
    let blank = "UPDATE record SET body = (SELECT replace(body, 'acme', 'umca') FROM record
                 WHERE person = ?1) WHERE person = ?1";
    assert_eq!(bench.raw().execute(blank, [person(1).as_bytes()]).unwrap(), 1);
    let query = Query { persons: vec![person(1).into()], fates: vec![], scope: None };
    let Err(StoreError::Unavailable(reason)) = store.load(query).await else {
        panic!("a damaged record was read");
    };
    assert!(reason.contains("checksum"), "{reason}");
    assert_eq!(version(&store, 2).await, 1, "others are still read");
}

#[tokio::test]
async fn each_node_has_its_own_chain_over_one_file() {
    let bench = Bench::new();
    let (one, other) = (bench.open(), bench.open_with(bench.settings("n2")));
    for number in 1..=5 {
        one.record(attempt(&bench, number, vec![denial(number)], &[])).await.unwrap();
        let number = number + 100;
        other.record(attempt(&bench, number, vec![denial(number)], &[])).await.unwrap();
    }
    other.annotate(Act::Operator, b"{\"act\":\"release\"}".to_vec()).await.unwrap();
    let found = one.decision(denial(103).id).await.unwrap().unwrap();
    assert_eq!((found.node.as_str(), found.seq), ("n2", 3));
    assert!(!ledger(&one, 1, "jane").await.is_claimed);
    let counts = one.counts().await.unwrap();
    assert_eq!(counts, Counts { entries: 11, ..Counts::default() });
    close(one).await;
    close(other).await;
    let report = verify(&bench.path(), PATIENCE).unwrap();
    let chains: Vec<_> =
        report.chains.iter().map(|chain| (chain.node.as_str(), chain.entries)).collect();
    assert_eq!(chains, [("n1", 5), ("n2", 6)]);
}

#[tokio::test]
async fn many_readings_at_once_all_get_their_own_answer() {
    let bench = Bench::new();
    let store = bench.open();
    for number in 1..=20 {
        store.append(person(number), objection("2026-02-28")).await.unwrap();
    }
    let calls: Vec<_> = (1..=200_u8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { version(&store, number).await })
        })
        .collect();
    for (number, call) in (1..=200_u8).zip(calls) {
        assert_eq!(call.await.unwrap(), u64::from(number <= 20), "{number}");
    }
}
