//! One footer in one leaf: what is inserted into the decoded text, and its form on the wire.
//!
//! The insertion stays inside the transfer encoding that is there (RFC 2045 §6.7, §6.8): plain
//! bytes, soft-broken quoted-printable, or base64 on lines of its own. Its length does not
//! depend on the recipient.

use std::ops::Range;

use bytes::Bytes;
use data_encoding::BASE64;

use super::footer::{Piece, written};
use super::leaves::Leaf;

/// RFC 2045 §6.7 allows 76; room is left for what a line may still have to carry.
const QP_WIDTH: usize = 72;
/// RFC 2045 §6.8.
const BASE64_WIDTH: usize = 76;

/// How the inserted text is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wire {
    /// As it is.
    Identity,
    /// Quoted-printable.
    QuotedPrintable(QpStart),
    /// Base64: whole quanta on lines of their own.
    Base64 {
        /// Decoded bytes of the replaced quantum before the insertion.
        lead: Vec<u8>,
        /// Decoded bytes of the replaced quantum after it.
        trail: Vec<u8>,
        /// What stands around it.
        breaks: LineBreaks,
    },
}

/// How a quoted-printable segment begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum QpStart {
    /// At a line start, or with a line end of its own.
    Plain,
    /// With a soft break.
    SoftBreak,
}

/// Which line ends a base64 segment needs to stand on lines of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LineBreaks {
    /// Raw bytes stand before it on its line.
    pub(super) before: bool,
    /// Raw bytes follow it on its line.
    pub(super) after: bool,
}

/// A planned insertion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Insert {
    /// The leaf it goes into.
    pub(super) leaf: Leaf,
    /// Where in the decoded text.
    pub(super) at: usize,
    /// The raw bytes it replaces; empty unless a base64 quantum is rewritten.
    pub(super) range: Range<usize>,
    /// The text, without the recipient's link.
    pub(super) pieces: Vec<Piece>,
    /// How it is written.
    pub(super) wire: Wire,
    /// A CRLF the next delimiter needs (see `Entity::shares_blank_line`).
    pub(super) tail: &'static [u8],
}

impl Insert {
    /// What the decoded text gains for the recipient with `url`.
    pub(super) fn text(&self, url: &str) -> Vec<u8> {
        written(&self.pieces, url)
    }

    /// The bytes on the wire.
    pub(super) fn encode(&self, url: &str) -> Bytes {
        let text = self.text(url);
        let mut out = match &self.wire {
            Wire::Identity => text,
            Wire::QuotedPrintable(start) => quoted_printable(&text, *start),
            Wire::Base64 { lead, trail, breaks } => {
                base64(&[lead.as_slice(), &text, trail].concat(), *breaks)
            }
        };
        out.extend_from_slice(self.tail);
        Bytes::from(out)
    }
}

/// Writes `text` in quoted-printable from column 0; CRLF in it are hard breaks.
fn quoted_printable(text: &[u8], start: QpStart) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    if start == QpStart::SoftBreak {
        out.extend_from_slice(b"=\r\n");
    }
    let mut rest = text;
    loop {
        let end = memchr::memmem::find(rest, b"\r\n");
        qp_line(&rest[..end.unwrap_or(rest.len())], &mut out);
        let Some(end) = end else { return out };
        out.extend_from_slice(b"\r\n");
        rest = &rest[end + 2..];
    }
}

fn qp_line(line: &[u8], out: &mut Vec<u8>) {
    let mut column = 0;
    for (index, &byte) in line.iter().enumerate() {
        let is_last = index + 1 == line.len();
        let is_plain = match byte {
            b' ' | b'\t' => !is_last,
            b'=' => false,
            // Neither a dot, nor a delimiter, nor an mbox separator may begin a line.
            b'.' | b'-' => index > 0,
            b'F' => index > 0 || !line.starts_with(b"From "),
            _ => byte.is_ascii_graphic(),
        };
        if column + if is_plain { 1 } else { 3 } > QP_WIDTH {
            out.extend_from_slice(b"=\r\n");
            // The first character after a soft break may be the recipient's: always escaped,
            // whatever it is, so that neither length nor line starts depend on it.
            escape(byte, out);
            column = 3;
        } else if is_plain {
            out.push(byte);
            column += 1;
        } else {
            escape(byte, out);
            column += 3;
        }
    }
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

fn base64(quanta: &[u8], breaks: LineBreaks) -> Vec<u8> {
    let symbols = BASE64.encode(quanta);
    let lines: Vec<&[u8]> = symbols.as_bytes().chunks(BASE64_WIDTH).collect();
    let mut out = lines.join(&b"\r\n"[..]);
    if breaks.before {
        out.splice(0..0, *b"\r\n");
    }
    if breaks.after {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{QpStart, quoted_printable};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(
            String::from_utf8(quoted_printable(text.as_bytes(), QpStart::Plain)).unwrap(),
            expected
        );
    }

    #[test]
    fn a13_escapes_what_must_not_begin_or_end_a_line() {
        check(".a\r\n-b\r\nFrom c\r\nFar d", "=2Ea\r\n=2Db\r\n=46rom c\r\nFar d");
        check("a \r\n\t\r\nb ", "a=20\r\n=09\r\nb=20");
        check("a=b", "a=3Db");
    }

    #[test]
    fn p6_a_line_begun_by_a_soft_break_begins_with_an_escape() {
        let text = "https://u.example.com/u/".to_owned() + &"-.".repeat(60);
        let wire =
            String::from_utf8(quoted_printable(text.as_bytes(), QpStart::SoftBreak)).unwrap();
        let mut lines = wire.split("\r\n");
        assert_eq!(lines.next(), Some("="));
        assert!(lines.next().is_some_and(|line| line.starts_with("https")));
        for line in lines {
            assert!(line.starts_with('=') && line.len() <= 76, "{line}");
        }
    }
}
