//! The answer to a case: for every rule set what it says and why, and a permit if all agree.
//!
//! A verdict is a value, not an error: denying is an answer like any other. Its serialised form
//! is [`Report`], which explains itself without the evidence at hand.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::basis::Basis;
use super::case::Class;
use super::reason::Reason;
use super::rules::{Duty, Mark};
use crate::base::{AddressTag, Digest, EvidenceId, JurisdictionId};

/// Permit or deny.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It may be sent.
    Permit,
    /// It may not.
    Deny,
}

impl Ruling {
    /// The name, as in verdicts and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }
}

/// One condition of a rule, and whether the facts meet it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limb {
    /// The field of the rule set that asks.
    pub rule: Cow<'static, str>,
    /// The article it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// Its standing, if it is not simply the law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// The reason it gives, if it is not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<Reason>,
    /// What was found, in plain words and without personal data.
    pub fact: String,
    /// The evidence it was found in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

impl Limb {
    /// Whether the facts meet the condition.
    pub const fn holds(&self) -> bool {
        self.fails.is_none()
    }
}

/// What one rule set says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleSetVerdict {
    /// The rule set.
    pub rule_set: JurisdictionId,
    /// Its version; empty if there is none.
    pub version: String,
    /// Its hash, overrides included.
    pub hash: Digest,
    /// Permit or deny.
    pub verdict: Ruling,
    /// What the message is in its eyes.
    pub class: Class,
    /// The basis, if permitted.
    pub basis: Option<Basis>,
    /// Why not, most telling first, if denied.
    pub reasons: Vec<Reason>,
    /// What else there is to know.
    pub informational: Vec<Reason>,
    /// The articles it rests on.
    pub citations: Vec<String>,
    /// The evidence it rests on.
    pub evidence: Vec<EvidenceId>,
    /// The conditions met (if permitted) or not met (if denied), and what was found.
    pub limbs: Vec<Limb>,
    /// Duties that stay although the message is not marketing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keeps: Vec<Duty>,
    /// Values the operator replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overridden: BTreeMap<String, String>,
}

/// Proof that a marketing message may be sent to one recipient. Only `decide` makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Permit {
    pub(super) tag: AddressTag,
    pub(super) basis: Basis,
    pub(super) rule_sets: Vec<(JurisdictionId, Digest)>,
    pub(super) evidence: Vec<EvidenceId>,
}

impl Permit {
    /// The address it was made out for.
    pub const fn tag(&self) -> AddressTag {
        self.tag
    }

    /// The basis of the deciding rule set.
    pub const fn basis(&self) -> Basis {
        self.basis
    }

    /// The rule sets that agreed, with their hashes.
    pub fn rule_sets(&self) -> &[(JurisdictionId, Digest)] {
        &self.rule_sets
    }

    /// The evidence it rests on.
    pub fn evidence(&self) -> &[EvidenceId] {
        &self.evidence
    }
}

/// Why a message may not be sent to a recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    pub(super) reasons: Vec<Reason>,
}

impl Denial {
    /// The reasons of all rule sets, each once, the most telling first; never empty.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}

/// What follows for the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is marketing and may be sent.
    Permit(Permit),
    /// It is not marketing anywhere; nothing needs to be shown.
    NotMarketing,
    /// It may not be sent.
    Deny(Denial),
}

/// The answer to a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) by_rule_set: Vec<RuleSetVerdict>,
}

impl Verdict {
    /// What follows for the message.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The permit, if there is one.
    pub const fn permit(&self) -> Option<&Permit> {
        match &self.outcome {
            Outcome::Permit(permit) => Some(permit),
            Outcome::NotMarketing | Outcome::Deny(_) => None,
        }
    }

    /// Whether it is marketing and may be sent.
    pub const fn is_permit(&self) -> bool {
        matches!(self.outcome, Outcome::Permit(_))
    }

    /// Whether it may not be sent.
    pub const fn is_denial(&self) -> bool {
        matches!(self.outcome, Outcome::Deny(_))
    }

    /// The basis, unless denied.
    pub fn basis(&self) -> Option<Basis> {
        match &self.outcome {
            Outcome::Permit(permit) => Some(permit.basis),
            Outcome::NotMarketing => Some(Basis::NotMarketing),
            Outcome::Deny(_) => None,
        }
    }

    /// The reasons, each once, the most telling first; empty unless denied.
    pub fn reasons(&self) -> &[Reason] {
        match &self.outcome {
            Outcome::Deny(denial) => &denial.reasons,
            Outcome::Permit(_) | Outcome::NotMarketing => &[],
        }
    }

    /// What each rule set says, in the order of the case.
    pub fn by_rule_set(&self) -> &[RuleSetVerdict] {
        &self.by_rule_set
    }

    /// The rule set whose word decided: the first to deny, or else the first to permit.
    pub fn deciding(&self) -> Option<&RuleSetVerdict> {
        deciding(&self.by_rule_set)
    }

    /// The serialised form.
    pub fn report(&self) -> Report {
        let ruling = if self.is_denial() { Ruling::Deny } else { Ruling::Permit };
        let top = self.deciding();
        Report {
            verdict: ruling,
            basis: self.basis(),
            reasons: self.reasons().to_vec(),
            informational: each_once(self.by_rule_set.iter().flat_map(|v| &v.informational)),
            rule_set: top.map(|v| v.rule_set.clone()),
            version: top.map(|v| v.version.clone()),
            citations: top.map_or_else(Vec::new, |v| v.citations.clone()),
            by_rule_set: self.by_rule_set.clone(),
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.report().serialize(serializer)
    }
}

/// A verdict as it is written down, the deciding rule set on top.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Permit or deny.
    pub verdict: Ruling,
    /// The basis, unless denied.
    pub basis: Option<Basis>,
    /// The reasons of all rule sets.
    pub reasons: Vec<Reason>,
    /// What else there is to know.
    pub informational: Vec<Reason>,
    /// The deciding rule set.
    pub rule_set: Option<JurisdictionId>,
    /// Its version.
    pub version: Option<String>,
    /// The articles it rests on.
    pub citations: Vec<String>,
    /// What each rule set says.
    pub by_rule_set: Vec<RuleSetVerdict>,
}

/// The first to deny; else the first to permit marketing; else the first.
pub(super) fn deciding(verdicts: &[RuleSetVerdict]) -> Option<&RuleSetVerdict> {
    let denies = verdicts.iter().find(|v| v.verdict == Ruling::Deny);
    let permits = || verdicts.iter().find(|v| v.basis != Some(Basis::NotMarketing));
    denies.or_else(permits).or_else(|| verdicts.first())
}

/// The items in order, each once.
pub(super) fn each_once<'i, T: Clone + PartialEq + 'i>(
    items: impl IntoIterator<Item = &'i T>,
) -> Vec<T> {
    let mut once: Vec<T> = Vec::new();
    for item in items {
        if !once.contains(item) {
            once.push(item.clone());
        }
    }
    once
}
