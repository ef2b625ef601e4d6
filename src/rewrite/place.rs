//! Finds the place of a footer in one leaf and plans the insertion there.
//!
//! Text: at its end. HTML: before the last real `</body>`, else at the end. A leaf that shows
//! our footer already (a second pass) gets none.

use std::borrow::Cow;
use std::ops::Range;

use super::footer::{Footer, LeafKind, Piece, written};
use super::insert::{Insert, LineBreaks, QpStart, Wire};
use super::leaves::Leaf;
use super::policy::LinkSample;
use super::present::{self, Found};
use super::refusal::BodyRefusal;
use crate::mail::{
    Decoded, Entity, Message, Parameter, Protection, TransferEncoding, decode, has_inline_pgp,
    html, is_ascii_compatible,
};

/// What is to be done with one leaf, and its decoded text.
pub(super) enum Placement<'m> {
    /// A footer goes in; the text is kept to compare the edited one with.
    Insert(Insert, Cow<'m, [u8]>),
    /// One of ours is there; the text is kept to see what it shows.
    Present(Cow<'m, [u8]>),
}

/// Plans the footer of one leaf.
///
/// # Errors
/// [`BodyRefusal`] when the leaf cannot take one.
pub(super) fn place<'m>(
    message: &'m Message,
    leaf: Leaf,
    footer: &Footer,
    link: &LinkSample,
) -> Result<Placement<'m>, BodyRefusal> {
    let entity = message.entity(leaf.index);
    check_charset(entity)?;
    let decoded = decode(message.bytes(), entity.body().clone(), entity.encoding())
        .map_err(BodyRefusal::Decode)?;
    let text = decoded.text();
    if memchr::memchr(0, text).is_some() {
        return Err(BodyRefusal::NulInText);
    }
    if has_inline_pgp(text) {
        return Err(BodyRefusal::Protected(Protection::InlinePgp));
    }
    match present::find(leaf.kind, text, link, |url| {
        written(&footer_pieces(entity, text, footer, leaf.kind), url)
    }) {
        Found::Whole => return Ok(Placement::Present(decoded.into_text())),
        Found::Altered => return Err(BodyRefusal::AlteredFooter),
        Found::Nothing => {}
    }
    let (at, mut pieces) = match leaf.kind {
        LeafKind::Text => (text.len(), text_pieces(entity, text, footer)),
        LeafKind::Html => html_pieces(entity, text, footer)?,
    };
    let tail: &[u8] = if entity.shares_blank_line() { b"\r\n" } else { b"" };
    let (range, wire) =
        wire(message.bytes(), &decoded, at, &mut pieces, link).ok_or(BodyRefusal::NoRawPlace)?;
    let insert = Insert { leaf, at, range, pieces, wire, tail };
    Ok(Placement::Insert(insert, decoded.into_text()))
}

fn check_charset(entity: &Entity) -> Result<(), BodyRefusal> {
    match entity.media().parameter("charset") {
        Parameter::Absent => Ok(()),
        Parameter::Value(label) if is_ascii_compatible(label) => Ok(()),
        Parameter::Value(_) | Parameter::Unclear => Err(BodyRefusal::Charset),
    }
}

/// The line end a text uses; CRLF where it has none.
fn line_end(entity: &Entity, text: &[u8]) -> &'static str {
    let is_unix = entity.encoding() == TransferEncoding::Base64
        && memchr::memchr(b'\n', text).is_some()
        && memchr::memmem::find(text, b"\r\n").is_none();
    if is_unix { "\n" } else { "\r\n" }
}

fn literal(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

/// `lines` with `eol` between them.
fn joined(lines: &[Vec<Piece>], eol: &str, stuff: impl Fn(&[Piece]) -> bool) -> Vec<Piece> {
    let mut out = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push(literal(eol));
        }
        if stuff(line) {
            out.push(literal(" "));
        }
        out.extend(line.iter().cloned());
    }
    out
}

fn is_flowed(entity: &Entity) -> bool {
    matches!(
        entity.media().parameter("format"),
        Parameter::Value(format) if format.eq_ignore_ascii_case("flowed")
    )
}

/// The footer itself, as lines of the leaf's kind.
fn footer_pieces(entity: &Entity, text: &[u8], footer: &Footer, kind: LeafKind) -> Vec<Piece> {
    // RFC 3676 §4.4: in flowed text a leading space is stuffed.
    let is_stuffed = kind == LeafKind::Text && is_flowed(entity);
    let begins_with_space =
        |line: &[Piece]| matches!(line.first(), Some(Piece::Text(text)) if text.starts_with(' '));
    let eol = line_end(entity, text);
    joined(footer.lines(kind), eol, |line| is_stuffed && begins_with_space(line))
}

fn text_pieces(entity: &Entity, text: &[u8], footer: &Footer) -> Vec<Piece> {
    let eol = line_end(entity, text);
    let is_ended = text.ends_with(b"\n");
    let last_line = text.strip_suffix(b"\n").unwrap_or(text);
    let last_line = last_line.strip_suffix(b"\r").unwrap_or(last_line);
    let mut out = Vec::new();
    if !text.is_empty() {
        // RFC 3676 §4.1: a line that ends in a space flows into the next, which is this one.
        let breaks = 1
            + usize::from(!is_ended)
            + usize::from(is_flowed(entity) && last_line.ends_with(b" "));
        out.push(literal(&eol.repeat(breaks)));
    }
    out.extend(footer_pieces(entity, text, footer, LeafKind::Text));
    if is_ended || (text.is_empty() && entity.parent().is_none()) {
        out.push(literal(eol));
    }
    out
}

fn html_pieces(
    entity: &Entity,
    text: &[u8],
    footer: &Footer,
) -> Result<(usize, Vec<Piece>), BodyRefusal> {
    let html::Insertion { offset, closers } =
        html::insertion_point(text).map_err(BodyRefusal::Html)?;
    let eol = line_end(entity, text);
    let before = text.get(..offset).ok_or(BodyRefusal::NoRawPlace)?;
    let mut out = Vec::new();
    if !before.is_empty() && !before.ends_with(b"\n") {
        out.push(literal(eol));
    }
    if !closers.is_empty() {
        out.push(literal(&closers));
        out.push(literal(eol));
    }
    out.extend(footer_pieces(entity, text, footer, LeafKind::Html));
    let is_root = entity.parent().is_none();
    if offset < text.len() || text.ends_with(b"\n") || (text.is_empty() && is_root) {
        out.push(literal(eol));
    }
    Ok((offset, out))
}

/// The raw range and form of an insertion at decoded offset `at`; `None` when no raw place
/// answers to it.
fn wire(
    bytes: &[u8],
    decoded: &Decoded<'_>,
    at: usize,
    pieces: &mut Vec<Piece>,
    link: &LinkSample,
) -> Option<(Range<usize>, Wire)> {
    if decoded.encoding() == TransferEncoding::Base64 {
        return Some(base64_wire(bytes, decoded, at, pieces, link));
    }
    let raw = decoded.raw_offset(at)?;
    let before = &bytes[decoded.range().start..raw];
    let wire = if decoded.encoding() == TransferEncoding::QuotedPrintable {
        let is_line_start = before.is_empty() || before.ends_with(b"\n");
        let begins_with_break =
            matches!(pieces.first(), Some(Piece::Text(text)) if text.starts_with("\r\n"));
        // RFC 2045 §6.7 (3): white space before a hard break would stop being data.
        let ends_in_blank = matches!(before.last(), Some(b' ' | b'\t'));
        let is_cut = !is_line_start && (!begins_with_break || ends_in_blank);
        Wire::QuotedPrintable(if is_cut { QpStart::SoftBreak } else { QpStart::Plain })
    } else {
        Wire::Identity
    };
    Some((raw..raw, wire))
}

fn base64_wire(
    bytes: &[u8],
    decoded: &Decoded<'_>,
    at: usize,
    pieces: &mut Vec<Piece>,
    link: &LinkSample,
) -> (Range<usize>, Wire) {
    let text = decoded.text();
    let first = at - at % 3;
    let end = text.len().min(first + 3);
    let quantum = decoded.quantum(first / 3);
    // At a quantum's edge inside the text nothing is replaced.
    let is_edge = at == first && at < text.len();
    let range = if is_edge { quantum.start..quantum.start } else { quantum };
    let (lead, trail) =
        if is_edge { (&[][..], &[][..]) } else { (&text[first..at], &text[at..end]) };
    // What follows must start on a quantum of its own; at the end real padding may stand.
    if at < text.len() && (is_edge || end == first + 3) {
        let length: usize = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.len(),
                Piece::Link => link.url().len(),
            })
            .sum();
        pieces.push(literal(&" ".repeat((3 - length % 3) % 3)));
    }
    let body = decoded.range();
    let before = &bytes[body.start..range.start];
    let after = &bytes[range.end..body.end];
    let wire = Wire::Base64 {
        lead: lead.to_vec(),
        trail: trail.to_vec(),
        breaks: LineBreaks {
            before: !before.is_empty() && !before.ends_with(b"\n"),
            after: !after.is_empty() && !after.starts_with(b"\r\n"),
        },
    };
    (range, wire)
}
