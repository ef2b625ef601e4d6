//! Case files: one question to the law, and the answer counsel expects, as TOML.
//!
//! Counsel writes them as tests of the rules; `consentry decide` answers one. Given a message,
//! a recipient's evidence and the operator's declarations, then a verdict. The form of the
//! message counts as complete unless the file says otherwise.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::basis::Basis;
use super::case::{Case, Class, Form, MessageFacts, Purpose, RecipientFacts, Validity};
use super::decide::decide;
use super::draft::{EvidenceDraft, moment};
use crate::classify::Element;
use super::evidence::{AddressKind, CollectionChannel, Evidence, Fact, Level, SubjectKind};
use super::policy::{CollectionPoint, Policy};
use super::reason::Reason;
use super::record::RecipientRecord;
use super::rules::{Acceptance, Override, RuleBook, date, line_of, some_date};
use super::verdict::Verdict;
use crate::base::{
    AddressTag, BrandId, CollectionPointId, DomainName, EntityId, EvidenceId, JurisdictionId,
    Timestamp, TopicId,
};

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
    let raw: RawCase = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        vec![CaseFileError::Syntax { line, message: error.message().trim().to_owned() }]
    })?;
    let mut errors = Vec::new();
    let book = match book.with_choices(&raw.policy.overrides(), &raw.policy.accepted_unverified) {
        Ok(book) => book,
        Err(found) => {
            errors.extend(found.into_iter().map(CaseFileError::Policy));
            RuleBook::default()
        }
    };
    let record = raw.record(&mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let message = raw.message.facts();
    let policy = raw.policy.declarations();
    let domain = raw.recipient.domain.as_deref().and_then(|text| DomainName::parse(text).ok());
    let case = Case {
        at: raw.at,
        jurisdictions: &raw.jurisdictions,
        message: &message,
        recipient: RecipientFacts {
            record: &record,
            tag: TAG,
            domain: domain.as_ref(),
            last_marketing_sent_at: raw.recipient.last_marketing_sent_at,
        },
        policy: &policy,
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
    #[serde(default)]
    #[allow(dead_code)]
    title: Option<String>,
    #[serde(deserialize_with = "needed_moment")]
    at: Timestamp,
    jurisdictions: Vec<JurisdictionId>,
    message: RawMessageFacts,
    #[serde(default)]
    recipient: RawRecipient,
    #[serde(default)]
    evidence: Vec<RawEvidence>,
    #[serde(default)]
    policy: RawPolicy,
    #[serde(default)]
    then: Option<Then>,
}

fn needed_moment<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
    moment(d)?.ok_or_else(|| serde::de::Error::custom("expected a moment"))
}

impl RawCase {
    fn record(&self, errors: &mut Vec<CaseFileError>) -> RecipientRecord {
        let mut record = RecipientRecord::default();
        let mut id = 0;
        let mut add = |evidence: Evidence| {
            id += 1;
            record.apply(EvidenceId(id), &evidence);
        };
        if let Some(described) = self.recipient.described() {
            add(described);
        }
        for (index, raw) in self.evidence.iter().enumerate() {
            let tag = if raw.other_address { OTHER_TAG } else { TAG };
            match raw.draft.clone().into_evidence() {
                Ok(pieces) => {
                    pieces.into_iter().for_each(|e| add(Evidence { tag: Some(tag), ..e }));
                }
                Err(error) => {
                    let message = error.to_string();
                    errors.push(CaseFileError::Evidence { number: index + 1, message });
                }
            }
        }
        record
    }
}

/// Evidence of a case file: the columns of the CSV, and whether it was given for another
/// sub-address of the same person.
struct RawEvidence {
    other_address: bool,
    draft: EvidenceDraft,
}

impl<'de> Deserialize<'de> for RawEvidence {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Flattening would lose the refusal of unknown keys, so the one extra key is taken out.
        let mut table = toml::Table::deserialize(deserializer)?;
        let wrong = |message: &str| serde::de::Error::custom(message.trim());
        let other_address = match table.remove("other_address") {
            None => false,
            Some(value) => {
                value.as_bool().ok_or_else(|| wrong("other_address must be true or false"))?
            }
        };
        let draft = EvidenceDraft::deserialize(table).map_err(|error| wrong(error.message()))?;
        Ok(Self { other_address, draft })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRecipient {
    subject_kind: SubjectKind,
    address_kind: AddressKind,
    domain: Option<String>,
    #[serde(deserialize_with = "moment")]
    last_marketing_sent_at: Option<Timestamp>,
}

impl RawRecipient {
    /// A fact about the recipient is evidence like any other.
    fn described(&self) -> Option<Evidence> {
        let is_known =
            self.subject_kind != SubjectKind::Unknown || self.address_kind != AddressKind::Unknown;
        is_known.then(|| Evidence {
            at: Timestamp::from_millis(0),
            tag: Some(TAG),
            fact: Fact::SubjectDescribed {
                subject_kind: self.subject_kind,
                address_kind: self.address_kind,
                jurisdictions: Vec::new(),
                role: None,
            },
            level: Level::Staff,
            provenance: super::evidence::Provenance::default(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMessageFacts {
    elements: Vec<Element>,
    sending_entity: EntityId,
    #[serde(default)]
    class_claimed: Option<Class>,
    #[serde(default)]
    brand: Option<BrandId>,
    #[serde(default)]
    promoted_entities: Vec<EntityId>,
    #[serde(default)]
    topics: Vec<TopicId>,
    #[serde(default)]
    purpose: Purpose,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    ad_identifiable: Option<bool>,
    #[serde(default)]
    identity: RawIdentity,
    #[serde(default)]
    unsubscribe: RawUnsubscribe,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawIdentity {
    legal_name: Option<bool>,
    contact: Option<bool>,
    postal_address: Option<bool>,
    on_behalf_of: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawUnsubscribe {
    present: Option<bool>,
    header: Option<bool>,
    login_required: Option<bool>,
    extra_data_required: Option<bool>,
    fee: Option<bool>,
    steps: Option<u8>,
    valid_days: Option<u16>,
}

impl RawMessageFacts {
    fn facts(&self) -> MessageFacts {
        let mut form = Form::complete();
        let (who, offer) = (&self.identity, &self.unsubscribe);
        let says = &mut form.identity;
        says.legal_name = who.legal_name.or(says.legal_name);
        says.contact = who.contact.or(says.contact);
        says.postal_address = who.postal_address.or(says.postal_address);
        says.on_behalf_of = who.on_behalf_of.or(says.on_behalf_of);
        let has = &mut form.unsubscribe;
        has.visible = offer.present.or(has.visible);
        has.header = offer.header.or(has.header);
        has.login_required = offer.login_required.or(has.login_required);
        has.extra_data_required = offer.extra_data_required.or(has.extra_data_required);
        has.fee = offer.fee.or(has.fee);
        has.steps = offer.steps.or(has.steps);
        has.validity = offer.valid_days.map_or(has.validity, Validity::Days);
        form.ad_identifiable = self.ad_identifiable.or(form.ad_identifiable);
        form.label.clone_from(&self.label);
        MessageFacts {
            elements: self.elements.clone(),
            class_claimed: self.class_claimed,
            sending_entity: self.sending_entity.clone(),
            brand: self.brand.clone(),
            promoted_entities: self.promoted_entities.clone(),
            topics: self.topics.clone(),
            purpose: self.purpose,
            form,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPolicy {
    /// Per topic sold, the topics it covers, for the sending entity named in each entry.
    similar: Vec<RawSimilar>,
    /// Per rule set, other values for policy choices.
    overrides: BTreeMap<JurisdictionId, BTreeMap<String, toml::Value>>,
    accepted_unverified: Vec<Acceptance>,
    collection_point: Vec<RawCollectionPoint>,
    charities: Vec<EntityId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSimilar {
    entity: EntityId,
    sold: TopicId,
    covers: Vec<TopicId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCollectionPoint {
    id: CollectionPointId,
    entity: EntityId,
    channel: CollectionChannel,
    #[serde(deserialize_with = "date")]
    in_use_from: jiff::civil::Date,
    #[serde(default, deserialize_with = "some_date")]
    in_use_until: Option<jiff::civil::Date>,
    #[serde(default)]
    opt_out_offered: Option<bool>,
    #[serde(default)]
    wording_version: Option<String>,
    attested_by: String,
}

impl RawPolicy {
    fn overrides(&self) -> Vec<Override> {
        let of = |(rule_set, fields): (&JurisdictionId, &BTreeMap<String, toml::Value>)| {
            let rule_set = rule_set.clone();
            fields
                .iter()
                .map(move |(field, value)| Override {
                    rule_set: rule_set.clone(),
                    field: field.clone(),
                    value: value.clone(),
                })
                .collect::<Vec<_>>()
        };
        self.overrides.iter().flat_map(of).collect()
    }

    fn declarations(&self) -> Policy {
        let mut policy = Policy::default();
        for similar in &self.similar {
            for covered in &similar.covers {
                let (entity, sold) = (similar.entity.clone(), similar.sold.clone());
                policy.similarity.declare(entity, sold, covered.clone());
            }
        }
        for raw in &self.collection_point {
            let point = CollectionPoint {
                entity: raw.entity.clone(),
                channel: raw.channel,
                in_use_from: raw.in_use_from,
                in_use_until: raw.in_use_until,
                opt_out_offered: raw.opt_out_offered,
                wording_version: raw.wording_version.clone(),
                attested_by: raw.attested_by.clone(),
            };
            policy.collection_points.insert(raw.id.clone(), point);
        }
        policy.charities.extend(self.charities.iter().cloned());
        policy
    }
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
