//! What the other parser is asked about: a message and its copy without what cannot matter.
//!
//! Its answer depends on a text only through delimiters and through how the text is decoded.
//! Whole lines without `--` hold no delimiter, whatever a parser's notion of one (RFC 2046
//! §5.1.1). In an encoding and a charset in which every line end that is data leaves nothing
//! pending, they decode to the same wherever they stand. Left out of both messages alike, such
//! lines can neither make nor hide a difference. Never left out: headers, the ends of a body,
//! and whatever is near an edit.

use std::ops::Range;

use memchr::memmem;

use super::prepared::Prepared;
use crate::mail::{Entity, EntityIndex, Message, Parameter, TransferEncoding};

/// What stays at either end of a body and on either side of an edit.
const MARGIN_BYTES: usize = 192;
/// Shorter runs of lines are not worth leaving out.
const RUN_BYTES_MIN: usize = 256;

/// A message and its copy, without the same lines.
pub(super) struct Abridged {
    /// The message.
    pub(super) old: Vec<u8>,
    /// The copy.
    pub(super) new: Vec<u8>,
    /// The edited leaves something was left out of.
    pub(super) leaves: Vec<EntityIndex>,
    /// What was left out, as ranges of the message and of the copy.
    omitted: Vec<(Range<usize>, Range<usize>)>,
}

/// Leaves out of `message` and its copy `new` what no answer can depend on; `None` if there is
/// nothing. `inserted` holds the lengths of what the edits of `prepared` put in.
pub(super) fn abridge(
    message: &Message,
    prepared: &Prepared,
    new: &[u8],
    inserted: &[usize],
) -> Option<Abridged> {
    let bytes = message.bytes();
    let mut leaves = Vec::new();
    let mut runs = Vec::new();
    for (index, entity) in message.entities().iter().enumerate() {
        let edit = prepared.inserts().iter().find(|insert| insert.leaf.index == index);
        let before = runs.len();
        match edit {
            Some(insert) if is_forgetful(entity) => {
                let (start, end) = (entity.body().start, entity.body().end);
                add_runs(bytes, inner(start..insert.range.start), &mut runs);
                add_runs(bytes, inner(insert.range.end..end), &mut runs);
            }
            // What is the same in both decodes to the same, whatever the encoding.
            None if is_opaque(entity) => add_runs(bytes, inner(entity.body().clone()), &mut runs),
            Some(_) | None => {}
        }
        if runs.len() > before && edit.is_some() {
            leaves.push(index);
        }
    }
    if runs.is_empty() {
        return None;
    }
    let omitted = in_copy(prepared, inserted, runs)?;
    let is_same =
        |(a, b): &(Range<usize>, Range<usize>)| new.get(b.clone()) == bytes.get(a.clone());
    omitted.iter().all(is_same).then(|| Abridged {
        old: without(bytes, omitted.iter().map(|(old, _)| old)),
        new: without(new, omitted.iter().map(|(_, new)| new)),
        leaves,
        omitted,
    })
}

impl Abridged {
    /// Where a range of the message stands in what is left; its ends are not left out.
    pub(super) fn in_old(&self, range: &Range<usize>) -> Range<usize> {
        shifted(range, self.omitted.iter().map(|(old, _)| old))
    }

    /// Where a range of the copy stands in what is left.
    pub(super) fn in_new(&self, range: &Range<usize>) -> Range<usize> {
        shifted(range, self.omitted.iter().map(|(_, new)| new))
    }
}

fn shifted<'r>(
    range: &Range<usize>,
    omitted: impl Iterator<Item = &'r Range<usize>>,
) -> Range<usize> {
    let (mut start, mut end) = (range.start, range.end);
    for run in omitted {
        if run.end <= range.start {
            start -= run.len();
        }
        if run.end <= range.end {
            end -= run.len();
        }
    }
    start..end
}

/// Whether a line end that is data leaves nothing pending: in plain and quoted-printable text
/// of one octet a character, and of UTF-8, where CR is never part of another character.
fn is_forgetful(entity: &Entity) -> bool {
    let is_by_lines = matches!(
        entity.encoding(),
        TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::QuotedPrintable
    );
    let is_stateless = match entity.media().parameter("charset") {
        Parameter::Absent => true,
        Parameter::Value(label) => {
            let label = label.to_ascii_lowercase();
            matches!(label.as_str(), "utf-8" | "us-ascii")
                || label.starts_with("iso-8859-")
                || label.starts_with("windows-125")
        }
        Parameter::Unclear => false,
    };
    is_by_lines && is_stateless
}

/// Whether parsers read nothing in a body but where it ends.
fn is_opaque(entity: &Entity) -> bool {
    let media = entity.media();
    entity.children().is_empty() && !media.is_multipart() && media.kind() != "message"
}

fn inner(range: Range<usize>) -> Range<usize> {
    range.start + MARGIN_BYTES..range.end.saturating_sub(MARGIN_BYTES)
}

/// Adds the runs of whole lines within `range` that hold no `--`.
fn add_runs(bytes: &[u8], range: Range<usize>, runs: &mut Vec<Range<usize>>) {
    let Some(text) = bytes.get(range.clone()) else { return };
    let marks = memmem::find_iter(text, b"--").map(|at| range.start + at);
    let mut start = range.start;
    for mark in marks.chain([range.end]) {
        let end = mark.min(range.end);
        if end.saturating_sub(start) >= RUN_BYTES_MIN {
            runs.extend(whole_lines(bytes, start..end).filter(|run| run.len() >= RUN_BYTES_MIN));
        }
        start = mark;
    }
}

/// The whole lines within `range`, from one line end that is data to another.
fn whole_lines(bytes: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let text = &bytes[range.clone()];
    // RFC 2045 §6.7: a line that ends in `=`, blanks or not, goes on in the next.
    let is_hard = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        before.is_some_and(|&byte| byte.is_ascii_graphic() && byte != b'=' || byte == b'\n')
    };
    let start = memmem::find_iter(text, b"\r\n").find(is_hard)? + 2;
    let end = memmem::rfind_iter(text, b"\r\n").find(is_hard)? + 2;
    (start < end).then(|| range.start + start..range.start + end)
}

/// Each run with its place in the copy; `None` if an edit touches one.
fn in_copy(
    prepared: &Prepared,
    inserted: &[usize],
    runs: Vec<Range<usize>>,
) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let mut edits = prepared.edits().as_slice().iter().zip(inserted).peekable();
    let (mut gained, mut lost) = (0, 0);
    let mut out = Vec::with_capacity(runs.len());
    for run in runs {
        while let Some((edit, length)) = edits.next_if(|(edit, _)| edit.range.end <= run.start) {
            gained += length;
            lost += edit.range.len();
        }
        if edits.peek().is_some_and(|(edit, _)| edit.range.start < run.end) {
            return None;
        }
        let start = (run.start + gained).checked_sub(lost)?;
        out.push((run.clone(), start..start + run.len()));
    }
    Some(out)
}

fn without<'r>(bytes: &[u8], omitted: impl Iterator<Item = &'r Range<usize>>) -> Vec<u8> {
    let mut left = Vec::with_capacity(8 * 1024);
    let mut from = 0;
    for run in omitted {
        left.extend_from_slice(&bytes[from..run.start]);
        from = run.end;
    }
    left.extend_from_slice(&bytes[from..]);
    left
}
