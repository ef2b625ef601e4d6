//! Dealings and collections on record, brought into the form the customer exceptions ask about.
//!
//! A dealing says what was sold, by whom and when; a collection says how the address came to be
//! known in it. The two belong together if they happened within a day of each other, or if the
//! dealing names a collection point that was in use.

use super::hearing::Hearing;
use crate::base::Timestamp;
use crate::eligibility::fact::{CollectionFact, Fact};
use crate::eligibility::record::Entry;
use crate::eligibility::relationship::{DealingFact, RelationshipKind};

/// At most this many dealings and collections are looked at, the latest first. Leaving evidence
/// out can only narrow what is allowed.
const CONSIDERED_MAX: usize = 128;

const DAY_MILLIS: u64 = 86_400_000;

/// A dealing, its kind, and from when its age counts.
#[derive(Clone, Copy)]
pub(super) struct Dealing<'c> {
    pub entry: &'c Entry,
    pub fact: &'c DealingFact,
    pub kind: RelationshipKind,
    /// When it ended, if it was a contract that has.
    pub ended_at: Option<Timestamp>,
}

/// How the address was collected in some dealing.
#[derive(Clone)]
pub(super) struct Collected<'c> {
    /// The row that says so; the dealing's own if a collection point speaks for it.
    pub entry: &'c Entry,
    pub fact: CollectionFact,
    /// Who attests what the row leaves open.
    pub attested_by: Option<&'c str>,
    /// Whether it happened in a dealing in whose course an address may be collected.
    pub is_in_course: bool,
}

impl Collected<'_> {
    /// Whether it may speak for `dealing`: collected in an earlier dealing that counts, or in
    /// this very one (which then fails or holds by itself).
    pub fn speaks_for(&self, dealing: &Dealing<'_>) -> bool {
        let earlier = self.entry.at <= dealing.entry.at && self.is_in_course;
        earlier || self.is_of(dealing)
    }

    /// Whether it was collected in `dealing` itself.
    pub fn is_of(&self, dealing: &Dealing<'_>) -> bool {
        is_same_occasion(self.entry, dealing.entry)
    }
}

/// The latest dealings about which this address was stated, latest first.
pub(super) fn dealings<'c>(hearing: &Hearing<'c>) -> Vec<Dealing<'c>> {
    let mut dealings: Vec<_> = hearing
        .statements()
        .filter_map(|entry| {
            let (kind, fact) = entry.fact.dealing()?;
            Some(Dealing { entry, fact, kind, ended_at: None })
        })
        .collect();
    dealings.sort_by_key(|d| std::cmp::Reverse((d.entry.at, d.entry.id)));
    dealings.truncate(CONSIDERED_MAX);
    for dealing in &mut dealings {
        let contract = matches!(
            dealing.kind,
            RelationshipKind::ContractOpen | RelationshipKind::ContractEnded
        );
        if contract && let Some(ended_at) = contract_end(hearing, dealing) {
            dealing.kind = RelationshipKind::ContractEnded;
            dealing.ended_at = Some(ended_at);
        }
    }
    dealings
}

/// The earliest end of a contract that anything on the whole row tells of: an end narrows what
/// is allowed, so it counts whichever address it was recorded for.
fn contract_end(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Option<Timestamp> {
    let own = match dealing.kind {
        RelationshipKind::ContractEnded => Some(dealing.fact.ended_at.unwrap_or(dealing.entry.at)),
        _ => dealing.fact.ended_at,
    };
    let others = hearing.case.recipient.record.entries().iter().filter_map(|entry| {
        let Fact::ContractEnded(end) = &entry.fact else { return None };
        let at = end.ended_at.unwrap_or(entry.at);
        let same_matter = end.topics.is_empty()
            || dealing.fact.topics.is_empty()
            || end.topics.iter().any(|topic| dealing.fact.topics.contains(topic));
        (end.entity == dealing.fact.entity && at >= dealing.entry.at && same_matter).then_some(at)
    });
    // An end in the future has not come yet.
    others.chain(own).filter(|&at| at <= hearing.case.at).min()
}

/// How the address was collected in `dealings`, latest first. `counts` tells in which of them
/// an address may be collected.
pub(super) fn collections<'c>(
    hearing: &Hearing<'c>,
    dealings: &[Dealing<'c>],
    counts: impl Fn(&Dealing<'_>) -> bool,
) -> Vec<Collected<'c>> {
    let occasions = |entry: &Entry| {
        let of = |dealing: &&Dealing<'c>| is_same_occasion(entry, dealing.entry);
        dealings.iter().filter(of).collect::<Vec<_>>()
    };
    let mut collected = Vec::new();
    for entry in hearing.statements() {
        let Fact::AddressCollected(fact) = &entry.fact else { continue };
        let occasions = occasions(entry);
        if !occasions.is_empty() {
            let is_in_course = occasions.iter().any(|d| counts(d) && d.fact.entity == fact.entity);
            collected.push(complete(hearing, entry, fact, &occasions, is_in_course));
        }
    }
    for dealing in dealings {
        let policy = hearing.case.policy;
        let point = policy.attested(dealing.fact.collection_point.as_ref(), dealing.entry.at);
        let has_row = collected.iter().any(|c| is_same_occasion(c.entry, dealing.entry));
        if let Some((id, point)) = point.filter(|_| !has_row) {
            collected.push(Collected {
                entry: dealing.entry,
                fact: point.as_collection(id),
                attested_by: Some(&point.attested_by),
                is_in_course: counts(dealing) && dealing.fact.entity == point.entity,
            });
        }
    }
    collected.sort_by_key(|c| std::cmp::Reverse((c.entry.at, c.entry.id)));
    collected.truncate(CONSIDERED_MAX);
    collected
}

/// What a row says, with what it leaves open lent by the collection point it names, or that the
/// dealing of the same occasion names.
fn complete<'c>(
    hearing: &Hearing<'c>,
    entry: &'c Entry,
    fact: &CollectionFact,
    occasions: &[&Dealing<'c>],
    is_in_course: bool,
) -> Collected<'c> {
    let by_dealing = || occasions.iter().find_map(|d| d.fact.collection_point.as_ref());
    let named = fact.collection_point.as_ref().or_else(by_dealing);
    let mut fact = fact.clone();
    let point = hearing.case.policy.attested(named, entry.at);
    let Some((_, point)) = point.filter(|(_, point)| point.entity == fact.entity) else {
        return Collected { entry, fact, attested_by: None, is_in_course };
    };
    let is_lending = fact.direct.is_none() || fact.opt_out_offered.is_none();
    fact.direct = fact.direct.or(point.is_direct());
    fact.channel = fact.channel.or(Some(point.channel));
    fact.opt_out_offered = fact.opt_out_offered.or(point.opt_out_offered);
    let attested_by = is_lending.then_some(point.attested_by.as_str());
    Collected { entry, fact, attested_by, is_in_course }
}

/// Whether two things happened within a day of each other.
pub(super) fn is_same_occasion(one: &Entry, other: &Entry) -> bool {
    one.at.as_millis().abs_diff(other.at.as_millis()) <= DAY_MILLIS
}
