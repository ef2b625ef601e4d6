//! Mail to businesses, where the law protects legal persons less than people.
//!
//! Nothing is presumed: what is not known to be a company is a natural person, and what is not
//! known to be an impersonal address is a named one. A company on a free mail service is not
//! believed.

use super::hearing::{Hearing, unless};
use super::relations::dealings;
use super::{Heard, role};
use crate::base::DomainName;
use crate::eligibility::basis::Basis;
use crate::eligibility::case::Purpose;
use crate::eligibility::fact::{AddressKind, Fact, SubjectKind};
use crate::eligibility::reason::Reason;
use crate::eligibility::record::Entry;
use crate::eligibility::relationship::RelationshipKind;
use crate::eligibility::rules::{BusinessRule, Regime};
use crate::eligibility::verdict::Limb;

/// The basis this set has for businesses and its conditions; `None` if it has none for anybody
/// or the recipient is known to be a natural person in private.
pub(super) fn limbs(hearing: &Hearing<'_>) -> Heard {
    // Where nobody needs a basis, businesses need none of their own.
    if hearing.rules().scope().default_regime == Regime::OptOut {
        return None;
    }
    let rules = hearing.rules().business();
    let exists =
        [rules.legal_person, rules.impersonal, rules.named_work].iter().any(|&rule| allows(rule));
    let is_commercial = hearing.message().purpose == Purpose::Commercial;
    let (kind, entry) = hearing.subject();
    let mut limbs = match kind {
        SubjectKind::LegalPerson => vec![found(
            hearing.met("business.legal_person", "the address belongs to a legal person"),
            entry,
        )],
        SubjectKind::PublicBody => {
            let failure = unless(allows(rules.public_body), Reason::ProtectedLegalPerson);
            let fact = "the address belongs to a public body";
            vec![found(hearing.check("business.public_body", failure, fact), entry)]
        }
        SubjectKind::Unknown if is_role_regime(hearing) => Vec::new(),
        SubjectKind::Unknown if exists && is_commercial => vec![hearing.unmet(
            "business.legal_person",
            Reason::SubjectKindUnknown,
            "nothing shows that the address belongs to a company",
        )],
        SubjectKind::Unknown => return None,
        SubjectKind::SoleTrader if allows(rules.sole_trader) => {
            vec![found(hearing.met("business.sole_trader", "a sole trader's address"), entry)]
        }
        SubjectKind::Natural if is_role_regime(hearing) => Vec::new(),
        SubjectKind::Natural if exists && is_protected_name(hearing) => Vec::new(),
        SubjectKind::Natural | SubjectKind::SoleTrader | SubjectKind::PartnershipUnincorporated => {
            return None;
        }
    };
    let is_at_work = match kind {
        SubjectKind::LegalPerson | SubjectKind::PublicBody => true,
        SubjectKind::Unknown => is_protected_name(hearing),
        _ => false,
    };
    if is_at_work || limbs.is_empty() {
        limbs.push(address(hearing));
    }
    let basis = basis(hearing);
    if basis == Basis::B2bRole {
        limbs.extend(role_limbs(hearing));
    }
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

const fn allows(rule: BusinessRule) -> bool {
    match rule {
        BusinessRule::OptOut | BusinessRule::Exempt | BusinessRule::RoleOptOut => true,
        BusinessRule::Consent | BusinessRule::PublishedOnly => false,
    }
}

/// Whether it is a person's named address at work, in a place that protects those.
fn is_protected_name(hearing: &Hearing<'_>) -> bool {
    address_kind(hearing).0 == AddressKind::WorkNamed
        && !allows(hearing.rules().business().named_work)
}

/// Whether a person's named address at work is open to mail tied to the role.
fn is_role_regime(hearing: &Hearing<'_>) -> bool {
    address_kind(hearing).0 == AddressKind::WorkNamed
        && hearing.rules().business().named_work == BusinessRule::RoleOptOut
}

fn basis(hearing: &Hearing<'_>) -> Basis {
    let rules = hearing.rules().business();
    match address_kind(hearing).0 {
        // An address of unknown kind counts as named, and so does what it needs.
        AddressKind::WorkNamed | AddressKind::Unknown
            if rules.named_work == BusinessRule::RoleOptOut =>
        {
            Basis::B2bRole
        }
        _ if rules.impersonal == BusinessRule::Exempt => Basis::B2bImpersonal,
        _ => Basis::B2bLegalPerson,
    }
}

fn role_limbs(hearing: &Hearing<'_>) -> Vec<Limb> {
    let rules = hearing.rules().business();
    let mut limbs = Vec::new();
    if rules.role_relevance {
        limbs.push(role::limb(hearing, "business.role_relevance", None));
    }
    if rules.informed_at_collection {
        let told = hearing.statements().find(|entry| match &entry.fact {
            Fact::AddressCollected(collection) => {
                hearing.is_senders(&collection.entity, entry.at)
                    && (collection.opt_out_offered == Some(true)
                        || collection.notice_version.is_some())
            }
            _ => false,
        });
        let path = "business.informed_at_collection";
        limbs.push(match told {
            Some(entry) => hearing
                .met(path, "the person was told when the address was collected")
                .found_in(entry),
            None => hearing.unmet(
                path,
                Reason::OptoutOfferUnproven,
                "nothing shows that the person was told when the address was collected",
            ),
        });
    }
    limbs
}

/// Canada: an organisation may write to another with which it has a relationship, about what
/// that one does (SOR/2013-221 s. 3(a)(ii)).
pub(super) fn organisations(hearing: &Hearing<'_>) -> Heard {
    let is_organisation =
        matches!(hearing.subject().0, SubjectKind::LegalPerson | SubjectKind::PublicBody);
    if !hearing.rules().business().org_relationship || !is_organisation {
        return None;
    }
    let path = "business.org_relationship";
    let dealings = dealings(hearing);
    let related = dealings.iter().find(|dealing| {
        hearing.is_senders(&dealing.fact.entity, dealing.entry.at)
            && dealing.fact.completed != Some(false)
            && matches!(
                dealing.kind,
                RelationshipKind::SalePaid
                    | RelationshipKind::ContractOpen
                    | RelationshipKind::Membership
            )
    });
    let relation = match related {
        Some(dealing) => hearing
            .met(path, format!("{} with the organisation", dealing.kind.in_words()))
            .found_in(dealing.entry),
        None => hearing.unmet(path, Reason::RelNone, "no relation with the organisation"),
    };
    Some((Basis::OrgRelationship, vec![relation, role::limb(hearing, path, None)]))
}

fn found(limb: Limb, entry: Option<&Entry>) -> Limb {
    match entry {
        Some(entry) => limb.found_in(entry),
        None => limb,
    }
}

fn address_kind<'c>(hearing: &Hearing<'c>) -> (AddressKind, Option<&'c Entry>) {
    let said = hearing.descriptions(|fact| match fact {
        Fact::SubjectDescribed { address_kind, .. } => {
            Some(*address_kind).filter(|kind| *kind != AddressKind::Unknown)
        }
        _ => None,
    });
    let strongest = said
        .into_iter()
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
        AddressKind::Unknown if !allows(rules.legal_person) => (
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
    found(hearing.check(path, unless(allows(rule), reason), fact), entry)
}
