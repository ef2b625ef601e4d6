//! Consent the law reads out of a relation, a publication or a card handed over.
//!
//! Canada implies it in business and in support for limited times (CASL s. 10(9) to (14));
//! Australia, New Zealand and Japan infer it from relationships; several let mail go to work
//! addresses the person published, if it is about that work and no refusal stood beside them.

use super::hearing::{Hearing, failures, listed, unless};
use super::relations::{Dealing, dealings};
use super::{Heard, role, soft};
use crate::eligibility::basis::Basis;
use crate::eligibility::calendar::counts_still;
use crate::eligibility::fact::{CollectionChannel, Fact};
use crate::eligibility::reason::Reason;
use crate::eligibility::relationship::RelationshipKind;
use crate::eligibility::rules::{InferredRule, MonthLimit};
use crate::eligibility::verdict::Limb;

/// An existing business relationship.
pub(super) fn business_relationship(hearing: &Hearing<'_>) -> Heard {
    let rules = hearing.rules().implied();
    let route = Route {
        path: "implied.ebr_kinds",
        kinds: &rules.ebr_kinds,
        limit: |hearing, kind| match kind {
            RelationshipKind::Inquiry | RelationshipKind::QuoteRequest => {
                ("implied.ebr_inquiry_months", hearing.rules().implied().ebr_inquiry_months)
            }
            _ => ("implied.ebr_purchase_months", hearing.rules().implied().ebr_purchase_months),
        },
    };
    Some((Basis::ImpliedEbr, route.limbs(hearing)?))
}

/// An existing relationship without business.
pub(super) fn support_relationship(hearing: &Hearing<'_>) -> Heard {
    let route = Route {
        path: "implied.enbr_kinds",
        kinds: &hearing.rules().implied().enbr_kinds,
        limit: |hearing, _| ("implied.enbr_months", hearing.rules().implied().enbr_months),
    };
    Some((Basis::ImpliedEnbr, route.limbs(hearing)?))
}

/// A relationship from which consent is inferred.
pub(super) fn inferred(hearing: &Hearing<'_>) -> Heard {
    let rules = hearing.rules().implied();
    if rules.inferred == InferredRule::Never {
        return None;
    }
    let card = card(hearing).unwrap_or_default();
    if !card.is_empty() && failures(&card) == 0 {
        return Some((Basis::InferredRelationship, card));
    }
    let route = Route {
        path: "implied.inferred_kinds",
        kinds: &rules.inferred_kinds,
        limit: |hearing, _| ("implied.inferred_months", hearing.rules().implied().inferred_months),
    };
    // A card that does not serve leaves what the person's dealings imply, and is told if that
    // does not serve either.
    match route.limbs(hearing) {
        Some(limbs) if failures(&limbs) == 0 => Some((Basis::InferredRelationship, limbs)),
        limbs => {
            let limbs = [card, limbs.unwrap_or_default()].concat();
            (!limbs.is_empty()).then_some((Basis::InferredRelationship, limbs))
        }
    }
}

/// A card or another writing the person handed over.
fn card(hearing: &Hearing<'_>) -> Option<Vec<Limb>> {
    if !hearing.rules().implied().card {
        return None;
    }
    let entry = hearing.statements().find(|entry| match &entry.fact {
        Fact::AddressCollected(collection) => {
            collection.channel == Some(CollectionChannel::Card)
                && collection.direct != Some(false)
                && hearing.is_senders(&collection.entity, entry.at)
        }
        _ => false,
    })?;
    let fact = format!("a card handed over on {}", entry.at.date());
    let mut limbs = vec![hearing.met("implied.card", fact).found_in(entry)];
    limbs.extend(soft::minor(hearing));
    if hearing.rules().implied().inferred_related {
        limbs.push(role::limb(hearing, "implied.inferred_related", None));
    }
    Some(limbs)
}

/// A work address the person published without a refusal, for mail about that work.
pub(super) fn publication(hearing: &Hearing<'_>) -> Heard {
    let rules = hearing.rules().implied();
    if !rules.published {
        return None;
    }
    let heard = hearing.statements().filter_map(|entry| match &entry.fact {
        Fact::AddressPublished { role, no_spam_notice, .. } => {
            let unrefused = *no_spam_notice == Some(false);
            let fact = match no_spam_notice {
                Some(false) => "the address was published without a refusal beside it",
                Some(true) => "a refusal of advertising stands beside the address",
                None => "whether a refusal stands beside the published address is unknown",
            };
            let failure = unless(unrefused, Reason::RelKindInsufficient);
            let mut limbs = vec![hearing.check("implied.published", failure, fact)];
            if rules.published_relevance {
                limbs.push(role::limb(hearing, "implied.published_relevance", role.as_deref()));
            }
            Some(limbs.into_iter().map(|limb| limb.found_in(entry)).collect::<Vec<_>>())
        }
        _ => None,
    });
    heard.min_by_key(|limbs| failures(limbs)).map(|limbs| (Basis::ImpliedPublication, limbs))
}

/// A way from a relation to consent: which kinds count, and for how long.
struct Route<'r> {
    path: &'static str,
    kinds: &'r [RelationshipKind],
    limit: fn(&Hearing<'_>, RelationshipKind) -> (&'static str, MonthLimit),
}

impl Route<'_> {
    /// The conditions for the best dealing on record; `None` if the set has no such way.
    fn limbs(&self, hearing: &Hearing<'_>) -> Option<Vec<Limb>> {
        if self.kinds.is_empty() {
            return None;
        }
        let dealings = dealings(hearing);
        let best = dealings
            .iter()
            .map(|dealing| (!self.kinds.contains(&dealing.kind), self.hear(hearing, dealing)))
            .min_by_key(|(is_other, limbs)| (*is_other, failures(limbs)));
        let none = || vec![hearing.unmet(self.path, Reason::RelNone, "no relation is on record")];
        Some(best.map_or_else(none, |(_, limbs)| limbs))
    }

    fn hear(&self, hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Vec<Limb> {
        let same = hearing.is_senders(&dealing.fact.entity, dealing.entry.at);
        let mut limbs: Vec<Limb> = soft::minor(hearing).into_iter().collect();
        limbs.extend([
            self.kind(hearing, dealing),
            hearing.check(
                self.path,
                unless(same, Reason::CollectedByOtherEntity),
                format!("the relation is with {}", dealing.fact.entity),
            ),
        ]);
        if dealing.fact.completed == Some(false) {
            let fact = "it was not carried through";
            limbs.push(hearing.unmet(self.path, Reason::RelSaleNotCompleted, fact));
        }
        if self.kinds.contains(&dealing.kind) {
            limbs.extend(self.age(hearing, dealing));
            limbs.extend(self.related(hearing, dealing));
        }
        limbs.into_iter().map(|limb| limb.found_in(dealing.entry)).collect()
    }

    fn kind(&self, hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Limb {
        let rules = hearing.rules().implied();
        let counts = self.kinds.contains(&dealing.kind);
        let wants_running =
            self.path == "implied.inferred_kinds" && rules.inferred == InferredRule::Ongoing;
        // What was bought once, or is over, is no relation that goes on.
        let failure = match counts {
            true => None,
            false if wants_running => Some(Reason::RelNotOngoing),
            false => Some(Reason::RelKindInsufficient),
        };
        let fact = format!("{} on {}", dealing.kind.in_words(), dealing.entry.at.date());
        hearing.check(self.path, failure, fact)
    }

    fn age(&self, hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Option<Limb> {
        if dealing.kind == RelationshipKind::ContractOpen {
            return None;
        }
        let (path, limit) = (self.limit)(hearing, dealing.kind);
        let since = dealing.ended_at.unwrap_or(dealing.entry.at);
        let alive = counts_still(since, limit, hearing.today);
        let fact = format!("it counts from {}", since.date());
        Some(hearing.check(path, unless(alive, Reason::RelTooOld), fact))
    }

    /// Australia: directly related to the relationship.
    fn related(&self, hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Option<Limb> {
        if self.path != "implied.inferred_kinds" || !hearing.rules().implied().inferred_related {
            return None;
        }
        let wanted = &hearing.message().topics;
        let map = &hearing.case.policy.similarity;
        let covers = |topic| {
            let of = |sold| map.covers(&dealing.fact.entity, sold, topic);
            dealing.fact.topics.iter().any(of)
        };
        let related = !wanted.is_empty() && wanted.iter().all(covers);
        let fact = format!(
            "it was about {}; the message is about {}",
            listed(&dealing.fact.topics),
            listed(wanted)
        );
        let failure = unless(related, Reason::NotSimilar);
        Some(hearing.check("implied.inferred_related", failure, fact))
    }
}
