//! What is open at each token: tree construction without a tree.
//!
//! HTML Standard §13.2.6. Only the stack of open elements, the list of active formatting
//! elements and the insertion mode are kept, since they alone decide where the next element
//! lands. Left out on purpose: templates, framesets and odd selects end in a refusal.

use super::Refusal;
use super::formatting::Formatting;
use super::raw_text::RawText;
use super::stack::{Element, Namespace, Stack};
use super::tags::Tag;
use super::token::{Attributes, Span, TagToken, Token, is_blank};
use super::tokenizer::Cdata;

/// In what real readers of mail differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reader {
    /// Whether it runs scripts, so that `noscript` is raw text.
    pub(super) scripting: Scripting,
    /// Whether a table ends an open paragraph.
    pub(super) mode: DocumentMode,
}

/// Whether a reader runs scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scripting {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// How a reader treats old documents (HTML Standard §13.2.6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DocumentMode {
    /// As today's: a table ends a paragraph.
    NoQuirks,
    /// As yesterday's: a table stands in the paragraph.
    Quirks,
}

/// The insertion modes this document can be in. "Initial" is part of `BeforeHtml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    BeforeHtml,
    BeforeHead,
    InHead,
    InHeadNoscript,
    AfterHead,
    InBody,
    InTable,
    InCaption,
    InColumnGroup,
    InTableBody,
    InRow,
    InCell,
    InSelect,
    AfterBody,
    AfterAfterBody,
}

/// A written tag on its way through the modes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edge {
    /// A start tag.
    Start,
    /// An end tag.
    End,
}

/// What became of a tag in one mode.
pub(super) enum Step {
    /// It is dealt with; raw text may follow.
    Done(Option<RawText>),
    /// The mode has changed: once more.
    Again,
}

/// Dealt with, and no raw text follows.
pub(super) const DONE: Step = Step::Done(None);

/// More open elements than any mail needs; 60 nested tables open 241.
const DEPTH_MAX: usize = 512;

/// Longer names of elements left open are made to cost time.
const NAME_BYTES_MAX: usize = 64;

/// What is open.
#[derive(Clone, Debug)]
pub(super) struct Tree<'h> {
    pub(super) html: &'h [u8],
    pub(super) reader: Reader,
    pub(super) mode: Mode,
    pub(super) mode_before_select: Mode,
    pub(super) stack: Stack,
    pub(super) formatting: Formatting,
    pub(super) form: Option<u32>,
    /// Text in a table not yet placed: whether it is more than white space.
    pub(super) table_text: Option<bool>,
    /// Elements and texts placed, and elements moved, so far. White space is not counted.
    pub(super) placed: usize,
    /// Whether something was met in which readers differ.
    pub(super) readers_differ: bool,
    pub(super) refusal: Option<Refusal>,
    last_id: u32,
}

impl<'h> Tree<'h> {
    /// Nothing is open yet.
    pub(super) fn new(html: &'h [u8], reader: Reader) -> Self {
        Self {
            html,
            reader,
            mode: Mode::BeforeHtml,
            mode_before_select: Mode::InBody,
            stack: Stack::default(),
            formatting: Formatting::default(),
            form: None,
            table_text: None,
            placed: 0,
            readers_differ: false,
            refusal: None,
            last_id: 0,
        }
    }

    /// Takes the next token in; tells whether raw text follows it.
    pub(super) fn take(&mut self, token: &Token) -> Option<RawText> {
        match token {
            Token::Text(span) => {
                self.text(*span);
                None
            }
            Token::Start(tag) => self.tag(Edge::Start, tag),
            Token::End(tag) => self.tag(Edge::End, tag),
            Token::Comment(_) | Token::Doctype => {
                self.place_table_text();
                None
            }
            Token::Nothing => None,
        }
    }

    /// How a CDATA section would be read here.
    pub(super) fn cdata(&self) -> Cdata {
        match self.stack.current() {
            Some(element) if element.namespace != Namespace::Html => Cdata::Section,
            _ => Cdata::BogusComment,
        }
    }

    fn tag(&mut self, edge: Edge, tag: &TagToken) -> Option<RawText> {
        self.place_table_text();
        if self.is_foreign(edge, tag) {
            return self.foreign_tag(edge, tag);
        }
        self.html_tag(edge, tag)
    }

    /// A tag by the rules for HTML content, in the mode of the moment.
    pub(super) fn html_tag(&mut self, edge: Edge, tag: &TagToken) -> Option<RawText> {
        if edge == Edge::Start {
            if self.stack.current().is_some_and(|e| e.namespace != Namespace::Html) {
                self.refuse(Refusal::HtmlInForeign);
            }
            match tag.tag {
                Tag::Frameset => self.refuse(Refusal::Frameset),
                Tag::Template => self.refuse(Refusal::Template),
                Tag::Html | Tag::Body => self.check_root(tag),
                _ => {}
            }
        }
        // Every mode that hands a tag on moves towards the body, so a handful of rounds do.
        for _ in 0..8 {
            if let Step::Done(raw) = self.tag_in_mode(edge, tag) {
                return raw;
            }
        }
        None
    }

    fn tag_in_mode(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match self.mode {
            Mode::BeforeHtml => self.before_html(edge, tag),
            Mode::BeforeHead => self.before_head(edge, tag),
            Mode::InHead => self.in_head(edge, tag),
            Mode::InHeadNoscript => self.in_head_noscript(edge, tag),
            Mode::AfterHead => self.after_head(edge, tag),
            Mode::InBody => self.in_body(edge, tag),
            Mode::InTable => self.in_table(edge, tag),
            Mode::InCaption => self.in_caption(edge, tag),
            Mode::InColumnGroup => self.in_column_group(edge, tag),
            Mode::InTableBody => self.in_table_body(edge, tag),
            Mode::InRow => self.in_row(edge, tag),
            Mode::InCell => self.in_cell(edge, tag),
            Mode::InSelect => self.in_select(edge, tag),
            Mode::AfterBody | Mode::AfterAfterBody => self.after_body(edge, tag),
        }
    }

    /// HTML Standard §13.2.6.4.19 and §13.2.6.4.22.
    fn after_body(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Html) => DONE,
            (Edge::End, Tag::Html) if self.mode == Mode::AfterBody => {
                self.mode = Mode::AfterAfterBody;
                DONE
            }
            _ => {
                self.mode = Mode::InBody;
                Step::Again
            }
        }
    }

    fn text(&mut self, span: Span) {
        let blank = is_blank(span.of(self.html));
        if self.stack.current().is_some_and(|current| {
            current.namespace != Namespace::Html
                && !current.is_mathml_text()
                && !current.is_svg_html()
        }) {
            self.placed += usize::from(!blank);
            return;
        }
        match self.mode {
            Mode::BeforeHtml | Mode::BeforeHead | Mode::InHead | Mode::AfterHead if blank => {}
            Mode::BeforeHtml | Mode::BeforeHead | Mode::InHead | Mode::AfterHead => {
                self.open_body();
                self.text_in_body(blank);
            }
            Mode::InHeadNoscript if blank => {}
            Mode::InHeadNoscript => {
                self.stack.pop();
                self.mode = Mode::InHead;
                self.open_body();
                self.text_in_body(blank);
            }
            Mode::InTable | Mode::InTableBody | Mode::InRow => self.text_in_table(blank),
            Mode::InColumnGroup if blank => {}
            Mode::InColumnGroup => {
                self.stack.pop();
                self.mode = Mode::InTable;
                self.text_in_table(blank);
            }
            Mode::InBody | Mode::InCaption | Mode::InCell => self.text_in_body(blank),
            Mode::InSelect => self.placed += usize::from(!blank),
            Mode::AfterBody | Mode::AfterAfterBody => {
                if !blank {
                    self.mode = Mode::InBody;
                }
                self.text_in_body(blank);
            }
        }
    }

    fn text_in_body(&mut self, blank: bool) {
        let placed = self.placed;
        self.reconstruct_formatting();
        // A formatting element around white space shows nothing.
        self.placed = if blank { placed } else { self.placed + 1 };
    }

    /// HTML Standard §13.2.6.4.10: text is placed once it is known whether it is blank.
    fn text_in_table(&mut self, blank: bool) {
        let is_frame = |tag: Tag| tag.is_table_section() || matches!(tag, Tag::Table | Tag::Tr);
        if self.stack.current_is(is_frame) {
            self.table_text = Some(self.table_text.unwrap_or(false) || !blank);
        } else {
            self.text_in_body(blank);
        }
    }

    /// Places the text of a table that was held back.
    pub(super) fn place_table_text(&mut self) {
        if self.table_text.take() == Some(true) {
            self.text_in_body(false);
        }
    }

    /// A root the reader hides takes the footer with it, whatever is closed before.
    fn check_root(&mut self, tag: &TagToken) {
        let hidden = Attributes::of(self.html, tag.attributes).any(|(name, value)| {
            name.eq_ignore_ascii_case(b"hidden")
                || (name.eq_ignore_ascii_case(b"style") && hides(value))
        });
        if hidden {
            self.refuse(Refusal::HiddenBody);
        }
    }

    /// Keeps the first reason to refuse.
    pub(super) fn refuse(&mut self, reason: Refusal) {
        self.refusal.get_or_insert(reason);
    }

    /// Places an element and leaves it open.
    pub(super) fn open(&mut self, tag: &TagToken, namespace: Namespace) -> Element {
        let element = self.element(tag, namespace);
        self.stack.push(element);
        let name_bytes = tag.name.end - tag.name.start;
        if self.stack.len() > DEPTH_MAX || name_bytes > NAME_BYTES_MAX {
            self.refuse(Refusal::TooDeep);
        }
        element
    }

    /// Places an HTML element and leaves it open.
    pub(super) fn open_html(&mut self, tag: &TagToken) -> Element {
        self.open(tag, Namespace::Html)
    }

    /// Places an HTML element nobody wrote and leaves it open.
    pub(super) fn open_unwritten(&mut self, tag: Tag) {
        self.open_html(&TagToken::unwritten(tag));
    }

    /// Counts an element and gives it a number.
    pub(super) fn element(&mut self, tag: &TagToken, namespace: Namespace) -> Element {
        self.placed += 1;
        Element::new(self.next_id(), tag, namespace)
    }

    /// The next element's number.
    pub(super) fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.saturating_add(1);
        self.last_id
    }
}

/// Whether a style hides what it is set on.
fn hides(style: &[u8]) -> bool {
    let plain: Vec<u8> =
        style.iter().filter(|b| !b.is_ascii_whitespace()).map(u8::to_ascii_lowercase).collect();
    [&b"display:none"[..], b"visibility:hidden", b"opacity:0"].iter().any(|hiding| {
        memchr::memmem::find(&plain, hiding).is_some_and(|found| {
            // `opacity:0.9` shows; `opacity:0` and `opacity:0;` do not.
            plain.get(found + hiding.len()).is_none_or(|&next| next != b'.')
        })
    })
}
