//! The list of active formatting elements, its reconstruction and the adoption agency.
//!
//! HTML Standard §13.2.4.3 and §13.2.6.4.7. This is why `<p><font color=white>…</p>` colours
//! what follows: the element is closed, yet it is opened again for the next text.

use super::stack::{Element, Namespace, Scope};
use super::tags::Tag;
use super::token::TagToken;
use super::tree::Tree;

/// One entry of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Entry {
    /// Set by cells, captions, objects: what is before it does not reach in.
    Marker,
    /// A formatting element.
    Element(Element),
}

/// The list, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Formatting {
    entries: Vec<Entry>,
}

impl Formatting {
    /// How many entries there are, markers included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The newest element, if no marker stands behind it.
    pub(super) fn newest(&self) -> Option<Element> {
        match self.entries.last() {
            Some(Entry::Element(element)) => Some(*element),
            Some(Entry::Marker) | None => None,
        }
    }

    /// Sets a marker.
    pub(super) fn mark(&mut self) {
        self.entries.push(Entry::Marker);
    }

    /// Forgets everything up to and including the last marker.
    pub(super) fn clear_to_marker(&mut self) {
        while let Some(Entry::Element(_)) = self.entries.pop() {}
    }

    fn place_of(&self, id: u32) -> Option<usize> {
        self.entries.iter().rposition(|e| matches!(e, Entry::Element(element) if element.id == id))
    }

    fn since_marker(&self) -> impl DoubleEndedIterator<Item = (usize, &Element)> {
        let from = self.entries.iter().rposition(|e| *e == Entry::Marker).map_or(0, |at| at + 1);
        self.entries.iter().enumerate().skip(from).filter_map(|(place, entry)| match entry {
            Entry::Element(element) => Some((place, element)),
            Entry::Marker => None,
        })
    }

    /// The newest element `tag` behind the last marker.
    fn newest_of(&self, tag: Tag) -> Option<(usize, Element)> {
        self.since_marker().rfind(|(_, element)| element.tag == tag).map(|(at, e)| (at, *e))
    }

    /// HTML Standard §13.2.4.3: at most three equal entries (the "Noah's Ark clause").
    ///
    /// Note: attributes are equal here only if written alike. An entry too many costs an end
    /// tag that readers ignore; comparing attribute by attribute would cost quadratic time.
    fn push(&mut self, html: &[u8], element: Element) {
        let is_equal = |other: &Element| {
            other.tag == element.tag && other.attributes.of(html) == element.attributes.of(html)
        };
        let equals: usize = self.since_marker().filter(|(_, other)| is_equal(other)).count();
        let earliest = self.since_marker().find(|(_, other)| is_equal(other)).map(|(at, _)| at);
        if let Some(earliest) = earliest.filter(|_| equals >= 3) {
            self.entries.remove(earliest);
        }
        self.entries.push(Entry::Element(element));
    }
}

impl Tree<'_> {
    /// Opens a formatting element.
    pub(super) fn open_formatting(&mut self, tag: &TagToken) {
        self.reconstruct_formatting();
        let element = self.open_html(tag);
        self.formatting.push(self.html, element);
    }

    /// HTML Standard §13.2.4.3: opens again what is active but not open.
    pub(super) fn reconstruct_formatting(&mut self) {
        let mut from = self.formatting.len();
        while from > 0 {
            match self.formatting.entries[from - 1] {
                Entry::Element(element) if self.stack.place_of(element.id).is_none() => from -= 1,
                Entry::Element(_) | Entry::Marker => break,
            }
        }
        for place in from..self.formatting.len() {
            if self.refusal.is_some() {
                return;
            }
            if let Entry::Element(element) = self.formatting.entries[place] {
                let fresh = self.open(&as_token(&element), Namespace::Html);
                self.formatting.entries[place] = Entry::Element(fresh);
            }
        }
    }

    /// A link inside a link ends the outer one first.
    pub(super) fn close_outer_link(&mut self) {
        let Some((_, link)) = self.formatting.newest_of(Tag::A) else { return };
        self.adopt(&TagToken::unwritten(Tag::A));
        if let Some(place) = self.formatting.place_of(link.id) {
            self.formatting.entries.remove(place);
        }
        if let Some(place) = self.stack.place_of(link.id) {
            self.stack.unlist(place);
        }
    }

    /// The adoption agency algorithm, for the end tag of a formatting element.
    pub(super) fn adopt(&mut self, tag: &TagToken) {
        let current = self.stack.current().copied();
        if let Some(current) = current.filter(|current| current.is(tag.tag))
            && self.formatting.place_of(current.id).is_none()
        {
            self.stack.pop();
            return;
        }
        for _ in 0..8 {
            let Some((entry, element)) = self.formatting.newest_of(tag.tag) else {
                self.any_other_end_tag(tag);
                return;
            };
            let Some(place) = self.stack.place_of(element.id) else {
                self.formatting.entries.remove(entry);
                return;
            };
            if self.stack.find_in(Scope::Default, |e| e.id == element.id).is_none() {
                return;
            }
            let inside = &self.stack.elements()[place + 1..];
            let Some(block) = inside.iter().position(Element::is_special) else {
                self.stack.truncate(place);
                self.formatting.entries.remove(entry);
                return;
            };
            self.placed += 1;
            self.give_away(entry, place, place + 1 + block);
        }
    }

    /// Steps 11 to 20: the furthest block at `block` leaves the formatting element at `place`,
    /// which is cloned into it.
    fn give_away(&mut self, entry: usize, place: usize, block: usize) {
        let furthest = self.stack.elements()[block];
        let outer = self.stack.elements()[place];
        let mut bookmark = entry;
        let mut last_is_furthest = true;
        let mut at = block;
        for round in 1.. {
            at -= 1;
            if at == place {
                break;
            }
            let node = self.stack.elements()[at];
            let mut listed = self.formatting.place_of(node.id);
            if let Some(place) = listed.filter(|_| round > 3) {
                self.formatting.entries.remove(place);
                bookmark -= usize::from(place < bookmark);
                listed = None;
            }
            let Some(place) = listed else {
                self.stack.remove(at);
                continue;
            };
            let fresh = Element { id: self.next_id(), ..node };
            self.formatting.entries[place] = Entry::Element(fresh);
            self.stack.replace(at, fresh);
            if last_is_furthest {
                bookmark = place + 1;
                last_is_furthest = false;
            }
        }
        let fresh = Element { id: self.next_id(), ..outer };
        if let Some(place) = self.formatting.place_of(outer.id) {
            self.formatting.entries.remove(place);
            bookmark -= usize::from(place < bookmark);
        }
        self.formatting.entries.insert(bookmark, Entry::Element(fresh));
        self.stack.remove(place);
        if let Some(place) = self.stack.place_of(furthest.id) {
            self.stack.insert(place + 1, fresh);
        }
    }

    /// The end tag of an ordinary element (HTML Standard §13.2.6.4.7, "any other end tag").
    pub(super) fn any_other_end_tag(&mut self, tag: &TagToken) {
        let html = self.html;
        let is_it = |e: &Element| e.namespace == Namespace::Html && e.is_named(html, tag);
        let found = self.stack.rfind(|element| is_it(element) || element.is_special());
        let Some(place) = found.filter(|&place| is_it(&self.stack.elements()[place])) else {
            return;
        };
        self.stack.truncate(place);
    }
}

fn as_token(element: &Element) -> TagToken {
    TagToken {
        at: 0,
        tag: element.tag,
        name: element.name,
        attributes: element.attributes,
        is_self_closing: false,
    }
}
