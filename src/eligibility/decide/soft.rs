//! The existing-customer exception (ePrivacy Directive art. 13(2) and what implements it).
//!
//! It belongs to the legal person that sold, for an address the person gave in that dealing, if
//! a refusal was offered there and then, and only for what is similar. Every pair of dealing and
//! collection is heard; together the dealings that pass must cover every topic.

use super::hearing::{Hearing, failures, listed, unless};
use super::relations::{Collected, Dealing, collections, dealings};
use crate::base::TopicId;
use crate::eligibility::calendar::counts_still;
use crate::eligibility::case::Purpose;
use crate::eligibility::evidence::CollectionChannel;
use crate::eligibility::reason::Reason;
use crate::eligibility::rules::{AgeAnchor, MonthLimit, NoncommercialRule, RelationshipKind};
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
        limbs.insert(
            0,
            hearing.unmet("soft.relationship_kinds", Reason::RelNone, near_miss(hearing)),
        );
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

/// Conditions that ask about the message alone.
fn message_limbs(hearing: &Hearing<'_>) -> Vec<Limb> {
    let message = hearing.message();
    let mut limbs = Vec::new();
    if hearing.rules().soft().own_products_only {
        let own = message.promoted_entities.iter().all(|e| *e == message.sending_entity);
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
    let says = hearing.rules().noncommercial();
    let (path, rule) = match message.purpose {
        Purpose::Commercial => return limbs,
        Purpose::CharityFundraising | Purpose::CharityOther => {
            ("noncommercial.charity", says.charity)
        }
        Purpose::Political => ("noncommercial.political", says.political),
        Purpose::PublicTask => ("noncommercial.public_task", says.public_task),
    };
    if rule == NoncommercialRule::Same {
        return limbs;
    }
    limbs.push(hearing.unmet(
        path,
        Reason::NoncommercialNeedsConsent,
        "its purpose is not to sell, and the exception is for selling",
    ));
    limbs
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
        let same = dealing.fact.entity == hearing.message().sending_entity;
        limbs.push(hearing.check(
            "soft.same_legal_person",
            unless(same, Reason::CollectedByOtherEntity),
            format!("the dealing was with {}", dealing.fact.entity),
        ));
    }
    let found = |limb: Limb| limb.found_in(dealing.entry);
    if !is_of_kind(hearing, dealing) {
        // Age and collection of what does not count at all would only mislead.
        return limbs.into_iter().map(found).collect();
    }
    limbs.extend(completion(hearing, dealing));
    limbs.extend(age(hearing, dealing));
    let mut limbs: Vec<Limb> = limbs.into_iter().map(found).collect();
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
    let what = match dealing.kind {
        RelationshipKind::SalePaid => "a sale",
        RelationshipKind::SaleFreeAccount => "a free account",
        RelationshipKind::ContractOpen => "a running contract",
        RelationshipKind::ContractEnded => "a contract that has ended",
        RelationshipKind::Negotiation => "negotiations",
        RelationshipKind::Inquiry => "an inquiry",
        RelationshipKind::Donation => "a donation",
        RelationshipKind::Membership => "a membership",
        RelationshipKind::Interest => "a sign of interest",
    };
    let failure = match dealing.kind {
        kind if kinds.contains(&kind) => None,
        RelationshipKind::SaleFreeAccount => Some(Reason::RelSaleNotPaid),
        _ => Some(Reason::RelKindInsufficient),
    };
    let fact =
        format!("{what} on {} about {}", dealing.entry.at.date(), listed(&dealing.fact.topics));
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

fn age(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Option<Limb> {
    let rules = hearing.rules().soft();
    let (path, limit) = match dealing.kind {
        RelationshipKind::SalePaid => ("soft.max_age_months.sale_paid", rules.max_age_months_sale),
        RelationshipKind::ContractEnded => {
            ("soft.max_age_months.contract_ended", rules.max_age_months_contract_ended)
        }
        RelationshipKind::Negotiation => {
            ("soft.max_age_months.negotiation", rules.max_age_months_negotiation)
        }
        // A running contract does not age; kinds that count nowhere need no limit.
        RelationshipKind::ContractOpen => return None,
        RelationshipKind::SaleFreeAccount
        | RelationshipKind::Inquiry
        | RelationshipKind::Donation
        | RelationshipKind::Membership
        | RelationshipKind::Interest => {
            ("soft.max_age_months.sale_paid", rules.max_age_months_sale)
        }
    };
    let since = match rules.age_anchor {
        AgeAnchor::ContractEnd => dealing.ended_at.unwrap_or(dealing.entry.at),
        AgeAnchor::LastSale => dealing.entry.at,
    };
    let alive = counts_still(since, limit, hearing.today);
    let limit = match limit {
        MonthLimit::Months(months) => format!("{months} months"),
        MonthLimit::Unlimited => String::from("no limit"),
    };
    let fact = format!("it counts from {}; the limit is {limit}", since.date());
    Some(hearing.check(path, unless(alive, Reason::RelTooOld), fact))
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
        let same = fact.entity == hearing.message().sending_entity;
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
