//! Approved contents against messages that are the same, and messages that are almost.
//!
//! Nothing but the slots may differ, and no slot may carry a link.

use bytes::Bytes;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};

use super::content::Reading;
use super::template::{self, Values};
use super::{Approval, ApprovalError, ApprovalTerms, Approvals};
use crate::base::{EntityId, Timestamp};
use crate::classify::{Input, MessageClass, SignalSource, StreamClass, classify};
use crate::mail::{Message, RawMessage};

const BREACH: &str = "Subject: Your data, {{name}}\r\n\
    From: Acme <notices@shop.example>\r\n\
    Message-ID: <1@shop.example>\r\n\
    Content-Type: multipart/alternative; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    Dear {{name}},\r\n\r\nyour order {{order}} was seen by strangers.\r\nRead on at https://shop.example/breach\r\n\
    --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <p title=\"x\">Dear <b>{{name}}</b>,</p><p>your order {{order}} was seen by \
    <a href=\"https://shop.example/breach\">strangers</a>.</p>\r\n--b--\r\n";

fn message(raw: impl Into<Vec<u8>>) -> Message {
    Message::scan(RawMessage::new(Bytes::from(raw.into())))
}

fn entity(name: &str) -> EntityId {
    EntityId::parse(name).unwrap()
}

fn terms() -> ApprovalTerms {
    ApprovalTerms {
        entity: entity("acme-ltd"),
        by: "jane.doe".to_owned(),
        second: None,
        reason: "art. 34 GDPR".to_owned(),
        at: Timestamp::parse("2026-09-01T08:00:00Z").unwrap(),
        until: "2026-10-31".parse().unwrap(),
    }
}

fn approval() -> Approval {
    Approval::of(&message(BREACH), terms()).unwrap()
}

fn filled(name: &str, order: &str) -> String {
    BREACH.replace("{{name}}", name).replace("{{order}}", order)
}

#[track_caller]
fn check(raw: &str, expected: bool) {
    assert_eq!(approval().covers(&message(raw)), expected, "{raw}");
}

#[test]
fn p5_what_was_approved_goes_to_everybody_whatever_stands_in_the_slots() {
    for (name, order) in [
        ("Jane", "4711"),
        ("-", "-"),
        ("Dr. Łukasz O'Neil, MSc.", "AB-4711/26"),
        ("J. R. Smith & Sons", "1.500,00"),
    ] {
        check(&filled(name, order), true);
    }
    let rewrapped = filled("Jane", "7").replace("your order", "your\r\n   order");
    check(&rewrapped, true);
    let escaped = BREACH.replace("<b>{{name}}</b>", "<b>A &amp; B&#233;</b>");
    let escaped = escaped.replace("{{name}}", "A & Bé").replace("{{order}}", "7");
    // A header is ASCII, or an encoded word.
    check(&escaped.replace("data, A & Bé", "data, =?utf-8?q?A_&_B=C3=A9?="), true);
}

#[test]
fn p7_what_reads_otherwise_is_not_approved() {
    let good = filled("Jane", "4711");
    check(&good, true);
    for (what, with) in [
        ("seen by strangers", "seen by strangers. Shoes at half price!"),
        ("Dear Jane", "Dear dear Jane"),
        ("https://shop.example/breach\"", "https://shop.example/sale\""),
        ("Read on at https://shop.example/breach", "Read on at https://shop.example/sale"),
        ("<p title=\"x\">", "<p title=\"y\">"),
        ("Subject: Your data", "Subject: SALE, your data"),
        ("From: Acme", "From: Acme SALE"),
        ("notices@shop.example", "offers@shop.example"),
        ("text/plain; charset=utf-8", "text/plain; name=sale; charset=utf-8"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-7"),
        ("multipart/alternative", "multipart/mixed"),
        ("Message-ID:", "Subject: Second\r\nMessage-ID:"),
        ("--b--", "--b\r\n\r\nP.S. Shoes at half price\r\n--b--"),
        ("--b--", "--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--"),
        ("--b--", ""),
    ] {
        assert!(good.contains(what), "{what}");
        check(&good.replace(what, with), false);
    }
}

#[test]
fn p7_slots_carry_values_and_nothing_to_follow() {
    for name in [
        "",
        "Jane, see https://evil.example",
        "www.evil.example",
        "evil.example",
        "evil\u{3002}example",
        "evil\u{ff0e}example",
        "buy@evil.example",
        "buy\u{ff20}evil",
        "mailto:x",
        "<b>",
        "&lt;a&gt;",
        "Jane\r\nBuy shoes",
        "Ja\u{200b}ne",
        "Jane\u{202e}",
    ] {
        check(&filled(name, "7"), false);
    }
    check(&filled(&"x".repeat(60), "7"), true);
    check(&filled(&"x".repeat(61), "7"), false);
    // Two slots with a dot between them make no host either.
    let joined = BREACH.replace("{{order}}", "{{euros}}.{{cents}}");
    let approval = Approval::of(&message(joined.as_str()), terms()).unwrap();
    let filled_in = |euros: &str, cents: &str| {
        let raw = joined.replace("{{euros}}", euros).replace("{{cents}}", cents);
        approval.covers(&message(raw.replace("{{name}}", "Jane")))
    };
    assert!(filled_in("12", "50"));
    assert!(!filled_in("12 (see acme-sale", "com/boots) 50"));
    // The same slot holds the same everywhere.
    check(&filled("Jane", "7").replace("<b>Jane</b>", "<b>Shoes at half price</b>"), false);
    check(&filled("Jane", "7").replace("<b>Jane</b>", "<b>Ja&Tab;ne</b>"), false);
}

#[track_caller]
fn refused(from: &str, to: &str, because: &str) {
    assert!(BREACH.contains(from), "{from}");
    let refusal = Approval::of(&message(BREACH.replace(from, to)), terms()).unwrap_err();
    assert!(refusal.to_string().contains(because), "{refusal}");
}

#[test]
fn p7_slots_stand_in_texts_only() {
    refused("title=\"x\"", "title=\"{{x}}\"", "never in a tag");
    refused("shop.example/breach\">", "shop.example/{{x}}\">", "never in a tag");
    refused("<p>your", "<style>p { {{x}} }</style><p>your", "never in a tag");
    refused("<p>your", "<!-- {{x}} --><p>your", "never in a tag");
    refused("<p>your", "<!-- {{x}} <p>your", "a document that is whole");
    refused("Acme <", "{{x}} <", "no slot may stand here");
    refused("Dear {{name}}", "{{a}}{{b}}{{name}}", "follows another slot");
    refused("Dear {{name}}", "Dear {{name of a friend}}", "is no slot");
    refused("Dear {{name}}", "Dear {{name", "is no slot");
    refused("</p>\r\n--b--", "{{</p>\r\n--b--", "never closed");
    refused("Your data, {{name}}", "{{name}}", "10 that are fixed");
    refused("Subject: Your", "X-Subject: Your", "exactly one readable Subject");
    refused("--b--", "", "not well-formed");
}

#[test]
fn p7_an_approval_holds_for_its_entity_and_its_time() {
    let approvals = Approvals::new(vec![approval()]);
    let is_covered = |name: &str, at: &str| {
        let at = Timestamp::parse(at).unwrap();
        approvals.covering(&message(filled("Jane", "7")), &entity(name), at).is_some()
    };
    assert!(is_covered("acme-ltd", "2026-10-31T23:59:59Z"));
    assert!(!is_covered("acme-ltd", "2026-11-01T00:00:00Z"));
    assert!(!is_covered("acme-ltd", "2026-08-31T00:00:00Z"));
    assert!(!is_covered("other-ltd", "2026-09-02T00:00:00Z"));
    let too_long = ApprovalTerms { until: "2026-12-01".parse().unwrap(), ..terms() };
    let refusal = Approval::of(&message(BREACH), too_long).unwrap_err();
    assert_eq!(refusal, ApprovalError::TooLong);
}

#[test]
fn p7_a_changed_file_is_refused() {
    let text = approval().to_toml();
    assert_eq!(Approval::parse(&text).unwrap(), approval());
    let changed = text.replace("strangers", "everybody");
    assert!(matches!(Approval::parse(&changed).unwrap_err(), ApprovalError::Changed { .. }));
    let longer = text.replace("2026-10-31", "2027-10-31");
    assert_eq!(Approval::parse(&longer).unwrap_err(), ApprovalError::TooLong);
    assert!(matches!(Approval::parse("x = 1").unwrap_err(), ApprovalError::File(_)));
}

#[test]
fn p9_the_classification_names_the_approval() {
    let message = message(filled("Jane", "7"));
    let input = Input {
        message: &message,
        stream: StreamClass::Marketing,
        claims: None,
        recipients: 1,
        has_null_reverse_path: false,
    };
    let before = classify(&input).unwrap();
    assert_eq!(before.class(), MessageClass::Marketing);
    let after = before.approved(&approval());
    assert_eq!(after.class(), MessageClass::Service);
    let deciding: Vec<_> = after.signals().iter().filter(|signal| signal.is_deciding).collect();
    assert_eq!(deciding.len(), 1);
    assert_eq!(
        (deciding[0].rule.as_str(), deciding[0].source),
        ("approved_notice", SignalSource::Stream)
    );
    assert!(deciding[0].text.contains(&approval().digest().to_string()));
}

#[test]
fn p7_signed_and_encrypted_parts_count_by_their_bytes() {
    let raw = BREACH.replace(
        "--b--",
        "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--",
    );
    let approval = Approval::of(&message(raw.clone()), terms()).unwrap();
    let filled = raw.replace("{{name}}", "Jane").replace("{{order}}", "7");
    assert!(approval.covers(&message(filled.clone())));
    assert!(!approval.covers(&message(filled.replace("eA==", "eQ=="))));
}

/// Pieces strangers could put into a text.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Dear ".to_owned()),
        Just(", your order ".to_owned()),
        Just(" was seen.".to_owned()),
        Just("Buy shoes".to_owned()),
        Just("https://x.example".to_owned()),
        Just("\n".to_owned()),
        "[a-z ]{0,12}",
        any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn p7_no_text_fits_but_the_fixed_one_around_its_slots(
        pieces in proptest::collection::vec(piece(), 0..8),
    ) {
        let segments = template::cut("Dear {{name}}, your order {{order}} was seen.").unwrap();
        let text = pieces.concat();
        let mut values = Values::new();
        if template::fits(&segments, &text, Reading::Plain, &mut values) {
            // An independent reading: the fixed texts cut out leave two harmless values.
            let rest = text.strip_prefix("Dear ").unwrap().strip_suffix(" was seen.").unwrap();
            let found = rest.match_indices(", your order ").any(|(at, fixed)| {
                [&rest[..at], &rest[at + fixed.len()..]].iter().all(|value| {
                    value.chars().count() <= 60
                        && !value.contains(['\n', '<', '>', '@'])
                        && !value.contains("://")
                })
            });
            prop_assert!(found, "{text:?}");
        }
    }

    #[test]
    fn p5_every_plain_value_fits(name in "[A-Z][A-Za-z' -]{0,59}", order in "[0-9-]{1,20}") {
        let segments = template::cut("Dear {{name}}, your order {{order}} was seen.").unwrap();
        let text = format!("Dear {name}, your order {order} was seen.");
        prop_assert!(template::fits(&segments, &text, Reading::Plain, &mut Values::new()));
    }

    #[test]
    fn p7_changing_any_byte_outside_the_slots_ends_the_approval(
        at in 0_usize..1000,
        byte in b'!'..b'~',
    ) {
        let good = filled("Jane", "4711");
        let start = good.find("your order").unwrap();
        let end = good.find("Content-Type: text/html").unwrap() - 20;
        let at = start + at % (end - start);
        let mut bytes = good.clone().into_bytes();
        let old = bytes[at];
        bytes[at] = byte;
        let is_in_slot = good[..at].ends_with("your order ") || good[at..].starts_with("4711")
            || good[at..].starts_with("711") || good[at..].starts_with("11 ")
            || good[at..].starts_with("1 was");
        if old != byte && !is_in_slot {
            prop_assert!(!approval().covers(&message(bytes)), "byte {at}");
        }
    }
}
