//! Vectors for the rewriter; each test names its vector where it has one.
//!
//! [`check`] is the one way in: besides the expected outcome it asserts, for every vector, what
//! must hold for all copies: same tree, same bytes in all other parts, foreign fields identical
//! and in order, sound lines, and equal lengths for two recipients.

mod fields;
pub(super) mod opinions;
mod properties;
mod structure;
mod transfer;

use bytes::Bytes;

use super::{
    BrandVoice, Fallback, Footer, FooterTemplates, Footers, IncomingListUnsubscribe, LinkSample,
    Outcome, Policy, Prepared, ReceivedValue, Resigning, Slots, prepare,
};
use crate::base::DecisionId;
use crate::mail::{Message, RawMessage, decode};

const HTML_MARK: &str = "data-consentry=\"footer\"";
const TEXT_MARK: &str = "Unsubscribe from marketing e-mail of Shoes Ltd:";
pub(super) const LINK_A: &str =
    "https://u.shoes.example/u/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-A";
const LINK_B: &str =
    "https://u.shoes.example/u/-B_--BBBBBBBBBBBBBBBBBBBBBBBBB--BBBBBBBBBBBBBBBBBBBBBBBBBB-";

fn message(raw: &str) -> Message {
    Message::scan(RawMessage::new(Bytes::copy_from_slice(raw.as_bytes())))
}

pub(super) fn policy() -> Policy {
    let brand = BrandVoice {
        name: "Shoes".into(),
        entity: "Shoes Ltd".into(),
        postal_address: "1 High Street, London".into(),
        contact: "help@shoes.example".into(),
    };
    Policy {
        footer: Footer::compile(&FooterTemplates::english(), &brand).unwrap(),
        list_unsubscribe: IncomingListUnsubscribe::Replace,
        fallback: Fallback::HeadersOnly,
        link: LinkSample::new(&LINK_A.replace('A', "x")).unwrap(),
        mailto: None,
        resigning: Resigning::Nobody,
    }
}

pub(super) fn slots(link: &str) -> Slots {
    Slots {
        unsubscribe_url: link.to_owned(),
        mailto_subject: None,
        received: ReceivedValue::new("from mailer (192.0.2.1)\r\n\tby relay with ESMTP").unwrap(),
        decision: DecisionId::from_bits(7),
    }
}

fn render(prepared: &Prepared, link: &str) -> String {
    let data = prepared.render_copy(&slots(link)).unwrap();
    String::from_utf8(data.to_vec()).unwrap()
}

/// Prepares and renders, and asserts what holds for all copies.
#[track_caller]
fn copy_of(raw: &str, policy: &Policy) -> (Prepared, String) {
    let original = message(raw);
    let prepared = prepare(&original, policy).unwrap();
    let (copy, other) = (render(&prepared, LINK_A), render(&prepared, LINK_B));
    assert_eq!(copy.len(), other.len(), "the length does not depend on the recipient");
    assert!(
        raw.contains(LINK_A) || !other.contains("AAAAAAAA"),
        "nothing of one recipient is in another's copy"
    );
    let edited = message(&copy);
    assert_eq!(edited.anomalies(), original.anomalies());
    assert_eq!(edited.entities().len(), original.entities().len());
    assert!(edited.longest_line() <= original.longest_line().max(998));
    let foreign = |message: &Message| -> Vec<Vec<u8>> {
        let ours = ["x-consentry-", "list-unsubscribe", "received"];
        let fields = message.fields().filter(|f| !ours.iter().any(|name| f.starts_with(name)));
        fields.map(|f| message.bytes()[f.range()].to_vec()).collect()
    };
    assert_eq!(foreign(&edited), foreign(&original), "foreign fields stay, in order");
    let edited_leaves = prepared.inserts().iter().map(|insert| insert.leaf.index);
    let edited_leaves: Vec<_> = edited_leaves.collect();
    for (index, (old, new)) in original.entities().iter().zip(edited.entities()).enumerate() {
        assert_eq!(old.media().essence(), new.media().essence());
        if old.children().is_empty() && !edited_leaves.contains(&index) {
            let same = raw[old.body().clone()] == copy[new.body().clone()];
            assert!(same, "part {index} was not to be edited");
        }
    }
    (prepared, copy)
}

#[track_caller]
fn check_edited(raw: &str, html: usize, text: usize) -> String {
    let (prepared, copy) = copy_of(raw, &policy());
    assert_eq!(*prepared.outcome(), Outcome::Edited { footers: Footers { html, text } });
    assert!(prepared.form().visible_unsubscribe && prepared.form().header_unsubscribe);
    copy
}

#[track_caller]
fn check_headers_only(raw: &str, reason: &str) -> String {
    let (prepared, copy) = copy_of(raw, &policy());
    match prepared.outcome() {
        Outcome::HeadersOnly { reason: found } => assert_eq!(found.as_str(), reason),
        Outcome::Edited { footers } => panic!("edited ({footers:?}), expected {reason}"),
    }
    assert!(!prepared.form().visible_unsubscribe && prepared.form().header_unsubscribe);
    let (old, new) = (message(raw), message(&copy));
    assert_eq!(raw[old.root().body().clone()], copy[new.root().body().clone()]);
    copy
}

/// The decoded text of the entity at `index` of a message.
fn decoded(raw: &str, index: usize) -> String {
    let message = message(raw);
    let entity = message.entity(index);
    let decoded = decode(message.bytes(), entity.body().clone(), entity.encoding()).unwrap();
    String::from_utf8_lossy(decoded.text()).into_owned()
}

/// A message of one leaf.
fn single(fields: &str, body: &str) -> String {
    format!("From: shop@shoes.example\r\nSubject: sale\r\n{fields}\r\n{body}")
}

/// A message of alternatives, with `b1` as boundary.
fn multi_alternative(parts: &[String]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b1\r\n{part}\r\n")).collect();
    let media = "Content-Type: multipart/alternative; boundary=b1\r\n";
    single(media, &format!("{parts}--b1--\r\n"))
}

/// The raw body of a message's copy.
fn raw_body(raw: &str) -> &str {
    &raw[message(raw).root().body().clone()]
}
