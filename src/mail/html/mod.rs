//! HTML as it stands in mail: where a footer goes without changing anything else.
//!
//! A tokenizer and a tree builder without a tree, over bytes of any ASCII-compatible charset,
//! after the HTML Standard §13.2. They work in linear time and allocate nothing per token. The
//! document is never rewritten; the answer is an offset and the end tags a footer needs before
//! it. Not for UTF-16, UTF-7 or ISO-2022-JP, whose bytes can look like tags.
//!
//! What is closed: everything that could hide or restyle a footer, that is anything open
//! except `html`, `body` and plain containers (`div`, `center`, `span` and sectioning elements
//! with no attributes but `align`, `dir`, `lang`), and formatting elements that would be opened
//! again. A style sheet can still hide every `div`; the footer's own style answers that.

mod body;
mod foreign;
mod formatting;
mod head;
mod insertion;
mod links;
mod raw_text;
mod scan;
mod stack;
mod table;
mod tags;
#[cfg(test)]
mod tests;
mod texts;
mod token;
mod tokenizer;
mod tree;

/// Where a footer goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Insertion {
    /// The offset in the document's bytes.
    pub offset: usize,
    /// End tags to write before the footer, so that it shows; ASCII, often empty.
    pub closers: String,
}

/// Why no footer can be placed so that it surely shows and nothing else changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// A comment that never ends would swallow the footer.
    UnclosedComment,
    /// A script, style, title or the like that never ends would swallow the footer.
    UnclosedRawText,
    /// `plaintext` would show the footer's source.
    PlainText,
    /// A tag or a quote in it that never ends would swallow the footer.
    UnclosedTag,
    /// A frameset shows no body.
    Frameset,
    /// A `template`, whose content is not shown.
    Template,
    /// A `select` that holds what readers of different age treat differently.
    SelectContent,
    /// HTML within SVG or MathML, which readers treat differently.
    HtmlInForeign,
    /// The body or the root is hidden by its own attributes.
    HiddenBody,
    /// The place lies in a conditional comment that some readers are not shown.
    Conditional,
    /// What is open cannot be closed by end tags alone.
    Unclosable,
    /// What must be closed is still needed by what follows, and the end is no place either.
    TailMoves,
    /// Readers with and without scripts, or with old and new rules, see different places.
    ReadersDisagree,
    /// Too much is open at once.
    TooDeep,
    /// A NUL byte.
    Nul,
}

impl Refusal {
    /// All of them, for catalogues of metrics and texts.
    pub const ALL: [Self; 15] = [
        Self::UnclosedComment,
        Self::UnclosedRawText,
        Self::PlainText,
        Self::UnclosedTag,
        Self::Frameset,
        Self::Template,
        Self::SelectContent,
        Self::HtmlInForeign,
        Self::HiddenBody,
        Self::Conditional,
        Self::Unclosable,
        Self::TailMoves,
        Self::ReadersDisagree,
        Self::TooDeep,
        Self::Nul,
    ];

    /// A label for journal and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnclosedComment => "unclosed_comment",
            Self::UnclosedRawText => "unclosed_raw_text",
            Self::PlainText => "plain_text",
            Self::UnclosedTag => "unclosed_tag",
            Self::Frameset => "frameset",
            Self::Template => "template",
            Self::SelectContent => "select_content",
            Self::HtmlInForeign => "html_in_foreign_content",
            Self::HiddenBody => "hidden_body",
            Self::Conditional => "conditional",
            Self::Unclosable => "unclosable",
            Self::TailMoves => "tail_moves",
            Self::ReadersDisagree => "readers_disagree",
            Self::TooDeep => "too_deep",
            Self::Nul => "nul",
        }
    }
}

/// Where a footer (a block element) goes in a text/html body: before the last `</body>` tag,
/// else before the last `</html>` tag, else at the end; and at the end too where something
/// must be closed first that what follows still needs open.
///
/// # Errors
/// A [`Refusal`] where a footer there would not surely show, or would change what follows.
pub fn insertion_point(html: &[u8]) -> Result<Insertion, Refusal> {
    insertion::find(html)
}

/// The `href` values of a document in order, as written.
pub fn links(html: &[u8]) -> impl Iterator<Item = &[u8]> {
    links::Links::new(html)
}

/// Where the characters of a document stand that are shown as text: not in tags, comments,
/// scripts, style sheets or titles. `None` if the document cannot be followed to its end.
pub fn texts(html: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    texts::texts(html)
}
