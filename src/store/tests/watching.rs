//! What operators are shown of the store: waiting times, what waits, and mail nobody retried.

use std::sync::Arc;
use std::time::Duration;

use super::{Bench, Gate, attempt, close, denial, permit, settlement, until};
use crate::base::Timestamp;
use crate::pipeline::{Fate, Settled};
use crate::relay::ports::{Journal, Query, Records};
use crate::telemetry::Metrics;

const SIX_HOURS: Duration = Duration::from_hours(6);

fn six_hours_ago(bench: &Bench) -> Timestamp {
    let span = i64::try_from(SIX_HOURS.as_millis()).unwrap();
    Timestamp::from_millis(bench.now().as_millis() - span)
}

#[tokio::test]
async fn counts_recipients_whose_mailer_never_came_back() {
    let bench = Bench::new();
    let store = bench.open();
    let (accepted, deferred) = (Settled::Final(Fate::Accepted), Settled::Deferred);
    // Message 1: two put off, one served. Message 2: the attempt broke off. Message 3: put off
    // and tried again later. Message 4: everybody served, only the reply was lost.
    let first = [("jane", deferred), ("joan", deferred), ("john", accepted)];
    store.settle(settlement(&bench, 1, &first)).await.unwrap();
    let broken = attempt(&bench, 2, vec![permit(2, 0)], &["jane"]);
    store.record(broken).await.unwrap();
    store.settle(settlement(&bench, 3, &[("jane", deferred), ("joan", deferred)])).await.unwrap();
    store.settle(settlement(&bench, 4, &[("jane", accepted)])).await.unwrap();
    assert_eq!(store.never_retried(six_hours_ago(&bench)).await.unwrap(), 0, "too early to say");
    bench.pass(SIX_HOURS);
    store.settle(settlement(&bench, 3, &[("joan", deferred)])).await.unwrap();
    assert_eq!(store.never_retried(six_hours_ago(&bench)).await.unwrap(), 3);
    bench.pass(SIX_HOURS);
    assert_eq!(store.never_retried(six_hours_ago(&bench)).await.unwrap(), 5);
    close(store).await;
}

#[tokio::test]
async fn tells_how_many_notes_wait_and_since_when() {
    let bench = Bench::new();
    let store = bench.open();
    assert_eq!(store.notes_waiting(), (0, None));
    let gate = Gate::hold(&store).await;
    store.note(denial(1));
    let (rows, first) = store.notes_waiting();
    assert_eq!(rows, 1);
    store.note(denial(2));
    let (rows, oldest) = store.notes_waiting();
    assert_eq!(rows, 2);
    assert!(oldest >= first, "the oldest counts, not the newest");
    drop(gate);
    until(async || (store.notes_waiting() == (0, None)).then_some(())).await;
    close(store).await;
}

#[tokio::test]
async fn calls_are_timed_also_when_their_caller_gives_up() {
    let bench = Bench::new();
    let metrics = Arc::new(Metrics::new("test"));
    let mut settings = bench.settings("n1");
    settings.metrics = Some(Arc::clone(&metrics));
    let store = bench.open_with(settings);
    let query = Query { persons: vec![], fates: vec![], scope: None };
    store.load(query).await.unwrap();
    let gate = Gate::hold(&store).await;
    let late = store.record(attempt(&bench, 1, vec![permit(1, 0)], &["jane"]));
    let gave_up = tokio::time::timeout(Duration::from_millis(5), late).await;
    assert!(gave_up.is_err(), "the writer stands in the gate");
    drop(gate);
    store.settle(settlement(&bench, 2, &[("jane", Settled::Deferred)])).await.unwrap();
    let text = metrics.render();
    for operation in ["load", "record", "settle"] {
        let line = format!("consentry_store_call_seconds_count{{operation=\"{operation}\"}} 1");
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
    let commits =
        text.lines().find_map(|l| l.strip_prefix("consentry_store_commit_seconds_count "));
    assert!(commits.unwrap().parse::<u64>().unwrap() >= 2, "the gate's and the settlement's");
    close(store).await;
}
