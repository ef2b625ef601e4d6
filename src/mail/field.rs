//! Header fields as spans (RFC 5322 §2.2): where a field stands, never a copy of it.
//!
//! A span covers the whole field, folded continuation lines and the final CRLF included, so
//! that removing it removes nothing else.

use std::borrow::Cow;
use std::ops::Range;

/// Where one field stands in the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldSpan {
    pub(super) start: usize,
    pub(super) name_end: usize,
    pub(super) value_start: usize,
    pub(super) end: usize,
}

impl FieldSpan {
    /// Reads the first line of a field at `start`; `None` when it is none.
    ///
    /// RFC 5322 §2.2: a name of printable ASCII, then a colon; §4.5 allows white space between.
    pub(super) fn parse(line: &[u8], start: usize, next: usize) -> Option<Self> {
        let colon = memchr::memchr(b':', line)?;
        let name = line[..colon].trim_ascii_end();
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        is_name.then_some(Self {
            start,
            name_end: start + name.len(),
            value_start: start + colon + 1,
            end: next,
        })
    }
}

/// One field of a message.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    bytes: &'a [u8],
    span: FieldSpan,
}

impl<'a> Field<'a> {
    pub(super) const fn new(bytes: &'a [u8], span: FieldSpan) -> Self {
        Self { bytes, span }
    }

    /// The name as written.
    pub fn name(&self) -> &'a [u8] {
        &self.bytes[self.span.start..self.span.name_end]
    }

    /// Whether the name is `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether the name begins with `prefix`, in any case.
    pub fn starts_with(&self, prefix: &str) -> bool {
        let name = self.name();
        name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
    }

    /// Everything after the colon, folds and final CRLF included.
    pub fn raw_value(&self) -> &'a [u8] {
        &self.bytes[self.span.value_start..self.span.end]
    }

    /// The value on one line (RFC 5322 §2.2.3): CRLFs removed, outer white space trimmed;
    /// octets that are not UTF-8 become U+FFFD.
    pub fn unfolded(&self) -> String {
        let raw = self.raw_value();
        let joined: Cow<'_, [u8]> = if raw.iter().any(|b| matches!(b, b'\r' | b'\n')) {
            raw.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect()
        } else {
            raw.into()
        };
        String::from_utf8_lossy(&joined).trim().to_owned()
    }

    /// The bytes of the whole field, folded lines and final CRLF included.
    pub const fn range(&self) -> Range<usize> {
        self.span.start..self.span.end
    }
}

impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values are personal data.
        write!(f, "Field({}, {:?})", String::from_utf8_lossy(self.name()), self.range())
    }
}
