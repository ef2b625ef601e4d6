//! The HTML tokenizer, over bytes of any ASCII-compatible charset.
//!
//! States and transitions of the HTML Standard §13.2.5; characters, character references and
//! error reports are left out because only the places of tags matter here. It never allocates.
//! It is not a sanitizer and repairs nothing: it tells where a conforming reader sees a tag.

use memchr::{memchr, memchr2, memmem};

use super::Refusal;
use super::raw_text::{self, RawText};
use super::tags::Tag;
use super::token::{Span, TagToken, Token, is_space};

/// Whether `<![CDATA[` opens a section (in foreign content) or a bogus comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cdata {
    /// In SVG and MathML.
    Section,
    /// In HTML.
    BogusComment,
}

/// Reads a document token by token.
#[derive(Clone, Debug)]
pub(super) struct Tokenizer<'h> {
    html: &'h [u8],
    at: usize,
    end: Option<Refusal>,
}

impl<'h> Tokenizer<'h> {
    /// A tokenizer at the start of `html`.
    pub(super) const fn new(html: &'h [u8]) -> Self {
        Self { html, at: 0, end: None }
    }

    /// Where the next token starts.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What swallows everything written at the end, once the end is reached.
    pub(super) const fn open_end(&self) -> Option<Refusal> {
        self.end
    }

    /// The next token; `None` at the end, whether open or not.
    pub(super) fn next(&mut self, cdata: Cdata) -> Option<Token> {
        if self.at >= self.html.len() {
            return None;
        }
        let rest = &self.html[self.at..];
        if rest[0] != b'<' {
            return Some(self.text());
        }
        match rest.get(1) {
            Some(b) if b.is_ascii_alphabetic() => {
                let tag = self.tag(self.at + 1);
                tag.map(Token::Start)
            }
            Some(b'/') => self.end_tag_open(),
            Some(b'!') => self.markup_declaration(cdata),
            Some(b'?') => self.bogus_comment(self.at + 1),
            _ => Some(self.text()),
        }
    }

    /// Skips the raw text of the element that just started, and its end tag.
    pub(super) fn skip_raw_text(&mut self, kind: RawText, name: Tag) {
        match raw_text::end(self.html, self.at, kind, name) {
            Some(after) => self.at = after,
            None => self.stop(match kind {
                RawText::PlainText => Refusal::PlainText,
                RawText::Text | RawText::Script => Refusal::UnclosedRawText,
            }),
        }
    }

    fn stop(&mut self, reason: Refusal) {
        self.at = self.html.len();
        self.end = Some(reason);
    }

    fn token_to(&mut self, end: usize, token: impl FnOnce(Span) -> Token) -> Token {
        let span = Span { start: self.at, end };
        self.at = end;
        token(span)
    }

    /// At least one byte of text, up to the next `<`.
    fn text(&mut self) -> Token {
        let from = self.at + 1;
        let end = memchr(b'<', &self.html[from..]).map_or(self.html.len(), |found| from + found);
        self.token_to(end, Token::Text)
    }

    fn cdata_section(&mut self) -> Token {
        let Some(found) = memmem::find(&self.html[self.at..], b"]]>") else {
            self.end = Some(Refusal::UnclosedRawText);
            return self.token_to(self.html.len(), Token::Text);
        };
        let text = Span { start: self.at, end: self.at + found };
        self.at = text.end + 3;
        Token::Text(text)
    }

    /// HTML Standard §13.2.5.7.
    fn end_tag_open(&mut self) -> Option<Token> {
        match self.html.get(self.at + 2) {
            Some(b) if b.is_ascii_alphabetic() => self.tag(self.at + 2).map(Token::End),
            Some(b'>') => {
                self.at += 3;
                Some(Token::Nothing)
            }
            Some(_) => self.bogus_comment(self.at + 2),
            None => {
                // Text as it stands, but no longer with anything written behind it.
                self.end = Some(Refusal::UnclosedTag);
                Some(self.token_to(self.html.len(), Token::Text))
            }
        }
    }

    /// HTML Standard §13.2.5.42.
    fn markup_declaration(&mut self, cdata: Cdata) -> Option<Token> {
        let declaration = &self.html[self.at + 2..];
        if declaration.starts_with(b"--") {
            return self.comment();
        }
        if declaration.len() >= 7 && declaration[..7].eq_ignore_ascii_case(b"doctype") {
            return self.doctype();
        }
        if cdata == Cdata::Section && declaration.starts_with(b"[CDATA[") {
            self.at += b"<![CDATA[".len();
            return Some(self.cdata_section());
        }
        self.bogus_comment(self.at + 2)
    }

    fn bogus_comment(&mut self, data: usize) -> Option<Token> {
        let Some(found) = memchr(b'>', &self.html[data..]) else {
            self.stop(Refusal::UnclosedComment);
            return None;
        };
        self.at = data + found + 1;
        Some(Token::Comment(Span { start: data, end: data + found }))
    }

    /// HTML Standard §13.2.5.43 ff.: ends with `-->` or `--!>`, and `<!-->`, `<!--->` are whole.
    fn comment(&mut self) -> Option<Token> {
        let data = self.at + 4;
        for whole in [&b">"[..], b"->"] {
            if self.html[data..].starts_with(whole) {
                self.at = data + whole.len();
                return Some(Token::Comment(Span { start: data, end: data }));
            }
        }
        let mut from = data;
        while let Some(found) = memmem::find(&self.html[from..], b"--") {
            let end = from + found;
            let tail = &self.html[end + 2..];
            let mark =
                if tail.starts_with(b">") { 1 } else { 2 * usize::from(tail.starts_with(b"!>")) };
            if mark > 0 {
                self.at = end + 2 + mark;
                return Some(Token::Comment(Span { start: data, end }));
            }
            from = end + 1;
        }
        self.stop(Refusal::UnclosedComment);
        None
    }

    /// HTML Standard §13.2.5.53 ff.: a `>` ends a DOCTYPE even within its quotes.
    fn doctype(&mut self) -> Option<Token> {
        let Some(found) = memchr(b'>', &self.html[self.at..]) else {
            self.stop(Refusal::UnclosedTag);
            return None;
        };
        self.at += found + 1;
        Some(Token::Doctype)
    }

    /// A tag whose name starts at `name`; `None` if the document ends within it.
    fn tag(&mut self, name: usize) -> Option<TagToken> {
        let rest = &self.html[name..];
        let Some(len) = rest.iter().position(|&b| is_space(b) || matches!(b, b'/' | b'>')) else {
            self.stop(Refusal::UnclosedTag);
            return None;
        };
        let written = Span { start: name, end: name + len };
        let Some(end) = tag_end(self.html, written.end) else {
            self.stop(Refusal::UnclosedTag);
            return None;
        };
        let token = TagToken {
            at: self.at,
            tag: Tag::of(written.of(self.html)),
            name: written,
            attributes: Span { start: written.end, end: end.at },
            is_self_closing: end.is_self_closing,
        };
        self.at = end.at + 1;
        Some(token)
    }
}

struct TagEnd {
    at: usize,
    is_self_closing: bool,
}

/// Finds the `>` of a tag (HTML Standard §13.2.5.32 to §13.2.5.40).
fn tag_end(html: &[u8], from: usize) -> Option<TagEnd> {
    let mut at = from;
    loop {
        at = skip(html, at, is_space);
        match html.get(at)? {
            b'>' => return Some(TagEnd { at, is_self_closing: false }),
            b'/' if html.get(at + 1) == Some(&b'>') => {
                return Some(TagEnd { at: at + 1, is_self_closing: true });
            }
            b'/' => at += 1,
            _ => at = attribute_end(html, at)?,
        }
    }
}

fn skip(html: &[u8], at: usize, accept: impl Fn(u8) -> bool) -> usize {
    let rest = html.get(at..).unwrap_or_default();
    rest.iter().position(|&b| !accept(b)).map_or(html.len(), |found| at + found)
}

/// Where the attribute that starts at `at` ends; `None` if the document ends first.
fn attribute_end(html: &[u8], at: usize) -> Option<usize> {
    // An equals sign in first place belongs to the name.
    let name_end = skip(html, at + 1, |b| !is_space(b) && !matches!(b, b'/' | b'>' | b'='));
    let equals = skip(html, name_end, is_space);
    if html.get(equals)? != &b'=' {
        return Some(equals);
    }
    let value = skip(html, equals + 1, is_space);
    match html.get(value)? {
        quote @ (b'"' | b'\'') => {
            let found = memchr(*quote, &html[value + 1..])?;
            Some(value + 1 + found + 1)
        }
        _ => Some(skip(html, value, |b| !is_space(b) && b != b'>')),
    }
}

/// Finds the next `<` or `-` from `from` on; used by the script states.
pub(super) fn next_mark(html: &[u8], from: usize) -> Option<usize> {
    memchr2(b'<', b'-', html.get(from..)?).map(|found| from + found)
}

/// Where the text behind a tag starts whose name ends at `from`.
pub(super) fn tag_end_after(html: &[u8], from: usize) -> Option<usize> {
    tag_end(html, from).map(|end| end.at + 1)
}
