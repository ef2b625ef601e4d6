//! What a message is in the eyes of one rule set, derived from its elements.
//!
//! The class a sender claims never lowers it; nothing known, or anything not recognised, makes
//! it marketing (promise P7). One promotional element makes the whole message marketing.

use super::hearing::Hearing;
use crate::classify::{Element, Nature};
use crate::eligibility::case::Class;
use crate::eligibility::reason::Reason;
use crate::eligibility::rules::{ElementRule, Mark, MixedRule};
use crate::eligibility::verdict::Limb;

/// The class, and what made it so.
pub(super) struct Finding {
    pub class: Class,
    /// Remarks on the class: reasons of a denial, information with a permit.
    pub notes: Vec<Limb>,
}

/// The class of the message in the eyes of the rule set.
pub(super) fn find(hearing: &Hearing<'_>) -> Finding {
    let elements = &hearing.message().elements;
    let weights = || elements.iter().map(|&element| weigh(hearing, element));
    let promotes = elements.is_empty() || weights().any(|w| w == Weight::Promotes);
    let informs = weights().any(|w| w == Weight::Informs);
    let MixedRule::AnyPromoTaints = hearing.rules().classify().mixed_rule;
    let class = if promotes {
        Class::Marketing
    } else if informs {
        Class::Service
    } else {
        Class::Research
    };
    let notes = if promotes { notes(hearing, informs) } else { Vec::new() };
    Finding { class, notes }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Promotes,
    Informs,
    Researches,
}

fn weigh(hearing: &Hearing<'_>, element: Element) -> Weight {
    match element.nature() {
        Nature::Neutral => Weight::Informs,
        Nature::Promotional | Nature::Unclear => Weight::Promotes,
        Nature::Depends => match rule_for(hearing, element).1 {
            ElementRule::Marketing => Weight::Promotes,
            ElementRule::Service => Weight::Informs,
            ElementRule::ResearchExempt => Weight::Researches,
        },
    }
}

/// What the rule set says about an element of disputed nature, and where.
fn rule_for(hearing: &Hearing<'_>, element: Element) -> (&'static str, ElementRule) {
    let says = hearing.rules().classify();
    match element {
        Element::Survey => ("classify.survey", says.survey),
        Element::ReviewRequest => ("classify.review_request", says.review_request),
        Element::AbandonedBasket => ("classify.abandoned_basket", says.abandoned_basket),
        Element::MarketResearch => ("classify.market_research", says.market_research),
        Element::Greeting => ("classify.greeting", says.greeting),
        Element::RenewalReminder => ("classify.renewal_reminder", says.renewal_reminder),
        Element::ConsentRequest | Element::PreferenceInvite => {
            ("classify.consent_request", says.consent_request)
        }
        Element::NewsletterSignupLink => {
            ("classify.newsletter_signup_link", says.newsletter_signup_link)
        }
        Element::ReferralByFriend => ("classify.referral", says.referral),
        Element::DoiConfirmBranded => ("classify.doi_branded", says.doi_branded),
        Element::BrandFooter => ("classify.brand_footer", says.brand_footer),
        _ => ("classify.mixed_rule", ElementRule::Marketing),
    }
}

fn notes(hearing: &Hearing<'_>, informs: bool) -> Vec<Limb> {
    let message = hearing.message();
    let mut notes = Vec::new();
    let asks = message
        .elements
        .iter()
        .any(|e| matches!(e, Element::ConsentRequest | Element::PreferenceInvite));
    if asks {
        notes.push(hearing.unmet(
            "classify.consent_request",
            Reason::ConsentRequestIsMarketing,
            "the message asks for consent or preferences",
        ));
    }
    if informs {
        notes.push(hearing.unmet(
            "classify.mixed_rule",
            Reason::MixedContent,
            "the message has administrative parts and promotional ones",
        ));
    }
    if let Some(claimed) = message.class_claimed.filter(|&class| class != Class::Marketing) {
        notes.push(hearing.unmet(
            "classify.mixed_rule",
            Reason::ClassClaimRejected,
            format!("the sender calls it {}", claimed.as_str()),
        ));
    }
    notes
}

/// Whether the class rests on a choice rather than on a source.
pub(super) fn rests_on_choice(hearing: &Hearing<'_>) -> bool {
    let elements = &hearing.message().elements;
    let is_chosen = |element: &Element| {
        element.nature() == Nature::Depends
            && hearing.set.mark(rule_for(hearing, *element).0) == Some(Mark::Policy)
    };
    // A choice decides only where nothing plainly promotional does.
    elements.iter().all(|e| matches!(e.nature(), Nature::Neutral | Nature::Depends))
        && elements.iter().any(is_chosen)
}
