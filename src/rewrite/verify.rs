//! The gate: a plan is used only when its sample passes every check (promise P6).
//!
//! Each check looks at the finished bytes anew and shares as little as it can with the planner:
//! bytes against bytes, decoding against decoding, our scan against our scan, and another
//! parser's view against that parser's own view of the original.

use std::ops::Range;

use super::insert::Insert;
use super::prepare::Plan;
use super::prepared::{Prepared, Slot};
use super::refusal::Check;
use crate::base::limits::TEXT_LINE_BYTES_MAX;
use crate::mail::{Message, Opinion, RawMessage, decode};

/// Checks a rendered sample of `plan` against the message it was made from.
///
/// # Errors
/// The first check that fails.
pub(super) fn verify(message: &Message, plan: &Plan<'_>) -> Result<(), Check> {
    let prepared = &plan.prepared;
    let slots = prepared.sample_slots();
    let url = slots.unsubscribe_url.as_str();
    let data = prepared.render_copy(&slots).map_err(|_| Check::Bytes)?;
    let edited = Message::scan(RawMessage::new(data.to_vec().into()));
    same_bytes(message, prepared, edited.bytes()).then_some(()).ok_or(Check::Bytes)?;
    same_structure(message, prepared, &edited).then_some(()).ok_or(Check::Structure)?;
    (plan.texts.len() == prepared.inserts().len()).then_some(()).ok_or(Check::Decoding)?;
    for (insert, old) in prepared.inserts().iter().zip(&plan.texts) {
        decodes_to_footer(old, &edited, insert, url).then_some(()).ok_or(Check::Decoding)?;
    }
    let limit = message.longest_line().max(TEXT_LINE_BYTES_MAX);
    (edited.longest_line() <= limit).then_some(()).ok_or(Check::Lines)?;
    second_opinion(message, prepared, &edited, url).then_some(()).ok_or(Check::SecondOpinion)
}

/// (a) The output without what was inserted is the input without what was replaced.
fn same_bytes(message: &Message, prepared: &Prepared, output: &[u8]) -> bool {
    let slots = prepared.sample_slots();
    let edits = prepared.edits().as_slice().iter();
    let mut lengths = edits.map(|edit| prepared.fill(edit.with, &slots).len());
    let mut rest = output;
    for range in prepared.edits().kept() {
        let Some(after) = rest.strip_prefix(&message.bytes()[range]) else { return false };
        let Some(after) = after.get(lengths.next().unwrap_or(0)..) else { return false };
        rest = after;
    }
    rest.is_empty() && only_fields_and_quanta_are_replaced(message, prepared)
}

/// What is replaced is a whole field of ours or of the list pair, or a base64 quantum.
fn only_fields_and_quanta_are_replaced(message: &Message, prepared: &Prepared) -> bool {
    prepared.edits().as_slice().iter().all(|edit| match edit.with {
        Slot::Received | Slot::Fields => edit.range.is_empty(),
        Slot::Removed => message.fields().any(|field| field.range() == edit.range),
        Slot::Footer(index) => {
            let body = message.entity(prepared.inserts()[index].leaf.index).body();
            body.start <= edit.range.start && edit.range.end <= body.end
        }
    })
}

/// (b) The new leaf, decoded afresh, is the old text with the footer at its place.
///
/// `old` is the text the place was found in: the same decoder could only say the same again.
fn decodes_to_footer(old: &[u8], edited: &Message, insert: &Insert, url: &str) -> bool {
    let leaf = edited.entity(insert.leaf.index);
    let Ok(new) = decode(edited.bytes(), leaf.body().clone(), leaf.encoding()) else {
        return false;
    };
    let Some((before, after)) = old.split_at_checked(insert.at) else { return false };
    let rest = new.text().strip_prefix(before);
    rest.and_then(|rest| rest.strip_prefix(insert.text(url).as_slice())) == Some(after)
}

/// (c) The same tree, the same anomalies, the same bytes in every part that was not edited.
fn same_structure(message: &Message, prepared: &Prepared, edited: &Message) -> bool {
    let (old, new) = (message.entities(), edited.entities());
    old.len() == new.len()
        && message.anomalies() == edited.anomalies()
        && old.iter().zip(new).enumerate().all(|(index, (a, b))| {
            let is_edited = prepared.inserts().iter().any(|insert| insert.leaf.index == index);
            let is_leaf = a.children().is_empty();
            a.parent() == b.parent()
                && a.children() == b.children()
                && a.media() == b.media()
                && a.encoding() == b.encoding()
                && a.disposition() == b.disposition()
                && (index == 0 || slice_of(message, a.header()) == slice_of(edited, b.header()))
                && (is_edited
                    || !is_leaf
                    || slice_of(message, a.body()) == slice_of(edited, b.body()))
        })
}

fn slice_of<'a>(message: &'a Message, range: &Range<usize>) -> Option<&'a [u8]> {
    message.bytes().get(range.clone())
}

/// (d) Another parser, asked about both, sees the same parts; those we edited lie where we
/// think they lie and gained the footer, all others are the same bytes.
fn second_opinion(message: &Message, prepared: &Prepared, edited: &Message, url: &str) -> bool {
    let (Some(old), Some(new)) = (Opinion::of(message.bytes()), Opinion::of(edited.bytes())) else {
        return false;
    };
    let (old, new): (Vec<_>, Vec<_>) = (old.parts().collect(), new.parts().collect());
    let mut found = 0;
    let is_same = old.len() == new.len()
        && old.iter().zip(&new).all(|(a, b)| {
            if a.media != b.media || a.children != b.children {
                return false;
            }
            let here = |insert: &&Insert| {
                *message.entity(insert.leaf.index).body() == a.body
                    && *edited.entity(insert.leaf.index).body() == b.body
            };
            if let Some(insert) = prepared.inserts().iter().find(here) {
                found += 1;
                return gained(a.content, b.content, &insert.text(url));
            }
            !a.children.is_empty()
                || (a.content == b.content
                    && slice_of(message, &a.body) == slice_of(edited, &b.body))
        });
    is_same && found == prepared.inserts().len()
}

/// Whether `new` is `old` with `footer` put in at one place.
fn gained(old: &[u8], new: &[u8], footer: &[u8]) -> bool {
    new.len() == old.len() + footer.len()
        && memchr::memmem::find_iter(new, footer)
            .take(8)
            .any(|at| new[..at] == old[..at] && new[at + footer.len()..] == old[at..])
}
