//! Dealings and collections on record, brought into the form the customer exceptions ask about.
//!
//! A dealing says what was sold, by whom and when; a collection says how the address came to be
//! known in it. The two belong together if they happened within a day of each other, or if the
//! dealing names a collection point that was in use.

use super::hearing::Hearing;
use crate::base::Timestamp;
use crate::eligibility::evidence::{CollectionFact, DealingFact, Fact};
use crate::eligibility::record::Entry;
use crate::eligibility::rules::RelationshipKind;

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
}

/// The latest dealings about which this address was stated, latest first.
pub(super) fn dealings<'c>(hearing: &Hearing<'c>) -> Vec<Dealing<'c>> {
    let mut dealings: Vec<_> = hearing
        .statements()
        .filter_map(|entry| {
            let (kind, fact) = kind_of(&entry.fact)?;
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

const fn kind_of(fact: &Fact) -> Option<(RelationshipKind, &DealingFact)> {
    match fact {
        Fact::Sale(dealing) => match dealing.paid {
            Some(false) => Some((RelationshipKind::SaleFreeAccount, dealing)),
            Some(true) | None => Some((RelationshipKind::SalePaid, dealing)),
        },
        Fact::Negotiation(dealing) => Some((RelationshipKind::Negotiation, dealing)),
        Fact::Inquiry(dealing) => Some((RelationshipKind::Inquiry, dealing)),
        Fact::ContractOpened(dealing) => Some((RelationshipKind::ContractOpen, dealing)),
        Fact::ContractEnded(dealing) => Some((RelationshipKind::ContractEnded, dealing)),
        Fact::Donation(dealing) => Some((RelationshipKind::Donation, dealing)),
        Fact::Membership(dealing) => Some((RelationshipKind::Membership, dealing)),
        Fact::InterestClick(dealing) => Some((RelationshipKind::Interest, dealing)),
        _ => None,
    }
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

/// How the address was collected in `dealings`, latest first.
pub(super) fn collections<'c>(
    hearing: &Hearing<'c>,
    dealings: &[Dealing<'c>],
) -> Vec<Collected<'c>> {
    let mut collected: Vec<_> = hearing
        .statements()
        .filter_map(|entry| match &entry.fact {
            Fact::AddressCollected(fact) => Some((entry, fact)),
            _ => None,
        })
        .filter(|(entry, _)| dealings.iter().any(|dealing| is_same_occasion(entry, dealing.entry)))
        .map(|(entry, fact)| complete(hearing, entry, fact, dealings))
        .collect();
    for dealing in dealings {
        let policy = hearing.case.policy;
        let point = policy.attested(dealing.fact.collection_point.as_ref(), dealing.entry.at);
        let has_row = collected.iter().any(|c| is_same_occasion(c.entry, dealing.entry));
        if let Some((id, point)) = point.filter(|_| !has_row) {
            collected.push(Collected {
                entry: dealing.entry,
                fact: point.as_collection(id),
                attested_by: Some(&point.attested_by),
            });
        }
    }
    collected.sort_by_key(|c| std::cmp::Reverse((c.entry.at, c.entry.id)));
    collected.truncate(CONSIDERED_MAX);
    collected
}

/// What a row says, with what it leaves open lent by the collection point it names.
fn complete<'c>(
    hearing: &Hearing<'c>,
    entry: &'c Entry,
    fact: &CollectionFact,
    dealings: &[Dealing<'c>],
) -> Collected<'c> {
    let named_by_dealing = || {
        dealings
            .iter()
            .filter(|dealing| is_same_occasion(entry, dealing.entry))
            .find_map(|dealing| dealing.fact.collection_point.as_ref())
    };
    let named = fact.collection_point.as_ref().or_else(named_by_dealing);
    let mut fact = fact.clone();
    let point = hearing.case.policy.attested(named, entry.at);
    let Some((_, point)) = point.filter(|(_, point)| point.entity == fact.entity) else {
        return Collected { entry, fact, attested_by: None };
    };
    let is_lending = fact.direct.is_none() || fact.opt_out_offered.is_none();
    fact.direct = fact.direct.or(point.is_direct());
    fact.channel = fact.channel.or(Some(point.channel));
    fact.opt_out_offered = fact.opt_out_offered.or(point.opt_out_offered);
    Collected { entry, fact, attested_by: is_lending.then_some(point.attested_by.as_str()) }
}

fn is_same_occasion(one: &Entry, other: &Entry) -> bool {
    one.at.as_millis().abs_diff(other.at.as_millis()) <= DAY_MILLIS
}
