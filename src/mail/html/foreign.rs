//! Tags within SVG and MathML.
//!
//! HTML Standard §13.2.6 (dispatch) and §13.2.6.5. HTML elements within (in `foreignObject`,
//! `annotation-xml` and their kin) end in a refusal: parsers differ there and no mail needs it.

use super::Refusal;
use super::raw_text::RawText;
use super::stack::{Element, Namespace};
use super::tags::Tag;
use super::token::{Attributes, TagToken};
use super::tree::{Edge, Tree};

impl Tree<'_> {
    /// Whether a tag here goes by the rules for foreign content.
    pub(super) fn is_foreign(&self, edge: Edge, tag: &TagToken) -> bool {
        let Some(current) = self.stack.current() else { return false };
        if current.namespace == Namespace::Html {
            return false;
        }
        if edge == Edge::End {
            return true;
        }
        let stays_mathml = matches!(tag.tag, Tag::Mglyph | Tag::Malignmark);
        !(current.is_svg_html() || current.is_mathml_text() && !stays_mathml)
    }

    /// A tag by the rules for foreign content.
    pub(super) fn foreign_tag(&mut self, edge: Edge, tag: &TagToken) -> Option<RawText> {
        if self.breaks_out(edge, tag) {
            let holds = |e: &Element| {
                e.namespace == Namespace::Html || e.is_mathml_text() || e.is_svg_html()
            };
            while self.stack.current().is_some_and(|current| !holds(current)) {
                self.stack.pop();
            }
            return self.html_tag(edge, tag);
        }
        match edge {
            Edge::Start => {
                self.foreign_start(tag);
                None
            }
            Edge::End => self.foreign_end(tag),
        }
    }

    fn breaks_out(&self, edge: Edge, tag: &TagToken) -> bool {
        match (edge, tag.tag) {
            (Edge::End, name) => matches!(name, Tag::Br | Tag::P),
            (Edge::Start, Tag::Font) => {
                Attributes::of(self.html, tag.attributes).any(|(name, _)| {
                    [&b"color"[..], b"face", b"size"]
                        .iter()
                        .any(|styling| name.eq_ignore_ascii_case(styling))
                })
            }
            (Edge::Start, name) => name.is_breakout(),
        }
    }

    fn foreign_start(&mut self, tag: &TagToken) {
        if tag.tag == Tag::AnnotationXml {
            self.refuse(Refusal::HtmlInForeign);
        }
        let namespace = self.stack.current().map_or(Namespace::Html, |e| e.namespace);
        if tag.is_self_closing {
            self.placed += 1;
        } else {
            self.open(tag, namespace);
        }
    }

    fn foreign_end(&mut self, tag: &TagToken) -> Option<RawText> {
        let html = self.html;
        let is_end = |e: &Element| e.namespace == Namespace::Html || e.is_named(html, tag);
        let place = self.stack.rfind(is_end)?;
        if self.stack.elements()[place].namespace == Namespace::Html {
            return self.html_tag(Edge::End, tag);
        }
        self.stack.truncate(place);
        None
    }
}
