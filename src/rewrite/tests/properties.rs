//! What must hold for whatever strangers send.
//!
//! Messages are drawn from sound and broken shapes; the checks know nothing of the planner.

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::{LINK_A, message, policy, slots};
use crate::mail::{Message, RawMessage};
use crate::rewrite::{Outcome, prepare, relay_copy};

/// Leaves and multiparts in random shapes, most of them sound.
fn content(depth: u32) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("Content-Type: text/plain\r\n\r\nHello there\r\nbye".to_owned()),
        Just("Content-Type: text/plain; format=flowed\r\n\r\nHello \r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just(
            "Content-Type: text/html\r\n\
              Content-Transfer-Encoding: quoted-printable\r\n\r\n<body>=\r\nx=20</bo=\r\ndy>="
                .to_owned()
        ),
        Just(
            "Content-Type: text/html\r\n\
              Content-Transfer-Encoding: base64\r\n\r\nPHA+eDwvcD48L2JvZHk+PC9odG1sPg==\r\n"
                .to_owned()
        ),
        Just("Content-Type: image/png\r\n\r\n--b0 \x01".to_owned()),
        Just("Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx".to_owned()),
        Just("Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx".to_owned()),
    ];
    leaf.prop_recursive(depth, 12, 3, |inner| {
        let subtype = prop_oneof![Just("mixed"), Just("alternative"), Just("related")];
        let parts = proptest::collection::vec(inner, 1..4);
        (subtype, 0..1000_u32, parts).prop_map(|(subtype, number, parts)| {
            let parts: String =
                parts.iter().map(|part| format!("--b{number}q\r\n{part}\r\n")).collect();
            format!(
                "Content-Type: multipart/{subtype}; boundary=b{number}q\r\n\r\n\
                 {parts}--b{number}q--\r\n"
            )
        })
    })
}

fn mail() -> impl Strategy<Value = String> {
    content(3).prop_map(|content| format!("Received: x\r\nSubject: y\r\n{content}"))
}

/// The copy with every inserted byte taken out again, by the planned edits alone.
fn without_slots(message: &Message) -> Option<Vec<u8>> {
    let prepared = prepare(message, &policy()).ok()?;
    let copy = prepared.render_copy(&slots(LINK_A)).unwrap().to_vec();
    let mut out = Vec::new();
    let mut at = 0;
    let mut edits = prepared.edits().as_slice().iter();
    for range in prepared.edits().kept() {
        out.extend_from_slice(&copy[at..at + range.len()]);
        at += range.len();
        if let Some(edit) = edits.next() {
            at += prepared.fill(edit.with, &slots(LINK_A)).len();
            out.extend_from_slice(&message.bytes()[edit.range.clone()]);
        }
    }
    assert_eq!(at, copy.len());
    Some(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn p6_slots_removed_give_the_input_back(raw in mail()) {
        let message = message(&raw);
        if let Some(back) = without_slots(&message) {
            prop_assert_eq!(back, raw.into_bytes());
        }
    }

    #[test]
    fn a_second_pass_adds_nothing(raw in mail()) {
        if let Ok(prepared) = prepare(&message(&raw), &policy()) {
            let once = prepared.render_copy(&slots(LINK_A)).unwrap().to_vec();
            let scanned = Message::scan(RawMessage::new(once.clone().into()));
            let again = prepare(&scanned, &policy()).unwrap();
            if let Outcome::Edited { footers } = again.outcome() {
                prop_assert_eq!((footers.html, footers.text), (0, 0));
            }
            let twice = again.render_copy(&slots(LINK_A)).unwrap();
            let twice = Message::scan(RawMessage::new(twice.to_vec().into()));
            prop_assert_eq!(
                &twice.bytes()[twice.root().body().clone()],
                &once[scanned.root().body().clone()]
            );
        }
    }

    #[test]
    fn preparing_is_a_function_of_message_and_policy(raw in mail()) {
        let render = || prepare(&message(&raw), &policy()).map(|prepared| {
            prepared.render_copy(&slots(LINK_A)).unwrap().to_vec()
        });
        prop_assert_eq!(render(), render());
    }

    #[test]
    fn i14_mutated_messages_never_panic_and_keep_their_bytes(
        raw in mail(),
        cuts in proptest::collection::vec((any::<u16>(), any::<u8>(), 0..3_u8), 0..6),
    ) {
        let mut bytes = raw.into_bytes();
        for (at, byte, how) in cuts {
            let at = usize::from(at) % (bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => { bytes.remove(at); }
                _ => bytes.truncate(bytes.len() - at.min(8)),
            }
        }
        let message = Message::scan(RawMessage::new(bytes.clone().into()));
        if let Some(back) = without_slots(&message) {
            prop_assert_eq!(back, bytes.clone());
        }
        let received = crate::rewrite::ReceivedValue::new("x").unwrap();
        prop_assert!(relay_copy(&message, &received).to_vec().len() <= bytes.len() + 13);
    }
}
