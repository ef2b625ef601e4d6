//! A charity's own supporters (PECR reg. 22(3A), in force since 2026-02-05).
//!
//! Charity is a legal status, not a purpose, so it is declared by the operator. The mail must
//! serve charitable purposes alone, and the charity must itself have got the address, on or
//! after the day the rule began, from somebody who showed support and was offered a refusal.

use super::hearing::{Hearing, failures, unless};
use super::noncommercial;
use super::relations::{Collected, Dealing, collections, dealings};
use crate::eligibility::case::Purpose;
use crate::eligibility::fact::CollectionChannel;
use crate::eligibility::reason::Reason;
use crate::eligibility::record::Entry;
use crate::eligibility::relationship::RelationshipKind;
use crate::eligibility::verdict::Limb;

/// Whether the exception is the one to ask about this message.
pub(super) fn applies(hearing: &Hearing<'_>) -> bool {
    let purpose = hearing.message().purpose;
    hearing.rules().charity().soft
        && matches!(purpose, Purpose::CharityFundraising | Purpose::CharityOther)
}

/// The conditions of the exception, for the best act of support on record.
pub(super) fn limbs(hearing: &Hearing<'_>) -> Vec<Limb> {
    let mut limbs =
        vec![noncommercial::charity_status(hearing, "charity.soft"), sole_purpose(hearing)];
    let support = |dealing: &Dealing<'_>| {
        matches!(
            dealing.kind,
            RelationshipKind::Donation
                | RelationshipKind::Volunteer
                | RelationshipKind::Membership
                | RelationshipKind::Interest
        ) && dealing.fact.completed != Some(false)
    };
    let dealings = dealings(hearing);
    let collections = collections(hearing, &dealings, support);
    let best = dealings
        .iter()
        .filter(|dealing| support(dealing))
        .map(|dealing| hear(hearing, dealing, &collections))
        .min_by_key(|limbs| failures(limbs));
    limbs.extend(best.unwrap_or_else(|| {
        let (reason, fact) = match dealings.as_slice() {
            [] => (Reason::RelNone, "nothing shows support by this address"),
            // A purchase in the shop is trade, not support.
            [_, ..] => (Reason::RelKindInsufficient, "what is on record shows no support"),
        };
        vec![hearing.unmet("charity.soft", reason, fact)]
    }));
    limbs
}

fn sole_purpose(hearing: &Hearing<'_>) -> Limb {
    let alone = noncommercial::sells_nothing(hearing) || !hearing.rules().charity().sole_purpose;
    let fact = if alone {
        "the message serves charitable purposes alone"
    } else {
        "the message has parts that serve trade or others"
    };
    hearing.check("charity.sole_purpose", unless(alone, Reason::PurposeNotCharitable), fact)
}

fn hear(hearing: &Hearing<'_>, dealing: &Dealing<'_>, collections: &[Collected<'_>]) -> Vec<Limb> {
    let same = hearing.is_senders(&dealing.fact.entity, dealing.entry.at);
    let support = hearing.check(
        "charity.soft",
        unless(same, Reason::CollectedByOtherEntity),
        format!("support for {} on {}", dealing.fact.entity, dealing.entry.at.date()),
    );
    let mut limbs = vec![support.found_in(dealing.entry)];
    // The details must have been got while the person showed this very support.
    let best = collections
        .iter()
        .filter(|collected| collected.is_of(dealing))
        .map(|collected| collection(hearing, collected))
        .min_by_key(|limbs| failures(limbs));
    limbs.extend(best.unwrap_or_else(|| {
        vec![
            begun(hearing, dealing.entry),
            hearing.unmet(
                "charity.soft",
                Reason::CollectedIndirectly,
                "nothing shows that the address was collected with this support",
            ),
            hearing.unmet(
                "charity.soft",
                Reason::OptoutOfferUnproven,
                "nothing shows that a refusal was offered when the address was collected",
            ),
        ]
    }));
    limbs
}

fn collection(hearing: &Hearing<'_>, collected: &Collected<'_>) -> Vec<Limb> {
    let fact = &collected.fact;
    let same = hearing.is_senders(&fact.entity, collected.entry.at);
    let is_own = !matches!(
        fact.channel,
        Some(CollectionChannel::Platform | CollectionChannel::List | CollectionChannel::Import)
    );
    let refusal = match fact.opt_out_offered {
        Some(true) => None,
        Some(false) => Some(Reason::OptoutNotOffered),
        None => Some(Reason::OptoutOfferUnproven),
    };
    let limbs = [
        begun(hearing, collected.entry),
        hearing.check(
            "charity.soft",
            unless(same, Reason::CollectedByOtherEntity),
            format!("the address was collected by {}", fact.entity),
        ),
        hearing.check(
            "charity.soft",
            unless(fact.direct == Some(true) && is_own, Reason::CollectedIndirectly),
            "the charity itself got the address from the person",
        ),
        hearing.check("charity.soft", refusal, "a refusal offered when the address was collected"),
    ];
    limbs.into_iter().map(|limb| limb.found_in(collected.entry)).collect()
}

/// Whether what the address was collected with happened since the rule began.
fn begun(hearing: &Hearing<'_>, entry: &Entry) -> Limb {
    let begun = hearing.rules().charity().not_before.0;
    let on = entry.at.date();
    hearing.check(
        "charity.not_before",
        unless(on >= begun, Reason::RelPredatesRule),
        format!("collected on {on}; the rule began on {begun}"),
    )
}
