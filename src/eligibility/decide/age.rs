//! How long a dealing makes a customer: limits per kind, and from when they count.
//!
//! A running contract does not age. Ireland's twelve months begin anew with each marketing
//! message, as long as the chain from the sale never broke (SI 336/2011 reg. 13(11)); France
//! counts from the last thing the person did.

use super::hearing::{Hearing, unless};
use super::relations::Dealing;
use crate::base::Timestamp;
use crate::eligibility::calendar::counts_still;
use crate::eligibility::fact::Fact;
use crate::eligibility::reason::Reason;
use crate::eligibility::relationship::RelationshipKind;
use crate::eligibility::rules::{AgeAnchor, MonthLimit};
use crate::eligibility::verdict::Limb;

/// The condition that a dealing is not too old; `None` if it does not age.
pub(super) fn limb(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Option<Limb> {
    let rules = hearing.rules().soft();
    let counts = rules.relationship_kinds.contains(&dealing.kind);
    let (path, policy) = match dealing.kind {
        // A running contract does not age.
        RelationshipKind::ContractOpen => return None,
        RelationshipKind::ContractEnded => {
            ("soft.max_age_months.contract_ended", rules.max_age_months_contract_ended)
        }
        RelationshipKind::Negotiation if counts => {
            ("soft.max_age_months.negotiation", rules.max_age_months_negotiation)
        }
        RelationshipKind::QuoteRequest if counts => {
            ("soft.max_age_months.quote_request", rules.max_age_months_quote_request)
        }
        RelationshipKind::SaleFreeAccount if counts => {
            ("soft.max_age_months.sale_free_account", rules.max_age_months_free_account)
        }
        // Kinds that count nowhere age like a sale.
        RelationshipKind::SalePaid
        | RelationshipKind::SaleFreeAccount
        | RelationshipKind::Negotiation
        | RelationshipKind::QuoteRequest
        | RelationshipKind::Inquiry
        | RelationshipKind::BrowseOnly
        | RelationshipKind::Donation
        | RelationshipKind::Volunteer
        | RelationshipKind::Membership
        | RelationshipKind::Interest
        | RelationshipKind::EreceiptOnly
        | RelationshipKind::Competition => {
            ("soft.max_age_months.sale_paid", rules.max_age_months_sale)
        }
    };
    let limit = at_most(policy, rules.max_age_cap_months);
    let path = if limit == policy { path } else { "soft.max_age_cap_months" };
    let (since, alive) = standing(hearing, dealing, limit);
    let limit = match limit {
        MonthLimit::Months(months) => format!("{months} months"),
        MonthLimit::Unlimited => String::from("no limit"),
    };
    let fact = format!("it counts from {}; the limit is {limit}", since.date());
    Some(hearing.check(path, unless(alive, Reason::RelTooOld), fact))
}

/// From when the age counts, and whether it is within the limit.
fn standing(hearing: &Hearing<'_>, dealing: &Dealing<'_>, limit: MonthLimit) -> (Timestamp, bool) {
    let sold = dealing.entry.at;
    let ended = dealing.ended_at.unwrap_or(sold);
    let since = match hearing.rules().soft().age_anchor {
        AgeAnchor::LastSale => sold,
        AgeAnchor::ContractEnd => ended,
        AgeAnchor::LastActivity => {
            last_activity(hearing, dealing).map_or(ended, |at| at.max(ended))
        }
        AgeAnchor::Unbroken => unbroken(hearing, ended, limit).map_or(ended, |at| at.max(ended)),
    };
    (since, counts_still(since, limit, hearing.today))
}

/// The last marketing message of a chain that began while the dealing still counted.
fn unbroken(hearing: &Hearing<'_>, sold: Timestamp, limit: MonthLimit) -> Option<Timestamp> {
    let recipient = &hearing.case.recipient;
    let last =
        recipient.last_marketing_sent_at.filter(|&at| sold <= at && at <= hearing.case.at)?;
    let first = recipient.marketing_unbroken_since.map_or(last, |since| since.min(last));
    counts_still(sold, limit, first.date()).then_some(last)
}

/// The last thing the person did with the sender.
fn last_activity(hearing: &Hearing<'_>, dealing: &Dealing<'_>) -> Option<Timestamp> {
    let acts = hearing.statements().filter(|entry| match &entry.fact {
        Fact::Activity { entity } => hearing.is_senders(entity, entry.at),
        _ => false,
    });
    acts.map(|entry| entry.at).filter(|&at| at >= dealing.entry.at).max()
}

/// The shorter of a policy's limit and the cap nobody may go beyond.
fn at_most(policy: MonthLimit, cap: MonthLimit) -> MonthLimit {
    match (policy, cap) {
        (MonthLimit::Months(months), MonthLimit::Months(cap)) => {
            MonthLimit::Months(months.min(cap))
        }
        (MonthLimit::Unlimited, limited @ MonthLimit::Months(_)) => limited,
        (policy, MonthLimit::Unlimited) => policy,
    }
}
