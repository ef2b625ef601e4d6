//! Tests of the one line a transaction leaves: complete, bounded, masked.

use std::time::Duration;

use super::{TRANSACTION, logged};
use crate::base::{DecisionId, Mailbox, StreamId, Timestamp};
use crate::mail::RawMessage;
use crate::pipeline::{Outcome, UpstreamFault};
use crate::smtp::{
    Body, Dialect, Envelope, ForwardPath, Path, Peer, Reply, ReversePath, Status, Transaction, Via,
};
use crate::telemetry::{
    Account, ClassLabel, DeferCause, EnforceLabel, Metrics, ModeLabel, Stage, TransactionFinished,
    VerdictLabel,
};

fn path(address: &str) -> Path {
    Path::new(address, Mailbox::parse(address).unwrap())
}

fn transaction(recipients: usize) -> Transaction {
    let to = |index| ForwardPath::Path(path(&format!("jane{index}@example.org")));
    Transaction {
        id: TRANSACTION,
        peer: Peer {
            ip: "192.0.2.77".parse().unwrap(),
            helo: "jane-laptop".to_owned(),
            via: Via { dialect: Dialect::Esmtp, is_encrypted: true, is_authenticated: false },
            listener: "main".to_owned(),
            client: "shop".to_owned(),
        },
        envelope: Envelope {
            reverse_path: ReversePath::Path(path("jane@example.com")),
            forward_paths: (0..recipients).map(to).collect(),
            body: Body::SevenBit,
            smtputf8: false,
        },
        content: RawMessage::new("Subject: for jane\r\n\r\nbody\r\n".into()),
        received_at: Timestamp::from_millis(0),
    }
}

fn accepted(text: &str) -> Outcome {
    let status = Some(Status { subject: 0, detail: 0 });
    Outcome::Accepted(Reply::new(250, status, text))
}

/// The line about a transaction with this account.
fn line(recipients: usize, account: &Account, metrics: &Metrics) -> String {
    logged(tracing::Level::INFO, || finish(recipients, account, metrics))
}

fn finish(recipients: usize, account: &Account, metrics: &Metrics) {
    let decisions: Vec<DecisionId> =
        (0..recipients).map(|n| DecisionId::from_bits(n as u64)).collect();
    TransactionFinished {
        transaction: &transaction(recipients),
        stream: &StreamId::parse("newsletter").unwrap(),
        class: ClassLabel::Marketing,
        mode: ModeLabel::Bounce,
        enforce: EnforceLabel::All,
        decisions: &decisions,
        reply: &Reply::new(550, None, "jane is not to be written to"),
        took: Duration::from_micros(12_345),
        account,
    }
    .emit(metrics);
}

pub(super) fn emit(metrics: &Metrics) {
    finish(1, &Account::new(metrics), metrics);
}

#[test]
fn one_line_says_everything_about_a_transaction() {
    let metrics = Metrics::new("1");
    let mut account = Account::new(&metrics);
    account.decided(VerdictLabel::Permit, None);
    account.decided(VerdictLabel::Permit, None);
    account.decided(VerdictLabel::Deny, Some("UNSUBSCRIBED"));
    account.decided(VerdictLabel::Deny, Some("NO_BASIS"));
    account.spent(Stage::Prepare, Duration::from_micros(100));
    account.spent(Stage::Load, Duration::from_micros(1000));
    account.spent(Stage::Load, Duration::from_micros(500));
    account.answered(&accepted("Ok: queued as 4F2A1B3C5D"));
    account.answered(&Outcome::Failed(UpstreamFault::Timeout));
    let line = line(4, &account, &metrics);
    assert_eq!(line.lines().count(), 1, "{line}");
    for field in [
        "transaction finished",
        &format!("transaction={TRANSACTION}"),
        "reply=550",
        "listener=\"main\"",
        "client=\"shop\"",
        "client_ip=192.0.2.0/24",
        "tls=true",
        "auth=false",
        "from=j…@example.com",
        "recipients=4",
        "to=j…@example.org,j…@example.org,",
        "bytes=27",
        "stream=\"newsletter\"",
        "class=\"marketing\"",
        "mode=\"bounce\"",
        "enforce=\"all\"",
        "permit=2",
        "deny=2",
        "reasons=\"UNSUBSCRIBED:1,NO_BASIS:1\"",
        &format!("decisions={}", DecisionId::from_bits(0)),
        "upstream=\"250 2.0.0:1,timeout:1\"",
        "queue_ids=\"4F2A1B3C5D\"",
        "took_ms=12.345",
        "stages_ms=prepare:0.10,load:1.50",
        "generation=1",
    ] {
        assert!(line.contains(field), "{field} is missing in\n{line}");
    }
    for absent in ["defer=", "service=", "observed", "more=", "jane", "Subject"] {
        assert!(!line.contains(absent), "{absent} is in\n{line}");
    }
}

#[test]
fn a_line_about_many_recipients_lists_the_first_twenty() {
    let metrics = Metrics::new("1");
    let mut account = Account::new(&metrics);
    for number in 0..30 {
        account.answered(&accepted(&format!("Ok: queued as AB{number:04}")));
    }
    let line = line(100, &account, &metrics);
    assert_eq!(line.matches("@example.org").count(), 20, "{line}");
    assert!(line.contains("decisions_more=80"), "{line}");
    assert!(line.contains("AB0019") && !line.contains("AB0020"), "{line}");
    assert!(line.contains("queue_ids_more=10"), "{line}");
    assert!(line.contains("upstream=\"250 2.0.0:30\""), "{line}");
    assert!(line.len() < 2500, "{} characters", line.len());
}

#[test]
fn one_copy_for_several_recipients_is_named_once() {
    let metrics = Metrics::new("1");
    let mut account = Account::new(&metrics);
    for _ in 0..3 {
        account.answered(&accepted("Ok: queued as 4F2A1B3C5D"));
    }
    let line = line(3, &account, &metrics);
    assert_eq!(line.matches("4F2A1B3C5D").count(), 1, "{line}");
}

#[test]
fn a_deferral_stands_for_whatever_was_decided_before() {
    let metrics = Metrics::new("1");
    let mut account = Account::new(&metrics);
    account.decided(VerdictLabel::Permit, None);
    account.decided(VerdictLabel::Deny, Some("NO_BASIS"));
    account.deferred(2, DeferCause::NoticeDeferred);
    let line = line(2, &account, &metrics);
    assert!(line.contains("defer=2 reasons=\"NOTICE_DEFERRED:2\""), "{line}");
    assert!(!line.contains("permit=") && !line.contains("NO_BASIS"), "{line}");
}
