//! Mail that does not sell: charity, politics, public tasks.
//!
//! Some statutes leave it alone, some ask for information and a right to object, most want what
//! they want from everybody. An objection binds here too (GDPR art. 21(2)).

use super::Heard;
use super::hearing::{Hearing, unless};
use crate::classify::{Element, Nature};
use crate::eligibility::basis::Basis;
use crate::eligibility::case::Purpose;
use crate::eligibility::fact::Fact;
use crate::eligibility::reason::Reason;
use crate::eligibility::rules::NoncommercialRule;
use crate::eligibility::verdict::Limb;

/// What the set says about the message's purpose, and where; `None` if it is to sell.
pub(super) fn rule(hearing: &Hearing<'_>) -> Option<(&'static str, NoncommercialRule)> {
    let says = hearing.rules().noncommercial();
    match hearing.message().purpose {
        Purpose::Commercial => None,
        Purpose::CharityFundraising | Purpose::CharityOther => {
            Some(("noncommercial.charity", says.charity))
        }
        Purpose::Political => Some(("noncommercial.political", says.political)),
        Purpose::PublicTask => Some(("noncommercial.public_task", says.public_task)),
    }
}

/// Whether nothing in the message sells, and nobody else is promoted.
pub(super) fn sells_nothing(hearing: &Hearing<'_>) -> bool {
    let message = hearing.message();
    let serves = |element: &Element| match element.nature() {
        Nature::Neutral | Nature::Depends => true,
        Nature::Promotional => {
            matches!(element, Element::FundraisingAsk | Element::CampaignMessage)
        }
        Nature::Unclear => false,
    };
    !message.elements.is_empty()
        && message.elements.iter().all(serves)
        && message.promoted_entities.iter().all(|e| *e == message.sending_entity)
}

/// The way the set leaves to mail of this purpose beside consent and the exceptions.
pub(super) fn limbs(hearing: &Hearing<'_>) -> Heard {
    let (path, rule) = rule(hearing)?;
    match rule {
        NoncommercialRule::Consent | NoncommercialRule::CharitySoft | NoncommercialRule::Same => {
            None
        }
        NoncommercialRule::OptOut => {
            let limbs =
                vec![hearing.met(path, "a refusal binds, and there is none"), told(hearing)];
            Some((Basis::OptOutRegime, limbs))
        }
        NoncommercialRule::OutOfScope => {
            let alone = sells_nothing(hearing);
            let fact = if alone { "nothing in the message sells" } else { "parts of it sell" };
            let mut limbs =
                vec![hearing.check(path, unless(alone, Reason::PurposeNotCharitable), fact)];
            limbs.extend(status(hearing));
            Some((Basis::OutOfScope, limbs))
        }
    }
}

/// Some exempt only charities that are registered.
fn status(hearing: &Hearing<'_>) -> Option<Limb> {
    let message = hearing.message();
    let is_charity = matches!(message.purpose, Purpose::CharityFundraising | Purpose::CharityOther);
    if !is_charity || !hearing.rules().noncommercial().charity_registered {
        return None;
    }
    Some(charity_status(hearing, "noncommercial.charity_registered"))
}

/// Whether the sender is declared to be a charity in law, where the field at `path` asks for it.
pub(super) fn charity_status(hearing: &Hearing<'_>, path: &'static str) -> Limb {
    let sender = &hearing.message().sending_entity;
    let is_charity = hearing.case.policy.charities.contains(sender);
    let fact = if is_charity {
        format!("{sender} is declared to be a charity")
    } else {
        format!("{sender} is not declared to be a charity")
    };
    hearing.check(path, unless(is_charity, Reason::NotACharity), fact)
}

/// Whether the person was told, when the address was collected, and could refuse.
fn told(hearing: &Hearing<'_>) -> Limb {
    let found = hearing.statements().find(|entry| match &entry.fact {
        Fact::AddressCollected(collection) => {
            hearing.is_senders(&collection.entity, entry.at)
                && collection.opt_out_offered == Some(true)
        }
        _ => false,
    });
    match found {
        Some(entry) => hearing
            .met("business.informed_at_collection", "the person was told and could refuse")
            .found_in(entry),
        None => hearing.unmet(
            "business.informed_at_collection",
            Reason::OptoutOfferUnproven,
            "nothing shows that the person was told and could refuse",
        ),
    }
}
