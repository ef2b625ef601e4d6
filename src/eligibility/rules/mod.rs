//! Rule sets: what the law of one jurisdiction says, as data with dates, sources and marks.
//!
//! The files stand in `config/jurisdictions/` and are built in; an operator may load others. A
//! rule set is chosen by jurisdiction and date. What it means is `decide`'s business.

mod book;
mod bounds;
mod choices;
mod consulted;
mod fields;
mod read;
mod schema;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use book::{Acceptance, Override, RuleBook};
pub use consulted::{Consulted, TablesRead};
pub use fields::{FIELDS, Field, Rules, Table};
pub use read::RuleError;
pub(super) use read::{date, line_of, some_date};
pub use schema::{
    AgeAnchor, BusinessRule, Deadline, DeadlineUnit, DoubleOptIn, Duty, ElementRule, InferredRule,
    LabelWhen, MixedRule, MonthLimit, NoncommercialRule, Proof, Protected, ReferralCondition,
    Regime, RegisterRule, RegisterSubjects, RegulatedPurpose, Similarity, StartDate, UnsubscribeIn,
};

use crate::base::{Digest, JurisdictionId};

/// The text of one rule-set file and its name for error messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text<'t> {
    /// The file's name.
    pub file: &'t str,
    /// Its content.
    pub content: &'t str,
}

/// What a file says about the standing of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Nobody has verified it: a permission may not rest on it.
    Unverified,
    /// The law is silent or disputed: the value is a choice, and shown as such.
    Policy,
}

/// One version of the rules of one jurisdiction.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleSet {
    id: JurisdictionId,
    version: String,
    valid_from: Date,
    valid_to: Option<Date>,
    enabled: bool,
    sources: Vec<String>,
    hash: Digest,
    rules: Rules,
    marks: BTreeMap<&'static str, Mark>,
    citations: BTreeMap<String, String>,
    accepted: BTreeMap<&'static str, Acceptance>,
    overridden: BTreeMap<&'static str, String>,
    lineage: Lineage,
}

/// What a rule set's hash is made of, for whoever wants to check it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Lineage {
    /// The texts of its files: the oldest ancestor's first, its own last.
    pub texts: Vec<String>,
    /// What its operator replaced, in the order it was done: path and value.
    pub overrides: Vec<(String, String)>,
}

impl Lineage {
    /// The hash of the rule set that came about like this.
    pub fn hash(&self) -> Digest {
        let mut hash = Vec::new();
        for text in &self.texts {
            hash = Digest::of_parts(&[b"rule set v1", &hash, text.as_bytes()]).as_bytes().to_vec();
        }
        for (path, value) in &self.overrides {
            hash =
                Digest::of_parts(&[&hash, path.as_bytes(), value.as_bytes()]).as_bytes().to_vec();
        }
        Digest::from_bytes(&hash).unwrap_or_default()
    }
}

impl RuleSet {
    /// The jurisdiction.
    pub const fn id(&self) -> &JurisdictionId {
        &self.id
    }

    /// The version of the encoding.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The first day it is in force.
    pub const fn valid_from(&self) -> Date {
        self.valid_from
    }

    /// The first day it is no longer in force, if that is known.
    pub const fn valid_to(&self) -> Option<Date> {
        self.valid_to
    }

    /// Whether it may speak; a set without any verified source ships switched off.
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Where its facts come from.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Names text, parents and overrides together.
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// What its hash is made of.
    pub const fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// What it says.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The article the value at `path` rests on.
    pub fn citation(&self, path: &str) -> Option<&str> {
        read::cited(&self.citations, path)
    }

    /// The standing of the value at `path`; `None` means it is taken from its source.
    pub fn mark(&self, path: &str) -> Option<Mark> {
        self.marks.get(path).copied()
    }

    /// Everything somebody accepted.
    pub fn acceptances(&self) -> impl Iterator<Item = &Acceptance> {
        self.accepted.values()
    }

    /// Who accepted the unverified value at `path`, and when.
    pub fn acceptance(&self, path: &str) -> Option<&Acceptance> {
        self.accepted.get(path)
    }

    /// The values somebody replaced, as they are now.
    pub const fn overridden(&self) -> &BTreeMap<&'static str, String> {
        &self.overridden
    }

    /// The unverified values nobody has accepted by name, as of `day`.
    pub fn unverified(&self, day: Date) -> impl Iterator<Item = &'static Field> + '_ {
        FIELDS.iter().filter(move |field| {
            self.mark(field.path) == Some(Mark::Unverified) && !self.is_accepted(field.path, day)
        })
    }

    /// Whether somebody accepted the value at `path`, on `day` or before.
    fn is_accepted(&self, path: &str, day: Date) -> bool {
        self.accepted.get(path).is_some_and(|acceptance| acceptance.on <= day)
    }

    /// Whether one of them stands in a table that was read.
    pub(super) fn has_unverified_in(&self, read: &TablesRead, day: Date) -> bool {
        self.marks.iter().any(|(path, mark)| {
            *mark == Mark::Unverified
                && !self.is_accepted(path, day)
                && Field::find(path).is_some_and(|field| read.holds(field.table))
        })
    }

    /// Whether it is in force on `day`.
    pub fn is_in_force(&self, day: Date) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|end| day < end)
    }

    /// Its rules with `fields` in their strictest form.
    pub(super) fn tightened(&self, fields: &[&'static Field]) -> Rules {
        let mut rules = self.rules.clone();
        for field in fields {
            (field.tighten)(&mut rules);
        }
        rules
    }
}

#[cfg(test)]
mod tests;
