//! Claims, fates and what is left of a message when it is closed.

use std::time::Duration;

use super::{
    Bench, attempt, close, denial, fate_key, ledger, message, outcome, permit, person, settlement,
    transaction, until, version,
};
use crate::pipeline::{Fate, LedgerEntry, Settled};
use crate::relay::ports::{Journal, RecordError, Settlement};
use crate::store::{Health, IfMissing, Role, Settings, Store};

#[tokio::test]
async fn second_attempt_meets_the_claim_of_the_first() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 1, vec![], &["jane"])).await.unwrap();
    assert!(ledger(&store, 1, "jane").await.is_claimed);
    assert_eq!(ledger(&store, 1, "joan").await, LedgerEntry::default());
    let second = attempt(&bench, 1, vec![denial(1)], &["joan", "jane"]);
    assert_eq!(store.record(second).await.unwrap_err(), RecordError::Claimed);
    assert!(!ledger(&store, 1, "joan").await.is_claimed, "all of it or nothing");
    assert_eq!(store.decision(denial(1).id).await.unwrap(), None);
    let other_message = attempt(&bench, 2, vec![], &["jane"]);
    assert!(store.record(other_message).await.is_ok());
}

#[tokio::test]
async fn claim_of_an_earlier_boot_of_the_same_node_is_void_at_once() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 1, vec![], &["jane"])).await.unwrap();
    close(store).await;
    let store = bench.open();
    assert!(!ledger(&store, 1, "jane").await.is_claimed);
    assert!(store.record(attempt(&bench, 1, vec![], &["jane"])).await.is_ok());
}

#[tokio::test]
async fn claim_of_another_node_lasts_its_time() {
    let bench = Bench::new();
    let (one, other) = (bench.open(), bench.open_with(bench.settings("n2")));
    one.record(attempt(&bench, 1, vec![], &["jane"])).await.unwrap();
    bench.pass(Duration::from_mins(9));
    let early = other.record(attempt(&bench, 1, vec![], &["jane"])).await;
    assert_eq!(early.unwrap_err(), RecordError::Claimed);
    bench.pass(Duration::from_mins(2));
    assert!(!ledger(&other, 1, "jane").await.is_claimed);
    assert!(other.record(attempt(&bench, 1, vec![], &["jane"])).await.is_ok());
}

#[tokio::test]
async fn own_claim_outlasts_its_time_but_not_for_ever() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 1, vec![], &["jane"])).await.unwrap();
    bench.pass(Duration::from_mins(40));
    assert!(ledger(&store, 1, "jane").await.is_claimed, "the attempt may be alive");
    bench.pass(Duration::from_mins(40));
    assert!(!ledger(&store, 1, "jane").await.is_claimed, "its settlement must be lost");
}

#[tokio::test]
async fn settling_writes_fates_and_releases_claims() {
    let bench = Bench::new();
    let store = bench.open();
    let names = ["taken", "refused", "later", "untried"];
    store.record(attempt(&bench, 1, vec![], &names)).await.unwrap();
    let fates = [
        ("taken", Settled::Final(Fate::Accepted)),
        ("refused", Settled::Final(Fate::Refused)),
        ("later", Settled::Deferred),
        ("untried", Settled::Released),
    ];
    let settled = settlement(&bench, 1, &fates);
    store.settle(settled.clone()).await.unwrap();
    let fate = |fate| LedgerEntry { fate: Some(fate), ..LedgerEntry::default() };
    assert_eq!(ledger(&store, 1, "taken").await, fate(Fate::Accepted));
    assert_eq!(ledger(&store, 1, "refused").await, fate(Fate::Refused));
    assert_eq!(ledger(&store, 1, "later").await.first_deferred_at, Some(settled.at));
    assert_eq!(ledger(&store, 1, "untried").await, LedgerEntry::default());
    assert_eq!(store.counts().await.unwrap().open_fates, 3);
    let retry = store.record(attempt(&bench, 1, vec![], &["taken"])).await;
    assert_eq!(retry.unwrap_err(), RecordError::Claimed, "a final fate is not tried again");
    assert!(store.record(attempt(&bench, 1, vec![], &["later", "untried"])).await.is_ok());
}

#[tokio::test]
async fn first_deferral_is_remembered_and_a_final_fate_stays_final() {
    let bench = Bench::new();
    let store = bench.open();
    let first = settlement(&bench, 1, &[("jane", Settled::Deferred)]);
    store.settle(first.clone()).await.unwrap();
    bench.pass(Duration::from_hours(1));
    store.settle(settlement(&bench, 1, &[("jane", Settled::Deferred)])).await.unwrap();
    assert_eq!(ledger(&store, 1, "jane").await.first_deferred_at, Some(first.at));
    for settled in [
        Settled::Final(Fate::Accepted),
        Settled::Final(Fate::Refused),
        Settled::Deferred,
        Settled::Released,
    ] {
        store.settle(settlement(&bench, 1, &[("jane", settled)])).await.unwrap();
        assert_eq!(ledger(&store, 1, "jane").await.fate, Some(Fate::Accepted));
    }
}

#[tokio::test]
async fn closing_forgets_the_message_but_not_what_another_attempt_has_in_hand() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 1, vec![], &["jane"])).await.unwrap();
    store.record(attempt(&bench, 1, vec![], &["late"])).await.unwrap();
    store.record(attempt(&bench, 2, vec![], &["jane"])).await.unwrap();
    let closing = Settlement {
        closes: vec![fate_key(&message(1), "jane")],
        ..settlement(&bench, 1, &[("jane", Settled::Final(Fate::Accepted))])
    };
    store.settle(closing).await.unwrap();
    assert_eq!(ledger(&store, 1, "jane").await, LedgerEntry::default());
    assert!(ledger(&store, 1, "late").await.is_claimed);
    assert!(ledger(&store, 2, "jane").await.is_claimed);
    assert_eq!(store.counts().await.unwrap().open_fates, 2);
}

#[tokio::test]
async fn outcomes_stand_beside_their_decision_and_move_the_last_marketing_forward() {
    let bench = Bench::new();
    let store = bench.open();
    store.record(attempt(&bench, 1, vec![permit(1, 0), denial(2)], &["jane"])).await.unwrap();
    let sent = |at, number| Settlement {
        outcomes: vec![outcome(number, Some(person(1)))],
        at,
        ..settlement(&bench, 1, &[])
    };
    let (early, late) = (bench.now(), bench.in_ten_minutes());
    store.settle(sent(late, 1)).await.unwrap();
    store.settle(sent(early, 1)).await.unwrap();
    assert_eq!(store.last_marketing_sent_at(person(1)).await.unwrap(), Some(late));
    assert_eq!(version(&store, 1).await, 0, "only evidence makes a new version");
    let found = store.decision(permit(1, 0).id).await.unwrap().unwrap();
    let moments: Vec<_> = found.outcomes.iter().map(|outcome| outcome.at).collect();
    assert_eq!(moments, [late, late], "time does not run backwards in a chain");
    assert_eq!(found.outcomes[0].sent_to, Some(person(1)));
    let same_transaction = store.transaction(transaction(2)).await.unwrap();
    assert_eq!(same_transaction.len(), 1);
    assert_eq!(same_transaction[0].person, Some(person(2)));
    assert_eq!(same_transaction[0].outcomes, []);
}

#[tokio::test]
async fn sweeping_forgets_what_nobody_touched_for_ten_days() {
    let bench = Bench::new();
    let store = bench.open();
    store.settle(settlement(&bench, 1, &[("jane", Settled::Deferred)])).await.unwrap();
    bench.pass(Duration::from_hours(24 * 9));
    store.settle(settlement(&bench, 2, &[("jane", Settled::Deferred)])).await.unwrap();
    assert_eq!(store.sweep(bench.now()).await.unwrap(), 0);
    bench.pass(Duration::from_hours(25));
    assert_eq!(store.sweep(bench.now()).await.unwrap(), 1);
    assert_eq!(ledger(&store, 1, "jane").await, LedgerEntry::default());
    assert!(ledger(&store, 2, "jane").await.first_deferred_at.is_some());
}

#[tokio::test]
async fn damaged_fate_is_an_error_and_not_an_unknown_recipient() {
    let bench = Bench::new();
    let store = bench.open();
    store.settle(settlement(&bench, 1, &[("jane", Settled::Final(Fate::Accepted))])).await.unwrap();
    bench.raw().execute("UPDATE ledger SET fate = NULL", []).unwrap();
    let refused = store.record(attempt(&bench, 1, vec![], &["jane"])).await;
    assert!(matches!(refused, Err(RecordError::Store(_))), "{refused:?}");
}

#[tokio::test]
async fn one_process_serves_under_a_name_and_visitors_do_not_mind() {
    let bench = Bench::new();
    let store = bench.open();
    let twin = Store::open(bench.settings("n1")).unwrap();
    let Health::Degraded(reason) = twin.health() else {
        panic!("two processes serve as n1");
    };
    assert!(reason.contains("another process serves as node `n1`"), "{reason}");
    let visitor = bench.open_with(Settings {
        role: Role::Visit,
        if_missing: IfMissing::Degrade,
        ..bench.settings("n1")
    });
    visitor.ensure_scopes(vec![]).await.unwrap();
    close(store).await;
    until(async || (twin.health() == Health::Usable).then_some(())).await;
}
