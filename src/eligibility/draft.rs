//! Evidence as people write it down: flat, with the columns of the evidence CSV.
//!
//! Case files and imports share this form, so that a fact means the same in both. An empty
//! column is unknown, never yes or no. One draft is one piece, except that a dealing which also
//! says how the address was collected yields two, and an objection to several topics one each.

use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::evidence::{
    AddressKind, CollectionChannel, CollectionFact, ConsentFact, DealingFact, Evidence, Fact,
    Level, Mechanism, ObjectionChannel, Provenance, Scope, SubjectKind,
};
use crate::base::{BrandId, CollectionPointId, EntityId, JurisdictionId, Timestamp, TopicId};

/// What is wrong with one column.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{column}: {message}; {hint}")]
pub struct DraftError {
    /// The column.
    pub column: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl DraftError {
    pub(super) fn new(
        column: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { column, message: message.into(), hint: hint.into() }
    }
}

/// What an objection is said to cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftScope {
    /// All marketing of the entity.
    #[default]
    #[serde(alias = "everything", alias = "all")]
    Entity,
    /// The brand named.
    Brand,
    /// The topics named.
    #[serde(alias = "topics")]
    Topic,
}

/// One row of evidence before it becomes facts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceDraft {
    /// The kind, by its full or short name.
    pub kind: String,
    /// When it happened.
    #[serde(deserialize_with = "moment")]
    pub at: Option<Timestamp>,
    /// The legal person; a consent may name several.
    #[serde(deserialize_with = "one_or_more")]
    pub entity: Vec<EntityId>,
    /// The brand.
    pub brand: Option<BrandId>,
    /// The topics.
    #[serde(deserialize_with = "one_or_more")]
    pub topics: Vec<TopicId>,
    /// Where it happened.
    pub collection_point: Option<CollectionPointId>,
    /// Whether a refusal was offered at collection.
    pub opt_out_offered: Option<bool>,
    /// Whether a sale was carried through.
    pub completed: Option<bool>,
    /// Whether it was paid.
    pub paid: Option<bool>,
    /// When a contract ended.
    #[serde(deserialize_with = "moment")]
    pub ended_at: Option<Timestamp>,
    /// By which act a consent was given.
    pub mechanism: Option<Mechanism>,
    /// Which wording or notice was shown.
    pub wording_version: Option<String>,
    /// When a double opt-in was completed.
    #[serde(deserialize_with = "moment")]
    pub double_opt_in_at: Option<Timestamp>,
    /// What an objection covers.
    pub scope: Option<DraftScope>,
    /// Where the person is.
    #[serde(deserialize_with = "one_or_more")]
    pub jurisdictions: Vec<JurisdictionId>,
    /// The kind of subject.
    pub subject_kind: Option<SubjectKind>,
    /// The kind of address.
    pub address_kind: Option<AddressKind>,
    /// The channel of a consent (`email`), a collection (`web`) or an objection (`link`).
    pub channel: Option<String>,
    /// Whether the person gave the address directly.
    pub direct: Option<bool>,
    /// The system it comes from; for `register_hit` the register.
    pub source: Option<String>,
    /// The source's own number for it; for `bounce` the status code.
    pub reference: Option<String>,
    /// The IP address the person acted from.
    pub ip: Option<String>,
    /// The form it was given on.
    pub form: Option<String>,
    /// SHA-256 of the document that proves it, in hex.
    pub document: Option<String>,
    /// How much weight it has; an import unless said otherwise.
    pub level: Option<Level>,
    /// In case files: whether it was given for another sub-address of the same person.
    pub other_address: bool,
}

/// The kinds a draft may name, each with its short forms.
const KINDS: &[(&str, &[&str])] = &[
    ("consent_given", &["consent"]),
    ("consent_confirmed", &["confirmed", "double_opt_in"]),
    ("consent_withdrawn", &["withdrawal", "withdrawn"]),
    ("objection", &["opt_out", "unsubscribe"]),
    ("complaint", &[]),
    ("bounce", &[]),
    ("address_collected", &["collected", "collection"]),
    ("sale", &["purchase", "order"]),
    ("negotiation", &["quote"]),
    ("inquiry", &["enquiry"]),
    ("contract_opened", &["contract", "contract_open"]),
    ("contract_ended", &[]),
    ("donation", &[]),
    ("membership", &[]),
    ("interest_click", &["interest"]),
    ("subject_described", &["subject"]),
    ("register_hit", &["register"]),
    ("erasure", &[]),
];

/// The full name of the kind `word` stands for.
fn kind_named(word: &str) -> Option<&'static str> {
    let word = word.trim().to_ascii_lowercase();
    KINDS.iter().find(|(name, short)| *name == word || short.contains(&word.as_str())).map(|k| k.0)
}

impl EvidenceDraft {
    /// The full name of the kind.
    ///
    /// # Errors
    /// If the kind is not known.
    pub fn kind(&self) -> Result<&'static str, DraftError> {
        kind_named(&self.kind).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            let value: String = self.kind.chars().take(40).collect();
            DraftError::new("kind", format!("unknown kind `{value}`"), names.join(", "))
        })
    }

    /// Whether it can only narrow what is allowed.
    pub fn is_protective(&self) -> bool {
        matches!(
            kind_named(&self.kind),
            Some(
                "consent_withdrawn"
                    | "objection"
                    | "complaint"
                    | "bounce"
                    | "register_hit"
                    | "erasure"
            )
        )
    }

    /// The pieces of evidence, without tag and without the moment of recording.
    ///
    /// # Errors
    /// The first column that keeps the row from being evidence.
    pub fn into_evidence(self) -> Result<Vec<Evidence>, DraftError> {
        let kind = self.kind()?;
        let at = self.at.ok_or_else(|| {
            DraftError::new("at", "the moment is missing", "a date such as 2026-02-05")
        })?;
        let level = self.level.unwrap_or(Level::Import);
        let provenance = Provenance {
            recorded_at: Timestamp::default(),
            source: self.source.clone(),
            actor: None,
            reference: self.reference.clone(),
            ip: self.ip.clone(),
            form: self.form.clone(),
            document: self.document.clone(),
            batch: None,
        };
        let facts = self.facts(kind, at)?;
        let make = |fact| Evidence { at, tag: None, fact, level, provenance: provenance.clone() };
        Ok(facts.into_iter().map(make).collect())
    }

    fn facts(&self, kind: &str, at: Timestamp) -> Result<Vec<Fact>, DraftError> {
        let one = |fact| Ok(vec![fact]);
        match kind {
            "consent_given" => one(Fact::ConsentGiven(self.consent())),
            "consent_confirmed" => one(Fact::ConsentConfirmed { entity: self.entity()? }),
            "consent_withdrawn" => self
                .scopes()
                .map(|s| s.into_iter().map(|scope| Fact::ConsentWithdrawn { scope }).collect()),
            "objection" => {
                let channel = self.objection_channel();
                let make = |scope| Fact::Objection { scope, channel };
                self.scopes().map(|scopes| scopes.into_iter().map(make).collect())
            }
            "complaint" => one(Fact::Complaint { entity: self.entity()? }),
            "erasure" => one(Fact::Erasure { entity: self.entity()? }),
            "bounce" => one(Fact::Bounce { status: self.reference.clone().unwrap_or_default() }),
            "address_collected" => one(Fact::AddressCollected(self.collection()?)),
            "subject_described" => one(Fact::SubjectDescribed {
                subject_kind: self.subject_kind.unwrap_or_default(),
                address_kind: self.address_kind.unwrap_or_default(),
                jurisdictions: self.jurisdictions.clone(),
                role: None,
            }),
            "register_hit" => {
                let hint = "name the register in the column `source`";
                let register = self.source.clone();
                let register =
                    register.ok_or_else(|| DraftError::new("source", "no register", hint))?;
                one(Fact::RegisterHit { register, checked_at: at })
            }
            dealing => self.dealing_facts(dealing),
        }
    }

    fn dealing_facts(&self, kind: &str) -> Result<Vec<Fact>, DraftError> {
        let dealing = DealingFact {
            entity: self.entity()?,
            topics: self.topics.clone(),
            completed: self.completed,
            paid: self.paid,
            ended_at: self.ended_at,
            collection_point: self.collection_point.clone(),
        };
        let fact = match kind {
            "sale" => Fact::Sale(dealing),
            "negotiation" => Fact::Negotiation(dealing),
            "inquiry" => Fact::Inquiry(dealing),
            "contract_opened" => Fact::ContractOpened(dealing),
            "contract_ended" => Fact::ContractEnded(dealing),
            "donation" => Fact::Donation(dealing),
            "membership" => Fact::Membership(dealing),
            _ => Fact::InterestClick(dealing),
        };
        let tells_of_collection =
            self.opt_out_offered.is_some() || self.direct.is_some() || self.channel.is_some();
        let mut facts = vec![fact];
        if tells_of_collection {
            facts.push(Fact::AddressCollected(self.collection()?));
        }
        Ok(facts)
    }

    fn entity(&self) -> Result<EntityId, DraftError> {
        match self.entity.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(no_entity()),
            [_, ..] => {
                Err(DraftError::new("entity", "several legal persons", "write one row for each"))
            }
        }
    }

    fn consent(&self) -> ConsentFact {
        ConsentFact {
            entities: self.entity.clone(),
            topics: self.topics.clone(),
            mechanism: self.mechanism,
            wording_version: self.wording_version.clone(),
            double_opt_in_at: self.double_opt_in_at,
            channel: self.channel.clone(),
            collection_point: self.collection_point.clone(),
        }
    }

    fn collection(&self) -> Result<CollectionFact, DraftError> {
        let channel = self.channel.as_deref().map(|word| {
            word_as::<CollectionChannel>(word).ok_or_else(|| {
                let hint = "web, phone, till, guest_checkout, platform, list or import";
                DraftError::new("channel", format!("unknown channel `{}`", bounded(word)), hint)
            })
        });
        Ok(CollectionFact {
            entity: self.entity()?,
            direct: self.direct,
            channel: channel.transpose()?,
            opt_out_offered: self.opt_out_offered,
            notice_version: self.wording_version.clone(),
            collection_point: self.collection_point.clone(),
        })
    }

    /// Through which door it came. A door nobody knows is another system's.
    fn objection_channel(&self) -> ObjectionChannel {
        self.channel.as_deref().and_then(word_as).unwrap_or(ObjectionChannel::Import)
    }

    /// What an objection covers. A narrowing that names nothing narrows nothing.
    fn scopes(&self) -> Result<Vec<Scope>, DraftError> {
        if self.entity.is_empty() {
            return Err(no_entity());
        }
        let of = |entity: &EntityId| match (self.scope.unwrap_or_default(), &self.brand) {
            (DraftScope::Brand, Some(brand)) => vec![Scope::Brand(entity.clone(), brand.clone())],
            (DraftScope::Topic, _) if !self.topics.is_empty() => {
                let about = |topic: &TopicId| Scope::Topic(entity.clone(), topic.clone());
                self.topics.iter().map(about).collect()
            }
            (DraftScope::Brand | DraftScope::Topic | DraftScope::Entity, _) => {
                vec![Scope::Entity(entity.clone())]
            }
        };
        Ok(self.entity.iter().flat_map(of).collect())
    }
}

fn no_entity() -> DraftError {
    DraftError::new("entity", "no legal person", "name the one it concerns")
}

/// A word of one of the closed lists, by its serialised name.
pub(super) fn word_as<T: for<'de> Deserialize<'de>>(word: &str) -> Option<T> {
    let word = word.trim().to_ascii_lowercase();
    T::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(&word)).ok()
}

/// The beginning of a value, for an error message.
pub(super) fn bounded(value: &str) -> String {
    value.chars().take(40).collect()
}

/// Reads a TOML date or date-time, or a text that holds one.
pub(super) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::Datetime(datetime) => datetime.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let expected = "expected a date such as 2026-02-05, or a moment such as 2026-02-05T09:30:00Z";
    Timestamp::parse(&text).map(Some).ok_or_else(|| serde::de::Error::custom(expected))
}

fn one_or_more<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'v> Deserialize<'v>,
{
    let value = toml::Value::deserialize(deserializer)?;
    let read = match value {
        toml::Value::Array(_) => Vec::<T>::deserialize(value),
        one => T::deserialize(one).map(|one| vec![one]),
    };
    read.map_err(|error| serde::de::Error::custom(error.message().trim()))
}
