//! The footer: templates and a brand's data, compiled once into pieces around the link.
//!
//! Compiling checks everything that could harm a message later: ASCII on the wire, line
//! lengths, lines that look like delimiters (RFC 2046 §5.1.1) or mbox separators, control
//! characters. Rendering a copy then only puts the recipient's link between the pieces.

mod ascii;
mod compile;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(super) use compile::LINK_BYTES_MAX;

use crate::base::Digest;

/// What the HTML footer of every brand carries, so that people and scripts can tell it.
const MARKER: &str = "data-consentry=\"footer\"";

/// A text shown to people, and how it is spelled where only ASCII can be shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wording {
    /// The text.
    pub text: String,
    /// Its ASCII spelling; without one, accents are dropped and common marks spelled out.
    pub ascii: Option<String>,
}

impl From<&str> for Wording {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), ascii: None }
    }
}

/// Who speaks: what a footer says about the sender.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BrandVoice {
    /// The brand's name as recipients know it.
    pub name: Wording,
    /// The legal person behind it.
    pub entity: Wording,
    /// Its postal address; several lines become one.
    pub postal_address: Wording,
    /// An address or page for questions; may be empty.
    pub contact: Wording,
}

/// The two templates of a footer, in minijinja's language.
///
/// Both know `brand`, `entity`, `postal_address`, `contact` and `unsubscribe_url`, and both
/// must show the last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FooterTemplates {
    /// For text/html.
    pub html: String,
    /// For text/plain.
    pub text: String,
}

impl FooterTemplates {
    /// The built-in English footer.
    pub fn english() -> Self {
        Self {
            html: include_str!("footer/english.html").to_owned(),
            text: include_str!("footer/english.txt").to_owned(),
        }
    }
}

/// Which of the two templates.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LeafKind {
    /// text/html.
    Html,
    /// text/plain.
    Text,
}

impl std::fmt::Display for LeafKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Html => "html",
            Self::Text => "text",
        })
    }
}

/// Why a footer cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum FooterError {
    /// The template language was not understood.
    #[error("the {0} footer template is not valid: {1}")]
    Template(LeafKind, String),
    /// A value has no ASCII spelling.
    #[error("`{name}` holds {character:?}, which has no sure ASCII spelling; give an ASCII form")]
    NotAscii {
        /// Which value, or `template`.
        name: &'static str,
        /// The character.
        character: char,
    },
    /// A control character.
    #[error("the {0} footer holds the control character {1:?}; remove it")]
    Control(LeafKind, char),
    /// A line that readers could take for a MIME delimiter, a signature mark, a quotation or
    /// an mbox separator.
    #[error("a line of the {0} footer begins with {1:?}; begin it with a word")]
    LineStart(LeafKind, &'static str),
    /// A line that cannot be kept short.
    #[error("a line of the {0} footer is longer than {1} octets; break it")]
    LongLine(LeafKind, usize),
    /// The link is missing.
    #[error("the {0} footer does not show {{{{ unsubscribe_url }}}}; add it")]
    NoLink(LeafKind),
    /// The marker of the HTML footer is ours to write.
    #[error("the html footer template holds {MARKER}, which is added by itself; remove it")]
    Marker,
}

/// Text, or the place of the recipient's link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// Fixed ASCII text.
    Text(String),
    /// The recipient's link.
    Link,
}

/// `pieces` with one recipient's link.
pub(super) fn written(pieces: &[Piece], url: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    for piece in pieces {
        out.extend_from_slice(match piece {
            Piece::Text(text) => text.as_bytes(),
            Piece::Link => url.as_bytes(),
        });
    }
    out
}

/// One compiled template: lines of pieces, and whom it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Side {
    lines: Vec<Vec<Piece>>,
    entity: String,
    postal_address: String,
}

/// A footer ready to be placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footer {
    html: Side,
    text: Side,
    source: FooterSource,
    hash: Digest,
}

/// What a footer was made from, and what names it in a decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FooterSource {
    /// The template for text/html.
    pub html: String,
    /// The template for text/plain.
    pub text: String,
    /// The brand's name.
    pub brand: String,
    /// The legal person.
    pub entity: String,
    /// Its postal address.
    pub postal_address: String,
    /// An address or page for questions; may be empty.
    pub contact: String,
}

impl FooterSource {
    fn new(templates: &FooterTemplates, brand: &BrandVoice) -> Self {
        Self {
            html: templates.html.clone(),
            text: templates.text.clone(),
            brand: brand.name.text.clone(),
            entity: brand.entity.text.clone(),
            postal_address: brand.postal_address.text.clone(),
            contact: brand.contact.text.clone(),
        }
    }

    /// The hash that stands in decisions.
    pub fn hash(&self) -> Digest {
        let Self { html, text, brand, entity, postal_address, contact } = self;
        let texts = [html, text, brand, entity, postal_address, contact];
        let parts: Vec<&[u8]> = std::iter::once("footer v1")
            .chain(texts.map(String::as_str))
            .map(str::as_bytes)
            .collect();
        Digest::of_parts(&parts)
    }
}

impl Footer {
    /// Compiles `templates` with a brand's data.
    ///
    /// # Errors
    /// [`FooterError`] names what would harm a message, and the remedy.
    pub fn compile(templates: &FooterTemplates, brand: &BrandVoice) -> Result<Self, FooterError> {
        let source = FooterSource::new(templates, brand);
        Ok(Self {
            html: compile::html(&templates.html, brand)?,
            text: compile::text(&templates.text, brand)?,
            hash: source.hash(),
            source,
        })
    }

    /// The hash of its source, as it stands in decisions.
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// What it was made from.
    pub const fn source(&self) -> &FooterSource {
        &self.source
    }

    /// The lines for one kind of leaf.
    pub(super) fn lines(&self, kind: LeafKind) -> &[Vec<Piece>] {
        &self.side(kind).lines
    }

    /// Whether `text`, a decoded leaf or the footer itself, names the legal person.
    pub(super) fn shows_entity(&self, kind: LeafKind, text: &[u8]) -> bool {
        holds(text, &self.side(kind).entity)
    }

    /// Whether `text` shows the postal address.
    pub(super) fn shows_postal_address(&self, kind: LeafKind, text: &[u8]) -> bool {
        holds(text, &self.side(kind).postal_address)
    }

    const fn side(&self, kind: LeafKind) -> &Side {
        match kind {
            LeafKind::Html => &self.html,
            LeafKind::Text => &self.text,
        }
    }
}

/// Whether `text` holds `value`, line ends and runs of blanks counting as one blank.
fn holds(text: &[u8], value: &str) -> bool {
    let words = |bytes: &[u8]| {
        let parts = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        parts.collect::<Vec<_>>().join(&b' ')
    };
    let value = words(value.as_bytes());
    !value.is_empty() && memchr::memmem::find(&words(text), &value).is_some()
}
