//! What stands against writing to a person, and how other systems write it down.
//!
//! For lists that are handed to other systems; no decision rests on it. Such a list errs towards
//! silence: an objection to everything stays on it whatever came later, because a consent of a
//! later day covers some topics and the list knows none.

mod layout;

use super::evidence::Level;
use super::fact::{Fact, ObjectionChannel, Scope};
use super::record::{Entry, RecipientRecord};
use crate::base::{BrandId, EntityId, Timestamp, TopicId};

pub use layout::{Layout, Line, Sheet, Told};

/// What a suppression covers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// All marketing of the entity.
    Everything,
    /// One brand.
    Brand(BrandId),
    /// One topic.
    Topic(TopicId),
}

/// How it came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// An objection, through this door.
    Objection(ObjectionChannel),
    /// A consent taken back.
    Withdrawal,
    /// A spam complaint.
    Complaint,
}

/// One suppression that stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// When.
    pub at: Timestamp,
    /// What it covers.
    pub reach: Reach,
    /// How it came about.
    pub cause: Cause,
}

/// Everything that stands against marketing of `entity`, oldest first.
pub fn suppressions(record: &RecipientRecord, entity: &EntityId) -> Vec<Suppression> {
    let mut found: Vec<Suppression> = record
        .entries()
        .iter()
        .filter_map(|entry| suppression(entry, entity))
        .filter(|suppression| !is_lifted(record, entity, suppression))
        .collect();
    found.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.reach.cmp(&other.reach)));
    found.dedup();
    found
}

/// When delivery to the person last failed for good.
pub fn bounced_at(record: &RecipientRecord) -> Option<Timestamp> {
    let bounces = record.entries().iter().filter(|e| matches!(e.fact, Fact::Bounce { .. }));
    bounces.map(|entry| entry.at).max()
}

fn suppression(entry: &Entry, entity: &EntityId) -> Option<Suppression> {
    let of = |reach, cause| Some(Suppression { at: entry.at, reach, cause });
    let reach = |scope: &Scope| match scope {
        Scope::Entity(_) => Reach::Everything,
        Scope::Brand(_, brand) => Reach::Brand(brand.clone()),
        Scope::Topic(_, topic) => Reach::Topic(topic.clone()),
    };
    match &entry.fact {
        Fact::Objection { scope, channel } if scope.entity() == entity => {
            of(reach(scope), Cause::Objection(*channel))
        }
        Fact::ConsentWithdrawn { scope } if scope.entity() == entity => {
            of(reach(scope), Cause::Withdrawal)
        }
        Fact::Complaint { entity: named } if named == entity => {
            of(Reach::Everything, Cause::Complaint)
        }
        // Whoever asked for erasure must not be written to by another system either.
        Fact::Erasure { entity: named } if named == entity => {
            of(Reach::Everything, Cause::Objection(ObjectionChannel::Direct))
        }
        _ => None,
    }
}

/// Whether the person's own later consent covers all that was objected to.
fn is_lifted(record: &RecipientRecord, entity: &EntityId, suppression: &Suppression) -> bool {
    let Reach::Topic(topic) = &suppression.reach else { return false };
    record.entries().iter().any(|entry| {
        entry.level >= Level::Recipient
            && entry.at > suppression.at
            && matches!(&entry.fact, Fact::ConsentGiven(consent)
                if consent.entities.contains(entity) && consent.topics.contains(topic))
    })
}

#[cfg(test)]
mod tests;
