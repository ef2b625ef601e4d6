//! Other systems' lists as evidence: one reader over many formats, all ending in our own columns.
//!
//! A format is a column map: which column holds the address, what each value means. The maps of
//! well-known systems are built in; an operator writes others in TOML. Streaming and pure: one
//! row is held at a time. An import never lifts an objection; whoever imports, a list of
//! objections is read in the persons' favour and a permission only as far as it is clear.

mod dates;
mod foreign;
mod formats;
mod json;
mod map;
mod names;
mod own;
mod reader;
mod records;

#[cfg(test)]
mod tests;

use crate::base::{Mailbox, PersonKey, Timestamp};
use crate::eligibility::evidence::Evidence;

pub use formats::{Built, built_in};
pub use map::{ColumnMap, MapError};
pub use names::Names;
pub(super) use own::OwnRow;
pub use reader::{Choice, OpenError, Reader};
pub use records::Raw;

/// What the operator says about a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// The moment of the import: the date of an undated objection, and the latest date a
    /// permission may have.
    pub imported_at: Timestamp,
    /// The legal person of rows that name none.
    pub entity: Option<crate::base::EntityId>,
    /// The only legal person there is, for other systems' files, which never name one.
    pub only_entity: Option<crate::base::EntityId>,
    /// Which of our topics another system's names mean; `*` is the list as a whole.
    pub topics: std::collections::BTreeMap<String, crate::base::TopicId>,
    /// How dates are written, as in strftime, where no usual form fits.
    pub date_format: Option<String>,
    /// The names that are configured.
    pub names: Names,
    /// The keyring's fingerprint, for rows that name a person by key.
    pub keyring: String,
}

impl Terms {
    /// The topic that stands for `name` in another system: as mapped, or one of the same id.
    fn topic(&self, name: &str) -> Option<&crate::base::TopicId> {
        let name = name.trim();
        let mapped = self.topics.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name));
        let same = |topic: &&crate::base::TopicId| topic.as_str().eq_ignore_ascii_case(name);
        mapped.map(|(_, topic)| topic).or_else(|| self.names.topics.iter().find(same))
    }
}

/// Whom a row is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// An address.
    Address(Mailbox),
    /// A person's key, as our own export without addresses writes it.
    Key(PersonKey),
}

/// One row, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The line it begins on, counted from 1.
    pub line: u64,
    /// Whom it is about.
    pub who: Who,
    /// Its pieces of evidence, without tag, batch and moment of recording; none if it says
    /// nothing that permits or forbids.
    pub evidence: Vec<Evidence>,
    /// What had to be supposed, or says nothing.
    pub remarks: Vec<Remark>,
}

/// What an operator must know about a row that was read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Remark {
    /// Its date is missing or cannot be read: the moment of the import was taken.
    Undated,
    /// What it objects to is not one of our topics or brands: all marketing of the entity.
    Widened,
    /// It permits nothing (NetSuite's Soft Opt-In, a default).
    NoBasis,
    /// A consent without act or wording: kept, and permits nothing.
    Unproven,
    /// A permission beside an objection that cannot be read: only the objection was taken.
    Dropped,
}

impl Remark {
    /// Every remark.
    pub const ALL: [Self; 5] =
        [Self::Undated, Self::Widened, Self::NoBasis, Self::Unproven, Self::Dropped];

    /// Its short name, for journal and summary.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undated => "undated",
            Self::Widened => "widened",
            Self::NoBasis => "no_basis",
            Self::Unproven => "unproven",
            Self::Dropped => "dropped",
        }
    }

    /// What it means, in plain words after a number of rows.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Undated => "had no readable date: the moment of the import was taken",
            Self::Widened => {
                "object to something that is no topic or brand of ours: they cover all marketing \
                 of the entity"
            }
            Self::NoBasis => "say nothing that permits or forbids (no basis)",
            Self::Unproven => "are consents without act or wording: kept, and permit nothing",
            Self::Dropped => {
                "held a permission that cannot be read beside an objection: only the \
                              objection was taken"
            }
        }
    }
}
