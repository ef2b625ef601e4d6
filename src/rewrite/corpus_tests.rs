//! The rewriter over folders of real mail, where a machine has them.
//!
//! `CONSENTRY_CORPUS` names folders, divided by `:`; every `.eml` below them is prepared. Names
//! of files and reasons are printed, texts never. Without the variable the test says so and
//! checks nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::tests::opinions::opinions;
use super::tests::{LINK_A, policy, slots};
use super::{Outcome, Policy, ReceivedValue, Resigning, prepare, relay_copy};
use crate::mail::{Message, RawMessage};

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            out.push(path);
        }
    }
}

/// Lone LFs become CRLF, as a listener set to normalise does.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for (index, &byte) in bytes.iter().enumerate() {
        if byte == b'\n' && (index == 0 || bytes[index - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

/// The message as it was before receiving systems put their fields on top: corpora hold what
/// arrived, the relay sees what is sent.
fn as_sent(bytes: Vec<u8>) -> Vec<u8> {
    let message = Message::scan(RawMessage::new(bytes.into()));
    let mut out = Vec::with_capacity(message.bytes().len());
    let mut at = 0;
    for field in message.fields().filter(|f| f.starts_with("ARC-") || f.starts_with("X-Google-")) {
        out.extend_from_slice(&message.bytes()[at..field.range().start]);
        at = field.range().end;
    }
    out.extend_from_slice(&message.bytes()[at..]);
    out
}

/// Prepares one message and checks its copy; the label of what happened.
fn outcome_of(bytes: Vec<u8>, policy: &Policy) -> String {
    let message = Message::scan(RawMessage::new(bytes.into()));
    let received = ReceivedValue::new("from corpus").unwrap();
    let relayed = relay_copy(&message, &received).len();
    assert!(relayed <= message.bytes().len() + "Received: from corpus\r\n".len());
    if let Some((Some(of_what_matters), of_all)) = opinions(&message, |_| {}) {
        assert_eq!(of_what_matters, of_all, "what is left out of the second opinion matters");
    }
    let prepared = match prepare(&message, policy) {
        Ok(prepared) => prepared,
        Err(rejected) => return format!("rejected {}", rejected.as_str()),
    };
    let copy = prepared.render_copy(&slots(LINK_A)).unwrap();
    let copy = Message::scan(RawMessage::new(copy.to_vec().into()));
    assert_eq!(copy.anomalies(), message.anomalies());
    assert_eq!(copy.entities().len(), message.entities().len());
    match prepared.outcome() {
        Outcome::Edited { footers } => {
            assert_eq!(footers.html + footers.text, prepared.inserts().len());
            assert!(prepared.form().visible_unsubscribe);
            let again = prepare(&copy, policy).unwrap();
            assert!(
                matches!(again.outcome(), Outcome::Edited { .. }) && again.inserts().is_empty(),
                "a second pass adds nothing: {:?}",
                again.outcome()
            );
            "edited".to_owned()
        }
        Outcome::HeadersOnly { reason } => {
            assert_eq!(
                copy.bytes()[copy.root().body().clone()],
                message.bytes()[message.root().body().clone()]
            );
            format!("headers only {}", reason.as_str())
        }
    }
}

#[test]
fn p6_no_message_of_the_corpus_is_harmed() {
    let Some(folders) = std::env::var_os("CONSENTRY_CORPUS") else {
        println!("CONSENTRY_CORPUS is not set: no corpus was checked");
        return;
    };
    let mut files = Vec::new();
    for folder in std::env::split_paths(&folders) {
        assert!(folder.is_dir(), "CONSENTRY_CORPUS names {}, which is no folder", folder.display());
        files_below(&folder, &mut files);
    }
    assert!(!files.is_empty(), "the corpus holds .eml files");
    let policy = Policy { resigning: Resigning::Upstream, ..policy() };
    let mut tally: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &files {
        let bytes = with_crlf(&fs::read(file).unwrap());
        outcome_of(bytes.clone(), &policy);
        let label = outcome_of(as_sent(bytes), &policy);
        tally.entry(label).or_default().push(file.file_name().unwrap().display().to_string());
    }
    for (label, names) in tally {
        println!("{:5} {label}: {}", names.len(), names[..names.len().min(6)].join(" "));
    }
    println!("{:5} messages", files.len());
}
