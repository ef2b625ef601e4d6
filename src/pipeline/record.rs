//! What the journal keeps about a decision: enough to explain it years later.
//!
//! No address, no subject, no text of the message: who it is about is the person key beside it.

use serde::{Deserialize, Serialize};

use super::dispatch::Outcome;
use super::modes::Enforce;
use super::reply_table::Ending;
use crate::base::{
    BrandId, DecisionId, Digest, EntityId, JurisdictionId, PersonKey, StreamId, Timestamp, TopicId,
    TransactionId,
};
use crate::classify::{Classification, Signal};
use crate::eligibility::Report;

/// A row of the store and the version it had when it was read; 0 if there was none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowVersion {
    /// The row.
    pub row: PersonKey,
    /// Its version.
    pub version: u64,
}

/// What a decision read beside the person's own row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Beside {
    /// The same person under older live keys.
    pub siblings: Vec<RowVersion>,
    /// The whole domain, under each live key.
    pub domains: Vec<RowVersion>,
    /// The newest generation of any register, and the newest row of the history of legal persons.
    pub common: (i64, i64),
}

impl Beside {
    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &RowVersion> {
        self.siblings.iter().chain(&self.domains)
    }
}

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
    /// Why the whole message was refused before anybody was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
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
    /// The hash of the footer in force, where messages get one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer_hash: Option<Digest>,
    /// SHA-256 of the copy as it is handed over: the mail data before dot-stuffing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Digest>,
    /// The version of the person's record that was read.
    pub record_version: u64,
    /// What each rule set says.
    pub verdict: Report,
}

impl DecisionRecord {
    /// The JSON the journal keeps.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, numbers and enums always have a JSON form")
    }
}

impl ClassRecord {
    /// What the journal keeps about `classification`.
    pub(super) fn of(classification: &Classification) -> Self {
        let name = |element| match serde_json::to_value(element) {
            Ok(serde_json::Value::String(name)) => name,
            Ok(_) | Err(_) => String::new(),
        };
        Self {
            class: classification.class().as_str().to_owned(),
            elements: classification.elements().iter().map(name).collect(),
            signals: classification.signals().to_vec(),
        }
    }
}

/// What the journal keeps about what became of a recipient.
pub fn outcome_payload(ending: &Ending) -> Vec<u8> {
    let (outcome, reply) = match ending {
        Ending::Accepted => ("accepted_earlier", None),
        Ending::Notified => ("notified", None),
        Ending::Denied => ("denied", None),
        Ending::Tried(Outcome::Accepted(reply)) => ("accepted", Some(reply.to_string())),
        Ending::Tried(Outcome::Refused(reply)) => ("refused", Some(reply.to_string())),
        Ending::Tried(Outcome::Deferred(reply)) => ("deferred", Some(reply.to_string())),
        Ending::Tried(Outcome::Failed(fault)) => ("failed", Some(fault.as_str().to_owned())),
        Ending::Tried(Outcome::InDoubt) => ("in_doubt", None),
    };
    let record = OutcomeRecord { outcome: outcome.to_owned(), reply };
    serde_json::to_vec(&record).expect("two strings always have a JSON form")
}

/// What became of a recipient, as journalled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// A word for it.
    pub outcome: String,
    /// The upstream's reply, or the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

impl OutcomeRecord {
    /// The outcome as a clause.
    pub fn in_words(&self) -> String {
        let reply = self.reply.as_deref().unwrap_or_default();
        match self.outcome.as_str() {
            "accepted" => format!("the outbound MTA accepted the copy ({reply})"),
            "accepted_earlier" => "the copy had been accepted in an earlier attempt".to_owned(),
            "notified" => "a notice about it was accepted by the outbound MTA".to_owned(),
            "denied" => "not sent; the reply said so".to_owned(),
            "refused" => format!("the outbound MTA refused the copy ({reply})"),
            "deferred" => format!("the outbound MTA asked to try again ({reply})"),
            "failed" => format!("not sent in this attempt ({reply})"),
            "in_doubt" => "unknown: the connection was lost after the message".to_owned(),
            other => format!("{other} {reply}"),
        }
    }
}
