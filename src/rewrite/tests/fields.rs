//! Header edits, service copies and previews.
//!
//! Orders and spellings of RFC 2369, RFC 5321 and RFC 8058 are asserted byte by byte.

use super::{
    LINK_A, LINK_B, check_edited, check_headers_only, copy_of, message, policy, render, single,
    slots,
};
use crate::base::DecisionId;
use crate::rewrite::{
    BrandVoice, Footer, FooterTemplates, IncomingListUnsubscribe, MailtoSample, Outcome, Policy,
    ReceivedValue, Rejected, Slots, SlotsError, prepare, preview, relay_copy,
};

fn values(copy: &str, name: &str) -> Vec<String> {
    message(copy).header(name).map(|field| field.unfolded()).collect()
}

#[test]
fn e1_the_pair_stands_below_the_trace_and_our_received_on_top() {
    let raw = format!("Received: a\r\n b\r\nReturn-Path: <x@y>\r\n{}", single("", "Hello\r\n"));
    let copy = check_edited(&raw, 0, 1);
    let decision = DecisionId::from_bits(7);
    let expected = format!(
        "Received: from mailer (192.0.2.1)\r\n\tby relay with ESMTP\r\n\
         Received: a\r\n b\r\nReturn-Path: <x@y>\r\n\
         X-Consentry-Decision: {decision}\r\n\
         List-Unsubscribe: <{LINK_A}>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
         From: shop@shoes.example\r\n"
    );
    assert!(copy.starts_with(&expected), "{copy}");
}

#[test]
fn e2_to_e7_every_incoming_pair_is_replaced_by_one() {
    let incoming = [
        "List-Unsubscribe: <https://x.example/u>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        "List-Unsubscribe: <mailto:u@x.example>\r\n",
        "List-Unsubscribe: <http://x.example/u>\r\nList-Unsubscribe: <b>\r\n",
        "List-Unsubscribe-Post: other\r\n",
        "LIST-UNSUBSCRIBE :\r\n\t<mailto:u@x.example>\r\n\t (comment),\r\n <x>\r\n",
    ];
    for fields in incoming {
        let copy = check_edited(&single(fields, "Hello\r\n"), 0, 1);
        assert_eq!(values(&copy, "List-Unsubscribe"), [format!("<{LINK_A}>")], "{fields}");
        assert_eq!(values(&copy, "List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"]);
    }
}

#[test]
fn e2_a_stream_may_keep_the_senders_pair() {
    let keep = Policy { list_unsubscribe: IncomingListUnsubscribe::Keep, ..policy() };
    let theirs = "List-Unsubscribe: <https://x.example/u>\r\n";
    let (prepared, copy) = copy_of(&single(theirs, "Hello\r\n"), &keep);
    assert_eq!(values(&copy, "List-Unsubscribe"), ["<https://x.example/u>"]);
    assert!(values(&copy, "List-Unsubscribe-Post").is_empty());
    assert!(prepared.form().header_unsubscribe);
    let useless = "List-Unsubscribe: http://x.example/u\r\n";
    let (prepared, _) = copy_of(&single(useless, "Hello\r\n"), &keep);
    assert!(!prepared.form().header_unsubscribe);
    let (_, copy) = copy_of(&single("", "Hello\r\n"), &keep);
    assert_eq!(values(&copy, "List-Unsubscribe"), [format!("<{LINK_A}>")]);
}

#[test]
fn fields_of_ours_never_pass_through() {
    let raw =
        single("X-Consentry-Decision: forged\r\nx-consentry-class: service\r\n\tx\r\n", "Hi\r\n");
    let copy = check_edited(&raw, 0, 1);
    assert_eq!(values(&copy, "X-Consentry-Decision"), [DecisionId::from_bits(7).to_string()]);
    assert!(values(&copy, "X-Consentry-Class").is_empty());
}

#[test]
fn e12_a_broken_header_block_rejects_the_message() {
    for raw in
        ["From x@y Mon\r\nA: b\r\n\r\nhi\r\n", "\r\nhi\r\n", "no colon\r\nA: b\r\n\r\nhi\r\n", ""]
    {
        let rejected = prepare(&message(raw), &policy()).unwrap_err();
        assert!(matches!(rejected, Rejected::Header(_)), "{raw:?}");
    }
}

#[test]
fn e14_resent_blocks_and_late_trace_fields_stay_in_place() {
    let fields = "Resent-From: a@b\r\nResent-Date: x\r\nReceived: late\r\n";
    let copy = check_edited(&single(fields, "Hello\r\n"), 0, 1);
    assert!(copy.contains(&format!("sale\r\n{fields}\r\nHello")));
}

#[test]
fn e15_i11_values_of_another_form_are_refused() {
    let prepared = prepare(&message(&single("", "Hello\r\n")), &policy()).unwrap();
    for bad in [&LINK_A[1..], "", &LINK_A.replace("AAA-", "A\r\n-"), &LINK_A.replace("u.", "v.")] {
        assert_eq!(prepared.render_copy(&slots(bad)), Err(SlotsError::Link), "{bad}");
    }
    let subject = Slots { mailto_subject: Some("x".to_owned()), ..slots(LINK_A) };
    assert_eq!(prepared.render_copy(&subject), Err(SlotsError::MailtoSubject));
    let (a, b) = (render(&prepared, LINK_A), render(&prepared, LINK_B));
    assert_eq!(a.replace(LINK_A, ""), b.replace(LINK_B, ""), "copies differ by the link only");
}

#[test]
fn e16_a_mailto_stands_second_on_its_own_line() {
    let mailto = MailtoSample::new("unsubscribe@shoes.example", "tttt").unwrap();
    let policy = Policy { mailto: Some(mailto), ..policy() };
    let prepared = prepare(&message(&single("", "Hello\r\n")), &policy).unwrap();
    assert_eq!(prepared.render_copy(&slots(LINK_A)), Err(SlotsError::MailtoSubject));
    let slots = Slots { mailto_subject: Some("abcd".to_owned()), ..slots(LINK_A) };
    let copy = String::from_utf8(prepared.render_copy(&slots).unwrap().to_vec()).unwrap();
    let expected = format!(
        "List-Unsubscribe: <{LINK_A}>,\r\n\t<mailto:unsubscribe@shoes.example?subject=abcd>\r\n"
    );
    assert!(copy.contains(&expected));
}

#[test]
fn e18_a_message_without_body_gets_fields_only() {
    for raw in ["Subject: x\r\n", "Subject: x", "Received: a\r\nSubject: x"] {
        let copy = check_headers_only(raw, "header_unterminated");
        assert!(copy.ends_with(raw.rsplit("\r\n").next().unwrap()));
    }
}

#[test]
fn e19_an_empty_body_gets_the_footer_as_its_only_text() {
    let copy = check_edited(&single("", ""), 0, 1);
    assert!(copy.contains("Subject: sale\r\n\r\n____"));
    assert!(copy.ends_with(&format!("{LINK_A}\r\n")));
}

#[test]
fn f7_an_over_long_line_elsewhere_stays_as_long() {
    let long = "x".repeat(5_000);
    check_edited(&single("", &format!("{long}\r\nend\r\n")), 0, 1);
    let markup = format!("{long}<p></p></body>{long}\r\n");
    check_edited(&single("Content-Type: text/html\r\n", &markup), 1, 0);
}

#[test]
fn the_form_tells_what_the_footer_really_shows() {
    let (prepared, _) = copy_of(&single("", "Hello\r\n"), &policy());
    assert!(prepared.form().identity && prepared.form().postal_address);
    let bare =
        FooterTemplates { text: "{{ unsubscribe_url }}".to_owned(), ..FooterTemplates::english() };
    let footer = Footer::compile(&bare, &BrandVoice::default()).unwrap();
    let prepared =
        prepare(&message(&single("", "Hi\r\n")), &Policy { footer, ..policy() }).unwrap();
    assert!(prepared.form().visible_unsubscribe);
    assert!(!prepared.form().identity && !prepared.form().postal_address);
}

#[test]
fn p5_p6_service_mail_gains_received_and_loses_only_request_fields() {
    let received = ReceivedValue::new("from a by b").unwrap();
    let cases = [
        (
            "A: b\r\nX-Consentry-Class: service\r\n\tx\r\nC: d\r\n\r\nx\r\n",
            "A: b\r\nC: d\r\n\r\nx\r\n",
        ),
        ("A: b\r\nList-Unsubscribe: <x>\r\n\r\nx", "A: b\r\nList-Unsubscribe: <x>\r\n\r\nx"),
        ("no header at all", "no header at all"),
        ("", ""),
        ("A: b\r\n\r\nX-Consentry-Class: body\r\n", "A: b\r\n\r\nX-Consentry-Class: body\r\n"),
    ];
    for (raw, rest) in cases {
        let copy = String::from_utf8(relay_copy(&message(raw), &received).to_vec()).unwrap();
        assert_eq!(copy, format!("Received: from a by b\r\n{rest}"));
    }
}

#[test]
fn p6_service_copies_share_the_received_bytes() {
    let original = message(&single("", &"x".repeat(100_000)));
    let copy = relay_copy(&original, &ReceivedValue::new("x").unwrap());
    assert_eq!(copy.chunks().len(), 2);
    assert_eq!(copy.chunks()[1].as_ptr(), original.bytes().as_ptr());
}

#[test]
fn p6_marketing_copies_share_the_received_bytes() {
    let original = message(&single("", &"x".repeat(100_000)));
    let prepared = prepare(&original, &policy()).unwrap();
    let start = original.bytes().as_ptr().addr();
    let shared = start..start + original.bytes().len();
    let copy = prepared.render_copy(&slots(LINK_A)).unwrap();
    let is_own = |chunk: &&bytes::Bytes| !shared.contains(&chunk.as_ptr().addr());
    let own: usize = copy.chunks().iter().filter(is_own).map(bytes::Bytes::len).sum();
    assert!(own < 2_000, "{own} bytes of its own");
}

#[test]
fn previews_lead_nowhere() {
    let mailto = MailtoSample::new("unsubscribe@shoes.example", "tttt").unwrap();
    let policy = Policy { mailto: Some(mailto), ..policy() };
    let preview = preview(&message(&single("", "Hello\r\n")), &policy).unwrap();
    let text = String::from_utf8(preview.bytes().to_vec()).unwrap();
    assert!(text.contains("<https://example.invalid/u/xxx") && !text.contains("u.shoes.example"));
    assert!(text.contains("mailto:unsubscribe@example.invalid?subject=xxxx"));
    assert_eq!((preview.footers().text, preview.reason()), (1, None));
    assert!(matches!(preview.outcome(), Outcome::Edited { .. }));
}

#[test]
fn f12_a_large_attachment_is_neither_decoded_nor_copied() {
    let attachment =
        "QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\r\n";
    let raw = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n\
         Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--b--\r\n",
        attachment.repeat(250_000)
    );
    let original = message(&raw);
    let prepared = prepare(&original, &policy()).unwrap();
    assert!(matches!(prepared.outcome(), Outcome::Edited { .. }), "verified without its middle");
    let copy = prepared.render_copy(&slots(LINK_A)).unwrap();
    let inside = original.bytes().as_ptr_range();
    let own = copy.chunks().iter().filter(|chunk| !inside.contains(&chunk.as_ptr()));
    assert!(own.map(bytes::Bytes::len).sum::<usize>() < 2_000);
}
