//! Tokenizer and tree together: one walk through a document.
//!
//! The tree tells the tokenizer where raw text and CDATA begin; the walk also counts the
//! conditional comments by which Outlook is shown other things than everybody else.

use memchr::memmem;

use super::Refusal;
use super::token::Token;
use super::tokenizer::Tokenizer;
use super::tree::{Reader, Tree};

/// More active formatting elements and markers than any mail needs.
const FORMATTING_MAX: usize = 1024;

/// Where a downlevel-revealed conditional (`<!--[if !mso]><!-->`) opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Conditional {
    /// The offset of its `<`.
    pub(super) at: usize,
    /// How much was placed before it.
    pub(super) placed: usize,
}

/// A walk, stopped between two tokens.
#[derive(Clone, Debug)]
pub(super) struct Scan<'h> {
    tokenizer: Tokenizer<'h>,
    /// What is open.
    pub(super) tree: Tree<'h>,
    conditionals: usize,
    conditional: Conditional,
    work_max: usize,
}

impl<'h> Scan<'h> {
    /// A walk at the start of `html`, as `reader` reads it.
    pub(super) fn new(html: &'h [u8], reader: Reader) -> Self {
        // Each byte may cost so many looks at open elements: linear, whatever is sent.
        let work_max = html.len().saturating_mul(64).saturating_add(1 << 16);
        Self {
            tokenizer: Tokenizer::new(html),
            tree: Tree::new(html, reader),
            conditionals: 0,
            conditional: Conditional::default(),
            work_max,
        }
    }

    /// Where the next token starts.
    pub(super) const fn at(&self) -> usize {
        self.tokenizer.at()
    }

    /// What would swallow text added at the end.
    pub(super) const fn open_end(&self) -> Option<Refusal> {
        self.tokenizer.open_end()
    }

    /// Takes the next token; `None` at the end.
    ///
    /// # Errors
    /// A [`Refusal`] where the document holds what is not followed any further.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Refusal> {
        let at = self.at();
        let Some(token) = self.tokenizer.next(self.tree.cdata()) else { return Ok(None) };
        let raw = self.tree.take(&token);
        let work = self.tree.stack.looked_at();
        if work > self.work_max || self.tree.formatting.len() > FORMATTING_MAX {
            return Err(Refusal::TooDeep);
        }
        if let Some(refusal) = self.tree.refusal {
            return Err(refusal);
        }
        match token {
            Token::Start(tag) => {
                if let Some(kind) = raw {
                    self.tokenizer.skip_raw_text(kind, tag.tag);
                }
            }
            Token::Comment(span) => self.comment(at, span.of(self.tree.html)),
            Token::Text(_) | Token::End(_) | Token::Doctype | Token::Nothing => {}
        }
        Ok(Some(token))
    }

    /// Takes tokens until `offset`, which is the start of one.
    ///
    /// # Errors
    /// As [`Scan::next`].
    pub(super) fn advance_to(&mut self, offset: usize) -> Result<(), Refusal> {
        while self.at() < offset && self.next()?.is_some() {}
        Ok(())
    }

    /// Takes all tokens that are left.
    ///
    /// # Errors
    /// As [`Scan::next`].
    pub(super) fn finish(&mut self) -> Result<(), Refusal> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// The outermost conditional that is open.
    pub(super) fn conditional(&self) -> Option<Conditional> {
        (self.conditionals > 0).then_some(self.conditional)
    }

    fn comment(&mut self, at: usize, data: &[u8]) {
        let data = data.trim_ascii_start();
        // Without its bracket: real mail forgets it.
        let ends = memmem::find(data, b"[endif").is_some();
        if !data.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"[if")) {
            self.conditionals = self.conditionals.saturating_sub(usize::from(ends));
        } else if !ends {
            if self.conditionals == 0 {
                self.conditional = Conditional { at, placed: self.tree.placed };
            }
            self.conditionals += 1;
        }
    }
}
