//! Decoding of transfer encodings with a map back to the raw bytes (RFC 2045 §6.7, §6.8).
//!
//! The map is sparse: one mark per raw line, and the line is walked again on demand. What
//! decoders are known to read differently is refused, not repaired.

mod base64;
mod quoted_printable;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use super::TransferEncoding;

/// Why a body cannot be decoded safely.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DecodeRefusal {
    /// `binary`: lines have no meaning.
    Binary,
    /// An encoding we do not know.
    UnknownEncoding,
    /// An escape that is none.
    BadQuotedPrintable,
    /// A foreign character, padding in the middle, or a broken end.
    BadBase64,
}

impl DecodeRefusal {
    /// A label for metrics and journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary_encoding",
            Self::UnknownEncoding => "unknown_encoding",
            Self::BadQuotedPrintable => "bad_quoted_printable",
            Self::BadBase64 => "bad_base64",
        }
    }
}

/// One raw line: where it starts, and how much was decoded before it (base64: symbols read).
#[derive(Clone, Copy, Debug)]
struct Mark {
    before: usize,
    raw: usize,
}

/// A decoded body that knows where each byte came from.
#[derive(Debug)]
pub struct Decoded<'a> {
    bytes: &'a [u8],
    range: Range<usize>,
    encoding: TransferEncoding,
    text: Cow<'a, [u8]>,
    marks: Vec<Mark>,
}

/// Decodes the body `range` of the message `bytes`.
///
/// # Errors
/// [`DecodeRefusal`] when readers could disagree about the result.
pub fn decode(
    bytes: &[u8],
    range: Range<usize>,
    encoding: TransferEncoding,
) -> Result<Decoded<'_>, DecodeRefusal> {
    let (text, marks) = match encoding {
        TransferEncoding::SevenBit | TransferEncoding::EightBit => {
            (Cow::Borrowed(&bytes[range.clone()]), Vec::new())
        }
        TransferEncoding::Binary => return Err(DecodeRefusal::Binary),
        TransferEncoding::Unknown => return Err(DecodeRefusal::UnknownEncoding),
        TransferEncoding::QuotedPrintable => {
            let (text, marks) = quoted_printable::decode(bytes, &range)?;
            (Cow::Owned(text), marks)
        }
        TransferEncoding::Base64 => {
            let (text, marks) = base64::decode(bytes, &range)?;
            (Cow::Owned(text), marks)
        }
    };
    Ok(Decoded { bytes, range, encoding, text, marks })
}

impl<'a> Decoded<'a> {
    /// The decoded bytes.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The decoded bytes alone.
    pub fn into_text(self) -> Cow<'a, [u8]> {
        self.text
    }

    /// The raw body.
    pub const fn range(&self) -> &Range<usize> {
        &self.range
    }

    /// The encoding it was read in.
    pub const fn encoding(&self) -> TransferEncoding {
        self.encoding
    }

    /// The place in the message before the raw form of decoded byte `at`; for the end of the
    /// text, after its last byte and before any padding.
    ///
    /// `None` inside a line end, beyond the end, and for base64 (see [`Self::quantum`]).
    pub fn raw_offset(&self, at: usize) -> Option<usize> {
        if at > self.text.len() {
            return None;
        }
        match self.encoding {
            TransferEncoding::QuotedPrintable => {
                quoted_printable::raw_offset(self.bytes, &self.range, self.mark(at), at)
            }
            TransferEncoding::SevenBit | TransferEncoding::EightBit => Some(self.range.start + at),
            TransferEncoding::Binary | TransferEncoding::Unknown | TransferEncoding::Base64 => None,
        }
    }

    /// In base64, the raw bytes of the quantum that holds decoded bytes `3 * index ..`, line
    /// ends within it included; empty, at the end of the symbols, when there is no such quantum.
    pub fn quantum(&self, index: usize) -> Range<usize> {
        let symbol = |number: usize| {
            base64::symbol_offset(self.bytes, &self.range, self.mark(number), number)
        };
        let start = symbol(index * 4);
        let end = if start < self.range.end && index * 3 < self.text.len() {
            symbol(index * 4 + 3) + 1
        } else {
            start
        };
        start..end.max(start)
    }

    fn mark(&self, before: usize) -> Mark {
        let after = self.marks.partition_point(|mark| mark.before <= before);
        let first = Mark { before: 0, raw: self.range.start };
        after.checked_sub(1).and_then(|at| self.marks.get(at)).copied().unwrap_or(first)
    }
}
