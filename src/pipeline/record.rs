//! What the journal keeps about a decision: enough to explain it years later.
//!
//! No address, no subject, no text of the message: who it is about is the person key beside it.

use serde::{Deserialize, Serialize};

use super::modes::Enforce;
use crate::base::{
    BrandId, DecisionId, Digest, EntityId, JurisdictionId, StreamId, Timestamp, TopicId,
    TransactionId,
};
use crate::classify::Signal;
use crate::eligibility::Report;

/// One decision, as journalled.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The decision.
    pub decision: DecisionId,
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// When the message arrived.
    pub at: Timestamp,
    /// The stream it fitted.
    pub stream: StreamId,
    /// How the message was classed.
    pub class: ClassRecord,
    /// For marketing: what was asked and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing: Option<MarketingRecord>,
    /// SHA-256 of the configuration in force.
    pub config: Digest,
}

/// How a message was classed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ClassRecord {
    /// `service`, `marketing` or `depends`.
    pub class: String,
    /// What the message is made of.
    pub elements: Vec<String>,
    /// What was looked at, in order.
    pub signals: Vec<Signal>,
}

/// What was asked about one recipient and what the law said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MarketingRecord {
    /// The legal person that sends.
    pub entity: EntityId,
    /// The brand it sends under.
    pub brand: BrandId,
    /// What the message is about.
    pub topics: Vec<TopicId>,
    /// The jurisdictions that apply.
    pub jurisdictions: Vec<JurisdictionId>,
    /// How much of the law the stream enforces.
    pub enforce: Enforce,
    /// Whether a copy is sent.
    pub is_sent: bool,
    /// What was done to the message: `edited`, `headers_only` or `untouched`, and why.
    pub footer: String,
    /// The version of the person's record that was read.
    pub record_version: u64,
    /// What each rule set says.
    pub verdict: Report,
}
