//! Quoted-printable (RFC 2045 §6.7), line by line.
//!
//! White space at the end of a raw line is padding, never data; `=` at the end is a soft break.
//! Lower-case hex is taken, any other use of `=` is refused.

use std::ops::Range;

use super::{DecodeRefusal, Mark};

/// One raw line of a body.
struct Line {
    /// Where its data end: before a soft break's `=`, padding and CRLF.
    data_end: usize,
    /// Where the next line starts.
    next: usize,
    /// Whether its CRLF is data.
    is_hard: bool,
}

fn line_at(bytes: &[u8], start: usize, end: usize) -> Line {
    let newline = memchr::memchr(b'\n', &bytes[start..end]).map(|length| start + length);
    let next = newline.map_or(end, |at| at + 1);
    let text = &bytes[start..newline.unwrap_or(end)];
    let text = if newline.is_some() { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
    let padded = start + text.trim_ascii_end().len();
    let is_soft = padded > start && bytes[padded - 1] == b'=';
    Line { data_end: padded - usize::from(is_soft), next, is_hard: newline.is_some() && !is_soft }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

pub(super) fn decode(
    bytes: &[u8],
    range: &Range<usize>,
) -> Result<(Vec<u8>, Vec<Mark>), DecodeRefusal> {
    let mut text = Vec::with_capacity(range.len());
    let mut marks = Vec::with_capacity(range.len() / 64);
    let mut start = range.start;
    while start < range.end {
        marks.push(Mark { before: text.len(), raw: start });
        let line = line_at(bytes, start, range.end);
        let mut data = &bytes[start..line.data_end];
        while let Some(plain) = memchr::memchr(b'=', data) {
            let [_, high, low, rest @ ..] = &data[plain..] else {
                return Err(DecodeRefusal::BadQuotedPrintable);
            };
            let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                return Err(DecodeRefusal::BadQuotedPrintable);
            };
            text.extend_from_slice(&data[..plain]);
            text.push(high << 4 | low);
            data = rest;
        }
        text.extend_from_slice(data);
        if line.is_hard {
            text.extend_from_slice(b"\r\n");
        }
        start = line.next;
    }
    Ok((text, marks))
}

/// The raw place before decoded byte `at`, which lies in or after the line of `mark`.
pub(super) fn raw_offset(
    bytes: &[u8],
    range: &Range<usize>,
    mark: Mark,
    at: usize,
) -> Option<usize> {
    if mark.raw >= range.end {
        return Some(range.end);
    }
    let line = line_at(bytes, mark.raw, range.end);
    let (mut raw, mut decoded) = (mark.raw, mark.before);
    while decoded < at && raw < line.data_end {
        raw += if bytes[raw] == b'=' { 3 } else { 1 };
        decoded += 1;
    }
    if decoded == at {
        return Some(raw);
    }
    (line.is_hard && decoded + 2 == at).then_some(line.next)
}
