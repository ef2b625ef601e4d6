//! Objections, withdrawals, complaints and erasures: they come before every basis.
//!
//! An objection to direct marketing is absolute (GDPR art. 21(3)); no sale, no time and no other
//! system's flag lifts it. Only a later consent of the person's own, at least as well evidenced,
//! does, and only for what that consent covers (promise P2).

use super::consent;
use super::hearing::Hearing;
use crate::eligibility::evidence::Level;
use crate::eligibility::fact::{Fact, ObjectionChannel, Scope};
use crate::eligibility::reason::Reason;
use crate::eligibility::record::{Entry, ObjectionForm};
use crate::eligibility::verdict::Limb;

/// Every suppression that stands, one limb per reason, naming the latest.
pub(super) fn standing(hearing: &Hearing<'_>) -> Vec<Limb> {
    let mut limbs = Vec::new();
    let mut covering = covering(hearing).peekable();
    let is_lifted = || consent::best(hearing).is_some_and(|found| found.holds());
    if covering.peek().is_some() && !is_lifted() {
        for (entry, form) in covering {
            add_latest(&mut limbs, limb(hearing, entry, form));
            add_withdrawn_consent(hearing, &mut limbs, entry, form);
        }
    }
    limbs
}

/// Whether `consent` survives every objection that covers the message: it is later (a tie goes
/// to the objection) and at least as well evidenced.
pub(super) fn survives(hearing: &Hearing<'_>, consent: &Entry) -> bool {
    covering(hearing)
        .all(|(entry, _)| consent.at > entry.at && consent.level >= weight(entry.level))
}

/// Whether any objection covers the message, lifted or not.
pub(super) fn is_contested(hearing: &Hearing<'_>) -> bool {
    covering(hearing).next().is_some()
}

/// Whatever system reports it, an objection counts as the person's own act.
fn weight(level: Level) -> Level {
    level.max(Level::Recipient)
}

/// The objections that cover the message.
fn covering<'c>(
    hearing: &Hearing<'c>,
) -> impl Iterator<Item = (&'c Entry, ObjectionForm<'c>)> + use<'c> {
    let hearing = *hearing;
    hearing
        .objections()
        .filter(move |(_, form)| is_addressed_to_sender(&hearing, form) && covers(&hearing, form))
}

fn is_addressed_to_sender(hearing: &Hearing<'_>, form: &ObjectionForm<'_>) -> bool {
    let message = hearing.message();
    let binds = |wanted| hearing.binds(form.entity(), wanted);
    binds(&message.sending_entity) || message.promoted_entities.iter().any(binds)
}

fn covers(hearing: &Hearing<'_>, form: &ObjectionForm<'_>) -> bool {
    let message = hearing.message();
    match form {
        ObjectionForm::Complained(_) | ObjectionForm::Erased(_) => true,
        ObjectionForm::Said(scope, _) | ObjectionForm::Withdrawn(scope) => match scope {
            Scope::Entity(_) => true,
            // What is promoted under somebody else's brand, or under none we know, may well be
            // what the person objected to: doubt counts for the objection.
            Scope::Brand(entity, brand) => {
                *entity != message.sending_entity
                    || message.brand.as_ref().is_none_or(|named| named == brand)
            }
            Scope::Topic(_, topic) => message.topics.is_empty() || message.topics.contains(topic),
        },
    }
}

fn limb(hearing: &Hearing<'_>, entry: &Entry, form: ObjectionForm<'_>) -> Limb {
    let (reason, what) = match form {
        ObjectionForm::Said(_, channel) => match channel {
            ObjectionChannel::Link => (Reason::Unsubscribed, "unsubscribed by a link"),
            ObjectionChannel::OneClick => (Reason::Unsubscribed, "unsubscribed by one click"),
            ObjectionChannel::Preference => {
                (Reason::Unsubscribed, "unsubscribed on a preference page")
            }
            ObjectionChannel::Import => {
                (Reason::Unsubscribed, "stands on an opt-out list that was imported")
            }
            ObjectionChannel::Direct => (Reason::Objected, "objected directly"),
        },
        ObjectionForm::Withdrawn(_) => (Reason::ConsentWithdrawn, "took a consent back"),
        ObjectionForm::Complained(_) => (Reason::Complained, "reported mail as spam"),
        ObjectionForm::Erased(_) => (Reason::Objected, "had their data erased"),
    };
    let fact = format!("the person {what} on {} ({})", entry.at.date(), reach(form));
    hearing.unmet("optout.deadline", reason, fact).found_in(entry)
}

fn reach(form: ObjectionForm<'_>) -> String {
    match form {
        ObjectionForm::Complained(entity)
        | ObjectionForm::Erased(entity)
        | ObjectionForm::Said(Scope::Entity(entity), _)
        | ObjectionForm::Withdrawn(Scope::Entity(entity)) => {
            format!("all marketing of {entity}")
        }
        ObjectionForm::Said(Scope::Brand(entity, brand), _)
        | ObjectionForm::Withdrawn(Scope::Brand(entity, brand)) => {
            format!("marketing of {entity} as {brand}")
        }
        ObjectionForm::Said(Scope::Topic(entity, topic), _)
        | ObjectionForm::Withdrawn(Scope::Topic(entity, topic)) => {
            format!("marketing of {entity} about {topic}")
        }
    }
}

/// An objection also takes back a consent given before it.
fn add_withdrawn_consent(
    hearing: &Hearing<'_>,
    limbs: &mut Vec<Limb>,
    objection: &Entry,
    form: ObjectionForm<'_>,
) {
    let earlier = hearing.case.recipient.record.entries().iter().rfind(|entry| {
        entry.at <= objection.at
            && matches!(&entry.fact, Fact::ConsentGiven(c) if c.entities.contains(form.entity()))
    });
    if let Some(consent) = earlier {
        let fact = format!(
            "the consent of {} ended with the objection of {}",
            consent.at.date(),
            objection.at.date()
        );
        let limb = hearing.unmet("optout.deadline", Reason::ConsentWithdrawn, fact);
        add_latest(limbs, limb.found_in(objection));
    }
}

fn add_latest(limbs: &mut Vec<Limb>, limb: Limb) {
    match limbs.iter_mut().find(|known| known.fails == limb.fails) {
        Some(known) => *known = limb,
        None => limbs.push(limb),
    }
}
