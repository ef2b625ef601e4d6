//! The fold of a person's evidence, kept beside it for one-row reads.
//!
//! Folding the same evidence in any order gives the same record, byte for byte, so that the
//! journal can be verified by folding again. The record keeps what decisions ask for; names of
//! sources, actors and IP addresses stay with the evidence.

use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Level};
use super::fact::{Fact, Mechanism, ObjectionChannel, Scope};
use crate::base::{AddressTag, EntityId, EvidenceId, JurisdictionId, Timestamp};

/// One piece of evidence as the record keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The piece of evidence.
    pub id: EvidenceId,
    /// When it happened.
    pub at: Timestamp,
    /// The exact address it was given for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<AddressTag>,
    /// How much weight it has.
    pub level: Level,
    /// Whether an IP address or a form can be shown for it, or a ticket of what was off line.
    pub traceable: bool,
    /// What was said or done.
    pub fact: Fact,
}

/// An objection in whatever shape it came: by link, by complaint, by withdrawal, by erasure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectionForm<'a> {
    /// An objection of the given scope through the given door.
    Said(&'a Scope, ObjectionChannel),
    /// A consent taken back.
    Withdrawn(&'a Scope),
    /// A spam complaint about all marketing of the entity.
    Complained(&'a EntityId),
    /// An erasure by the entity, which is also an objection to all its marketing.
    Erased(&'a EntityId),
}

impl ObjectionForm<'_> {
    /// The legal person it is addressed to.
    pub const fn entity(&self) -> &EntityId {
        match self {
            Self::Said(scope, _) | Self::Withdrawn(scope) => scope.entity(),
            Self::Complained(entity) | Self::Erased(entity) => entity,
        }
    }
}

/// What is known about one person: all their evidence, in the form a decision needs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientRecord {
    /// Invariant: sorted by id, each id once, nothing an erasure has taken.
    entries: Vec<Entry>,
}

impl RecipientRecord {
    /// Adds one piece of evidence. The order of calls does not matter, and neither does adding
    /// the same piece twice.
    pub fn apply(&mut self, id: EvidenceId, evidence: &Evidence) {
        let entry = Entry {
            id,
            at: evidence.at,
            tag: evidence.tag,
            level: evidence.level,
            traceable: is_traceable(evidence),
            fact: evidence.fact.clone(),
        };
        if let Err(place) = self.entries.binary_search_by_key(&id, |entry| entry.id) {
            self.entries.insert(place, entry);
            self.forget_erased();
        }
    }

    /// Takes in what is known about the same person under an older key, where the address's tag
    /// was `tags.0` instead of `tags.1`.
    pub fn absorb(&mut self, older: &Self, tags: (AddressTag, AddressTag)) {
        for entry in &older.entries {
            let Err(place) = self.entries.binary_search_by_key(&entry.id, |known| known.id) else {
                continue;
            };
            let tag = entry.tag.map(|tag| if tag == tags.0 { tags.1 } else { tag });
            self.entries.insert(place, Entry { tag, ..entry.clone() });
        }
        self.forget_erased();
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every entry, by id.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every objection, whichever address of the person it was made for.
    pub fn objections(&self) -> impl Iterator<Item = (&Entry, ObjectionForm<'_>)> {
        self.entries.iter().filter_map(|entry| Some((entry, objection_form(&entry.fact)?)))
    }

    /// What was stated for exactly this address and not after `now`: the only entries that
    /// may widen what is allowed. A conclusion from other facts is no statement.
    pub fn statements(&self, tag: AddressTag, now: Timestamp) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| {
            entry.tag == Some(tag)
                && entry.at <= now
                && entry.level > Level::Inferred
                && !entry.fact.is_protective()
        })
    }

    /// What was said up to `now` about everybody whose address is in the domain this record is
    /// about; only for the records of domains.
    pub fn descriptions(&self, now: Timestamp) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| {
            entry.at <= now
                && entry.level > Level::Inferred
                && matches!(entry.fact, Fact::SubjectDescribed { .. })
        })
    }

    /// Where the person is said to be, by the strongest and latest statement; of several equally
    /// good ones, everywhere any of them says. A mere conclusion does not count.
    pub fn jurisdictions(&self) -> Vec<JurisdictionId> {
        let mut best: Option<(Level, Timestamp)> = None;
        let mut places: Vec<JurisdictionId> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.level > Level::Inferred) {
            let Fact::SubjectDescribed { jurisdictions, .. } = &entry.fact else { continue };
            let weight = Some((entry.level, entry.at));
            if jurisdictions.is_empty() || weight < best {
                continue;
            }
            if weight > best {
                best = weight;
                places.clear();
            }
            places.extend(jurisdictions.iter().cloned());
        }
        places.sort();
        places.dedup();
        places
    }

    /// Whether the person gave permissions under another sub-address only.
    pub fn has_near_miss(&self, tag: AddressTag) -> bool {
        self.entries.iter().any(|e| !e.fact.is_protective() && e.tag.is_some_and(|t| t != tag))
    }

    /// Takes out what an erasure covers: everything dated up to it that could serve its entity.
    fn forget_erased(&mut self) {
        let erasures: Vec<(EntityId, Timestamp)> = self
            .entries
            .iter()
            .filter_map(|entry| match &entry.fact {
                Fact::Erasure { entity } => Some((entity.clone(), entry.at)),
                _ => None,
            })
            .collect();
        if !erasures.is_empty() {
            self.entries.retain_mut(|entry| {
                erasures.iter().all(|(entity, until)| entry.at > *until || keep(entry, entity))
            });
        }
    }
}

/// Takes `entity` out of the entry; `false` if nothing remains.
fn keep(entry: &mut Entry, entity: &EntityId) -> bool {
    if let Some((_, dealing)) = entry.fact.dealing() {
        return dealing.entity != *entity;
    }
    match &mut entry.fact {
        Fact::ConsentGiven(consent) => {
            let named_before = consent.entities.len();
            consent.entities.retain(|named| named != entity);
            named_before == 0 || !consent.entities.is_empty()
        }
        Fact::ConsentConfirmed { entity: named } | Fact::Activity { entity: named } => {
            named != entity
        }
        Fact::AddressCollected(collection) => collection.entity != *entity,
        Fact::Referral(referral) => referral.entity != *entity,
        // Objections protect the person, and whom the law sees behind an address belongs to
        // no entity.
        _ => true,
    }
}

/// AEPD PS-00408-2024: a certificate, or a number in another system, shows no session on a page.
/// For what was written or said there is none, so that its document or ticket serves.
fn is_traceable(evidence: &Evidence) -> bool {
    let provenance = &evidence.provenance;
    let is_filed = provenance.document.is_some() || provenance.reference.is_some();
    let shown_otherwise = match &evidence.fact {
        Fact::ConsentGiven(consent) => {
            let off_line = matches!(consent.mechanism, Some(Mechanism::Paper | Mechanism::Oral));
            consent.collection_point.is_some() || off_line && is_filed
        }
        _ => false,
    };
    provenance.form.is_some() || provenance.ip.is_some() || shown_otherwise
}

const fn objection_form(fact: &Fact) -> Option<ObjectionForm<'_>> {
    match fact {
        Fact::Objection { scope, channel } => Some(ObjectionForm::Said(scope, *channel)),
        Fact::ConsentWithdrawn { scope } => Some(ObjectionForm::Withdrawn(scope)),
        Fact::Complaint { entity } => Some(ObjectionForm::Complained(entity)),
        Fact::Erasure { entity } => Some(ObjectionForm::Erased(entity)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
