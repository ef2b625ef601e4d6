//! The existing-customer exception (ePrivacy Directive art. 13(2) and what implements it).
//!
//! It belongs to the legal person that sold, for an address the person gave in that dealing, if
//! a refusal was offered there and then, and only for what is similar. Every pair of dealing and
//! collection is heard; together the dealings that pass must cover every topic.

use super::hearing::{Hearing, failures, listed, unless};
use super::relations::{Collected, Dealing, collections, dealings};
use super::{age, noncommercial};
use crate::base::TopicId;
use crate::classify::Element;
use crate::eligibility::fact::{CollectionChannel, Fact};
use crate::eligibility::reason::Reason;
use crate::eligibility::relationship::RelationshipKind;
use crate::eligibility::rules::NoncommercialRule;
use crate::eligibility::verdict::{Limb, each_once};

/// The conditions of the exception, for the best dealing on record.
pub(super) fn limbs(hearing: &Hearing<'_>) -> Vec<Limb> {
    let rules = hearing.rules().soft();
    if !rules.available {
        return vec![hearing.unmet(
            "soft.available",
            Reason::ConsentMissing,
            "there is no exception for customers here",
        )];
    }
    let dealings = dealings(hearing);
    let mut limbs = message_limbs(hearing);
    if dealings.is_empty() {
        let none = hearing.unmet("soft.relationship_kinds", Reason::RelNone, near_miss(hearing));
        limbs.splice(0..0, [none].into_iter().chain(bare_collection(hearing)));
        return limbs;
    }
    let collections = collections(hearing, &dealings, |dealing| counts(hearing, dealing));
    let mut heard: Vec<(Dealing<'_>, Vec<Limb>)> =
        dealings.iter().map(|&dealing| (dealing, hear(hearing, &dealing, &collections))).collect();
    // A dealing that counts in kind comes before one that does not, then the one nearest to
    // holding, then the latest.
    heard.sort_by_key(|(dealing, limbs)| {
        (!is_of_kind(hearing, dealing), failures(limbs), std::cmp::Reverse(dealing.entry.at))
    });
    let passing: Vec<Dealing<'_>> =
        heard.iter().filter(|(_, limbs)| failures(limbs) == 0).map(|(d, _)| *d).collect();
    let similar = similarity(hearing, &heard, &passing);
    limbs.splice(0..0, heard.swap_remove(0).1.into_iter().chain([similar]));
    limbs
}

fn near_miss(hearing: &Hearing<'_>) -> &'static str {
    if hearing.case.recipient.record.has_near_miss(hearing.case.recipient.tag) {
        "no dealing with exactly this address; there is evidence for it with another sub-address"
    } else {
        "no dealing with this address is on record"
    }
}

/// What is wrong with the latest collection of an address that belongs to no dealing.
fn bare_collection(hearing: &Hearing<'_>) -> Vec<Limb> {
    let rows = hearing.statements().filter_map(|entry| match &entry.fact {
        Fact::AddressCollected(fact) => Some((entry, fact)),
        _ => None,
    });
    let Some((entry, fact)) = rows.max_by_key(|(entry, _)| (entry.at, entry.id)) else {
        return Vec::new();
    };
    let fact = fact.clone();
    let collected = Collected { entry, fact, attested_by: None, is_in_course: false };
    let limbs = collection(hearing, &collected);
    // What is merely not known belongs to no dealing, so that it says nothing about one.
    let is_told = |limb: &Limb| {
        matches!(limb.fails, Some(Reason::OptoutNotOffered | Reason::CollectedByOtherEntity))
            || limb.fails == Some(Reason::CollectedIndirectly)
                && collected.fact.direct == Some(false)
    };
    limbs.into_iter().filter(is_told).collect()
}

/// Conditions that ask about the message and the person alone.
fn message_limbs(hearing: &Hearing<'_>) -> Vec<Limb> {
    let message = hearing.message();
    let mut limbs = Vec::new();
    if hearing.rules().soft().own_products_only {
        let own = message.promoted_entities.iter().all(|e| hearing.is_own(e));
        let fact = match message.promoted_entities.as_slice() {
            [] => String::from("it promotes the sender's own"),
            others => format!("it promotes {}", listed(others)),
        };
        limbs.push(hearing.check(
            "soft.own_products_only",
            unless(own, Reason::NotOwnProduct),
            fact,
        ));
    }
    limbs.extend(each_message(hearing));
    limbs.extend(minor(hearing));
    limbs.extend(purpose(hearing));
    limbs
}

fn each_message(hearing: &Hearing<'_>) -> Option<Limb> {
    if !hearing.rules().soft().optout_each_message {
        return None;
    }
    let offered = hearing.message().form.unsubscribe.visible == Some(true);
    let failure = unless(offered, Reason::MsgNoUnsubscribe);
    Some(hearing.check("soft.optout_each_message", failure, "a refusal offered in the message"))
}

/// The exception does not extend to minors, nor do its like.
pub(super) fn minor(hearing: &Hearing<'_>) -> Option<Limb> {
    let minor = hearing.minor().filter(|_| !hearing.rules().soft().minors)?;
    Some(hearing.unmet("soft.minors", Reason::Minor, "the person is a minor").found_in(minor))
}

fn purpose(hearing: &Hearing<'_>) -> Option<Limb> {
    let (path, rule) = noncommercial::rule(hearing)?;
    match rule {
        NoncommercialRule::Same | NoncommercialRule::OptOut | NoncommercialRule::OutOfScope => None,
        NoncommercialRule::Consent | NoncommercialRule::CharitySoft => Some(hearing.unmet(
            path,
            Reason::NoncommercialNeedsConsent,
            "its purpose is not to sell, and the exception is for selling",
        )),
    }
}

/// Whether a dealing is of a kind in whose course an address may be collected.
fn counts(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> bool {
    is_of_kind(hearing, dealing) && dealing.fact.completed != Some(false)
}

fn is_of_kind(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> bool {
    hearing.rules().soft().relationship_kinds.contains(&dealing.kind)
}

fn hear(hearing: &Hearing<'_>, dealing: &Dealing<'_>, collections: &[Collected<'_>]) -> Vec<Limb> {
    let mut limbs = vec![kind(hearing, dealing)];
    if hearing.rules().soft().same_legal_person {
        let same = hearing.is_senders(&dealing.fact.entity, dealing.entry.at);
        limbs.push(hearing.check(
            "soft.same_legal_person",
            unless(same, Reason::CollectedByOtherEntity),
            format!("the dealing was with {}", dealing.fact.entity),
        ));
    }
    limbs.extend(completion(hearing, dealing));
    limbs.extend(free_account(hearing, dealing));
    limbs.extend(age::limb(hearing, dealing));
    let mut limbs: Vec<Limb> = limbs.into_iter().map(|limb| limb.found_in(dealing.entry)).collect();
    // The address may have been collected in this dealing or in an earlier one; the age counts
    // from this one.
    let best = collections
        .iter()
        .filter(|collected| collected.speaks_for(dealing))
        .map(|collected| collection(hearing, collected))
        .min_by_key(|limbs| failures(limbs));
    limbs.extend(best.unwrap_or_else(|| no_collection(hearing)));
    limbs
}

fn kind(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Limb {
    let kinds = &hearing.rules().soft().relationship_kinds;
    let failure = match dealing.kind {
        kind if kinds.contains(&kind) => None,
        RelationshipKind::SaleFreeAccount => Some(Reason::RelSaleNotPaid),
        _ => Some(Reason::RelKindInsufficient),
    };
    let fact = format!(
        "{} on {} about {}",
        dealing.kind.in_words(),
        dealing.entry.at.date(),
        listed(&dealing.fact.topics)
    );
    hearing.check("soft.relationship_kinds", failure, fact)
}

fn completion(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Vec<Limb> {
    let rules = hearing.rules().soft();
    let mut limbs = Vec::new();
    if dealing.kind != RelationshipKind::SalePaid {
        return limbs;
    }
    // A cancelled sale is none anywhere; an unknown outcome is none where it must be shown.
    if rules.require_completed_sale || dealing.fact.completed == Some(false) {
        let (failure, fact) = match dealing.fact.completed {
            Some(true) => (None, "the sale was carried through"),
            Some(false) => (Some(Reason::RelSaleNotCompleted), "the sale was not carried through"),
            None => (
                Some(Reason::RelSaleNotCompleted),
                "whether the sale was carried through is unknown",
            ),
        };
        limbs.push(hearing.check("soft.require_completed_sale", failure, fact));
    }
    if rules.require_paid_sale {
        let paid = dealing.fact.paid == Some(true);
        let fact = if paid { "the sale was paid" } else { "whether the sale was paid is unknown" };
        let failure = unless(paid, Reason::RelSaleNotPaid);
        limbs.push(hearing.check("soft.require_paid_sale", failure, fact));
    }
    limbs
}

/// C-654/23: a free account is a sale where mail about a paid tier of the same service goes out.
fn free_account(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Option<Limb> {
    let rules = hearing.rules().soft();
    let counts = is_of_kind(hearing, dealing) && dealing.kind == RelationshipKind::SaleFreeAccount;
    if !counts || !rules.free_account_needs_paid_tier {
        return None;
    }
    let promotes = hearing.message().elements.iter().any(|element| {
        matches!(element, Element::UpgradeNudge | Element::EditorialNewsletterOwnPaidContent)
    });
    let fact = match promotes {
        true => "the message promotes a paid tier of the service",
        false => "the message promotes no paid tier of the service",
    };
    let failure = unless(promotes, Reason::RelSaleNotPaid);
    Some(hearing.check("soft.free_account_needs_paid_tier", failure, fact))
}

fn collection(hearing: &Hearing<'_>, collected: &Collected<'_>) -> Vec<Limb> {
    let rules = hearing.rules().soft();
    let fact = &collected.fact;
    let source = match collected.attested_by {
        Some(by) => format!(" (attested by {by})"),
        None => String::new(),
    };
    let mut limbs = Vec::new();
    if rules.same_legal_person {
        let same = hearing.is_senders(&fact.entity, collected.entry.at);
        limbs.push(hearing.check(
            "soft.same_legal_person",
            unless(same, Reason::CollectedByOtherEntity),
            format!("the address was collected by {}{source}", fact.entity),
        ));
    }
    if rules.direct_collection {
        // A bought, shared or imported list is nobody's own dealing with the person.
        let listed = matches!(
            fact.channel,
            Some(CollectionChannel::List | CollectionChannel::Platform | CollectionChannel::Import)
        );
        let direct = fact.direct == Some(true) && !listed;
        let what = match fact.direct {
            Some(true) if !listed => "the person gave the address directly",
            Some(true) | Some(false) => "the address came from somebody else",
            None => "whether the person gave the address directly is unknown",
        };
        limbs.push(hearing.check(
            "soft.direct_collection",
            unless(direct, Reason::CollectedIndirectly),
            format!("{what}{source}"),
        ));
    }
    if rules.optout_at_collection {
        let (failure, what) = match fact.opt_out_offered {
            Some(true) => (None, "a refusal was offered when the address was collected"),
            Some(false) => (
                Some(Reason::OptoutNotOffered),
                "no refusal was offered when the address was collected",
            ),
            None => (
                Some(Reason::OptoutOfferUnproven),
                "whether a refusal was offered when the address was collected is unknown",
            ),
        };
        limbs.push(hearing.check("soft.optout_at_collection", failure, format!("{what}{source}")));
    }
    limbs.into_iter().map(|limb| limb.found_in(collected.entry)).collect()
}

fn no_collection(hearing: &Hearing<'_>) -> Vec<Limb> {
    let rules = hearing.rules().soft();
    let mut limbs = Vec::new();
    if rules.direct_collection {
        limbs.push(hearing.unmet(
            "soft.direct_collection",
            Reason::CollectedIndirectly,
            "nothing shows that the address was collected in this dealing",
        ));
    }
    if rules.optout_at_collection {
        limbs.push(hearing.unmet(
            "soft.optout_at_collection",
            Reason::OptoutOfferUnproven,
            "nothing shows that a refusal was offered when the address was collected",
        ));
    }
    limbs
}

/// Whether the dealings that pass cover every topic; if none passes, whether the best would.
fn similarity(
    hearing: &Hearing<'_>,
    heard: &[(Dealing<'_>, Vec<Limb>)],
    passing: &[Dealing<'_>],
) -> Limb {
    let wanted = &hearing.message().topics;
    if !hearing.rules().soft().similar_required {
        return hearing.met("soft.similar_required", "topics need not be similar here");
    }
    let first = heard.first().map(|(dealing, _)| *dealing);
    let dealings: Vec<Dealing<'_>> =
        if passing.is_empty() { first.into_iter().collect() } else { passing.to_vec() };
    let covering = |topic: &TopicId| {
        dealings.iter().find(|dealing| {
            let covers = |sold| {
                let map = &hearing.case.policy.similarity;
                map.covers(&dealing.fact.entity, sold, topic)
            };
            dealing.fact.topics.iter().any(covers)
        })
    };
    let missing: Vec<&TopicId> = wanted.iter().filter(|t| covering(t).is_none()).collect();
    let covered = !wanted.is_empty() && missing.is_empty();
    let bought: Vec<TopicId> = each_once(dealings.iter().flat_map(|d| &d.fact.topics));
    let fact = if wanted.is_empty() {
        String::from("the message names no topic")
    } else if covered {
        format!("what it was about ({}) covers {}", listed(&bought), listed(wanted))
    } else {
        format!("what it was about ({}) does not cover {}", listed(&bought), listed(&missing))
    };
    let limb = hearing.check("soft.similar_required", unless(covered, Reason::NotSimilar), fact);
    if !covered {
        return dealings.iter().fold(limb, |limb, dealing| limb.found_in(dealing.entry));
    }
    wanted.iter().filter_map(covering).fold(limb, |limb, dealing| limb.found_in(dealing.entry))
}
