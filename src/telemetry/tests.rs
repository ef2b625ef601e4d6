//! Tests that walk the catalogue, and tests of what events write.
//!
//! The catalogue is compared with what the registry gathers after one of each event; log lines
//! are caught by a subscriber of the test's own.

mod finished;
mod labels;
mod monitoring;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus::proto::MetricType;

use super::events::{
    HeldBytes, HoldObserved, JournalObserved, JournalUnsigned, LeasesObserved, MessageArrived,
    NeverRetried, NoticeFinished, StoreCalled, StoreCommitted, StoreMeasured,
    UpstreamTransactionFinished,
};
use super::{
    CertificateSeen, ClassLabel, ConnectionClosed, ConnectionOpened, ConnectionRefused,
    CopyFinished, FooterOutcome, FooterPlaced, HandshakeFailed, HoldCause, JournalGap, Kind,
    ListenerOpened, LoginChecked, LoginLabel, Metrics, ModeLabel, ProxyHeaderRefused,
    RecipientDecided, RefusalLabel, ReloadFinished, ReloadResult, Stage, StageFinished,
    StoreFailed, StoreFile, StoreObserved, StoreOperation, StoreState, UnsubscribeHandled,
    UnsubscribeResult, UpstreamConnectionFailed, UpstreamConnectionFault, VerdictLabel, entries,
};
use crate::base::{DecisionId, StreamId, Timestamp, TransactionId};
use crate::pipeline::{Outcome, UpstreamFault};
use crate::smtp::Reply;

const TRANSACTION: TransactionId = TransactionId::from_bytes([7; 16]);
const TOOK: Duration = Duration::from_millis(2);

fn emit_everything(metrics: &Metrics) {
    finished::emit(metrics);
    emit_mail(metrics);
    emit_upstream(metrics);
    emit_doors(metrics);
    emit_store(metrics);
    ReloadFinished { result: ReloadResult::Refused, generation: 1 }.emit(metrics);
    ReloadFinished { result: ReloadResult::Succeeded, generation: 2 }.emit(metrics);
}

fn emit_mail(metrics: &Metrics) {
    let stream = &StreamId::parse("newsletter").unwrap();
    let (class, mode) = (ClassLabel::Marketing, ModeLabel::Bounce);
    let (verdict, reason) = (VerdictLabel::Deny, Some("UNSUBSCRIBED"));
    let decision = DecisionId::from_bits(9);
    RecipientDecided { decision, stream, class, mode, verdict, reason }.emit(metrics);
    let (transaction, took) = (TRANSACTION, TOOK);
    let outcome = FooterOutcome::Edited;
    FooterPlaced { transaction, outcome, reason: None }.emit(metrics);
    StageFinished { transaction, stage: Stage::Decide, took }.emit(metrics);
    drop(MessageArrived { bytes: 500 }.emit(metrics));
    let (at, until) = (Timestamp::from_millis(1000), Timestamp::from_millis(61_000));
    LeasesObserved { leases: &[(stream.clone(), until)], at }.emit(metrics);
}

fn emit_upstream(metrics: &Metrics) {
    let transaction = TRANSACTION;
    let reply = Reply::new(550, None, "jane@example.com said no");
    for outcome in [Outcome::InDoubt, Outcome::Failed(UpstreamFault::Lost), Outcome::Refused(reply)]
    {
        CopyFinished { transaction, outcome: &outcome }.emit(metrics);
        NoticeFinished { transaction, outcome: &outcome }.emit(metrics);
    }
    UpstreamTransactionFinished { transaction, took: TOOK }.emit(metrics);
    UpstreamConnectionFailed { kind: UpstreamConnectionFault::Tls }.emit(metrics);
    NeverRetried { recipients: 4 }.emit(metrics);
}

fn emit_doors(metrics: &Metrics) {
    let listener = "main";
    ListenerOpened { listener }.emit(metrics);
    ConnectionOpened { listener }.emit(metrics);
    ConnectionOpened { listener }.emit(metrics);
    ConnectionClosed { listener }.emit(metrics);
    let ip = [192, 0, 2, 7].into();
    ConnectionRefused { listener, ip, reason: RefusalLabel::UnknownClient }.emit(metrics);
    HandshakeFailed { listener, ip, fault: "garbled" }.emit(metrics);
    ProxyHeaderRefused { listener, ip, fault: "garbled" }.emit(metrics);
    LoginChecked { listener, ip: Some(ip), result: LoginLabel::Invalid }.emit(metrics);
    let not_after = Timestamp::from_millis(1_800_000_000_999);
    CertificateSeen { role: listener, not_after }.emit(metrics);
    let (decision, result) = (Some(DecisionId::from_bits(9)), UnsubscribeResult::Recorded);
    UnsubscribeHandled { decision, result, took: TOOK }.emit(metrics);
}

fn emit_store(metrics: &Metrics) {
    let (operation, took) = (StoreOperation::Load, TOOK);
    StoreCalled { operation, took }.emit(metrics);
    StoreCommitted { took }.emit(metrics);
    StoreFailed { operation, error: &io::Error::other("locked") }.emit(metrics);
    StoreObserved { state: StoreState::Usable }.emit(metrics);
    StoreMeasured { file: StoreFile::Database, bytes: 4096 }.emit(metrics);
    JournalObserved { rows: 2, oldest: Some(TOOK) }.emit(metrics);
    JournalGap { rows: 3 }.emit(metrics);
    HoldObserved { cause: Some(HoldCause::Clock), why: "an hour" }.emit(metrics);
    JournalUnsigned { entries: 7 }.emit(metrics);
}

#[test]
fn the_catalogue_is_exactly_what_is_exported() {
    let metrics = Metrics::new("1.2.3");
    emit_everything(&metrics);
    let families = metrics.gather();
    let exported: BTreeSet<&str> =
        families.iter().map(prometheus::proto::MetricFamily::name).collect();
    let listed: BTreeSet<&str> = entries().map(|entry| entry.name).collect();
    assert_eq!(exported, listed);
    assert_eq!(listed.len(), entries().count(), "each name once");
    for entry in entries() {
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
fn names_and_texts_keep_the_rules() {
    for entry in entries() {
        let name = entry.name;
        assert!(name.starts_with("consentry_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert_eq!(entry.kind == Kind::Counter, name.ends_with("_total"), "{name}");
        let is_histogram = entry.kind == Kind::Histogram;
        assert!(!is_histogram || name.ends_with("_seconds"), "{name}");
        for text in [entry.help, entry.action] {
            assert!(text.ends_with('.') && text.len() > 15, "{name}: {text}");
            assert!(!text.contains("  ") && !text.contains('\n'), "{name}: {text}");
        }
        for unit in ["milli", "micro", "minutes", "kilo", "mega", "count", "_ms"] {
            assert!(!name.contains(unit), "{name}");
        }
    }
}

#[test]
fn series_with_closed_labels_start_at_zero() {
    let text = Metrics::new("1.2.3").render();
    for line in [
        "consentry_upstream_outcomes_total{outcome=\"accepted\"} 0",
        "consentry_upstream_replies_total{code=\"451\",subject=\"policy\"} 0",
        "consentry_upstream_failures_total{fault=\"connect\"} 0",
        "consentry_store_errors_total{operation=\"append\"} 0",
        "consentry_unsubscribes_total{result=\"unknown_key\"} 0",
        "consentry_config_reloads_total{result=\"refused\"} 0",
        "consentry_transaction_seconds_count{class=\"service\"} 0",
        "consentry_config_generation 1",
        "consentry_config_last_reload_successful 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
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
        "consentry_recipients_total{class=\"marketing\",mode=\"bounce\",reason=\"UNSUBSCRIBED\",\
         stream=\"newsletter\",verdict=\"deny\"} 1",
        "consentry_footers_total{outcome=\"edited\",reason=\"none\"} 1",
        "consentry_received_bytes_total 500",
        "consentry_in_flight_bytes 0",
        "consentry_stream_lease_seconds{stream=\"newsletter\"} 60",
        "consentry_upstream_outcomes_total{outcome=\"in_doubt\"} 1",
        "consentry_upstream_replies_total{code=\"550\",subject=\"absent\"} 1",
        "consentry_upstream_failures_total{fault=\"lost\"} 1",
        "consentry_upstream_connections_failed_total{kind=\"tls\"} 1",
        "consentry_upstream_transaction_seconds_count 1",
        "consentry_notices_total{outcome=\"refused\"} 1",
        "consentry_deferred_never_retried 4",
        "consentry_in_doubt_total 1",
        "consentry_connections{listener=\"main\"} 1",
        "consentry_connections_opened_total{listener=\"main\"} 2",
        "consentry_connections_refused_total{listener=\"main\",reason=\"unknown_client\"} 1",
        "consentry_connections_refused_total{listener=\"main\",reason=\"too_many_connections\"} 0",
        "consentry_tls_handshakes_failed_total{listener=\"main\"} 1",
        "consentry_proxy_headers_refused_total{listener=\"main\"} 1",
        "consentry_logins_total{listener=\"main\",result=\"invalid\"} 1",
        "consentry_certificate_expiry_timestamp_seconds{role=\"main\"} 1800000000",
        "consentry_store_errors_total{operation=\"load\"} 1",
        "consentry_store_call_seconds_count{operation=\"load\"} 1",
        "consentry_store_commit_seconds_count 1",
        "consentry_store_usable 1",
        "consentry_store_bytes{file=\"database\"} 4096",
        "consentry_journal_gaps_total 3",
        "consentry_journal_waiting 2",
        "consentry_journal_lag_seconds 0.002",
        "consentry_unsubscribes_total{result=\"recorded\"} 1",
        "consentry_opt_out_seconds_bucket{le=\"0.0025\"} 1",
        "consentry_stage_seconds_bucket{stage=\"decide\",le=\"0.005\"} 1",
        "consentry_config_reloads_total{result=\"succeeded\"} 1",
        "consentry_config_generation 2",
        "consentry_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
    let resident = text.lines().find_map(|l| l.strip_prefix("process_resident_memory_bytes "));
    assert!(resident.unwrap().parse::<u64>().unwrap() > 100_000);
}

#[test]
fn bytes_are_in_flight_until_they_are_let_go() {
    let metrics = Metrics::new("1");
    let held: Vec<HeldBytes> =
        [3, 4].map(|bytes| MessageArrived { bytes }.emit(&metrics)).into_iter().collect();
    assert!(metrics.render().contains("consentry_in_flight_bytes 7\n"));
    drop(held);
    assert!(metrics.render().contains("consentry_in_flight_bytes 0\n"));
}

#[test]
fn a_stream_that_enforces_everything_is_no_longer_shown() {
    let metrics = Metrics::new("1");
    let (at, until) = (Timestamp::from_millis(0), Timestamp::from_millis(9000));
    let leases = ["a", "b"].map(|stream| (StreamId::parse(stream).unwrap(), until));
    LeasesObserved { leases: &leases, at }.emit(&metrics);
    LeasesObserved { leases: &leases[1..], at }.emit(&metrics);
    let text = metrics.render();
    assert!(!text.contains("consentry_stream_lease_seconds{stream=\"a\"}"), "{text}");
    assert!(text.contains("consentry_stream_lease_seconds{stream=\"b\"} 9\n"), "{text}");
}

#[test]
fn two_relays_in_one_process_share_no_counter() {
    let (one, other) = (Metrics::new("1"), Metrics::new("1"));
    JournalGap { rows: 1 }.emit(&one);
    assert!(other.render().contains("consentry_journal_gaps_total 0\n"));
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

fn logged(level: tracing::Level, work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    crate::telemetry::company::keep();
    tracing::subscriber::with_default(subscriber, work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_event_is_logged_without_personal_data() {
    let metrics = Metrics::new("1");
    let log = logged(tracing::Level::TRACE, || emit_everything(&metrics));
    for words in [
        "transaction finished",
        "recipient decided",
        "footer placed",
        "stage finished",
        "leases observed",
        "copy finished",
        "notice finished",
        "upstream transaction ended",
        "upstream connection failed",
        "never tried again",
        "listener opened",
        "connection opened",
        "connection closed",
        "connection refused",
        "TLS handshake failed",
        "PROXY header refused",
        "login checked",
        "certificate in use",
        "unsubscribe handled",
        "store called",
        "store committed",
        "store call failed",
        "the store is usable",
        "store measured",
        "journal observed",
        "journal rows lost",
        "configuration reloaded",
        "configuration not reloaded",
    ] {
        assert!(log.contains(words), "{words} is missing in\n{log}");
    }
    assert!(log.contains(&DecisionId::from_bits(9).to_string()));
    assert!(!log.contains("jane"), "{log}");
}

#[test]
fn the_stores_state_is_logged_only_when_it_changes() {
    let metrics = Metrics::new("1");
    let log = logged(tracing::Level::TRACE, || {
        for state in [StoreState::Usable, StoreState::Usable, StoreState::Unusable] {
            StoreObserved { state }.emit(&metrics);
        }
    });
    assert_eq!(log.lines().count(), 2, "{log}");
}
