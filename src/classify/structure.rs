//! What the structure of a whole message shows: reports, calendar entries, automatic replies.
//!
//! Structure lowers a class only as a whole message. Nested messages and returned headers are
//! somebody else's mail and are never looked into.

use super::signal::{Effect, Signal, SignalSource};
use super::{Input, headers};
use crate::mail::{Entity, Message, Parameter};

/// Every structural signal, in order.
pub(super) fn signals(input: &Input<'_>) -> Vec<Signal> {
    let mut found = Vec::new();
    if is_report(input.message) {
        found.push(lowers("report", "the whole message is a report with a machine-readable part"));
    }
    if is_calendar(input.message) {
        found.push(lowers("calendar", "the only displayed content is a calendar entry"));
    }
    if is_automatic_reply(input) {
        found.push(lowers("automatic_reply", "it is an automatic reply to a single recipient"));
    }
    if input.has_null_reverse_path {
        found.push(Signal::new(
            "null_reverse_path",
            SignalSource::Structure,
            Effect::Neutral,
            "the reverse-path is null, which alone proves nothing",
        ));
    }
    found
}

fn lowers(rule: &'static str, text: &str) -> Signal {
    Signal::new(rule, SignalSource::Structure, Effect::Lowers, text)
}

/// RFC 6522: multipart/report whose second part is made for machines.
fn is_report(message: &Message) -> bool {
    let root = message.root();
    if root.media().essence() != "multipart/report" {
        return false;
    }
    // RFC 6522 §3: the second part is the one for machines.
    root.children().get(1).map(|index| message.entity(*index)).is_some_and(|part| {
        matches!(
            part.media().essence(),
            "message/delivery-status"
                | "message/global-delivery-status"
                | "message/disposition-notification"
                | "message/global-disposition-notification"
                | "message/feedback-report"
        )
    })
}

/// RFC 6047: an iTIP message, alone or as the only leaf beside nothing that is displayed.
fn is_calendar(message: &Message) -> bool {
    let leaves: Vec<&Entity> =
        message.entities().iter().filter(|entity| entity.children().is_empty()).collect();
    let is_displayed = |entity: &&&Entity| !entity.is_attachment();
    let displayed: Vec<&&Entity> = leaves.iter().filter(is_displayed).collect();
    !displayed.is_empty()
        && displayed.iter().all(|entity| {
            entity.media().essence() == "text/calendar"
                && entity.media().parameter("method") != Parameter::Absent
        })
}

/// RFC 3834: an automatic reply goes to one recipient and carries no marks of bulk mail.
fn is_automatic_reply(input: &Input<'_>) -> bool {
    input.recipients == 1
        && headers::raising(input.message).is_empty()
        && input.message.header("Auto-Submitted").any(|field| {
            let value = field.unfolded();
            let keyword = value.split(';').next().unwrap_or_default().trim();
            keyword.eq_ignore_ascii_case("auto-replied")
        })
}
