//! The decision: a case and the rules in, a verdict out. Pure and total.
//!
//! For every rule set that applies: class, suppression, registers, bases, form, in that order,
//! collecting every failing reason. All rule sets must permit. A permission may not rest on a
//! value nobody has verified: if the strictest value in its place would deny, so does this.

mod age;
mod business;
mod charity;
mod class;
mod consent;
mod form;
mod hearing;
mod implied;
mod noncommercial;
mod referral;
mod registers;
mod relations;
mod role;
mod soft;
mod suppression;

use hearing::{Hearing, failures, unless};

use super::basis::Basis;
use super::case::{Case, Class, Purpose};
use super::reason::Reason;
use super::rules::{Field, Mark, NoncommercialRule, Regime, RuleBook, RuleSet, Rules, TablesRead};
use super::verdict::{
    Denial, Limb, Outcome, Permit, RuleSetVerdict, Ruling, Verdict, deciding, each_once,
};
use crate::base::{Digest, JurisdictionId};

/// Decides one case. The same case and rules always give the same verdict.
pub fn decide(case: &Case<'_>, book: &RuleBook) -> Verdict {
    let by_rule_set: Vec<RuleSetVerdict> =
        each_once(case.jurisdictions).iter().map(|id| judge(case, book, id)).collect();
    let outcome = combine(case, &by_rule_set);
    Verdict { outcome, by_rule_set }
}

/// Deny overrides; no rule set at all is no permission.
fn combine(case: &Case<'_>, verdicts: &[RuleSetVerdict]) -> Outcome {
    let denials = verdicts.iter().filter(|v| v.verdict == Ruling::Deny);
    let reasons = each_once(denials.flat_map(|v| &v.reasons));
    if !reasons.is_empty() || verdicts.iter().any(|v| v.verdict == Ruling::Deny) {
        return Outcome::Deny(Denial { reasons });
    }
    let basis = deciding(verdicts).and_then(|v| v.basis);
    match basis {
        None => Outcome::Deny(Denial { reasons: vec![Reason::RulesetUnknown] }),
        Some(Basis::NotMarketing) => Outcome::NotMarketing,
        Some(basis) => Outcome::Permit(Permit {
            tag: case.recipient.tag,
            basis,
            rule_sets: verdicts.iter().map(|v| (v.rule_set.clone(), v.hash)).collect(),
            evidence: each_once(verdicts.iter().flat_map(|v| &v.evidence)),
        }),
    }
}

fn judge(case: &Case<'_>, book: &RuleBook, id: &JurisdictionId) -> RuleSetVerdict {
    // The version in force is found by the universal date, ages by the local one.
    let Some(set) = book.resolve(id, case.at.date()) else {
        return unresolved(case, book, id);
    };
    let read = TablesRead::default();
    let hearing = Hearing::open(case, set, set.rules(), &read);
    let verdict = evaluate(&hearing);
    if verdict.verdict == Ruling::Deny {
        return not_yet(&hearing, book, verdict);
    }
    let guilty = resting_on(case, set, &read);
    if guilty.is_empty() { verdict } else { refuse_unverified(case, set, &guilty) }
}

/// A denial for want of a basis that only a later version of the rule set has, saying so.
fn not_yet(hearing: &Hearing<'_>, book: &RuleBook, mut verdict: RuleSetVerdict) -> RuleSetVerdict {
    let is_charity =
        matches!(hearing.message().purpose, Purpose::CharityFundraising | Purpose::CharityOther);
    let today = hearing.case.at.date();
    let later = book.sets().find(|other| {
        other.id() == hearing.set.id() && other.valid_from() > today && other.rules().charity.soft
    });
    let Some(later) = later.filter(|_| is_charity && !hearing.set.rules().charity.soft) else {
        return verdict;
    };
    let fact = format!("the exception for charities begins on {}", later.valid_from());
    let limb = hearing.unmet("charity.soft", Reason::RulesetNotInForce, fact);
    verdict.reasons.push(Reason::RulesetNotInForce);
    verdict.limbs.push(limb);
    verdict
}

fn unresolved(case: &Case<'_>, book: &RuleBook, id: &JurisdictionId) -> RuleSetVerdict {
    let (reason, fact) = if book.is_disabled(id) {
        (
            Reason::UnverifiedRule,
            "the rule set has no source that was verified, so it is switched off",
        )
    } else if book.knows(id) {
        (Reason::RulesetNotInForce, "no version of the rule set is in force on this date")
    } else {
        (Reason::RulesetUnknown, "no rule set of this name is loaded")
    };
    let limb = Limb {
        rule: "meta.valid_from".into(),
        citation: None,
        mark: None,
        fails: Some(reason),
        fact: String::from(fact),
        evidence: Vec::new(),
    };
    // An objection stands whether or not somebody knows the rules of the place.
    let mut limbs = objections_without_rules(case, book);
    limbs.push(limb);
    let reasons = each_once(limbs.iter().filter_map(|limb| limb.fails.as_ref()));
    RuleSetVerdict {
        rule_set: id.clone(),
        version: String::new(),
        hash: Digest::default(),
        verdict: Ruling::Deny,
        class: Class::Marketing,
        basis: None,
        reasons,
        informational: Vec::new(),
        citations: Vec::new(),
        evidence: Vec::new(),
        limbs,
        keeps: Vec::new(),
        overridden: std::collections::BTreeMap::new(),
    }
}

/// The objections that stand where no rule set speaks: by the strictest rules there could be, which
/// no consent on record satisfies.
fn objections_without_rules(case: &Case<'_>, book: &RuleBook) -> Vec<Limb> {
    let Some(any) = book.sets().next() else { return Vec::new() };
    let (strictest, read) = (Rules::strictest(), TablesRead::default());
    let mut limbs = suppression::standing(&Hearing::open(case, any, &strictest, &read));
    for limb in &mut limbs {
        limb.citation = None;
    }
    limbs
}

/// The unverified values a permission rests on: those that flip it if made strictest, or all of
/// them if only together they do.
///
/// `read` holds the tables the permission was found with: no other value can change it.
fn resting_on(case: &Case<'_>, set: &RuleSet, read: &TablesRead) -> Vec<&'static Field> {
    if !set.has_unverified_in(read, case.at.date()) {
        return Vec::new();
    }
    let unverified: Vec<&'static Field> = set.unverified(case.at.date()).collect();
    let denies = |fields: &[&'static Field]| {
        let (tightened, read) = (set.tightened(fields), TablesRead::default());
        evaluate(&Hearing::open(case, set, &tightened, &read)).verdict == Ruling::Deny
    };
    if !denies(&unverified) {
        return Vec::new();
    }
    let single: Vec<&'static Field> =
        unverified.iter().copied().filter(|&field| denies(&[field])).collect();
    if single.is_empty() { unverified } else { single }
}

fn refuse_unverified(case: &Case<'_>, set: &RuleSet, fields: &[&'static Field]) -> RuleSetVerdict {
    let read = TablesRead::default();
    let hearing = Hearing::open(case, set, set.rules(), &read);
    let limbs = fields
        .iter()
        .map(|field| {
            let shown = (field.shown)(set.rules());
            let fact = format!("nobody has verified that {} is {shown}", field.path);
            hearing.unmet(field.path, Reason::UnverifiedRule, fact)
        })
        .collect();
    denial(&hearing, class::find(&hearing).class, limbs)
}

fn evaluate(hearing: &Hearing<'_>) -> RuleSetVerdict {
    let class::Finding { class, notes, keeps } = class::find(hearing);
    if class != Class::Marketing {
        let defects = form::defects_of_exempt(hearing, &keeps);
        if !defects.is_empty() {
            return denial(hearing, class, defects);
        }
        let mut verdict = blank(hearing, class, Ruling::Permit);
        verdict.basis = Some(Basis::NotMarketing);
        verdict.keeps = keeps;
        return verdict;
    }
    let suppressed = suppression::standing(hearing);
    match first_basis(hearing) {
        Ok((basis, limbs)) => {
            let defects = form_of(hearing, basis);
            match suppressed.is_empty() && defects.is_empty() {
                true => permission(hearing, basis, limbs, &notes),
                false => denial(hearing, class, [suppressed, notes, defects].concat()),
            }
        }
        Err(unmet) => {
            let defects = form::defects(hearing, None);
            denial(hearing, class, [suppressed, unmet, notes, defects].concat())
        }
    }
}

/// What is wrong with the form of a message that has a basis: beyond the statute's scope, only
/// what stays for every message.
fn form_of(hearing: &Hearing<'_>, basis: Basis) -> Vec<Limb> {
    match basis {
        Basis::OutOfScope => form::defects_of_exempt(hearing, &hearing.rules().exempt().keeps),
        basis => form::defects(hearing, Some(basis)),
    }
}

/// A basis and its conditions, if the rule set has it for this case.
type Heard = Option<(Basis, Vec<Limb>)>;

/// The bases in the order they are tried. Later ones are not even asked about once one holds:
/// what they rest on is nothing to the first.
const BASES: &[fn(&Hearing<'_>) -> Heard] = &[
    |hearing| Some((Basis::ConsentExpress, consent::limbs(hearing))),
    noncommercial::limbs,
    |hearing| match charity::applies(hearing) {
        true => Some((Basis::CharitySoftOptIn, charity::limbs(hearing))),
        false => Some((Basis::SoftOptIn, soft::limbs(hearing))),
    },
    implied::business_relationship,
    implied::support_relationship,
    implied::inferred,
    implied::publication,
    business::organisations,
    business::limbs,
    open_regime,
];

/// Where nobody needs a basis, for the purposes that this is said of.
fn open_regime(hearing: &Hearing<'_>) -> Heard {
    if hearing.rules().scope().default_regime == Regime::OptIn {
        return None;
    }
    let mut limbs = vec![hearing.met("scope.default_regime", "no prior basis is needed here")];
    limbs.extend(noncommercial::rule(hearing).map(|(path, rule)| {
        let needs_consent =
            matches!(rule, NoncommercialRule::Consent | NoncommercialRule::CharitySoft);
        let failure = unless(!needs_consent, Reason::NoncommercialNeedsConsent);
        hearing.check(path, failure, "its purpose is not to sell")
    }));
    Some((Basis::OptOutRegime, limbs))
}

/// The first basis all of whose conditions are met, or every condition that is not.
fn first_basis(hearing: &Hearing<'_>) -> Result<(Basis, Vec<Limb>), Vec<Limb>> {
    let mut listed = Vec::new();
    let mut unmet = vec![hearing.unmet("scope.protected", Reason::NoBasis, "no basis holds")];
    for (basis, limbs) in BASES.iter().filter_map(|heard| heard(hearing)) {
        let hits = registers::listed(hearing, Some(basis));
        if failures(&limbs) > 0 || !hits.is_empty() {
            unmet.extend(limbs.into_iter().filter(|limb| !limb.holds()));
            listed.extend(hits);
            continue;
        }
        let stale = registers::stale(hearing, basis);
        if stale.is_empty() {
            return Ok((basis, limbs));
        }
        listed.extend(stale);
    }
    unmet.extend(recycled(hearing));
    if listed.is_empty() {
        // It blocks no basis that was tried, and yet the person wants no advertising.
        listed.extend(registers::listed(hearing, None));
    }
    listed.extend(unmet);
    Err(listed)
}

/// Whether anything stated would have counted, had the address not been unknown since.
fn recycled(hearing: &Hearing<'_>) -> Option<Limb> {
    let (at, bounce) = hearing.recycled_at()?;
    let lost = hearing.stated().any(|entry| entry.at <= at);
    let fact = format!("the address was unknown to its provider on {}", at.date());
    let limb = hearing.unmet("consent.evidence_required", Reason::AddressRecycled, fact);
    lost.then(|| limb.found_in(bounce))
}

fn permission(
    hearing: &Hearing<'_>,
    basis: Basis,
    limbs: Vec<Limb>,
    notes: &[Limb],
) -> RuleSetVerdict {
    let mut verdict = blank(hearing, Class::Marketing, Ruling::Permit);
    verdict.basis = Some(basis);
    verdict.informational.extend(notes.iter().filter_map(|note| note.fails));
    add_limbs(&mut verdict, limbs);
    verdict
}

fn denial(hearing: &Hearing<'_>, class: Class, limbs: Vec<Limb>) -> RuleSetVerdict {
    let mut verdict = blank(hearing, class, Ruling::Deny);
    verdict.reasons = each_once(limbs.iter().filter_map(|limb| limb.fails.as_ref()));
    add_limbs(&mut verdict, limbs);
    verdict
}

fn add_limbs(verdict: &mut RuleSetVerdict, limbs: Vec<Limb>) {
    let by_choice = limbs.iter().any(|limb| limb.mark == Some(Mark::Policy));
    if by_choice && !verdict.informational.contains(&Reason::PolicyDefaultApplied) {
        verdict.informational.push(Reason::PolicyDefaultApplied);
    }
    verdict.citations = each_once(limbs.iter().filter_map(|limb| limb.citation.as_ref()));
    verdict.evidence = each_once(limbs.iter().flat_map(|limb| &limb.evidence));
    verdict.limbs = limbs;
}

fn blank(hearing: &Hearing<'_>, class: Class, ruling: Ruling) -> RuleSetVerdict {
    let set = hearing.set;
    let informational = if class::rests_on_choice(hearing) {
        vec![Reason::PolicyDefaultApplied]
    } else {
        Vec::new()
    };
    RuleSetVerdict {
        rule_set: set.id().clone(),
        version: set.version().to_owned(),
        hash: set.hash(),
        verdict: ruling,
        class,
        basis: None,
        reasons: Vec::new(),
        informational,
        citations: Vec::new(),
        evidence: Vec::new(),
        limbs: Vec::new(),
        keeps: Vec::new(),
        overridden: set
            .overridden()
            .iter()
            .map(|(path, shown)| ((*path).to_owned(), shown.clone()))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
