//! NetSuite's four subscription statuses as a view of a record.
//!
//! A derived view for people and systems that think in these words; no decision rests on it. It
//! is not the law's soft opt-in: see [`Status::SoftOptIn`].

use super::evidence::Level;
use super::fact::{Fact, Scope};
use super::record::{Entry, ObjectionForm, RecipientRecord};
use crate::base::{EntityId, Timestamp};

/// The statuses, as NetSuite labels them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// The person's own latest act is a consent.
    ConfirmedOptIn,
    /// Something on record may permit marketing: a dealing, or a consent nobody confirmed.
    SoftOptIn,
    /// Nothing on record permits marketing.
    SoftOptOut,
    /// The person's own latest act is an objection to all marketing of the entity.
    ConfirmedOptOut,
}

impl Status {
    /// All four.
    pub const ALL: [Self; 4] =
        [Self::ConfirmedOptIn, Self::SoftOptIn, Self::SoftOptOut, Self::ConfirmedOptOut];

    /// NetSuite's label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ConfirmedOptIn => "Confirmed Opt-In",
            Self::SoftOptIn => "Soft Opt-In",
            Self::SoftOptOut => "Soft Opt-Out",
            Self::ConfirmedOptOut => "Confirmed Opt-Out",
        }
    }
}

/// The status of a person towards `entity`.
///
/// An objection counts as the person's own act whoever reported it; a consent only if the person
/// acted through a channel that names them, or completed a double opt-in. Ties go to the objection.
pub fn status(record: &RecipientRecord, entity: &EntityId) -> Status {
    let objected_at = record
        .objections()
        .filter(|(_, form)| covers_everything(form, entity))
        .map(|(entry, _)| entry.at)
        .max();
    let consented_at =
        record.entries().iter().filter_map(|entry| own_consent(record, entry, entity)).max();
    match (objected_at, consented_at) {
        (Some(objected), Some(consented)) if consented > objected => Status::ConfirmedOptIn,
        (Some(_), _) => Status::ConfirmedOptOut,
        (None, Some(_)) => Status::ConfirmedOptIn,
        (None, None) if record.entries().iter().any(|entry| may_permit(entry, entity)) => {
            Status::SoftOptIn
        }
        (None, None) => Status::SoftOptOut,
    }
}

fn covers_everything(form: &ObjectionForm<'_>, entity: &EntityId) -> bool {
    match form {
        ObjectionForm::Complained(named) | ObjectionForm::Erased(named) => *named == entity,
        ObjectionForm::Said(scope, _) | ObjectionForm::Withdrawn(scope) => {
            matches!(scope, Scope::Entity(named) if named == entity)
        }
    }
}

/// When the person consented by an act of their own, if this entry says so.
fn own_consent(record: &RecipientRecord, entry: &Entry, entity: &EntityId) -> Option<Timestamp> {
    let Fact::ConsentGiven(consent) = &entry.fact else { return None };
    if !consent.entities.contains(entity) {
        return None;
    }
    let confirmed = || {
        record.entries().iter().any(|other| {
            other.at >= entry.at
                && other.level >= Level::Recipient
                && is_confirmation(&other.fact, entity)
        })
    };
    (entry.level >= Level::Recipient || confirmed()).then_some(entry.at)
}

fn is_confirmation(fact: &Fact, entity: &EntityId) -> bool {
    matches!(fact, Fact::ConsentConfirmed { entity: named } if named == entity)
}

fn may_permit(entry: &Entry, entity: &EntityId) -> bool {
    let is_statement = entry.level > Level::Inferred && !entry.fact.is_protective();
    let is_dealing = !matches!(entry.fact, Fact::AddressCollected(_) | Fact::Inquiry(_));
    is_statement && is_dealing && entry.fact.entities().contains(&entity)
}

#[cfg(test)]
mod tests {
    use super::{Status, status};
    use crate::base::{EntityId, EvidenceId, TopicId};
    use crate::eligibility::{EvidenceDraft, Level, RecipientRecord};

    fn entity() -> EntityId {
        EntityId::parse("acme").unwrap()
    }

    /// Pieces as (kind, day of March, level, topic).
    #[track_caller]
    fn check(pieces: &[(&str, &str, Level, &str)], expected: Status) {
        let mut record = RecipientRecord::default();
        for (number, (kind, day, level, topic)) in pieces.iter().enumerate() {
            let draft = EvidenceDraft {
                kind: (*kind).to_owned(),
                at: crate::base::Timestamp::parse(&format!("2026-03-{day}")),
                entity: vec![entity()],
                topics: TopicId::parse(topic).into_iter().collect(),
                scope: TopicId::parse(topic).ok().map(|_| crate::eligibility::DraftScope::Topic),
                level: Some(*level),
                ..EvidenceDraft::default()
            };
            for piece in draft.into_evidence().unwrap() {
                record.apply(EvidenceId(number as u64 + 1), &piece);
            }
        }
        assert_eq!(status(&record, &entity()), expected, "{pieces:?}");
        let other = EntityId::parse("other").unwrap();
        assert_eq!(status(&record, &other), Status::SoftOptOut, "nobody else's business");
    }

    #[test]
    fn the_latest_own_act_decides_and_staff_cannot_confirm() {
        let (own, import) = (Level::Recipient, Level::Import);
        check(&[], Status::SoftOptOut);
        check(&[("sale", "01", import, "")], Status::SoftOptIn);
        check(&[("inquiry", "01", import, "")], Status::SoftOptOut);
        check(&[("consent_given", "01", import, "shoes")], Status::SoftOptIn);
        check(&[("consent_given", "01", own, "shoes")], Status::ConfirmedOptIn);
        check(
            &[("consent_given", "01", import, "shoes"), ("consent_confirmed", "02", own, "")],
            Status::ConfirmedOptIn,
        );
        check(&[("objection", "05", import, "")], Status::ConfirmedOptOut);
        check(&[("complaint", "05", import, "")], Status::ConfirmedOptOut);
        check(&[("objection", "05", import, "shoes")], Status::SoftOptOut);
        check(&[("bounce", "05", import, "")], Status::SoftOptOut);
    }

    #[test]
    fn p2_no_import_turns_an_opt_out_around() {
        let (own, import) = (Level::Recipient, Level::Import);
        let objection = ("objection", "05", import, "");
        check(&[objection, ("consent_given", "09", import, "shoes")], Status::ConfirmedOptOut);
        check(&[objection, ("sale", "09", import, "")], Status::ConfirmedOptOut);
        check(&[objection, ("consent_given", "05", own, "shoes")], Status::ConfirmedOptOut);
        check(&[objection, ("consent_given", "06", own, "shoes")], Status::ConfirmedOptIn);
    }
}
