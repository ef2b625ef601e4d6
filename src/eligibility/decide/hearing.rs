//! One case before one rule set: what every step of the decision needs, and nothing else.
//!
//! It makes limbs, which carry rule, citation and mark with what was found, so that no step can
//! forget to say on what it rests.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::eligibility::calendar::local_date;
use crate::eligibility::case::{Case, MessageFacts};
use crate::eligibility::reason::Reason;
use crate::eligibility::record::Entry;
use crate::eligibility::rules::{Consulted, RuleSet, Rules, TablesRead};
use crate::eligibility::verdict::Limb;

/// A case, the rule set that judges it, its rules as they are read, and the date there.
#[derive(Clone, Copy)]
pub(super) struct Hearing<'c> {
    pub case: &'c Case<'c>,
    pub set: &'c RuleSet,
    pub today: Date,
    rules: Consulted<'c>,
}

impl<'c> Hearing<'c> {
    /// The case before `set`, with its own rules or tightened ones; `read` tells afterwards
    /// which of their tables were read.
    pub fn open(
        case: &'c Case<'c>,
        set: &'c RuleSet,
        rules: &'c Rules,
        read: &'c TablesRead,
    ) -> Self {
        let rules = Consulted::new(rules, read);
        Self { case, set, today: local_date(case.at, rules.scope().utc_offset_hours), rules }
    }

    pub const fn rules(&self) -> Consulted<'c> {
        self.rules
    }

    pub const fn message(&self) -> &'c MessageFacts {
        self.case.message
    }

    /// What was stated for exactly this address up to now.
    pub fn statements(&self) -> impl Iterator<Item = &'c Entry> + use<'c> {
        self.case.recipient.record.statements(self.case.recipient.tag, self.case.at)
    }

    /// A condition that is met.
    pub fn met(&self, rule: &'static str, fact: impl Into<String>) -> Limb {
        Limb {
            rule: Cow::Borrowed(rule),
            citation: self.set.citation(rule).map(str::to_owned),
            mark: self.set.mark(rule),
            fails: None,
            fact: fact.into(),
            evidence: Vec::new(),
        }
    }

    /// A condition that is not met.
    pub fn unmet(&self, rule: &'static str, reason: Reason, fact: impl Into<String>) -> Limb {
        Limb { fails: Some(reason), ..self.met(rule, fact) }
    }

    /// A condition that is met or not, with what was found either way.
    pub fn check(
        &self,
        rule: &'static str,
        failure: Option<Reason>,
        fact: impl Into<String>,
    ) -> Limb {
        Limb { fails: failure, ..self.met(rule, fact) }
    }
}

impl Limb {
    /// The same, naming the evidence it was found in.
    pub(super) fn found_in(mut self, entry: &Entry) -> Self {
        if !self.evidence.contains(&entry.id) {
            self.evidence.push(entry.id);
        }
        self
    }
}

/// How many of several conditions are not met.
pub(super) fn failures(limbs: &[Limb]) -> usize {
    limbs.iter().filter(|limb| !limb.holds()).count()
}

/// `reason` unless `holds`.
pub(super) fn unless(holds: bool, reason: Reason) -> Option<Reason> {
    (!holds).then_some(reason)
}

/// Names joined for a sentence.
pub(super) fn listed<T: ToString>(names: &[T]) -> String {
    match names {
        [] => String::from("none"),
        names => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
