//! The stack of open elements and the questions the tree rules ask it.
//!
//! HTML Standard §13.2.4.2. There is no tree: an element is a number, its names and the span
//! of its attributes, which is all that is needed to say what is open at a place.

use super::tags::Tag;
use super::token::{Attributes, Span, TagToken};

/// Which vocabulary an element belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Namespace {
    /// HTML.
    Html,
    /// SVG.
    Svg,
    /// MathML.
    MathMl,
}

/// One open element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Element {
    /// Its number; no two elements of a document share one.
    pub(super) id: u32,
    /// What its name means.
    pub(super) tag: Tag,
    /// Its vocabulary.
    pub(super) namespace: Namespace,
    /// Its name as written; empty for elements nobody wrote.
    pub(super) name: Span,
    /// Its attributes as written.
    pub(super) attributes: Span,
    /// Whether it stands in an element that is no longer on the stack.
    pub(super) in_unlisted: bool,
}

impl Element {
    /// An element for a start tag.
    pub(super) const fn new(id: u32, token: &TagToken, namespace: Namespace) -> Self {
        let TagToken { tag, name, attributes, .. } = *token;
        Self { id, tag, namespace, name, attributes, in_unlisted: false }
    }

    /// Whether it is the HTML element `tag`.
    pub(super) fn is(&self, tag: Tag) -> bool {
        self.tag == tag && self.namespace == Namespace::Html
    }

    /// Whether it is an HTML element that `accept`s.
    pub(super) fn is_html(&self, accept: impl Fn(Tag) -> bool) -> bool {
        self.namespace == Namespace::Html && accept(self.tag)
    }

    /// Whether it has the name a tag was written with.
    pub(super) fn is_named(&self, html: &[u8], token: &TagToken) -> bool {
        if self.tag != Tag::Other {
            return self.tag == token.tag;
        }
        token.tag == Tag::Other && self.name.of(html).eq_ignore_ascii_case(token.name.of(html))
    }

    /// HTML Standard §13.2.6: a MathML text integration point.
    pub(super) const fn is_mathml_text(&self) -> bool {
        matches!(self.namespace, Namespace::MathMl)
            && matches!(self.tag, Tag::Mi | Tag::Mn | Tag::Mo | Tag::Ms | Tag::Mtext)
    }

    /// HTML Standard §13.2.6: an HTML integration point within SVG.
    pub(super) const fn is_svg_html(&self) -> bool {
        matches!(self.namespace, Namespace::Svg)
            && matches!(self.tag, Tag::ForeignObject | Tag::Desc | Tag::Title)
    }

    /// The category "special".
    pub(super) const fn is_special(&self) -> bool {
        match self.namespace {
            Namespace::Html => self.tag.is_special(),
            Namespace::Svg | Namespace::MathMl => self.is_mathml_text() || self.is_svg_html(),
        }
    }

    /// Whether a footer inside it is shown as it would be outside.
    pub(super) fn is_plain(&self, html: &[u8]) -> bool {
        !self.in_unlisted
            && self.is_html(Tag::is_plain)
            && Attributes::of(html, self.attributes).all(|(name, _)| is_plain_attribute(name))
    }
}

/// Attributes that move text about but neither hide nor recolour it.
fn is_plain_attribute(name: &[u8]) -> bool {
    [&b"align"[..], b"dir", b"lang"].iter().any(|plain| name.eq_ignore_ascii_case(plain))
}

/// How far up a search may look (HTML Standard §13.2.4.2, "in scope").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    /// The plain scope.
    Default,
    /// List items end at lists too.
    ListItem,
    /// Paragraphs end at buttons too.
    Button,
    /// Only tables end it.
    Table,
}

impl Scope {
    fn ends_at(self, element: &Element) -> bool {
        use Tag::{Applet, Button, Caption, Html, Marquee, Object, Ol, Table, Td, Th, Ul};
        if element.namespace != Namespace::Html {
            return self != Self::Table && element.is_special();
        }
        let tag = element.tag;
        match self {
            Self::Table => matches!(tag, Html | Table),
            Self::ListItem if matches!(tag, Ol | Ul) => true,
            Self::Button if tag == Button => true,
            _ => matches!(tag, Applet | Caption | Html | Table | Td | Th | Marquee | Object),
        }
    }
}

/// The open elements, outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack {
    elements: Vec<Element>,
    looked_at: usize,
}

impl Stack {
    /// The elements, outermost first.
    pub(super) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// How many elements were looked at so far: the measure of work done.
    pub(super) const fn looked_at(&self) -> usize {
        self.looked_at
    }

    /// How many elements are open.
    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    /// The current node.
    pub(super) fn current(&self) -> Option<&Element> {
        self.elements.last()
    }

    /// Whether the current node is an HTML element that `accept`s.
    pub(super) fn current_is(&self, accept: impl Fn(Tag) -> bool) -> bool {
        self.current().is_some_and(|element| element.is_html(accept))
    }

    /// Opens an element.
    pub(super) fn push(&mut self, element: Element) {
        self.elements.push(element);
    }

    /// Closes the current node.
    pub(super) fn pop(&mut self) {
        self.elements.pop();
    }

    /// Closes everything from the place `index` on.
    pub(super) fn truncate(&mut self, index: usize) {
        self.elements.truncate(index);
    }

    /// Takes the element at `index` off the stack, though what it holds stays open.
    pub(super) fn unlist(&mut self, index: usize) {
        self.elements.remove(index);
        for inside in &mut self.elements[index..] {
            inside.in_unlisted = true;
        }
    }

    /// Takes the element at `index` out from around what it holds.
    pub(super) fn remove(&mut self, index: usize) {
        self.elements.remove(index);
    }

    /// Puts an element in at `index`.
    pub(super) fn insert(&mut self, index: usize, element: Element) {
        self.elements.insert(index, element);
    }

    /// Puts another element in the place `index`.
    pub(super) fn replace(&mut self, index: usize, element: Element) {
        self.elements[index] = element;
    }

    /// The place of the element numbered `id`.
    pub(super) fn place_of(&mut self, id: u32) -> Option<usize> {
        self.rfind(|element| element.id == id)
    }

    /// The place of the innermost element that `accept`s.
    pub(super) fn rfind(&mut self, accept: impl Fn(&Element) -> bool) -> Option<usize> {
        let found = self.elements.iter().rposition(accept);
        self.looked_at += self.elements.len() - found.unwrap_or(0);
        found
    }

    /// The place of the innermost element in `scope` that `accept`s.
    pub(super) fn find_in(
        &mut self,
        scope: Scope,
        accept: impl Fn(&Element) -> bool,
    ) -> Option<usize> {
        let place = self.rfind(|element| accept(element) || scope.ends_at(element))?;
        accept(&self.elements[place]).then_some(place)
    }

    /// Whether the HTML element `tag` is in `scope`.
    pub(super) fn has_in(&mut self, scope: Scope, tag: Tag) -> bool {
        self.find_in(scope, |element| element.is(tag)).is_some()
    }

    /// Generates implied end tags, except for `except`.
    pub(super) fn close_implied(&mut self, except: Option<Tag>) {
        while self.current_is(|tag| tag.is_implied_end() && Some(tag) != except) {
            self.pop();
        }
    }

    /// Closes everything up to and including the innermost HTML element that `accept`s.
    pub(super) fn close_through(&mut self, accept: impl Fn(Tag) -> bool) {
        if let Some(place) = self.rfind(|element| element.is_html(&accept)) {
            self.truncate(place);
        }
    }

    /// Closes everything inside the innermost HTML element that `accept`s.
    pub(super) fn close_back_to(&mut self, accept: impl Fn(Tag) -> bool) {
        if let Some(place) = self.rfind(|element| element.is_html(&accept)) {
            self.truncate(place + 1);
        }
    }

    /// Closes a paragraph that is open in button scope.
    pub(super) fn close_paragraph(&mut self) {
        if let Some(place) = self.find_in(Scope::Button, |element| element.is(Tag::P)) {
            self.truncate(place);
        }
    }
}
