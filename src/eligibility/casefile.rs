//! Case files: one question to the law, and the answer counsel expects, as TOML.
//!
//! Counsel writes them as tests of the rules; `consentry decide` answers one. Given a message,
//! a recipient's evidence and the operator's declarations, then a verdict. The form of the
//! message counts as complete unless the file says otherwise.

mod raw;

use serde::Deserialize;
use thiserror::Error;

use super::basis::Basis;
use super::case::{Case, Class, RecipientFacts};
use super::decide::decide;
use super::draft::{EvidenceDraft, moment};
use super::evidence::Evidence;
use super::reason::Reason;
use super::record::RecipientRecord;
use super::rules::{RuleBook, line_of};
use super::succession::{Deal, Succession, Successions};
use super::verdict::Verdict;
use crate::base::{AddressTag, DomainName, EvidenceId, JurisdictionId, Timestamp};
use raw::{RawMessageFacts, RawPolicy, RawRecipient};

/// Why a case file cannot be answered.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CaseFileError {
    /// It is not the TOML a case file is written in.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A piece of evidence says nothing usable.
    #[error("evidence number {number}: {message}")]
    Evidence {
        /// Which one, counted from 1.
        number: usize,
        /// What is wrong.
        message: String,
    },
    /// A choice under `[policy]` is not the operator's to make.
    #[error("policy: {0}")]
    Policy(String),
}

/// The answer to a case file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseResult {
    /// The verdict.
    pub verdict: Verdict,
    /// How it differs from what the file expects; empty if it does not, or expects nothing.
    pub differences: Vec<String>,
    /// Whether the file expects anything.
    pub expects: bool,
}

/// Answers the case in `text` by the rules of `book`.
///
/// # Errors
/// Everything that keeps the file from being a case.
pub fn run(text: &str, book: &RuleBook) -> Result<CaseResult, Vec<CaseFileError>> {
    let mut raw: RawCase = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        vec![CaseFileError::Syntax { line, message: error.message().trim().to_owned() }]
    })?;
    raw.gather_evidence();
    let mut errors = Vec::new();
    let book = match book.with_choices(&raw.policy.overrides(), &raw.policy.accepted_unverified) {
        Ok(book) => book,
        Err(found) => {
            errors.extend(found.into_iter().map(CaseFileError::Policy));
            RuleBook::default()
        }
    };
    raw.check_successions(&mut errors);
    let record = raw.folded(Place::Address, &mut errors);
    let domain_record = raw.folded(Place::Domain, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let message = raw.message.facts(&raw.recipient, raw.at);
    let policy = raw.policy.declarations(&message.sending_entity);
    let history = Successions::new(raw.successions().collect());
    let registers = raw.policy.registers(&book, raw.at);
    let jurisdictions = raw.places();
    let domain = raw.recipient.domain.as_deref().and_then(|text| DomainName::parse(text).ok());
    let case = Case {
        at: raw.at,
        jurisdictions: &jurisdictions,
        message: &message,
        recipient: RecipientFacts {
            record: &record,
            tag: TAG,
            domain: domain.as_ref(),
            last_marketing_sent_at: raw.recipient.last_marketing_sent_at,
            marketing_unbroken_since: raw.recipient.marketing_unbroken_since,
            domain_record: Some(&domain_record),
            registers: Some(&registers),
        },
        policy: &policy,
        history: &history,
    };
    let verdict = decide(&case, &book);
    let differences = raw.then.as_ref().map_or_else(Vec::new, |then| then.differences(&verdict));
    Ok(CaseResult { verdict, differences, expects: raw.then.is_some() })
}

/// The one address a case file is about, and another one of the same person.
const TAG: AddressTag = AddressTag::from_bytes([1; 16]);
const OTHER_TAG: AddressTag = AddressTag::from_bytes([2; 16]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    /// What the case shows; for readers.
    #[serde(default, rename = "title")]
    _title: Option<String>,
    /// Where it comes from; for readers.
    #[serde(default, rename = "source")]
    _source: Option<String>,
    #[serde(deserialize_with = "needed_moment")]
    at: Timestamp,
    #[serde(default)]
    jurisdictions: Vec<JurisdictionId>,
    message: RawMessageFacts,
    #[serde(default)]
    recipient: RawRecipient,
    #[serde(default)]
    evidence: Vec<EvidenceDraft>,
    #[serde(default)]
    policy: RawPolicy,
    #[serde(default)]
    then: Option<Then>,
}

fn needed_moment<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
    moment(d)?.ok_or_else(|| serde::de::Error::custom("expected a moment"))
}

/// What a piece of evidence is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The person.
    Address,
    /// Everybody in the person's domain.
    Domain,
}

impl RawCase {
    /// Puts what stands with the recipient among the evidence.
    fn gather_evidence(&mut self) {
        self.evidence.extend(self.recipient.take_evidence());
        for draft in &mut self.evidence {
            // A person's own word, said to the sender, unless the file says otherwise.
            if draft.kind == "objection" && draft.channel.is_none() {
                draft.channel = Some(String::from("direct"));
            }
            if draft.is_protective() && draft.entity.is_empty() {
                draft.entity.push(self.message.sending_entity.clone());
            }
        }
    }

    fn places(&self) -> Vec<JurisdictionId> {
        let mut places = self.jurisdictions.clone();
        for place in &self.recipient.jurisdictions {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
        places
    }

    fn folded(&self, place: Place, errors: &mut Vec<CaseFileError>) -> RecipientRecord {
        let mut record = RecipientRecord::default();
        let mut id = 0;
        let mut add = |evidence: Evidence| {
            id += 1;
            record.apply(EvidenceId(id), &evidence);
        };
        if place == Place::Address {
            self.recipient.facts(&self.message).into_iter().for_each(&mut add);
        }
        let of_place = |draft: &&EvidenceDraft| {
            draft.kind != SUCCESSION && draft.whole_domain == (place == Place::Domain)
        };
        for (index, draft) in self.evidence.iter().enumerate().filter(|(_, d)| of_place(d)) {
            let tag = match place {
                Place::Domain => None,
                Place::Address if draft.other_address => Some(OTHER_TAG),
                Place::Address => Some(TAG),
            };
            match draft.clone().into_evidence() {
                Ok(pieces) => pieces.into_iter().for_each(|e| add(Evidence { tag, ..e })),
                Err(error) => {
                    let message = error.to_string();
                    errors.push(CaseFileError::Evidence { number: index + 1, message });
                }
            }
        }
        record
    }

    fn check_successions(&self, errors: &mut Vec<CaseFileError>) {
        for (index, draft) in self.evidence.iter().enumerate() {
            if draft.kind == SUCCESSION && succession(draft).is_none() {
                let message = String::from(
                    "a succession needs from, to, at and deal = \"universal\" or \"asset_deal\"",
                );
                errors.push(CaseFileError::Evidence { number: index + 1, message });
            }
        }
    }

    fn successions(&self) -> impl Iterator<Item = Succession> {
        self.evidence.iter().filter(|draft| draft.kind == SUCCESSION).filter_map(succession)
    }
}

const SUCCESSION: &str = "succession";

fn succession(draft: &EvidenceDraft) -> Option<Succession> {
    let by_answer = draft.universal.map(|whole| match whole {
        true => Deal::Universal,
        false => Deal::AssetDeal,
    });
    Some(Succession {
        from: draft.from.clone()?,
        to: draft.to.clone()?,
        at: draft.at?.date(),
        deal: draft.deal.or(by_answer)?,
        document: draft.document.clone(),
    })
}

/// What the file expects.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    verdict: ExpectedVerdict,
    #[serde(default)]
    basis: Option<Basis>,
    /// Reasons that must be among those given.
    #[serde(default)]
    reasons: Vec<Reason>,
    /// Reasons that must not.
    #[serde(default)]
    not_reasons: Vec<Reason>,
    #[serde(default)]
    informational: Vec<Reason>,
    /// What the message is in the eyes of the deciding rule set.
    #[serde(default)]
    class: Option<Class>,
    /// Whether `reasons` must be all of them.
    #[serde(default)]
    exact: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExpectedVerdict {
    Permit,
    Deny,
    Defer,
}

impl ExpectedVerdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
            Self::Defer => "defer",
        }
    }
}

impl Then {
    fn differences(&self, verdict: &Verdict) -> Vec<String> {
        let report = verdict.report();
        let mut differences = Vec::new();
        if self.verdict.as_str() != report.verdict.as_str() {
            let (expected, found) = (self.verdict.as_str(), report.verdict.as_str());
            differences.push(format!("expected verdict {expected}, found {found}"));
        }
        if self.basis.is_some() && self.basis != report.basis {
            let shown = |basis: Option<Basis>| basis.map_or("none", Basis::as_str);
            let (expected, found) = (shown(self.basis), shown(report.basis));
            differences.push(format!("expected basis {expected}, found {found}"));
        }
        let class = verdict.deciding().map(|deciding| deciding.class);
        if self.class.is_some() && self.class != class {
            let shown = |class: Option<Class>| class.map_or("none", Class::as_str);
            let (expected, found) = (shown(self.class), shown(class));
            differences.push(format!("expected class {expected}, found {found}"));
        }
        for reason in self.reasons.iter().filter(|reason| !report.reasons.contains(reason)) {
            differences.push(format!("expected reason {reason}, which is not given"));
        }
        for reason in self.not_reasons.iter().filter(|reason| report.reasons.contains(reason)) {
            differences.push(format!("reason {reason} is given, but should not be"));
        }
        for reason in self.informational.iter().filter(|r| !report.informational.contains(r)) {
            differences.push(format!("expected the information {reason}, which is not given"));
        }
        let extra = report.reasons.iter().filter(|r| self.exact && !self.reasons.contains(r));
        differences.extend(extra.map(|reason| format!("reason {reason} is given as well")));
        differences
    }
}

#[cfg(test)]
mod tests;
