//! Evidence as people write it down: flat, with the columns of the evidence CSV.
//!
//! Case files and imports share this form, so that a fact means the same in both. An empty
//! column is unknown, never yes or no. One draft is one piece, except that a dealing which also
//! says how the address was collected yields two, and an objection to several topics one each.

mod facts;

use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::evidence::Level;
use super::fact::{AddressKind, Mechanism, SubjectKind};
use super::succession::Deal;
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
    #[serde(alias = "everything", alias = "all", alias = "all_marketing")]
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
    #[serde(
        deserialize_with = "one_or_more",
        alias = "entity_id",
        alias = "entity_ids",
        alias = "entities",
        alias = "by_entity"
    )]
    pub entity: Vec<EntityId>,
    /// Others whose products a consent names as well.
    #[serde(deserialize_with = "one_or_more")]
    pub promoted_entities: Vec<EntityId>,
    /// The brand.
    pub brand: Option<BrandId>,
    /// The topics.
    #[serde(
        deserialize_with = "one_or_more",
        alias = "topic",
        alias = "product_category",
        alias = "product_categories"
    )]
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
    #[serde(alias = "text_version", alias = "notice_version")]
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
    #[serde(deserialize_with = "one_or_joined", alias = "channels")]
    pub channel: Option<String>,
    /// Whether the person gave the address directly.
    #[serde(alias = "direct_from_subject")]
    pub direct: Option<bool>,
    /// The system it comes from; for `register_hit` the register.
    #[serde(alias = "register")]
    pub source: Option<String>,
    /// The source's own number for it; for `bounce` the status code.
    #[serde(alias = "evidence_ref", alias = "status")]
    pub reference: Option<String>,
    /// The IP address the person acted from.
    pub ip: Option<String>,
    /// The form it was given on.
    pub form: Option<String>,
    /// SHA-256 of the document that proves it, in hex.
    pub document: Option<String>,
    /// Whether a sale was taken back.
    pub cancelled: Option<bool>,
    /// Whether one act was taken for several purposes.
    pub bundled: Option<bool>,
    /// Whether the box was ticked beforehand.
    pub preticked: Option<bool>,
    /// When a consent was taken back.
    #[serde(deserialize_with = "moment")]
    pub withdrawn_at: Option<Timestamp>,
    /// Whether a double opt-in was begun and not yet completed.
    #[serde(alias = "double_opt_in_pending")]
    pub pending: Option<bool>,
    /// Whether a guardian consented for a minor.
    pub by_guardian: Option<bool>,
    /// Whether the person is a minor.
    pub minor: Option<bool>,
    /// The role at work.
    #[serde(alias = "work_role")]
    pub role: Option<String>,
    /// Where the person published the address.
    pub url: Option<String>,
    /// Whether a refusal of advertising stood beside it.
    pub no_spam_notice: Option<bool>,
    /// Whether a friend acted of their own accord.
    #[serde(alias = "initiated_by_user")]
    pub own_initiative: Option<bool>,
    /// Whether a reward was promised for it.
    #[serde(alias = "reward")]
    pub rewarded: Option<bool>,
    /// Whether the recipient sees who recommends.
    #[serde(alias = "initiator_visible")]
    pub initiator_shown: Option<bool>,
    /// Whether the friend saw the whole text.
    pub text_seen: Option<bool>,
    /// Whether the address is used once and not kept.
    pub used_once: Option<bool>,
    /// When a register was consulted.
    #[serde(deserialize_with = "moment")]
    pub checked_at: Option<Timestamp>,
    /// Since when a register lists the address.
    #[serde(deserialize_with = "moment")]
    pub listed_at: Option<Timestamp>,
    /// In case files, of a `succession`: the predecessor.
    pub from: Option<EntityId>,
    /// In case files, of a `succession`: the successor.
    pub to: Option<EntityId>,
    /// In case files, of a `succession`: what passed.
    pub deal: Option<Deal>,
    /// In case files, of a `succession`: whether everything passed.
    pub universal: Option<bool>,
    /// How much weight it has; an import unless said otherwise.
    pub level: Option<Level>,
    /// In case files: whether it is about everybody in the person's domain.
    pub whole_domain: bool,
    /// In case files: whether it was given for another sub-address of the same person.
    pub other_address: bool,
}

/// The kinds a draft may name, each with its short forms.
pub(super) const KINDS: &[(&str, &[&str])] = &[
    ("consent_given", &["consent", "consent_express"]),
    ("consent_confirmed", &["confirmed", "double_opt_in"]),
    ("consent_withdrawn", &["withdrawal", "withdrawn"]),
    ("objection", &["opt_out", "unsubscribe", "unsubscribed", "objected"]),
    ("complaint", &[]),
    ("bounce", &[]),
    ("address_collected", &["collected", "collection"]),
    ("sale", &["purchase", "order", "sale_paid", "sale_free_account"]),
    ("negotiation", &[]),
    ("quote_request", &["quote"]),
    ("inquiry", &["enquiry"]),
    ("browse_only", &["browse"]),
    ("contract_opened", &["contract", "contract_open"]),
    ("contract_ended", &[]),
    ("donation", &[]),
    ("volunteering", &["volunteer"]),
    ("membership", &[]),
    ("interest_click", &["interest", "interest_in_charity"]),
    ("ereceipt_only", &["ereceipt"]),
    ("competition", &[]),
    ("activity", &["click", "login"]),
    ("address_published", &["published", "published_by_subject"]),
    ("referral", &["referral_by_friend"]),
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

/// Reads one word or several, which are joined.
fn one_or_joined<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let words: Vec<String> = one_or_more(deserializer)?;
    Ok(if words.is_empty() { None } else { Some(words.join(",")) })
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
