//! The table of classes: stream, claim, structure and header fields against each other.
//!
//! Every dialect in which a mailer tells its provider a class is here, once where it may be
//! believed and once where it may not.

use super::{ClaimError, Claims, Effect, Input, MessageClass, StreamClass, classify};
use crate::base::{BrandId, TopicId};
use crate::mail::{Message, RawMessage};

fn rights(may_claim_service: bool) -> Claims {
    Claims {
        may_claim_service,
        brands: vec![BrandId::parse("acme").unwrap()],
        topics: vec![TopicId::parse("footwear").unwrap(), TopicId::parse("hats").unwrap()],
    }
}

fn message(headers: &str, body: &str) -> Message {
    let text = format!("From: a@example.com\r\n{headers}\r\n{body}");
    Message::scan(RawMessage::new(text.into_bytes().into()))
}

fn input<'a>(message: &'a Message, claims: &'a Claims, stream: StreamClass) -> Input<'a> {
    Input { message, stream, claims: Some(claims), recipients: 1, has_null_reverse_path: false }
}

#[track_caller]
fn check(stream: StreamClass, headers: &str, expected: MessageClass) {
    let message = message(headers, "Hello\r\n");
    let claims = rights(true);
    let found = classify(&input(&message, &claims, stream)).unwrap();
    assert_eq!(found.class(), expected, "{stream:?} {headers}");
    assert_eq!(found.signals().iter().filter(|s| s.is_deciding).count(), 1, "{headers}");
}

const REPORT: &str = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n";
const REPORT_BODY: &str = "--b\r\n\r\nfailed\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n--b--\r\n";

#[test]
fn p7_what_nothing_explains_is_marketing() {
    check(StreamClass::Open, "", MessageClass::Marketing);
    check(StreamClass::Open, "Subject: Your invoice\r\n", MessageClass::Marketing);
}

#[test]
fn a_locked_stream_does_not_look() {
    let marks = "List-Unsubscribe: <https://x/>\r\nX-Consentry-Class: marketing\r\n";
    check(StreamClass::LockedService, marks, MessageClass::Service);
    check(StreamClass::LockedMarketing, "X-Consentry-Class: service\r\n", MessageClass::Marketing);
}

#[test]
fn an_unlocked_service_stream_holds_until_a_signal_overrules_it() {
    check(StreamClass::Service, "", MessageClass::Service);
    check(StreamClass::Service, "X-Consentry-Class: marketing\r\n", MessageClass::Marketing);
    check(StreamClass::Service, "Precedence: bulk\r\n", MessageClass::Marketing);
}

#[test]
fn a_claim_lowers_only_with_the_right_and_against_no_signal() {
    check(StreamClass::Open, "X-Consentry-Class: service\r\n", MessageClass::Service);
    check(
        StreamClass::Open,
        "X-Consentry-Class: SERVICE\r\nX-Campaign: 7\r\n",
        MessageClass::Marketing,
    );
    check(StreamClass::Marketing, "X-Consentry-Class: service\r\n", MessageClass::Marketing);
    let message = message("X-Consentry-Class: service\r\n", "Hello\r\n");
    let without = rights(false);
    let found = classify(&input(&message, &without, StreamClass::Open)).unwrap();
    assert_eq!(found.class(), MessageClass::Marketing);
    assert!(found.signals().iter().any(|s| s.rule == "claim_service_without_right"));
}

const PROVIDER_SERVICE: &[&str] = &[
    "X-PM-Message-Stream: outbound",
    "IsTransactional: True",
    "X-MSYS-API: {\"options\":{\"transactional\":true}}",
    "X-SM-Tag: receipts",
];

#[track_caller]
fn class_of(header: &str, claims: &Claims, stream: StreamClass) -> MessageClass {
    let message = message(&format!("{header}\r\n"), "Hello\r\n");
    let found = classify(&input(&message, claims, stream)).unwrap();
    assert_eq!(found.signals().iter().filter(|s| s.is_deciding).count(), 1, "{header}");
    found.class()
}

#[test]
fn a_providers_header_lowers_a_class_only_with_the_right_to_claim() {
    for header in PROVIDER_SERVICE {
        let class = class_of(header, &rights(true), StreamClass::Open);
        assert_eq!(class, MessageClass::Service, "{header}");
        let class = class_of(header, &rights(true), StreamClass::Marketing);
        assert_eq!(class, MessageClass::Marketing, "{header}");
    }
}

#[test]
fn p7_a_providers_header_without_the_right_lowers_no_class() {
    for header in PROVIDER_SERVICE {
        let class = class_of(header, &rights(false), StreamClass::Open);
        assert_eq!(class, MessageClass::Marketing, "{header}");
        let message = message(&format!("{header}\r\n"), "Hello\r\n");
        let found = classify(&input(&message, &rights(false), StreamClass::Open)).unwrap();
        let heard = |rule| found.signals().iter().any(|s| s.rule == rule);
        assert!(heard("provider_claims_service_without_right"), "{header}");
    }
}

#[test]
fn p7_a_providers_header_loses_against_any_sign_of_a_campaign() {
    for header in PROVIDER_SERVICE {
        for mark in
            ["List-Unsubscribe: <https://x/>", "X-Campaign: 7", "X-Consentry-Class: marketing"]
        {
            let both = format!("{header}\r\n{mark}");
            let class = class_of(&both, &rights(true), StreamClass::Open);
            assert_eq!(class, MessageClass::Marketing, "{both}");
        }
    }
}

#[test]
fn p7_signs_that_mean_nothing_by_themselves_lower_no_class() {
    for header in [
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "In-Reply-To: <1@x>",
        "X-Mailgun-Tag: receipts",
        "X-MC-Important: true",
        "X-MSYS-API: {\"options\":{\"transactional\":\"true\"}}",
        "IsTransactional: yes",
    ] {
        check(StreamClass::Open, &format!("{header}\r\n"), MessageClass::Marketing);
    }
}

#[test]
fn p2_a_request_to_ignore_objections_is_told_and_changes_nothing() {
    for header in [
        "X-MSYS-API: {\"options\":{\"transactional\":true,\"skip_suppression\":true}}",
        "X-SMTPAPI: {\"filters\":{\"bypass_list_management\":{\"settings\":{\"enable\":1}}}}",
    ] {
        let message = message(&format!("{header}\r\n"), "Hello\r\n");
        let found = classify(&input(&message, &rights(false), StreamClass::Open)).unwrap();
        assert_eq!(found.class(), MessageClass::Marketing, "{header}");
        let told = found.signals().iter().find(|s| s.rule == "override_request").unwrap();
        assert_eq!((told.effect, told.is_deciding), (Effect::Neutral, false), "{header}");
    }
}

#[test]
fn providers_campaign_headers_raise_a_class() {
    for header in [
        "List-Unsubscribe: <mailto:u@x>",
        "List-Id: <l.x>",
        "Precedence: List",
        "Feedback-ID: 1:2:3:x",
        "X-SES-LIST-MANAGEMENT-OPTIONS: L; topic=T",
        "X-PM-Message-Stream: broadcasts",
        "X-MSYS-API: {\"options\":{\"transactional\":false}}",
        "X-MSYS-API: {\"campaign_id\":\"x\"}",
        "X-MSYS-API: not json",
        "X-SMTPAPI: {\"asm_group_id\": 7}",
        "X-Mailjet-Campaign: autumn",
        "X-CSA-Complaints: abuse@x",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "Precedence: bulk",
        "X-Campaign-Id: 7",
        "x-campaignid: 7",
        "X-SMTPAPI: not json",
        "X-SM-Campaign: autumn",
        "IsTransactional: False",
    ] {
        check(StreamClass::Service, &format!("{header}\r\n"), MessageClass::Marketing);
    }
}

#[test]
fn a_report_passes_even_on_a_marketing_stream() {
    let message = message(REPORT, REPORT_BODY);
    let claims = rights(false);
    let mut seen = input(&message, &claims, StreamClass::Marketing);
    seen.has_null_reverse_path = true;
    assert_eq!(classify(&seen).unwrap().class(), MessageClass::Service);
}

#[test]
fn a_null_reverse_path_alone_proves_nothing() {
    let message = message("", "Buy\r\n");
    let claims = rights(false);
    let mut seen = input(&message, &claims, StreamClass::Open);
    seen.has_null_reverse_path = true;
    let found = classify(&seen).unwrap();
    assert_eq!(found.class(), MessageClass::Marketing);
    let neutral = found.signals().iter().find(|s| s.rule == "null_reverse_path").unwrap();
    assert_eq!(neutral.effect, Effect::Neutral);
}

#[test]
fn a_report_inside_a_message_is_somebody_elses() {
    let body = format!("--o\r\n\r\nBuy!\r\n--o\r\n{REPORT}\r\n{REPORT_BODY}--o--\r\n");
    let message = message("Content-Type: multipart/mixed; boundary=o\r\n", &body);
    let claims = rights(false);
    let found = classify(&input(&message, &claims, StreamClass::Open)).unwrap();
    assert_eq!(found.class(), MessageClass::Marketing);
}

#[test]
fn a_calendar_entry_counts_only_if_nothing_else_is_displayed() {
    let calendar = "Content-Type: text/calendar; method=REQUEST\r\n";
    check(StreamClass::Open, calendar, MessageClass::Service);
    check(StreamClass::Open, "Content-Type: text/calendar\r\n", MessageClass::Marketing);
    let both = message(
        "Content-Type: multipart/alternative; boundary=b\r\n",
        "--b\r\n\r\nBuy!\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nx\r\n--b--\r\n",
    );
    let claims = rights(false);
    let found = classify(&input(&both, &claims, StreamClass::Open)).unwrap();
    assert_eq!(found.class(), MessageClass::Marketing);
}

#[test]
fn an_automatic_reply_goes_to_one_recipient() {
    check(StreamClass::Open, "Auto-Submitted: auto-replied; x=y\r\n", MessageClass::Service);
    check(
        StreamClass::Open,
        "Auto-Submitted: auto-replied\r\nList-Id: <l.x>\r\n",
        MessageClass::Marketing,
    );
    let message = message("Auto-Submitted: auto-replied\r\n", "Hello\r\n");
    let claims = rights(false);
    let mut seen = input(&message, &claims, StreamClass::Open);
    seen.recipients = 2;
    assert_eq!(classify(&seen).unwrap().class(), MessageClass::Marketing);
}

#[test]
fn claims_beyond_the_rights_are_refused() {
    for (header, expected) in [
        ("X-Consentry-Topic: cars", ClaimError::Topic("cars".to_owned())),
        ("X-Consentry-Topic: footwear, ca\u{e9}rs", ClaimError::Topic("cars".to_owned())),
        ("X-Consentry-Brand: other", ClaimError::Brand("other".to_owned())),
        ("X-Consentry-Class: urgent", ClaimError::Class),
        ("X-Consentry-Class: service\r\nX-Consentry-Class: marketing", ClaimError::Class),
    ] {
        let message = message(&format!("{header}\r\n"), "Hello\r\n");
        let claims = rights(true);
        let found = classify(&input(&message, &claims, StreamClass::Marketing));
        assert_eq!(found.unwrap_err(), expected, "{header}");
    }
}

#[test]
fn claims_within_the_rights_are_kept() {
    let headers = "X-Consentry-Topic: footwear,\r\n hats, footwear\r\nX-Consentry-Brand: acme\r\n";
    let message = message(headers, "Hello\r\n");
    let claims = rights(true);
    let found = classify(&input(&message, &claims, StreamClass::Marketing)).unwrap();
    let topics: Vec<&str> = found.topics().iter().map(|topic| topic.as_str()).collect();
    assert_eq!(topics, ["footwear", "hats"]);
    assert_eq!(found.brand().unwrap().as_str(), "acme");
    assert_eq!(found.marketing_probability(), None);
}

#[test]
fn p5_no_claim_stops_mail_of_a_locked_stream() {
    let message = message("X-Consentry-Topic: cars\r\n", "Reset\r\n");
    let claims = rights(false);
    let found = classify(&input(&message, &claims, StreamClass::LockedService)).unwrap();
    assert_eq!(found.class(), MessageClass::Service);
}
