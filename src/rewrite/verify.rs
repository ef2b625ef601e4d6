//! The gate: a plan is used only when its sample passes every check (promise P6).
//!
//! Each check looks at the finished bytes anew and shares as little as it can with the planner:
//! bytes against bytes, decoding against decoding, our scan against our scan, and another
//! parser's view against that parser's own view of the original.

use std::ops::Range;

use super::prepare::Plan;
use super::prepared::{Prepared, Slot};
use super::refusal::Check;
use super::second_opinion::SecondOpinion;
use crate::base::limits::TEXT_LINE_BYTES_MAX;
use crate::mail::{Message, RawMessage, decode};

/// A rendered sample of a plan, and what the plan says was put in.
pub(super) struct Sample<'p> {
    message: &'p Message,
    prepared: &'p Prepared,
    pub(super) edited: Message,
    /// The length of what each edit put in.
    inserted: Vec<usize>,
    /// What each insert adds to its decoded text.
    footers: Vec<Vec<u8>>,
}

/// Checks a rendered sample of `plan` against the message it was made from.
///
/// # Errors
/// The first check that fails.
pub(super) fn verify(message: &Message, plan: &Plan<'_>) -> Result<(), Check> {
    let sample = Sample::render(message, &plan.prepared)?;
    let edited = &sample.edited;
    same_bytes(&sample).then_some(()).ok_or(Check::Bytes)?;
    same_structure(message, &plan.prepared, edited).then_some(()).ok_or(Check::Structure)?;
    sample.decodes_to_footers(&plan.texts).then_some(()).ok_or(Check::Decoding)?;
    let limit = message.longest_line().max(TEXT_LINE_BYTES_MAX);
    (edited.longest_line() <= limit).then_some(()).ok_or(Check::Lines)?;
    sample.opinion_on(edited).agrees().then_some(()).ok_or(Check::SecondOpinion)
}

impl<'p> Sample<'p> {
    pub(super) fn render(message: &'p Message, prepared: &'p Prepared) -> Result<Self, Check> {
        let slots = prepared.sample_slots();
        let data = prepared.render_copy(&slots).map_err(|_| Check::Bytes)?;
        let edits = prepared.edits().as_slice().iter();
        let url = slots.unsubscribe_url.as_str();
        Ok(Self {
            message,
            prepared,
            edited: Message::scan(RawMessage::new(data.to_vec().into())),
            inserted: edits.map(|edit| prepared.fill(edit.with, &slots).len()).collect(),
            footers: prepared.inserts().iter().map(|insert| insert.text(url)).collect(),
        })
    }

    /// (d) What the other parser is asked about the message and its `edited` form.
    pub(super) fn opinion_on<'s>(&'s self, edited: &'s Message) -> SecondOpinion<'s> {
        SecondOpinion {
            message: self.message,
            prepared: self.prepared,
            edited,
            inserted: &self.inserted,
            footers: &self.footers,
        }
    }

    /// (b) Each new leaf, decoded afresh, is its old text with the footer at its place.
    ///
    /// The old `texts` are those the places were found in: the same decoder could only say the
    /// same of the same bytes again.
    fn decodes_to_footers(&self, texts: &[impl AsRef<[u8]>]) -> bool {
        let inserts = self.prepared.inserts();
        inserts.len() == texts.len()
            && inserts.iter().zip(texts).zip(&self.footers).all(|((insert, old), footer)| {
                let leaf = self.edited.entity(insert.leaf.index);
                let new = decode(self.edited.bytes(), leaf.body().clone(), leaf.encoding());
                let (Ok(new), Some((before, after))) =
                    (new, old.as_ref().split_at_checked(insert.at))
                else {
                    return false;
                };
                let rest = new.text().strip_prefix(before);
                rest.and_then(|rest| rest.strip_prefix(footer.as_slice())) == Some(after)
            })
    }
}

/// (a) The output without what was inserted is the input without what was replaced.
fn same_bytes(sample: &Sample<'_>) -> bool {
    let Sample { message, prepared, .. } = sample;
    let mut lengths = sample.inserted.iter().copied();
    let mut rest = sample.edited.bytes();
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
