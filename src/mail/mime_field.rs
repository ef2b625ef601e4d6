//! The values of Content-Type, Content-Disposition and Content-Transfer-Encoding (RFC 2045 §5,
//! §6; RFC 2183).
//!
//! Comments, folding, odd case and stray semicolons are taken as all readers take them. Where
//! readers differ (a parameter given twice, an open quote, RFC 2231 pieces) the value is marked
//! unclear instead of guessed.

/// How a parameter came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parameter<'a> {
    /// Not given.
    Absent,
    /// Given once, readably.
    Value(&'a str),
    /// Given in a way that readers take differently.
    Unclear,
}

#[derive(Clone, PartialEq, Eq)]
struct Pair {
    name: String,
    value: Option<String>,
}

/// A value with parameters: `text/html; charset=utf-8`, `attachment; filename=a.pdf`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parameterised {
    /// What stands before the first semicolon, lower case, without comments and white space.
    pub(super) value: String,
    /// Whether something stood where the grammar has no place for it.
    pub(super) is_flawed: bool,
    pairs: Vec<Pair>,
}

impl Parameterised {
    /// Reads a field value as received, folds included.
    pub(super) fn parse(raw: &[u8]) -> Self {
        let mut reader = Reader { rest: raw };
        let mut out = Self { value: String::new(), is_flawed: false, pairs: Vec::new() };
        reader.skip_blank();
        while let Some(byte) = reader.peek().filter(|&b| b != b';') {
            out.is_flawed |= !byte.is_ascii_graphic() || byte == b'"';
            out.value.push(char::from(byte.to_ascii_lowercase()));
            reader.advance();
            let before = reader.rest.len();
            reader.skip_blank();
            // `text / html` is one type; `7 bit` is two words and no encoding.
            let is_split = reader.rest.len() < before && byte != b'/';
            out.is_flawed |= is_split && reader.peek().is_some_and(|b| !b";/".contains(&b));
        }
        while reader.peek().is_some() {
            reader.advance();
            reader.skip_blank();
            if reader.peek().is_none_or(|b| b == b';') {
                continue;
            }
            let (pair, is_clean) = reader.pair();
            out.is_flawed |= !is_clean;
            out.pairs.push(pair);
        }
        out
    }

    /// The parameter `name` (lower case).
    pub(super) fn parameter(&self, name: &str) -> Parameter<'_> {
        let is_it = |pair: &&Pair| {
            pair.name
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('*'))
        };
        let mut found = self.pairs.iter().filter(is_it);
        match (found.next(), found.next()) {
            (None, _) => Parameter::Absent,
            (Some(Pair { name: given, value: Some(value) }), None) if given == name => {
                Parameter::Value(value)
            }
            (Some(_), _) => Parameter::Unclear,
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn advance(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Skips white space, folds and comments (nested, with quoted pairs; RFC 5322 §3.2.2).
    fn skip_blank(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.advance(),
                _ if depth > 0 => {}
                _ => return,
            }
            self.advance();
        }
    }

    /// One `name=value`, up to the next semicolon; and whether it was clean.
    fn pair(&mut self) -> (Pair, bool) {
        let mut name = String::new();
        while let Some(byte) = self.peek().filter(|b| b.is_ascii_graphic() && !b"=;(".contains(b)) {
            name.push(char::from(byte.to_ascii_lowercase()));
            self.advance();
        }
        self.skip_blank();
        let mut value = None;
        if self.peek() == Some(b'=') {
            self.advance();
            self.skip_blank();
            value = if self.peek() == Some(b'"') { self.quoted() } else { self.token() };
            self.skip_blank();
        }
        let mut is_clean = !name.is_empty() && value.is_some();
        while self.peek().is_some_and(|byte| byte != b';') {
            is_clean = false;
            value = None;
            self.advance();
        }
        (Pair { name, value }, is_clean)
    }

    fn quoted(&mut self) -> Option<String> {
        self.advance();
        let mut out = Vec::new();
        loop {
            let byte = self.peek()?;
            self.advance();
            match byte {
                b'"' => break,
                b'\\' => {
                    out.push(self.peek()?);
                    self.advance();
                }
                b'\r' | b'\n' => {}
                _ => out.push(byte),
            }
        }
        String::from_utf8(out).ok()
    }

    fn token(&mut self) -> Option<String> {
        let mut out = Vec::new();
        while let Some(byte) = self.peek().filter(|b| !b" \t\r\n;(\"".contains(b)) {
            out.push(byte);
            self.advance();
        }
        if out.is_empty() { None } else { String::from_utf8(out).ok() }
    }
}

/// A media type with its parameters (RFC 2045 §5.1).
#[derive(Clone, PartialEq, Eq)]
pub struct MediaType {
    inner: Parameterised,
    slash: usize,
}

impl MediaType {
    /// What an entity without Content-Type is: text/plain, or message/rfc822 in a digest
    /// (RFC 2046 §5.1.5).
    pub(super) fn of_silence(parent: Option<&Self>) -> Self {
        let in_digest = parent.is_some_and(|parent| parent.essence() == "multipart/digest");
        Self::parse(if in_digest { b"message/rfc822" } else { b"text/plain" })
    }

    /// Reads a Content-Type value.
    pub fn parse(raw: &[u8]) -> Self {
        let inner = Parameterised::parse(raw);
        let slash = inner.value.find('/').unwrap_or(inner.value.len());
        Self { inner, slash }
    }

    /// The type, lower case: `text`.
    pub fn kind(&self) -> &str {
        &self.inner.value[..self.slash]
    }

    /// The subtype, lower case: `html`; empty when there is none.
    pub fn subtype(&self) -> &str {
        self.inner.value.get(self.slash + 1..).unwrap_or_default()
    }

    /// The whole type, lower case: `text/html`.
    pub fn essence(&self) -> &str {
        &self.inner.value
    }

    /// The parameter `name` (lower case).
    pub fn parameter(&self, name: &str) -> Parameter<'_> {
        self.inner.parameter(name)
    }

    /// Whether it is a multipart of whatever subtype.
    pub fn is_multipart(&self) -> bool {
        self.kind() == "multipart"
    }

    /// Whether it follows the grammar: a type, a subtype, clean parameters.
    pub fn is_well_formed(&self) -> bool {
        let is_token = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| !b"()<>@,;:\\\"/[]?=".contains(&b))
        };
        !self.inner.is_flawed && is_token(self.kind()) && is_token(self.subtype())
    }

    /// The boundary, if it is one that all readers take alike.
    ///
    /// RFC 2046 §5.1.1: 1 to 70 characters, not ending in white space. Any printable ASCII is
    /// taken, for real mailers use `*`, `$` and `@` and all readers follow.
    pub fn boundary(&self) -> Option<&[u8]> {
        let Parameter::Value(text) = self.parameter("boundary") else { return None };
        let is_usable = (1..=70).contains(&text.len())
            && !text.ends_with(' ')
            && text.bytes().all(|b| (b.is_ascii_graphic() && !b"\"\\".contains(&b)) || b == b' ');
        is_usable.then_some(text.as_bytes())
    }
}

/// A transfer encoding (RFC 2045 §6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransferEncoding {
    /// `7bit`, or nothing said.
    SevenBit,
    /// `8bit`.
    EightBit,
    /// `binary`.
    Binary,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `base64`.
    Base64,
    /// Anything else: the content is opaque (RFC 2045 §6.4).
    Unknown,
}

impl TransferEncoding {
    /// Reads a Content-Transfer-Encoding value: comments and case are free, junk is not.
    pub fn parse(raw: &[u8]) -> Self {
        let field = Parameterised::parse(raw);
        let has_junk = field.is_flawed || raw.contains(&b';');
        match field.value.as_str() {
            _ if has_junk => Self::Unknown,
            "7bit" => Self::SevenBit,
            "8bit" => Self::EightBit,
            "binary" => Self::Binary,
            "quoted-printable" => Self::QuotedPrintable,
            "base64" => Self::Base64,
            _ => Self::Unknown,
        }
    }

    /// Whether a multipart may carry it (RFC 2045 §6.4).
    pub const fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

/// How a part wants to be shown (RFC 2183), as far as an editor must know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Disposition {
    /// No Content-Disposition.
    Absent,
    /// `inline` without a file name.
    Inline,
    /// `attachment`, an unknown word (RFC 2183 §2.8: the same), or a file name.
    Attachment,
}

impl Disposition {
    pub(super) fn parse(raw: &[u8]) -> Self {
        let field = Parameterised::parse(raw);
        let is_named = field.parameter("filename") != Parameter::Absent;
        if field.value == "inline" && !field.is_flawed && !is_named {
            Self::Inline
        } else {
            Self::Attachment
        }
    }
}
