//! Public registers of people and companies who want no advertising.
//!
//! A register blocks the bases its statute names: Austria's list ends the customer exception but
//! not an express consent. Where consulting is a duty, an old copy is as good as none.

use std::time::Duration;

use super::hearing::Hearing;
use crate::eligibility::basis::Basis;
use crate::eligibility::case::Purpose;
use crate::eligibility::fact::{Fact, SubjectKind};
use crate::eligibility::reason::Reason;
use crate::eligibility::rules::{RegisterRule, RegisterSubjects, RegulatedPurpose};
use crate::eligibility::verdict::Limb;

const DAY: Duration = Duration::from_secs(86_400);

/// The registers that stand in the way of `basis`, or of any, the address being found in them.
pub(super) fn listed(hearing: &Hearing<'_>, basis: Option<Basis>) -> Vec<Limb> {
    let rules = hearing.rules().registers();
    let mut limbs: Vec<Limb> = Vec::new();
    for rule in rules.consulted.iter().filter(|rule| concerns(hearing, rule, basis)) {
        let names = |register: &str| rule.id == "*" || rule.id == register;
        for entry in hearing.case.recipient.record.entries() {
            let Fact::RegisterHit { register, .. } = &entry.fact else { continue };
            if names(register) {
                let fact = format!("found in the register {register} on {}", entry.at.date());
                limbs.push(found(hearing, fact).found_in(entry));
            }
        }
        let registers = hearing.case.recipient.registers;
        for register in registers.into_iter().flat_map(|facts| &facts.listed) {
            if names(register) {
                limbs.push(found(hearing, format!("found in the register {register}")));
            }
        }
    }
    limbs
}

fn found(hearing: &Hearing<'_>, fact: String) -> Limb {
    hearing.unmet("registers.consulted", Reason::RegisterListed, fact)
}

/// The registers that had to be consulted before `basis` is used, and were not.
pub(super) fn stale(hearing: &Hearing<'_>, basis: Basis) -> Vec<Limb> {
    let rules = hearing.rules().registers();
    let demanded = rules.consulted.iter().filter(|rule| concerns(hearing, rule, Some(basis)));
    demanded
        .filter_map(|rule| {
            let days = rule.max_stale_days?;
            let registers = hearing.case.recipient.registers;
            let checked = registers.and_then(|facts| facts.checked_at.get(&rule.id)).copied();
            let is_fresh = |at: crate::base::Timestamp| {
                at <= hearing.case.at && hearing.case.at <= at.after(DAY * u32::from(days))
            };
            let fact = match checked {
                Some(at) if is_fresh(at) => return None,
                Some(at) => format!(
                    "the register {} was last imported on {}; {days} days are allowed",
                    rule.id,
                    at.date()
                ),
                None => format!("the register {} was never imported", rule.id),
            };
            Some(hearing.unmet("registers.consulted", Reason::RegisterStale, fact))
        })
        .collect()
}

fn concerns(hearing: &Hearing<'_>, rule: &RegisterRule, basis: Option<Basis>) -> bool {
    let blocks = rule.blocks.is_empty() || basis.is_none_or(|basis| rule.blocks.contains(&basis));
    let purpose = match hearing.message().purpose {
        Purpose::Commercial => Some(RegulatedPurpose::Commercial),
        Purpose::CharityFundraising | Purpose::CharityOther => Some(RegulatedPurpose::Charity),
        Purpose::Political => Some(RegulatedPurpose::Political),
        Purpose::PublicTask => None,
    };
    let serves = rule.purposes.is_empty() || purpose.is_some_and(|p| rule.purposes.contains(&p));
    let is_company =
        matches!(hearing.subject().0, SubjectKind::LegalPerson | SubjectKind::PublicBody);
    let lists = match rule.subjects {
        RegisterSubjects::All => true,
        RegisterSubjects::Natural => !is_company,
        RegisterSubjects::LegalPerson => is_company,
    };
    blocks && serves && lists
}
