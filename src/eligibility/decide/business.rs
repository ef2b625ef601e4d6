//! Mail to businesses, where the law protects legal persons less than people.
//!
//! Nothing is presumed: what is not known to be a company is a natural person, and what is not
//! known to be an impersonal address is a named one. A company on a free mail service is not
//! believed.

use super::hearing::{Hearing, unless};
use crate::base::DomainName;
use crate::eligibility::basis::Basis;
use crate::eligibility::case::Purpose;
use crate::eligibility::evidence::{AddressKind, Fact, SubjectKind};
use crate::eligibility::reason::Reason;
use crate::eligibility::record::Entry;
use crate::eligibility::rules::BusinessRule;
use crate::eligibility::verdict::Limb;

/// The basis this set has for businesses and its conditions; `None` if it has none for anybody
/// or the recipient is known to be a natural person.
pub(super) fn limbs(hearing: &Hearing<'_>) -> Option<(Basis, Vec<Limb>)> {
    let rules = hearing.rules().business();
    let basis =
        if rules.impersonal == BusinessRule::Exempt && rules.named_work == BusinessRule::Consent {
            Basis::B2bImpersonal
        } else {
            Basis::B2bLegalPerson
        };
    let exists = [rules.legal_person, rules.impersonal, rules.named_work]
        .iter()
        .any(|&rule| rule != BusinessRule::Consent);
    let is_commercial = hearing.message().purpose == Purpose::Commercial;
    let mut limbs = match subject(hearing) {
        (SubjectKind::LegalPerson, entry) => vec![
            found(
                hearing.met("business.legal_person", "the address belongs to a legal person"),
                entry,
            ),
            address(hearing),
        ],
        (SubjectKind::PublicBody, entry) => {
            let allowed = rules.public_body != BusinessRule::Consent;
            let failure = unless(allowed, Reason::ProtectedLegalPerson);
            let fact = "the address belongs to a public body";
            vec![
                found(hearing.check("business.public_body", failure, fact), entry),
                address(hearing),
            ]
        }
        (SubjectKind::Unknown, _) if exists && is_commercial => vec![hearing.unmet(
            "business.legal_person",
            Reason::SubjectKindUnknown,
            "nothing shows that the address belongs to a company",
        )],
        (SubjectKind::Unknown, _) => return None,
        (
            SubjectKind::Natural | SubjectKind::SoleTrader | SubjectKind::PartnershipUnincorporated,
            _,
        ) => return None,
    };
    if hearing.case.recipient.domain.is_some_and(DomainName::is_free_mail) {
        limbs.push(hearing.unmet(
            "business.legal_person",
            Reason::SubjectKindUnknown,
            "the address is on a free mail service, so it counts as a person's",
        ));
    }
    if !is_commercial {
        limbs.push(hearing.unmet(
            "business",
            Reason::NoncommercialNeedsConsent,
            "its purpose is not to sell",
        ));
    }
    Some((basis, limbs))
}

fn found(limb: Limb, entry: Option<&Entry>) -> Limb {
    match entry {
        Some(entry) => limb.found_in(entry),
        None => limb,
    }
}

/// What kind of subject the strongest statement about this address says, the latest of equals.
fn subject<'c>(hearing: &Hearing<'c>) -> (SubjectKind, Option<&'c Entry>) {
    let said = hearing.statements().filter_map(|entry| match &entry.fact {
        Fact::SubjectDescribed { subject_kind, .. } if *subject_kind != SubjectKind::Unknown => {
            Some((*subject_kind, entry))
        }
        _ => None,
    });
    // At the same moment, a natural person is the safer reading.
    let strongest = said.max_by_key(|(kind, entry)| {
        (entry.level, entry.at, !matches!(kind, SubjectKind::LegalPerson | SubjectKind::PublicBody))
    });
    strongest.map_or((SubjectKind::Unknown, None), |(kind, entry)| (kind, Some(entry)))
}

fn address_kind<'c>(hearing: &Hearing<'c>) -> (AddressKind, Option<&'c Entry>) {
    let said = hearing.statements().filter_map(|entry| match &entry.fact {
        Fact::SubjectDescribed { address_kind, .. } if *address_kind != AddressKind::Unknown => {
            Some((*address_kind, entry))
        }
        _ => None,
    });
    let strongest = said
        .max_by_key(|(kind, entry)| (entry.level, entry.at, *kind != AddressKind::WorkImpersonal));
    strongest.map_or((AddressKind::Unknown, None), |(kind, entry)| (kind, Some(entry)))
}

fn address(hearing: &Hearing<'_>) -> Limb {
    let rules = hearing.rules().business();
    let (kind, entry) = address_kind(hearing);
    let named = Reason::ProtectedNamedAddress;
    let (path, rule, reason, fact) = match kind {
        AddressKind::WorkImpersonal => (
            "business.impersonal",
            rules.impersonal,
            Reason::ProtectedLegalPerson,
            "it is an impersonal address",
        ),
        AddressKind::WorkNamed => {
            ("business.named_work", rules.named_work, named, "it names a person at work")
        }
        AddressKind::Personal => {
            ("business.named_work", BusinessRule::Consent, named, "it is a private address")
        }
        AddressKind::Unknown if rules.legal_person == BusinessRule::Consent => (
            "business.legal_person",
            BusinessRule::Consent,
            named,
            "whether it names a person is unknown, so it counts as named",
        ),
        AddressKind::Unknown => (
            "business.named_work",
            rules.named_work,
            named,
            "whether it names a person is unknown, so it counts as named",
        ),
    };
    found(hearing.check(path, unless(rule != BusinessRule::Consent, reason), fact), entry)
}
