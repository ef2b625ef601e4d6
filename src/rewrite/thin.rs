//! Large messages without the middles of their attachments, so that the gate can judge them.
//!
//! Verifying a copy decodes every part and asks another parser, which is bounded to a few
//! megabytes. The middle of a part that nobody edits cannot matter to it: where no `--` occurs,
//! no parser finds a delimiter, whatever its notion of one (RFC 2046 §5.1.1). So the plan is made
//! for the whole message and again for the thinned one; both must agree edit by edit, and the
//! thinned one passes the gate.

use std::ops::Range;

use memchr::memmem;

use super::leaves::Leaf;
use super::prepared::Prepared;
use crate::mail::{Entity, Message, RawMessage};

/// Messages up to this size are judged whole.
const WHOLE_BYTES_MAX: usize = 1024 * 1024;
/// What stays of a part at either end.
const MARGIN_BYTES: usize = 4096;

/// A message without the middles of parts that are not edited.
pub(super) struct Thinned {
    /// What is left.
    pub(super) message: Message,
    /// What was left out of the original, in order.
    omitted: Vec<Range<usize>>,
}

/// Thins `message`, leaving the `edited` leaves whole; `None` if it is small, or if nothing can
/// be left out.
pub(super) fn thin(message: &Message, edited: &[Leaf]) -> Option<Thinned> {
    if message.raw().len() <= WHOLE_BYTES_MAX {
        return None;
    }
    let entities = message.entities().iter().enumerate();
    let passive = entities.filter(|(index, _)| !edited.iter().any(|leaf| leaf.index == *index));
    let omitted: Vec<Range<usize>> =
        passive.filter_map(|(_, entity)| middle(message.bytes(), entity)).collect();
    if omitted.is_empty() {
        return None;
    }
    let mut left = Vec::new();
    let mut from = 0;
    for range in &omitted {
        left.extend_from_slice(&message.bytes()[from..range.start]);
        from = range.end;
    }
    left.extend_from_slice(&message.bytes()[from..]);
    Some(Thinned { message: Message::scan(RawMessage::new(left.into())), omitted })
}

/// The whole lines in the middle of a leaf, if they hold nothing a parser could take for a
/// delimiter. Nested messages stay whole: parsers look into them.
fn middle(bytes: &[u8], entity: &Entity) -> Option<Range<usize>> {
    let is_leaf = entity.children().is_empty() && !entity.media().is_multipart();
    if !is_leaf || entity.media().kind() == "message" || entity.body().len() < 4 * MARGIN_BYTES {
        return None;
    }
    let body = entity.body();
    let after_line = |from: usize| Some(from + memmem::find(&bytes[from..body.end], b"\r\n")? + 2);
    let start = after_line(body.start + MARGIN_BYTES)?;
    let last = body.end - MARGIN_BYTES;
    let end = memmem::rfind(bytes.get(start..last)?, b"\r\n")? + start + 2;
    let is_plain = end > start && memmem::find(&bytes[start..end], b"--").is_none();
    is_plain.then_some(start..end)
}

impl Thinned {
    /// Whether the plan for the whole message is the plan for the thinned one, edit by edit.
    pub(super) fn agrees(&self, whole: &Prepared, thin: &Prepared) -> bool {
        let slots = whole.sample_slots();
        let (a, b) = (whole.edits().as_slice(), thin.edits().as_slice());
        a.len() == b.len()
            && whole.outcome() == thin.outcome()
            && whole.form() == thin.form()
            && a.iter().zip(b).all(|(whole_edit, thin_edit)| {
                self.place_of(&whole_edit.range) == Some(thin_edit.range.clone())
                    && whole.fill(whole_edit.with, &slots) == thin.fill(thin_edit.with, &slots)
            })
    }

    /// Where a range of the original stands in what is left; `None` if it was left out.
    fn place_of(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let mut shift = 0;
        for omitted in &self.omitted {
            if range.start < omitted.end && omitted.start < range.end {
                return None;
            }
            if omitted.end <= range.start {
                shift += omitted.len();
            }
        }
        Some(range.start - shift..range.end - shift)
    }
}

#[cfg(test)]
mod tests {
    use super::thin;
    use crate::mail::{Message, RawMessage};

    fn message(attachment_line: &str, lines: usize) -> Message {
        let mut raw = String::from(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\
             Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        );
        for _ in 0..lines {
            raw.push_str(attachment_line);
            raw.push_str("\r\n");
        }
        raw.push_str("--b--\r\n");
        Message::scan(RawMessage::new(raw.into_bytes().into()))
    }

    #[test]
    fn leaves_out_the_middle_of_a_large_attachment() {
        let large = message(&"A".repeat(76), 40_000);
        let thinned = thin(&large, &[]).unwrap();
        assert!(thinned.message.raw().len() < 20_000);
        assert_eq!(thinned.message.entities().len(), large.entities().len());
        let tail = large.raw().len() - 4..large.raw().len();
        let end = thinned.message.raw().len();
        assert_eq!(thinned.place_of(&tail), Some(end - 4..end));
        assert_eq!(thinned.place_of(&(1_000_000..1_000_010)), None, "left out");
        assert_eq!(thinned.place_of(&(0..5)), Some(0..5));
    }

    #[test]
    fn keeps_small_messages_and_whatever_could_hold_a_delimiter() {
        assert!(thin(&message(&"A".repeat(76), 100), &[]).is_none());
        assert!(thin(&message("see --bold here", 100_000), &[]).is_none());
    }
}
