//! Tests that walk the catalogue, and tests of what events write.
//!
//! The catalogue is compared with what the registry gathers after one of each event; log lines
//! are caught by a subscriber of the test's own.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus::proto::MetricType;

use super::{
    CATALOGUE, ClassLabel, ConnectionClosed, ConnectionOpened, ConnectionRefused, CopyFinished,
    FooterOutcome, FooterPlaced, JournalGap, Kind, Metrics, OutcomeLabel, RecipientDecided,
    ReplyLabel, Stage, StageFinished, StoreFailed, StoreObserved, StoreOperation, StoreState,
    TransactionAnswered, UnsubscribeHandled, UnsubscribeResult, VerdictLabel,
};
use crate::base::{DecisionId, StreamId, TransactionId};
use crate::pipeline::{Outcome, UpstreamFault};
use crate::smtp::Reply;

fn emit_everything(metrics: &Metrics) {
    let stream = StreamId::parse("newsletter").unwrap();
    let transaction = TransactionId::from_bytes([7; 16]);
    let reply = Reply::new(550, None, "jane@example.com said no");
    let class = ClassLabel::Marketing;
    TransactionAnswered { transaction, stream: &stream, class, reply: &reply }.emit(metrics);
    let decision = DecisionId::from_bits(9);
    let verdict = VerdictLabel::Deny;
    let reason = Some("UNSUBSCRIBED");
    RecipientDecided { decision, stream: &stream, class, verdict, reason }.emit(metrics);
    let outcome = FooterOutcome::Edited;
    FooterPlaced { transaction, outcome, reason: None }.emit(metrics);
    CopyFinished { transaction, outcome: &Outcome::InDoubt }.emit(metrics);
    CopyFinished { transaction, outcome: &Outcome::Refused(reply) }.emit(metrics);
    ConnectionOpened.emit(metrics);
    ConnectionOpened.emit(metrics);
    ConnectionClosed.emit(metrics);
    ConnectionRefused.emit(metrics);
    let error = &io::Error::other("locked");
    StoreFailed { operation: StoreOperation::Load, error }.emit(metrics);
    StoreObserved { state: StoreState::Usable }.emit(metrics);
    JournalGap { rows: 3 }.emit(metrics);
    let result = UnsubscribeResult::Recorded;
    UnsubscribeHandled { decision: Some(decision), result }.emit(metrics);
    let took = Duration::from_millis(2);
    StageFinished { transaction, stage: Stage::Decide, took }.emit(metrics);
}

#[test]
fn the_catalogue_is_exactly_what_is_exported() {
    let metrics = Metrics::new("1.2.3");
    emit_everything(&metrics);
    let families = metrics.gather();
    let exported: BTreeSet<&str> =
        families.iter().map(prometheus::proto::MetricFamily::name).collect();
    let listed: BTreeSet<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
    assert_eq!(exported, listed);
    assert_eq!(listed.len(), CATALOGUE.len(), "each name once");
    for entry in CATALOGUE {
        let family = families.iter().find(|family| family.name() == entry.name).unwrap();
        let kind = match entry.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        };
        assert_eq!(family.get_field_type(), kind, "{}", entry.name);
        assert_eq!(family.help(), entry.help, "{}", entry.name);
        for metric in family.get_metric() {
            let shown: BTreeSet<&str> = metric.get_label().iter().map(|pair| pair.name()).collect();
            assert_eq!(shown, entry.labels.iter().copied().collect(), "{}", entry.name);
        }
    }
}

#[test]
fn names_and_helps_keep_the_prometheus_rules() {
    for entry in CATALOGUE {
        let name = entry.name;
        assert!(name.starts_with("consentry_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert_eq!(entry.kind == Kind::Counter, name.ends_with("_total"), "{name}");
        assert_eq!(entry.kind == Kind::Histogram, name.ends_with("_seconds"), "{name}");
        assert!(entry.help.ends_with('.') && entry.help.len() > 20, "{name}");
        for unit in ["milli", "micro", "minutes", "kilo", "mega", "count", "_ms"] {
            assert!(!name.contains(unit), "{name}");
        }
    }
}

#[test]
fn renders_what_was_emitted() {
    let metrics = Metrics::new("1.2.3");
    emit_everything(&metrics);
    let text = metrics.render();
    for line in [
        "# TYPE consentry_recipients_total counter",
        "consentry_transactions_total{class=\"marketing\",reply=\"550\",stream=\"newsletter\"} 1",
        "consentry_recipients_total{class=\"marketing\",reason=\"UNSUBSCRIBED\",\
         stream=\"newsletter\",verdict=\"deny\"} 1",
        "consentry_footers_total{outcome=\"edited\",reason=\"none\"} 1",
        "consentry_upstream_outcomes_total{outcome=\"in_doubt\"} 1",
        "consentry_upstream_outcomes_total{outcome=\"accepted\"} 0",
        "consentry_in_doubt_total 1",
        "consentry_connections 1",
        "consentry_connections_refused_total 1",
        "consentry_store_errors_total{operation=\"load\"} 1",
        "consentry_store_errors_total{operation=\"append\"} 0",
        "consentry_store_usable 1",
        "consentry_journal_gaps_total 3",
        "consentry_unsubscribes_total{result=\"recorded\"} 1",
        "consentry_unsubscribes_total{result=\"unknown_key\"} 0",
        "consentry_stage_seconds_bucket{stage=\"decide\",le=\"0.005\"} 1",
        "consentry_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    let resident = text.lines().find_map(|l| l.strip_prefix("process_resident_memory_bytes "));
    assert!(resident.unwrap().parse::<u64>().unwrap() > 100_000);
}

#[test]
fn two_relays_in_one_process_share_no_counter() {
    let (one, other) = (Metrics::new("1"), Metrics::new("1"));
    ConnectionRefused.emit(&one);
    assert!(other.render().contains("consentry_connections_refused_total 0"));
}

#[test]
fn replies_are_labelled_by_code_or_first_digit() {
    for (code, label) in [
        (250, "250"),
        (251, "2xx"),
        (354, "4xx"),
        (421, "421"),
        (451, "451"),
        (452, "452"),
        (450, "4xx"),
        (550, "550"),
        (552, "552"),
        (554, "554"),
        (571, "5xx"),
    ] {
        assert_eq!(ReplyLabel::of(&Reply::new(code, None, "x")).as_str(), label, "{code}");
    }
}

#[test]
fn outcomes_are_labelled_by_kind() {
    let reply = || Reply::new(250, None, "x");
    for (outcome, label) in [
        (Outcome::Accepted(reply()), "accepted"),
        (Outcome::Refused(reply()), "refused"),
        (Outcome::Deferred(reply()), "deferred"),
        (Outcome::Failed(UpstreamFault::Lost), "failed"),
        (Outcome::InDoubt, "in_doubt"),
    ] {
        assert_eq!(OutcomeLabel::of(&outcome).as_str(), label);
    }
}

#[test]
fn label_values_are_distinct_lower_case_words() {
    fn check<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str) {
        let texts: BTreeSet<&str> = all.iter().map(|&label| text(label)).collect();
        assert_eq!(texts.len(), all.len());
        for text in texts {
            let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(text.bytes().all(is_word), "{text}");
        }
    }
    check(ClassLabel::ALL, ClassLabel::as_str);
    check(ReplyLabel::ALL, ReplyLabel::as_str);
    check(VerdictLabel::ALL, VerdictLabel::as_str);
    check(FooterOutcome::ALL, FooterOutcome::as_str);
    check(OutcomeLabel::ALL, OutcomeLabel::as_str);
    check(StoreOperation::ALL, StoreOperation::as_str);
    check(StoreState::ALL, StoreState::as_str);
    check(UnsubscribeResult::ALL, UnsubscribeResult::as_str);
    check(Stage::ALL, Stage::as_str);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_event_is_logged_without_personal_data() {
    let metrics = Metrics::new("1");
    let log = logged(|| emit_everything(&metrics));
    for words in [
        "transaction answered",
        "recipient decided",
        "footer placed",
        "copy finished",
        "connection opened",
        "connection closed",
        "connection refused",
        "store call failed",
        "the store is usable",
        "journal rows lost",
        "unsubscribe handled",
        "stage finished",
    ] {
        assert!(log.contains(words), "{words} is missing in\n{log}");
    }
    assert!(log.contains(&DecisionId::from_bits(9).to_string()));
    assert!(!log.contains("jane@example.com"), "{log}");
}

#[test]
fn the_stores_state_is_logged_only_when_it_changes() {
    let metrics = Metrics::new("1");
    let log = logged(|| {
        for state in [StoreState::Usable, StoreState::Usable, StoreState::Unusable] {
            StoreObserved { state }.emit(&metrics);
        }
    });
    assert_eq!(log.lines().count(), 2, "{log}");
}
