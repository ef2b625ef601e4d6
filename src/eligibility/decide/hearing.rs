//! One case before one rule set: what every step of the decision needs, and nothing else.
//!
//! It makes limbs, which carry rule, citation and mark with what was found, so that no step can
//! forget to say on what it rests.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::base::{EntityId, Timestamp};
use crate::eligibility::calendar::local_date;
use crate::eligibility::case::{Case, MessageFacts, RecipientFacts};
use crate::eligibility::fact::{Fact, SubjectKind};
use crate::eligibility::reason::Reason;
use crate::eligibility::record::{Entry, ObjectionForm, RecipientRecord};
use crate::eligibility::rules::{Consulted, RuleSet, Rules, TablesRead};
use crate::eligibility::verdict::Limb;

/// A case, the rule set that judges it, its rules as they are read, and the date there.
#[derive(Clone, Copy)]
pub(super) struct Hearing<'c> {
    pub case: &'c Case<'c>,
    pub set: &'c RuleSet,
    pub today: Date,
    rules: Consulted<'c>,
    /// The last bounce that says the mailbox does not exist; asked for with every statement.
    recycled: Option<&'c Entry>,
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
        let today = local_date(case.at, rules.scope().utc_offset_hours);
        Self { case, set, today, rules, recycled: last_unknown(&case.recipient) }
    }

    pub const fn rules(&self) -> Consulted<'c> {
        self.rules
    }

    pub const fn message(&self) -> &'c MessageFacts {
        self.case.message
    }

    /// What was stated for exactly this address up to now, and since the address was last
    /// unknown to its provider.
    pub fn statements(&self) -> impl Iterator<Item = &'c Entry> + use<'c> {
        let since = self.recycled_at().map(|(at, _)| at);
        self.stated().filter(move |entry| since.is_none_or(|at| entry.at > at))
    }

    /// What was stated for exactly this address up to now, whoever had it then.
    pub fn stated(&self) -> impl Iterator<Item = &'c Entry> + use<'c> {
        self.case.recipient.record.statements(self.case.recipient.tag, self.case.at)
    }

    /// When the address was last unknown to its provider for good: whoever has it since may be
    /// somebody else.
    pub fn recycled_at(&self) -> Option<(Timestamp, &'c Entry)> {
        self.recycled.map(|entry| (entry.at, entry))
    }

    /// What describes who the law sees behind the address in the way `tells` asks for: what was
    /// said of this very address, or if nothing was, of its whole domain.
    pub fn descriptions<T>(&self, tells: impl Fn(&'c Fact) -> Option<T>) -> Vec<(T, &'c Entry)> {
        let read = |entry: &'c Entry| Some((tells(&entry.fact)?, entry));
        let own: Vec<(T, &'c Entry)> = self.statements().filter_map(read).collect();
        if !own.is_empty() {
            return own;
        }
        let now = self.case.at;
        let of_domain = self.case.recipient.domain_record.into_iter();
        of_domain.flat_map(|record| record.descriptions(now)).filter_map(read).collect()
    }

    /// Every objection of the person and of everybody in their domain.
    pub fn objections(&self) -> impl Iterator<Item = (&'c Entry, ObjectionForm<'c>)> + use<'c> {
        let of_domain = self.case.recipient.domain_record.into_iter();
        let of_domain = of_domain.flat_map(RecipientRecord::objections);
        self.case.recipient.record.objections().chain(of_domain)
    }

    /// Whether what was given to `named` at `given_at` is the sender's.
    pub fn is_senders(&self, named: &EntityId, given_at: Timestamp) -> bool {
        let sender = &self.message().sending_entity;
        self.case.history.passes_to(named, sender, given_at, self.today)
    }

    /// Whether `named` is the sender or became part of it.
    pub fn is_own(&self, named: &EntityId) -> bool {
        self.is_senders(named, Timestamp::default())
    }

    /// Whether an objection to `named` binds `wanted`.
    pub fn binds(&self, named: &EntityId, wanted: &EntityId) -> bool {
        self.case.history.binds(named, wanted, self.today)
    }

    /// What kind of subject the strongest statement says, the latest of equals.
    pub fn subject(&self) -> (SubjectKind, Option<&'c Entry>) {
        let said = self.descriptions(|fact| match fact {
            Fact::SubjectDescribed { subject_kind, .. } => {
                Some(*subject_kind).filter(|kind| *kind != SubjectKind::Unknown)
            }
            _ => None,
        });
        // At the same moment, a natural person is the safer reading.
        let is_person =
            |kind: SubjectKind| !matches!(kind, SubjectKind::LegalPerson | SubjectKind::PublicBody);
        let strongest =
            said.into_iter().max_by_key(|(kind, entry)| (entry.level, entry.at, is_person(*kind)));
        strongest.map_or((SubjectKind::Unknown, None), |(kind, entry)| (kind, Some(entry)))
    }

    /// Whether the person is said to be a minor, and where; whoever says so is heard, and only a
    /// statement at least as strong and later says otherwise.
    pub fn minor(&self) -> Option<&'c Entry> {
        let said =
            self.case.recipient.record.entries().iter().filter_map(|entry| match &entry.fact {
                Fact::SubjectDescribed { minor: Some(minor), .. } if entry.at <= self.case.at => {
                    Some((*minor, entry))
                }
                _ => None,
            });
        let strongest = said.max_by_key(|(minor, entry)| (entry.level, entry.at, *minor));
        strongest.filter(|(minor, _)| *minor).map(|(_, entry)| entry)
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

/// RFC 3463 §3.2: the mailbox does not exist, or has moved away; RFC 7505 and RFC 5248 add none.
fn is_mailbox_unknown(status: &str) -> bool {
    // Other systems write the whole reply where the code should stand.
    let words = status.split(|c: char| !c.is_ascii_digit() && c != '.');
    words
        .map(|word| word.trim_matches('.'))
        .any(|word| matches!(word, "5.1.1" | "5.1.6" | "5.1.10"))
}

/// The last piece of evidence that the address was unknown to its provider.
fn last_unknown<'c>(recipient: &RecipientFacts<'c>) -> Option<&'c Entry> {
    let is_of_address = |entry: &&Entry| entry.tag.is_none_or(|tag| tag == recipient.tag);
    let unknown = recipient.record.entries().iter().filter(is_of_address).filter(
        |entry| matches!(&entry.fact, Fact::Bounce { status } if is_mailbox_unknown(status)),
    );
    unknown.max_by_key(|entry| (entry.at, entry.id))
}
