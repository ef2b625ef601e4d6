//! Header edits: which fields go, and which of ours come (RFC 2369, RFC 8058).
//!
//! Fields are removed whole, folds included, and never reordered. Ours stand below the leading
//! run of Received and Return-Path, our Received on top (RFC 5321 §4.4, §6.3).

use std::ops::Range;

use super::policy::{IncomingListUnsubscribe, MailtoSample, Policy};
use super::refusal::Rejected;
use crate::base::DecisionId;
use crate::base::limits::TEXT_LINE_BYTES_MAX;
use crate::mail::{Anomaly, Field, Message};

/// All request and answer fields of ours begin so; none of them passes through.
const OWN_PREFIX: &str = "X-Consentry-";
const LIST_UNSUBSCRIBE: &str = "List-Unsubscribe";
const LIST_UNSUBSCRIBE_POST: &str = "List-Unsubscribe-Post";
/// RFC 8058 §3.1: this text exactly, never folded.
const ONE_CLICK: &str = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";

/// Whether copies carry our pair or the sender's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ListFields {
    /// Our pair.
    Ours,
    /// The sender's stay; whether they hold a URI a reader can use.
    Kept {
        /// Whether there is such a URI.
        is_usable: bool,
    },
}

/// The planned header edits.
pub(super) struct HeaderPlan {
    /// Whole fields to remove.
    pub(super) removed: Vec<Range<usize>>,
    /// Where our fields go.
    pub(super) at: usize,
    /// What copies carry.
    pub(super) list_fields: ListFields,
}

/// The request fields of ours in a message.
pub(super) fn own_fields(message: &Message) -> impl Iterator<Item = Range<usize>> {
    message.fields().filter(|field| field.starts_with(OWN_PREFIX)).map(|field| field.range())
}

/// Plans the header edits of a marketing copy.
///
/// # Errors
/// [`Rejected::Header`] when the block is too broken to add or remove a field safely.
pub(super) fn plan(message: &Message, policy: &Policy) -> Result<HeaderPlan, Rejected> {
    let root = message.root().anomalies();
    let broken = [Anomaly::BadHeaderLine, Anomaly::TooManyFields];
    if let Some(anomaly) = broken.into_iter().find(|&anomaly| root.contains(anomaly)) {
        return Err(Rejected::Header(anomaly));
    }
    let is_list = |field: &Field<'_>| field.is(LIST_UNSUBSCRIBE) || field.is(LIST_UNSUBSCRIBE_POST);
    let keeps = policy.list_unsubscribe == IncomingListUnsubscribe::Keep
        && message.has_header(LIST_UNSUBSCRIBE);
    let removed = message
        .fields()
        .filter(|field| field.starts_with(OWN_PREFIX) || (!keeps && is_list(field)))
        .map(|field| field.range())
        .collect();
    let list_fields = if keeps {
        let mut values = message.header(LIST_UNSUBSCRIBE).map(|field| field.unfolded());
        ListFields::Kept { is_usable: values.any(|value| has_usable_uri(&value)) }
    } else {
        ListFields::Ours
    };
    Ok(HeaderPlan { removed, at: message.leading_trace_end(), list_fields })
}

/// RFC 2369 §2: a reader stops at the first item that is not in angle brackets.
fn has_usable_uri(value: &str) -> bool {
    let first = value.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    first.is_some_and(|(uri, _)| uri.starts_with("https://") || uri.starts_with("mailto:"))
}

/// The fields of ours in one marketing copy.
pub(super) fn marketing(
    decision: DecisionId,
    list_fields: ListFields,
    url: &str,
    mailto: Option<(&MailtoSample, &str)>,
) -> String {
    let mut out = format!("{OWN_PREFIX}Decision: {decision}\r\n");
    if list_fields == ListFields::Ours {
        out.push_str(&list_unsubscribe(url, mailto));
        out.push_str(ONE_CLICK);
    }
    out
}

fn list_unsubscribe(url: &str, mailto: Option<(&MailtoSample, &str)>) -> String {
    // RFC 2369 §2: never a fold inside the brackets, so at most one line per URI. RFC 8058
    // §3.1: one https URI; any other is no http(s) URI.
    let mut out = format!("{LIST_UNSUBSCRIBE}: <{url}>");
    if let Some((mailbox, subject)) = mailto {
        out.push_str(",\r\n\t<");
        out.push_str(&mailbox.uri(subject));
        out.push('>');
    }
    out.push_str("\r\n");
    debug_assert!(out.lines().all(|line| line.len() <= TEXT_LINE_BYTES_MAX));
    out
}
