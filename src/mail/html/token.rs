//! What the tokenizer hands over: spans of the document, never copies.
//!
//! Attributes are read on demand from the span of a tag (HTML Standard §13.2.5.32 ff.); most
//! tags are never asked for theirs.

use super::tags::Tag;

/// A range of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Span {
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
}

impl Span {
    /// The bytes it covers.
    pub(super) fn of<'h>(&self, html: &'h [u8]) -> &'h [u8] {
        html.get(self.start..self.end).unwrap_or_default()
    }
}

/// A start or end tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TagToken {
    /// Where its `<` stands.
    pub(super) at: usize,
    /// What its name means.
    pub(super) tag: Tag,
    /// Its name as written.
    pub(super) name: Span,
    /// From behind the name to before the `>`.
    pub(super) attributes: Span,
    /// Whether it ends in `/>`.
    pub(super) is_self_closing: bool,
}

impl TagToken {
    /// The tag as a start or end tag nobody wrote.
    pub(super) const fn unwritten(tag: Tag) -> Self {
        let nothing = Span { start: 0, end: 0 };
        Self { at: 0, tag, name: nothing, attributes: nothing, is_self_closing: false }
    }
}

/// One token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// Characters; two in a row are one text.
    Text(Span),
    /// A start tag.
    Start(TagToken),
    /// An end tag.
    End(TagToken),
    /// A comment or bogus comment: what stands between its marks.
    Comment(Span),
    /// A DOCTYPE.
    Doctype,
    /// `</>`: bytes that mean nothing at all.
    Nothing,
}

/// White space as HTML knows it.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// The attributes of a tag: name and value as written, character references undecoded.
pub(super) struct Attributes<'h> {
    rest: &'h [u8],
}

impl<'h> Attributes<'h> {
    /// The attributes in `span`, which a tag token names.
    pub(super) fn of(html: &'h [u8], span: Span) -> Self {
        Self { rest: span.of(html) }
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'h [u8] {
        let end = self.rest.iter().position(|&b| !accept(b)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn value(&mut self) -> &'h [u8] {
        self.take_while(is_space);
        match self.rest.first() {
            Some(&quote @ (b'"' | b'\'')) => {
                self.rest = &self.rest[1..];
                let value = self.take_while(|b| b != quote);
                self.rest = self.rest.get(1..).unwrap_or_default();
                value
            }
            _ => self.take_while(|b| !is_space(b)),
        }
    }
}

impl<'h> Iterator for Attributes<'h> {
    type Item = (&'h [u8], &'h [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.take_while(|b| is_space(b) || b == b'/');
        let (first, _) = self.rest.split_first()?;
        // HTML Standard §13.2.5.32: an equals sign in first place belongs to the name.
        let offset = usize::from(*first == b'=');
        let name_len = self.rest[offset..]
            .iter()
            .position(|&b| is_space(b) || matches!(b, b'/' | b'='))
            .map_or(self.rest.len(), |len| len + offset);
        let (name, rest) = self.rest.split_at(name_len);
        self.rest = rest;
        self.take_while(is_space);
        if self.rest.first() != Some(&b'=') {
            return Some((name, b""));
        }
        self.rest = &self.rest[1..];
        Some((name, self.value()))
    }
}

/// Whether a text is white space only once its character references are decoded.
pub(super) fn is_blank(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        let end = rest.iter().position(|&b| !is_space(b)).unwrap_or(rest.len());
        rest = &rest[end..];
        match rest.split_first() {
            None => return true,
            Some((b'&', reference)) => match blank_reference(reference) {
                Some(after) => rest = after,
                None => return false,
            },
            Some(_) => return false,
        }
    }
}

/// What follows a character reference that means white space.
fn blank_reference(text: &[u8]) -> Option<&[u8]> {
    for name in [&b"Tab;"[..], b"NewLine;"] {
        if let Some(after) = text.strip_prefix(name) {
            return Some(after);
        }
    }
    let text = text.strip_prefix(b"#")?;
    let (radix, text) = match text.split_first() {
        Some((b'x' | b'X', hex)) => (16, hex),
        _ => (10, text),
    };
    let end = text.iter().position(|&b| !char::from(b).is_digit(radix)).unwrap_or(text.len());
    let digits = std::str::from_utf8(&text[..end]).ok()?;
    let code = u8::from_str_radix(digits, radix).ok()?;
    let after = &text[end..];
    is_space(code).then(|| after.strip_prefix(b";").unwrap_or(after))
}
