//! Tags before the body opens.
//!
//! HTML Standard §13.2.6.4.2 to §13.2.6.4.6. Whatever does not belong to the head opens the
//! body, written or not.

use super::raw_text::RawText;
use super::tags::Tag;
use super::token::TagToken;
use super::tree::{DONE, Edge, Mode, Scripting, Step, Tree};

/// End tags that count even where nothing is open yet.
const fn opens_next(edge: Edge, tag: Tag) -> bool {
    match edge {
        Edge::Start => true,
        Edge::End => matches!(tag, Tag::Head | Tag::Body | Tag::Html | Tag::Br),
    }
}

impl Tree<'_> {
    /// Opens what is missing of `html`, `head` and `body`.
    pub(super) fn open_body(&mut self) {
        if self.mode == Mode::BeforeHtml {
            self.open_unwritten(Tag::Html);
            self.mode = Mode::BeforeHead;
        }
        if self.mode == Mode::BeforeHead {
            self.mode = Mode::AfterHead;
        }
        if self.mode == Mode::InHead {
            self.stack.pop();
            self.mode = Mode::AfterHead;
        }
        if self.mode == Mode::AfterHead {
            self.open_unwritten(Tag::Body);
            self.mode = Mode::InBody;
        }
    }

    pub(super) fn before_html(&mut self, edge: Edge, tag: &TagToken) -> Step {
        if edge == Edge::Start && tag.tag == Tag::Html {
            self.open_html(tag);
            self.mode = Mode::BeforeHead;
            return DONE;
        }
        if !opens_next(edge, tag.tag) {
            return DONE;
        }
        self.open_unwritten(Tag::Html);
        self.mode = Mode::BeforeHead;
        Step::Again
    }

    pub(super) fn before_head(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Html) => DONE,
            (Edge::Start, Tag::Head) => {
                self.open_html(tag);
                self.mode = Mode::InHead;
                DONE
            }
            _ if !opens_next(edge, tag.tag) => DONE,
            _ => {
                self.open_unwritten(Tag::Head);
                self.mode = Mode::InHead;
                Step::Again
            }
        }
    }

    pub(super) fn in_head(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Html | Tag::Head) => DONE,
            (Edge::Start, Tag::Noscript) => self.noscript_in_head(tag),
            (Edge::Start, name) if is_head_content(name) => self.head_content(tag),
            (Edge::End, Tag::Head) => {
                self.stack.pop();
                self.mode = Mode::AfterHead;
                DONE
            }
            (Edge::End, Tag::Body | Tag::Html | Tag::Br) | (Edge::Start, _) => {
                self.stack.pop();
                self.mode = Mode::AfterHead;
                Step::Again
            }
            (Edge::End, _) => DONE,
        }
    }

    fn noscript_in_head(&mut self, tag: &TagToken) -> Step {
        self.readers_differ = true;
        if self.reader.scripting == Scripting::Enabled {
            self.placed += 1;
            return Step::Done(Some(RawText::Text));
        }
        self.open_html(tag);
        self.mode = Mode::InHeadNoscript;
        DONE
    }

    /// An element of the head, wherever it was written.
    pub(super) fn head_content(&mut self, tag: &TagToken) -> Step {
        self.placed += 1;
        match tag.tag {
            Tag::Script => Step::Done(Some(RawText::Script)),
            Tag::Title | Tag::Style | Tag::Noframes => Step::Done(Some(RawText::Text)),
            _ => DONE,
        }
    }

    pub(super) fn in_head_noscript(&mut self, edge: Edge, tag: &TagToken) -> Step {
        use Tag::{Basefont, Bgsound, Br, Head, Html, Link, Meta, Noframes, Noscript, Style};
        match (edge, tag.tag) {
            (Edge::Start, Html | Head | Noscript) => DONE,
            (Edge::Start, Basefont | Bgsound | Link | Meta | Noframes | Style) => {
                self.head_content(tag)
            }
            (Edge::End, Noscript) => {
                self.stack.pop();
                self.mode = Mode::InHead;
                DONE
            }
            (Edge::Start, _) | (Edge::End, Br) => {
                self.stack.pop();
                self.mode = Mode::InHead;
                Step::Again
            }
            (Edge::End, _) => DONE,
        }
    }

    pub(super) fn after_head(&mut self, edge: Edge, tag: &TagToken) -> Step {
        match (edge, tag.tag) {
            (Edge::Start, Tag::Html | Tag::Head) => DONE,
            (Edge::Start, Tag::Body) => {
                self.open_html(tag);
                self.mode = Mode::InBody;
                DONE
            }
            (Edge::Start, name) if is_head_content(name) => self.head_content(tag),
            (Edge::End, Tag::Body | Tag::Html | Tag::Br) | (Edge::Start, _) => {
                self.open_unwritten(Tag::Body);
                self.mode = Mode::InBody;
                Step::Again
            }
            (Edge::End, _) => DONE,
        }
    }
}

/// Elements that go by the rules of the head wherever they stand.
pub(super) const fn is_head_content(tag: Tag) -> bool {
    tag.is_head_void() || matches!(tag, Tag::Noframes | Tag::Script | Tag::Style | Tag::Title)
}
