//! How far a policy choice may go: some values are a choice in part only.
//!
//! Which relations make a customer is disputed at the edges, not in the middle; registers the law
//! names must be asked however often; and whoever relies on a consent must show it.

use super::fields::Rules;
use super::schema::{Proof, RegisterRule};
use crate::eligibility::relationship::RelationshipKind;

/// What every consent must show, whoever decides what else (GDPR art. 7(1)).
const PROOF_FLOOR: &[Proof] =
    &[Proof::Who, Proof::When, Proof::How, Proof::TextVersion, Proof::Entity];

/// Whether the step from `before` to `after` is one an operator may take.
///
/// # Errors
/// Why not.
pub(super) fn check(before: &Rules, after: &Rules) -> Result<(), &'static str> {
    let kinds = &before.soft.relationship_kinds;
    let is_known = |kind: &RelationshipKind| {
        kinds.contains(kind) || *kind == RelationshipKind::SaleFreeAccount
    };
    if !after.soft.relationship_kinds.iter().all(is_known) {
        return Err("relations may be left out, or `sale_free_account` added, and nothing else");
    }
    let required = &before.consent.evidence_required;
    let floor = PROOF_FLOOR.iter().filter(|proof| required.contains(proof));
    let mut floor = floor.filter(|proof| !after.consent.evidence_required.contains(proof));
    if floor.next().is_some() {
        return Err("proof may be added; who, when, how, text_version and entity stay");
    }
    let asks = |rule: &RegisterRule| {
        after.registers.consulted.iter().any(|other| {
            (&other.id, &other.blocks, other.subjects, &other.purposes)
                == (&rule.id, &rule.blocks, rule.subjects, &rule.purposes)
                && other.max_stale_days.is_some() >= rule.max_stale_days.is_some()
        })
    };
    match before.registers.consulted.iter().all(asks) {
        true => Ok(()),
        false => Err("only `max_stale_days` is yours to choose; the register stays"),
    }
}
