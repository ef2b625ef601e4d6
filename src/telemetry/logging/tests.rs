//! Tests of the forms of lines and of filters, with a subscriber of the test's own.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::layer::SubscriberExt;

use super::{Form, LogSettings, LoggingError, filtered, layer};

/// Collects what is written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(form: Form, work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::registry().with(layer(form, move || writer.clone()));
    crate::telemetry::company::keep();
    tracing::subscriber::with_default(subscriber, work);
    lines.text()
}

#[test]
fn lines_for_the_journal_begin_with_a_priority_and_carry_no_time() {
    let text = logged(Form::Journal, || {
        tracing::error!("one");
        tracing::warn!("two");
        tracing::info!(count = 3, "three");
        tracing::debug!("four");
        tracing::trace!("five");
    });
    let target = module_path!();
    let expected = format!(
        "<3>{target}: one\n<4>{target}: two\n<6>{target}: three count=3\n<7>{target}: four\n\
         <7>{target}: five\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn lines_for_people_carry_time_and_level() {
    let text = logged(Form::Text, || tracing::info!("hello"));
    let (time, rest) = text.split_once(' ').unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{text}");
    assert_eq!(rest.trim_start(), format!("INFO {}: hello\n", module_path!()));
}

#[test]
fn a_value_cannot_begin_a_line_of_its_own() {
    let stranger = "gone\n<0>forged \u{1b}[31m\r\u{85}";
    for form in [Form::Text, Form::Journal, Form::Json] {
        let text = logged(form, || tracing::warn!(error = %stranger, "failed"));
        assert_eq!(text.matches('\n').count(), 1, "{form:?}: {text}");
        let line = text.strip_suffix('\n').unwrap();
        // JSON need not escape what is above U+001F (RFC 8259 §7).
        let control = if form == Form::Json { "\r\u{1b}" } else { "\r\u{1b}\u{85}" };
        assert!(!line.contains(|c| control.contains(c)), "{form:?}: {text}");
    }
}

#[test]
fn json_lines_are_objects_with_the_fields_beside_the_message() {
    let text = logged(Form::Json, || tracing::info!(reply = 250, "transaction finished"));
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["message"], "transaction finished");
    assert_eq!(object["reply"], 250);
    assert_eq!(object["level"], "INFO");
}

#[track_caller]
fn check_refused(settings: &LogSettings, filter: &str) {
    let error = filtered(settings).map(|_| ()).unwrap_err();
    assert!(matches!(error, LoggingError::Filter { .. }));
    assert!(error.to_string().contains(&format!("`{filter}`")), "{error}");
}

#[test]
fn a_malformed_filter_is_named() {
    let wrong = "consentry=loudly";
    check_refused(&LogSettings { filter: wrong.to_owned(), ..LogSettings::default() }, wrong);
    let filter_override = Some(wrong.to_owned());
    check_refused(&LogSettings { filter_override, ..LogSettings::default() }, wrong);
}

/// The lines written before and after the filter is set to `debug`.
fn around_a_change(settings: &LogSettings) -> String {
    let (filter, control) = filtered(settings).unwrap();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(layer(Form::Journal, move || writer.clone()));
    crate::telemetry::company::keep();
    tracing::subscriber::with_default(subscriber, || {
        tracing::debug!("before");
        control.set_filter("debug").unwrap();
        tracing::debug!("after");
        assert!(control.set_filter("=x=").is_err());
        tracing::debug!("still");
    });
    lines.text()
}

#[test]
fn the_filter_changes_while_lines_are_written() {
    let settings = LogSettings { filter: "info".to_owned(), ..LogSettings::default() };
    let text = around_a_change(&settings);
    assert!(!text.contains("before"), "{text}");
    assert!(text.contains("after") && text.contains("still"), "{text}");
}

#[test]
fn an_override_stands_above_every_change() {
    let filter_override = Some("error".to_owned());
    let settings =
        LogSettings { filter: "info".to_owned(), filter_override, ..LogSettings::default() };
    assert_eq!(around_a_change(&settings), "");
}
