//! What a transaction leaves behind: one line, and metrics that tell the same story.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use super::fakes::{self, Script};
use super::{CONSENTER, OTHER, STRANGER, Scene, mails};
use crate::relay::ports::{Hold, RecordError, StoreError, Submissions};
use crate::telemetry::company;

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

/// Keeps what is logged at info and above until it is asked for.
struct Log {
    lines: Lines,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    fn start() -> Self {
        company::keep();
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The only line there is.
    #[track_caller]
    fn line(&self) -> String {
        let text = String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "one line:\n{text}");
        text
    }
}

#[track_caller]
fn check_fields(line: &str, fields: &[&str]) {
    for field in fields {
        assert!(line.contains(field), "{field} is missing in\n{line}");
    }
}

#[track_caller]
fn check_metrics(scene: &Scene, lines: &[&str]) {
    let text = scene.metrics.render();
    for line in lines {
        assert!(text.lines().any(|l| l == *line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn p4_a_newsletter_leaves_one_line_that_accounts_for_everybody() {
    let log = Log::start();
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Refuse);
    let answer = scene.newsletter(&[CONSENTER, OTHER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    let line = log.line();
    check_fields(
        &line,
        &[
            "transaction finished",
            "reply=250",
            "listener=\"main\"",
            "client=\"shop\"",
            "recipients=3",
            "stream=\"newsletter\"",
            "class=\"marketing\"",
            "mode=\"bounce\"",
            "enforce=\"all\"",
            "permit=2 deny=1",
            "upstream=\"250:1,550:1\"",
            "prepare:",
            "load:",
            "decide:",
            "render:",
            "record:",
            "send:",
        ],
    );
    for person in ["consenter", "other@", "stranger", "Soles"] {
        assert!(!line.contains(person), "{person} is in\n{line}");
    }
    check_metrics(
        &scene,
        &[
            "consentry_notices_total{outcome=\"accepted\"} 2",
            "consentry_upstream_replies_total{code=\"550\",subject=\"absent\"} 1",
            "consentry_upstream_transaction_seconds_count 2",
            "consentry_transaction_seconds_count{class=\"marketing\"} 1",
            "consentry_in_flight_bytes 0",
        ],
    );
}

#[tokio::test]
async fn p4_marketing_put_off_names_its_cause() {
    for (error, cause) in [
        (RecordError::Store(StoreError::Timeout), "STORE_UNAVAILABLE"),
        (RecordError::Store(StoreError::Held(Hold::Restored)), "HELD_RESTORE"),
        (RecordError::Store(StoreError::Held(Hold::ClockBack)), "HELD_CLOCK"),
        (RecordError::Store(StoreError::Held(Hold::ClockBeforeBuild)), "HELD_CLOCK"),
        (RecordError::Claimed, "ATTEMPT_UNDER_WAY"),
        (RecordError::Conflict, "RECORD_CONTENDED"),
    ] {
        let scene = Scene::set("bounce");
        scene.store.refuse_records(error);
        scene.newsletter(&[CONSENTER, OTHER]).await;
        check_metrics(
            &scene,
            &[&format!(
                "consentry_recipients_total{{class=\"marketing\",mode=\"bounce\",\
                 reason=\"{cause}\",stream=\"newsletter\",verdict=\"defer\"}} 2"
            )],
        );
    }
}

#[tokio::test]
async fn a_notice_that_must_wait_puts_everybody_off_in_the_line_too() {
    let log = Log::start();
    let scene = Scene::set("bounce");
    scene.upstream.script(fakes::NOTICES, Script::Defer);
    let answer = scene.newsletter(&[CONSENTER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    let line = log.line();
    check_fields(&line, &["reply=451", "defer=2 reasons=\"NOTICE_DEFERRED:2\""]);
    assert!(!line.contains("permit="), "{line}");
    check_metrics(&scene, &["consentry_notices_total{outcome=\"deferred\"} 1"]);
}

#[tokio::test]
async fn service_mail_leaves_one_line_too() {
    let log = Log::start();
    let scene = Scene::set("bounce");
    let answer =
        scene.relay.submit(mails::receipt(&[STRANGER, OTHER]), CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    let line = log.line();
    check_fields(&line, &["class=\"service\"", "service=2", "upstream=\"250:2\"", "send:"]);
    let decisions = line.split("decisions=").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(decisions.split(',').count(), 1, "one journal row for the message: {line}");
}

#[tokio::test]
async fn an_observed_message_is_told_as_left_alone() {
    let log = Log::start();
    let enforce = "enforce = \"observe\"\nuntil = 2027-01-31";
    let scene = Scene::of(fakes::house_enforcing(enforce));
    let answer = scene.newsletter(&[CONSENTER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    check_fields(&log.line(), &["enforce=\"observe\"", "observed_permit=1 observed_deny=1"]);
    check_metrics(&scene, &["consentry_footers_total{outcome=\"untouched\",reason=\"none\"} 1"]);
}
