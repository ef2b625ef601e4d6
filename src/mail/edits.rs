//! Edits: sorted, non-overlapping splices over received bytes (promise P6).
//!
//! Whatever no edit names leaves as slices of the one shared buffer, so a copy costs only its
//! inserted bytes. What an edit puts in is the caller's type; it is turned to bytes on demand.

use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use super::MailData;

/// One splice: the bytes of `range` give way to whatever `with` becomes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit<S> {
    /// The bytes replaced; empty for an insertion.
    pub range: Range<usize>,
    /// What takes their place.
    pub with: S,
}

/// Why splices do not form a plan.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum EditsError {
    /// Two edits touch the same byte, or one inserts inside what another removes.
    #[error("two edits overlap at byte {0}")]
    Overlap(usize),
    /// An edit lies beyond the message.
    #[error("an edit ends at byte {0}, beyond the message")]
    Beyond(usize),
}

/// Splices in order over a message of one length.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edits<S> {
    edits: Vec<Edit<S>>,
    length: usize,
}

impl<S> Edits<S> {
    /// Orders `edits` over a message of `length` bytes. Insertions at one place keep the order
    /// they are given in and come before a replacement that starts there.
    ///
    /// # Errors
    /// [`EditsError`] when they overlap or lie outside.
    pub fn new(mut edits: Vec<Edit<S>>, length: usize) -> Result<Self, EditsError> {
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut at = 0;
        for Edit { range, .. } in &edits {
            if range.start < at || range.end < range.start {
                return Err(EditsError::Overlap(range.start));
            }
            at = range.end;
        }
        if at > length {
            return Err(EditsError::Beyond(at));
        }
        Ok(Self { edits, length })
    }

    /// The edits in order.
    pub fn as_slice(&self) -> &[Edit<S>] {
        &self.edits
    }

    /// The ranges of the message no edit touches, one before each edit and one after the last;
    /// some may be empty.
    pub fn kept(&self) -> impl Iterator<Item = Range<usize>> {
        let starts = std::iter::once(0).chain(self.edits.iter().map(|edit| edit.range.end));
        let ends = self.edits.iter().map(|edit| edit.range.start);
        starts.zip(ends.chain(std::iter::once(self.length))).map(|(start, end)| start..end)
    }

    /// The edited message: slices of `raw` and what `fill` makes of each edit.
    ///
    /// Invariant: `raw` is the message the edits were planned for.
    pub fn apply(&self, raw: &Bytes, mut fill: impl FnMut(&S) -> Bytes) -> MailData {
        let mut inserts = self.edits.iter();
        let mut chunks = Vec::with_capacity(2 * self.edits.len() + 1);
        for range in self.kept() {
            chunks.push(raw.slice(range));
            if let Some(edit) = inserts.next() {
                chunks.push(fill(&edit.with));
            }
        }
        MailData::new(chunks)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Edit, Edits, EditsError};

    fn edit(start: usize, end: usize, with: &'static str) -> Edit<&'static str> {
        Edit { range: start..end, with }
    }

    #[track_caller]
    fn check(edits: Vec<Edit<&'static str>>, expected: Result<&str, EditsError>) {
        let raw = Bytes::from_static(b"0123456789");
        let applied = Edits::new(edits, raw.len())
            .map(|edits| edits.apply(&raw, |text| Bytes::from_static(text.as_bytes())).to_vec());
        assert_eq!(applied, expected.map(|text| text.as_bytes().to_vec()));
    }

    #[test]
    fn p6_no_edits_leave_every_byte() {
        check(vec![], Ok("0123456789"));
    }

    #[test]
    fn orders_insertions_before_replacements_at_the_same_place() {
        check(vec![edit(3, 5, "B"), edit(3, 3, "A"), edit(0, 0, "<")], Ok("<012AB56789"));
        check(vec![edit(10, 10, "x"), edit(10, 10, "y")], Ok("0123456789xy"));
        check(vec![edit(2, 4, ""), edit(4, 4, "z")], Ok("01z456789"));
    }

    #[test]
    fn refuses_overlap_and_overrun() {
        check(vec![edit(2, 5, "a"), edit(4, 6, "b")], Err(EditsError::Overlap(4)));
        check(vec![edit(2, 5, "a"), edit(3, 3, "b")], Err(EditsError::Overlap(3)));
        check(vec![edit(9, 11, "a")], Err(EditsError::Beyond(11)));
    }

    #[test]
    fn p6_untouched_bytes_are_slices_of_the_received_buffer() {
        let raw = Bytes::from(vec![7_u8; 64]);
        let edits = Edits::new(vec![edit(16, 16, "in")], raw.len()).unwrap();
        let copy = edits.apply(&raw, |text| Bytes::from_static(text.as_bytes()));
        assert_eq!(copy.chunks()[0].as_ptr(), raw.as_ptr());
        assert_eq!(copy.chunks()[2].as_ptr(), raw[16..].as_ptr());
    }

    proptest! {
        #[test]
        fn p6_output_without_the_insertions_is_the_input(
            raw in proptest::collection::vec(any::<u8>(), 0..200),
            places in proptest::collection::vec((any::<u16>(), 0_usize..20), 0..8),
        ) {
            let places = places.iter().map(|&(at, len)| (usize::from(at) % (raw.len() + 1), len));
            let edits: Vec<_> =
                places.map(|(at, len)| Edit { range: at..at, with: vec![b'+'; len] }).collect();
            let edits = Edits::new(edits, raw.len()).unwrap();
            let bytes = Bytes::from(raw.clone());
            let empty = edits.apply(&bytes, |_| Bytes::new());
            prop_assert_eq!(empty.to_vec(), raw.clone());
            let full = edits.apply(&bytes, |with| Bytes::from(with.clone()));
            let inserted: usize = edits.as_slice().iter().map(|edit| edit.with.len()).sum();
            prop_assert_eq!(full.len(), raw.len() + inserted);
        }
    }
}
