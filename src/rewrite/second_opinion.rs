//! Check (d) of the gate: what another, independent parser sees in a message and its copy.
//!
//! Its view of the copy is held against its own view of the message, and both against where we
//! think the edited texts lie. It is asked about as little as its answer can depend on; if it
//! reads that little in another way than we do, or finds anything amiss, it is asked about all.

use std::ops::Range;

use super::abridge::abridge;
use super::insert::Insert;
use super::prepared::Prepared;
use crate::mail::{Entity, Message, Opinion, PartView};

/// A message and a sample of its copies, as the checks before left them.
pub(super) struct SecondOpinion<'s> {
    pub(super) message: &'s Message,
    pub(super) prepared: &'s Prepared,
    pub(super) edited: &'s Message,
    /// The length of what each edit puts in.
    pub(super) inserted: &'s [usize],
    /// What each insert adds to its decoded text.
    pub(super) footers: &'s [Vec<u8>],
}

impl SecondOpinion<'_> {
    /// Whether the other parser sees the same parts in both; those we edited lie where we think
    /// they lie and gained the footer, all others are the same bytes.
    pub(super) fn agrees(&self) -> bool {
        self.of_what_matters() == Some(true) || self.of_all()
    }

    /// The opinion of message and copy as they are.
    pub(super) fn of_all(&self) -> bool {
        let leaves = self.leaves(Range::clone, Range::clone, |_| None);
        Asked { old: self.message.bytes(), new: self.edited.bytes(), leaves }.looks_right()
    }

    /// The opinion of both without what it cannot depend on; `None` if that is nothing.
    pub(super) fn of_what_matters(&self) -> Option<bool> {
        let abridged = abridge(self.message, self.prepared, self.edited.bytes(), self.inserted)?;
        let leaves = self.leaves(
            |range| abridged.in_old(range),
            |range| abridged.in_new(range),
            |index| abridged.leaves.contains(&index).then(|| self.message.entity(index)),
        );
        Some(Asked { old: &abridged.old, new: &abridged.new, leaves }.looks_right())
    }

    fn leaves<'a>(
        &'a self,
        in_old: impl Fn(&Range<usize>) -> Range<usize>,
        in_new: impl Fn(&Range<usize>) -> Range<usize>,
        abridged: impl Fn(usize) -> Option<&'a Entity>,
    ) -> Vec<EditedLeaf<'a>> {
        let inserts = self.prepared.inserts().iter().zip(self.footers);
        let leaf = |(insert, footer): (&Insert, &'a Vec<u8>)| EditedLeaf {
            old: in_old(self.message.entity(insert.leaf.index).body()),
            new: in_new(self.edited.entity(insert.leaf.index).body()),
            footer,
            abridged: abridged(insert.leaf.index),
        };
        inserts.map(leaf).collect()
    }
}

/// A text that was edited, in what the other parser is asked about.
struct EditedLeaf<'s> {
    old: Range<usize>,
    new: Range<usize>,
    footer: &'s [u8],
    /// What we think it is, if something was left out of it on the strength of that.
    abridged: Option<&'s Entity>,
}

/// What the other parser is asked about.
struct Asked<'s> {
    old: &'s [u8],
    new: &'s [u8],
    leaves: Vec<EditedLeaf<'s>>,
}

impl Asked<'_> {
    fn looks_right(&self) -> bool {
        let (Some(old), Some(new)) = (Opinion::of(self.old), Opinion::of(self.new)) else {
            return false;
        };
        let (old, new): (Vec<_>, Vec<_>) = (old.parts().collect(), new.parts().collect());
        let mut found = 0;
        let is_right = |(a, b): (&PartView<'_>, &PartView<'_>)| {
            let here = |leaf: &&EditedLeaf<'_>| leaf.old == a.body && leaf.new == b.body;
            a.media == b.media
                && a.children == b.children
                && match self.leaves.iter().find(here) {
                    Some(leaf) => {
                        found += 1;
                        leaf.gained(a, b)
                    }
                    None => !a.children.is_empty() || self.is_untouched(a, b),
                }
        };
        old.len() == new.len() && old.iter().zip(&new).all(is_right) && found == self.leaves.len()
    }

    fn is_untouched(&self, old: &PartView<'_>, new: &PartView<'_>) -> bool {
        old.content == new.content
            && self.old.get(old.body.clone()) == self.new.get(new.body.clone())
    }
}

impl EditedLeaf<'_> {
    /// Whether the content of `new` is that of `old` with the footer put in at one place.
    fn gained(&self, old: &PartView<'_>, new: &PartView<'_>) -> bool {
        let is_understood = |entity: &Entity| old.is_read_like(entity) && new.is_read_like(entity);
        let (before, after, footer) = (old.content, new.content, self.footer);
        self.abridged.is_none_or(is_understood)
            && after.len() == before.len() + footer.len()
            && memchr::memmem::find_iter(after, footer)
                .take(8)
                .any(|at| after[..at] == before[..at] && after[at + footer.len()..] == before[at..])
    }
}
