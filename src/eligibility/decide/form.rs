//! What the copy itself must say and offer: a basis alone is not enough.
//!
//! The form is that of the copy which will really be sent. Where a rule set wants a visible way
//! to unsubscribe, header fields alone satisfy it only if the set says so. What is not known
//! counts as missing (promise P7).

use super::hearing::{Hearing, unless};
use crate::eligibility::basis::Basis;
use crate::eligibility::case::Validity;
use crate::eligibility::reason::Reason;
use crate::eligibility::rules::{Duty, LabelWhen, UnsubscribeIn};
use crate::eligibility::verdict::Limb;

/// The defects of a marketing message sent on `basis`, if there is one.
pub(super) fn defects(hearing: &Hearing<'_>, basis: Option<Basis>) -> Vec<Limb> {
    let mut limbs = identity(hearing);
    limbs.extend(unsubscribe(hearing));
    limbs.extend(appearance(hearing, basis));
    limbs.extend(honesty(hearing));
    limbs.retain(|limb| !limb.holds());
    limbs
}

/// The defects of a message that is not marketing, as far as `duties` stay for it.
pub(super) fn defects_of_exempt(hearing: &Hearing<'_>, duties: &[Duty]) -> Vec<Limb> {
    let mut limbs = Vec::new();
    for duty in duties {
        limbs.extend(match duty {
            Duty::Identity => identity(hearing),
            Duty::Unsubscribe => unsubscribe(hearing),
            Duty::HonestHeaders => honesty(hearing),
        });
    }
    limbs.retain(|limb| !limb.holds());
    limbs
}

fn identity(hearing: &Hearing<'_>) -> Vec<Limb> {
    let rules = hearing.rules().message();
    let message = hearing.message();
    let says = &message.form.identity;
    let mut limbs = Vec::new();
    if rules.identity {
        let complete = says.legal_name == Some(true) && says.contact == Some(true);
        limbs.push(hearing.check(
            "message.identity",
            unless(complete, Reason::MsgNoIdentity),
            "the sender's name and contact",
        ));
    }
    if rules.postal_address {
        limbs.push(hearing.check(
            "message.postal_address",
            unless(says.postal_address == Some(true), Reason::MsgNoPostalAddress),
            "the sender's postal address",
        ));
    }
    let for_others = message.promoted_entities.iter().any(|e| *e != message.sending_entity);
    if rules.on_behalf_of && for_others {
        limbs.push(hearing.check(
            "message.on_behalf_of",
            unless(says.on_behalf_of == Some(true), Reason::MsgOnBehalfMissing),
            "those on whose behalf it is sent",
        ));
    }
    limbs
}

fn unsubscribe(hearing: &Hearing<'_>) -> Vec<Limb> {
    let rules = hearing.rules().optout();
    let offer = &hearing.message().form.unsubscribe;
    let (present, where_) = match hearing.rules().message().unsubscribe {
        UnsubscribeIn::Body => (offer.visible == Some(true), "in the message as displayed"),
        UnsubscribeIn::Headers => (
            offer.visible == Some(true) || offer.header == Some(true),
            "in the message or its headers",
        ),
        UnsubscribeIn::Nowhere => return Vec::new(),
    };
    let mut limbs = vec![hearing.check(
        "message.unsubscribe",
        unless(present, Reason::MsgNoUnsubscribe),
        format!("a way to unsubscribe {where_}"),
    )];
    if !present {
        return limbs;
    }
    let burdens = [
        ("optout.login_allowed", rules.login_allowed, offer.login_required, "without a log-in"),
        (
            "optout.extra_data_allowed",
            rules.extra_data_allowed,
            offer.extra_data_required,
            "without more data than the address",
        ),
        ("optout.fee_allowed", rules.fee_allowed, offer.fee, "without a fee"),
    ];
    for (path, allowed, burdened, what) in burdens {
        let light = allowed || burdened == Some(false);
        let fact = format!("unsubscribing {what}");
        limbs.push(hearing.check(path, unless(light, Reason::MsgUnsubscribeFriction), fact));
    }
    limbs.push(hearing.check(
        "optout.max_steps",
        unless(
            offer.steps.is_some_and(|steps| steps <= rules.max_steps),
            Reason::MsgUnsubscribeFriction,
        ),
        format!("unsubscribing in at most {} steps", rules.max_steps),
    ));
    let lasts = match offer.validity {
        Validity::Unknown => false,
        Validity::Days(days) => days >= rules.mechanism_valid_days,
        Validity::Unlimited => true,
    };
    limbs.push(hearing.check(
        "optout.mechanism_valid_days",
        unless(lasts, Reason::MsgUnsubscribeExpires),
        format!("a way to unsubscribe that works for {} days", rules.mechanism_valid_days),
    ));
    limbs
}

fn appearance(hearing: &Hearing<'_>, basis: Option<Basis>) -> Vec<Limb> {
    let rules = hearing.rules().message();
    let form = &hearing.message().form;
    let carried = form.label.as_deref().unwrap_or_default().trim().to_lowercase();
    let mut words = rules.label.split('/').map(|word| word.trim().to_lowercase());
    let is_labelled = !carried.is_empty() && words.any(|word| word == carried);
    let is_obvious = form.ad_identifiable == Some(true);
    let mut limbs = Vec::new();
    if rules.ad_identifiable {
        limbs.push(hearing.check(
            "message.ad_identifiable",
            unless(is_obvious || is_labelled, Reason::MsgNotIdentifiableAsAd),
            "it can be recognised as advertising",
        ));
    }
    let needs_label = match rules.label_when {
        LabelWhen::Always => true,
        LabelWhen::NotObvious => !is_obvious,
        LabelWhen::NoConsent => basis != Some(Basis::ConsentExpress),
        LabelWhen::UnsolicitedBulk => basis != Some(Basis::ConsentExpress) && is_bulk(hearing),
        LabelWhen::SexuallyExplicit => hearing.message().reading.sexually_explicit,
        LabelWhen::Never => false,
    };
    if needs_label {
        limbs.push(hearing.check(
            "message.label",
            unless(is_labelled, Reason::MsgLabelMissing),
            format!("the label {}", rules.label),
        ));
    }
    limbs
}

/// Spam Control Act 2007 s. 6: more than so many alike; a number nobody knows may be more.
fn is_bulk(hearing: &Hearing<'_>) -> bool {
    let rules = hearing.rules().message();
    let counts = &hearing.message().bulk;
    let known = [counts.day, counts.month, counts.year];
    let limits = [rules.bulk_day, rules.bulk_month, rules.bulk_year];
    let exceeds = known.iter().zip(limits).any(|(count, limit)| count.is_some_and(|n| n > limit));
    exceeds || known.iter().all(Option::is_none)
}

fn honesty(hearing: &Hearing<'_>) -> Vec<Limb> {
    let form = &hearing.message().form;
    vec![
        hearing.check(
            "message.identity",
            unless(!form.subject_misleading, Reason::MsgSubjectMisleading),
            "a true subject",
        ),
        hearing.check(
            "message.identity",
            unless(!form.header_false, Reason::MsgHeaderFalse),
            "true headers",
        ),
    ]
}
