//! The other parser gives the same answer about what matters as about everything.
//!
//! Asked behind the planner's back: about plans not yet verified, and about copies somebody
//! meddled with, since only a wrong copy can show that a difference would have been hidden.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::{message, multi_alternative, policy};
use crate::mail::{Message, RawMessage};
use crate::rewrite::prepare::planned;
use crate::rewrite::verify::Sample;
use crate::rewrite::{fields, leaves};

/// What the other parser says of a sample of the unverified plan for `message`, once it was
/// meddled with: about what matters, if that is less, and about everything.
pub(in crate::rewrite) fn opinions(
    message: &Message,
    meddle: impl FnOnce(&mut Vec<u8>),
) -> Option<(Option<bool>, bool)> {
    let policy = policy();
    let header = fields::plan(message, &policy).ok()?;
    let plan = planned(message, &policy, &header, leaves::choose(message).ok()?).ok()?;
    let sample = Sample::render(message, &plan.prepared).ok()?;
    let mut copy = sample.edited.bytes().to_vec();
    meddle(&mut copy);
    let edited = Message::scan(RawMessage::new(copy.into()));
    if edited.entities().len() != message.entities().len() {
        return None;
    }
    let opinion = sample.opinion_on(&edited);
    Some((opinion.of_what_matters(), opinion.of_all()))
}

#[track_caller]
fn check_agreement(message: &Message, meddle: impl FnOnce(&mut Vec<u8>)) {
    if let Some((Some(of_what_matters), of_all)) = opinions(message, meddle) {
        assert!(!of_what_matters || of_all, "a difference was hidden");
    }
}

fn line() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => Just("<p>plain words without anything to them</p>"),
        8 => Just("soft =\r\nbreaks =\r\nin one line"),
        2 => Just("=C3=A9 and caf=C3=\r\n=A9"),
        1 => Just(""),
        1 => Just("ends in a blank "),
        1 => Just("soft and padded = \r\nthen on"),
        1 => Just("broken = here"),
        1 => Just("twice =="),
        1 => Just("half =C3"),
        1 => Just("\u{1b}$B8=8l\u{1b}(B"),
        1 => Just("\u{1b}$B"),
        1 => Just("=1B$B"),
        1 => Just("é"),
        1 => Just("+AGE-"),
        1 => Just("- one -"),
        1 => Just("a -- b"),
        1 => Just("--b1"),
        1 => Just("see --b1 here"),
        1 => Just("--"),
        1 => Just("=2D-b1"),
        1 => Just("-=\r\n-b1"),
        1 => Just("<!-- nothing -->"),
        1 => Just("."),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let runs = proptest::collection::vec((line(), 1..24_usize), 0..10);
    let lines = runs.prop_map(|runs| {
        runs.into_iter().flat_map(|(line, times)| vec![line; times]).collect::<Vec<_>>()
    });
    lines.prop_map(|lines| lines.join("\r\n"))
}

fn header() -> impl Strategy<Value = String> {
    let media = prop_oneof![3 => Just("text/plain"), 3 => Just("text/html"), 1 => Just("image/x")];
    let charset = prop_oneof![
        3 => Just(""),
        3 => Just("; charset=utf-8"),
        1 => Just("; charset=\"ISO-8859-1\""),
        1 => Just("; charset=(really) windows-1252"),
        1 => Just("; charset=Shift_JIS"),
        1 => Just("; charset=us-ascii; format=flowed"),
        1 => Just("; charset*=us-ascii''utf-8"),
    ];
    let encoding = prop_oneof![
        1 => Just(""),
        1 => Just("Content-Transfer-Encoding: 8bit\r\n"),
        3 => Just("Content-Transfer-Encoding: quoted-printable\r\n"),
        1 => Just("Content-Transfer-Encoding: (x) Quoted-Printable\r\n"),
        1 => Just("Content-Transfer-Encoding: base64\r\n"),
    ];
    (media, charset, encoding).prop_map(|(media, charset, encoding)| {
        format!("Content-Type: {media}{charset}\r\n{encoding}")
    })
}

fn part() -> impl Strategy<Value = String> {
    (header(), text()).prop_map(|(header, text)| format!("{header}\r\n{text}"))
}

fn mail() -> impl Strategy<Value = String> {
    prop_oneof![
        part().prop_map(|part| format!("From: shop@shoes.example\r\n{part}")),
        proptest::collection::vec(part(), 1..4).prop_map(|parts| multi_alternative(&parts)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn p6_what_is_left_out_hides_no_difference(raw in mail()) {
        check_agreement(&message(&raw), |_| {});
    }

    #[test]
    fn p6_what_is_left_out_hides_no_meddling(
        raw in mail(),
        at in any::<u16>(),
        with in line(),
        cut in 0..40_usize,
    ) {
        check_agreement(&message(&raw), |copy| {
            let at = usize::from(at) % (copy.len() + 1);
            let end = copy.len().min(at + cut);
            copy.splice(at..end, with.bytes());
        });
    }
}

#[test]
fn most_of_a_newsletter_need_not_be_looked_at() {
    let line = "<p>Autumn =C3=A9 at =\r\nAcme &ndash; boots for wet days</p>\r\n";
    for encoding in ["quoted-printable", "8bit"] {
        let part = format!(
            "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\
             \r\n<body>\r\n{}</body>\r\n",
            line.repeat(200)
        );
        let message = message(&multi_alternative(&[part]));
        assert_eq!(opinions(&message, |_| {}), Some((Some(true), true)), "{encoding}");
    }
}
