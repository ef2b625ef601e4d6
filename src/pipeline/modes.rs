//! The operator's choices that shape a reply: mode, level of enforcement, disclosure.

use serde::{Deserialize, Serialize};

use crate::base::{StreamId, Timestamp};

/// How one reply after DATA tells that some recipients were denied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Send to the permitted, notify about the denied, answer 250.
    #[default]
    Bounce,
    /// Send to nobody if anybody is denied, answer 550.
    Reject,
    /// Send to the permitted and say in the 250 how many those were.
    Strip,
}

/// How much of the law a stream enforces.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforce {
    /// Send to everybody, unedited; decisions are only journalled.
    Observe,
    /// Enforce recorded objections and complaints; a missing basis is only journalled.
    Objections,
    /// Enforce everything.
    All,
}

/// What lets a stream send without a permit for a while.
///
/// It is part of the configuration, dated, and never longer than 180 days.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Lease {
    /// The stream that observes.
    pub stream: StreamId,
    /// The moment after which it no longer may.
    pub until: Timestamp,
}

/// Whom notices about denied recipients go to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoticeTo {
    /// To the sender of the message.
    ReversePath,
    /// To one mailbox of the operator.
    Address(crate::smtp::Path),
    /// To nobody: the stream then acts as `strip`.
    Nobody,
}

/// How much a refusal tells the client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclose {
    /// The reason code.
    Reason,
    /// Only that it was a refusal by policy.
    Class,
}
