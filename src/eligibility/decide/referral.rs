//! A friend's recommendation: marketing, unless the conditions some rule sets name are shown.
//!
//! Whoever enters an address for an extra chance at a prize is no friend writing but a sender's
//! arm. Each condition needs evidence, and the exemption is good for one mail.

use super::hearing::Hearing;
use crate::eligibility::fact::{Fact, ReferralFact};
use crate::eligibility::rules::ReferralCondition;

/// Whether a recommendation on record meets every condition and was not used before.
pub(super) fn is_exempt(hearing: &Hearing<'_>) -> bool {
    let sent_at = hearing.case.recipient.last_marketing_sent_at;
    hearing.statements().any(|entry| {
        let Fact::Referral(referral) = &entry.fact else { return false };
        let is_unused = sent_at.is_none_or(|sent| sent < entry.at);
        let conditions = &hearing.rules().referral().conditions;
        hearing.is_senders(&referral.entity, entry.at)
            && is_unused
            && conditions.iter().all(|&condition| is_shown(referral, condition))
    })
}

fn is_shown(referral: &ReferralFact, condition: ReferralCondition) -> bool {
    match condition {
        ReferralCondition::OwnInitiative => referral.own_initiative == Some(true),
        ReferralCondition::NoReward => referral.rewarded == Some(false),
        ReferralCondition::InitiatorShown => referral.initiator_shown == Some(true),
        ReferralCondition::TextSeen => referral.text_seen == Some(true),
        ReferralCondition::UsedOnce => referral.used_once == Some(true),
    }
}
