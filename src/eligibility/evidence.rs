//! Evidence: who said or did what, when, and how we know.
//!
//! Evidence is append-only. What was said or done is a [`Fact`]; this file holds what surrounds
//! it: the moment, the exact address, the weight of the source and how we know.

use serde::{Deserialize, Serialize};

use super::fact::Fact;
use crate::base::{AddressTag, BatchId, Timestamp};

/// One piece of evidence about one person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// When it happened, as the source tells it.
    pub at: Timestamp,
    /// The exact address it was given for; `None` where only the person is known (one-click).
    pub tag: Option<AddressTag>,
    /// What was said or done.
    pub fact: Fact,
    /// How much weight the source has against later, contrary evidence.
    pub level: Level,
    /// How we know.
    pub provenance: Provenance,
}

/// Who tells us, weakest first: a lower level never lifts a higher objection.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Concluded from other facts.
    #[default]
    Inferred,
    /// Taken over from another system.
    Import,
    /// Entered by staff.
    Staff,
    /// The person acted through a channel that names them.
    Recipient,
    /// The person confirmed on our own page (only that page gives this level).
    RecipientConfirmed,
}

/// Where a piece of evidence comes from. Empty means unknown.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// When we wrote it down.
    pub recorded_at: Timestamp,
    /// The system or page it came from (`import`, `one_click`, `cli`, a CRM's name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The person or program that recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The source's own number for it (order, form entry, ticket).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The IP address the person acted from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The form it was given on, by name or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// SHA-256 of the document that proves it, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The import it was part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
}
