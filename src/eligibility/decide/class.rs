//! What a message is in the eyes of one rule set, derived from its elements.
//!
//! The class a sender claims never lowers it; nothing known, or anything not recognised, makes
//! it marketing (promise P7). One promotional element makes the whole message marketing, except
//! where the primary purpose decides (16 CFR 316.3).

use super::hearing::Hearing;
use super::{noncommercial, referral, suppression};
use crate::classify::{Element, Nature};
use crate::eligibility::case::{Class, Purpose};
use crate::eligibility::reason::Reason;
use crate::eligibility::rules::{Duty, ElementRule, Mark, MixedRule, NoncommercialRule};
use crate::eligibility::verdict::Limb;

/// The class, and what made it so.
pub(super) struct Finding {
    pub class: Class,
    /// Remarks on the class: reasons of a denial, information with a permit.
    pub notes: Vec<Limb>,
    /// The duties that stay if it is not marketing.
    pub keeps: Vec<Duty>,
}

/// The class of the message in the eyes of the rule set.
pub(super) fn find(hearing: &Hearing<'_>) -> Finding {
    let elements = &hearing.message().elements;
    let not_marketing = |class| Finding { class, notes: Vec::new(), keeps: duties(hearing) };
    if is_internal(hearing) {
        return Finding { class: Class::Personal, notes: Vec::new(), keeps: Vec::new() };
    }
    if is_public_task(hearing) {
        return not_marketing(Class::Service);
    }
    let weighs = |wanted| elements.iter().any(|&element| weigh(hearing, element) == wanted);
    let promotes = elements.is_empty() || weighs(Weight::Promotes) || promotes_by_links(hearing);
    let informs = weighs(Weight::Informs);
    if promotes && !(informs && is_mainly_transactional(hearing)) {
        let notes = notes(hearing, informs);
        return Finding { class: Class::Marketing, notes, keeps: Vec::new() };
    }
    if informs {
        not_marketing(Class::Service)
    } else if weighs(Weight::Recommends) {
        let keeps = hearing.rules().referral().keeps.clone();
        Finding { class: Class::Personal, notes: Vec::new(), keeps }
    } else {
        not_marketing(Class::Research)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Promotes,
    Informs,
    Researches,
    Recommends,
}

fn weigh(hearing: &Hearing<'_>, element: Element) -> Weight {
    match element.nature() {
        Nature::Neutral => Weight::Informs,
        Nature::Promotional | Nature::Unclear => Weight::Promotes,
        Nature::Depends => match rule_for(hearing, element).1 {
            ElementRule::Marketing => Weight::Promotes,
            ElementRule::Service => Weight::Informs,
            ElementRule::ResearchExempt => Weight::Researches,
            ElementRule::Conditional
                if referral::is_exempt(hearing) && !suppression::is_contested(hearing) =>
            {
                Weight::Recommends
            }
            ElementRule::Conditional => Weight::Promotes,
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
        Element::PressRelease => ("classify.press_release", says.press_release),
        // What calls itself internal and goes outside is not.
        _ => ("classify.mixed_rule", ElementRule::Marketing),
    }
}

/// Whether the recipient is the sender's own staff.
fn is_internal(hearing: &Hearing<'_>) -> bool {
    let sender = &hearing.message().sending_entity;
    hearing.case.recipient.domain.is_some_and(|domain| {
        hearing.case.policy.staff_domains.contains(&(sender.clone(), domain.clone()))
    })
}

/// Whether it is a public body's mail for its task, where that is no marketing.
fn is_public_task(hearing: &Hearing<'_>) -> bool {
    let message = hearing.message();
    message.purpose == Purpose::PublicTask
        && !message.elements.is_empty()
        && hearing.rules().noncommercial().public_task == NoncommercialRule::OutOfScope
        && noncommercial::sells_nothing(hearing)
}

/// Spam Act 2003 s. 6(1): what the links lead to is content as well.
fn promotes_by_links(hearing: &Hearing<'_>) -> bool {
    hearing.message().reading.linked_content_promotional == Some(true)
        && hearing.rules().classify().linked_content_counts
}

/// 16 CFR 316.3(a)(2): what is transacted stands first, and the subject does not sell.
fn is_mainly_transactional(hearing: &Hearing<'_>) -> bool {
    let reading = &hearing.message().reading;
    match hearing.rules().classify().mixed_rule {
        MixedRule::AnyPromoTaints | MixedRule::OneOfPurposes => false,
        MixedRule::PrimaryPurposeUs => {
            reading.subject_reads_commercial == Some(false)
                && reading.transactional_content_first == Some(true)
        }
    }
}

/// The duties that stay for a message that is not marketing.
fn duties(hearing: &Hearing<'_>) -> Vec<Duty> {
    let exempt = hearing.rules().exempt();
    let elements = &hearing.message().elements;
    let is_free = !elements.is_empty() && elements.iter().all(|e| exempt.free.contains(e));
    if is_free { Vec::new() } else { exempt.keeps.clone() }
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
