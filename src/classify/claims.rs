//! What a sender claims in `X-Consentry-*`, and what its credential may claim.
//!
//! Whoever could pick topic or brand freely could pick the permission, so a claim beyond the
//! rights is refused, not ignored.

use thiserror::Error;

use super::signal::{Effect, Signal, SignalSource};
use crate::base::{BrandId, TopicId};
use crate::mail::Message;

/// What a client may claim about its messages.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claims {
    /// Whether it may claim class service.
    pub may_claim_service: bool,
    /// The brands it may name.
    pub brands: Vec<BrandId>,
    /// The topics it may name.
    pub topics: Vec<TopicId>,
}

/// A claim beyond the client's rights, or one that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ClaimError {
    /// The class is neither `service` nor `marketing`, or stands twice.
    #[error("X-Consentry-Class must be `service` or `marketing`, once")]
    Class,
    /// The topic is not one the client may name.
    #[error("topic `{0}` is not among those this client may name")]
    Topic(String),
    /// The brand is not one the client may name.
    #[error("brand `{0}` is not among those this client may name")]
    Brand(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ClassClaim {
    Service,
    Marketing,
    /// Claimed service without the right to: heard, not believed.
    ServiceWithoutRight,
}

/// The claims of one message, within the rights of its client.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    class: Option<ClassClaim>,
    pub(super) topics: Vec<TopicId>,
    pub(super) brand: Option<BrandId>,
}

impl Claimed {
    /// Whether marketing is claimed.
    pub(super) fn is_marketing(&self) -> bool {
        self.class == Some(ClassClaim::Marketing)
    }

    /// The claimed class as a signal.
    pub(super) fn signal(&self) -> Option<Signal> {
        let (rule, effect, text) = match self.class? {
            ClassClaim::Service => (
                "claim_service",
                Effect::Lowers,
                "the sender, who has the right to, claims the message is service mail",
            ),
            ClassClaim::Marketing => {
                ("claim_marketing", Effect::Raises, "the sender says the message is marketing")
            }
            ClassClaim::ServiceWithoutRight => (
                "claim_service_without_right",
                Effect::Neutral,
                "the sender claims service mail but has no right to claim it",
            ),
        };
        Some(Signal::new(rule, SignalSource::Claim, effect, text))
    }
}

/// Reads the claims of `message` and checks them against `rights`.
pub(super) fn read(message: &Message, rights: &Claims) -> Result<Claimed, ClaimError> {
    Ok(Claimed {
        class: read_class(message, rights)?,
        topics: read_topics(message, rights)?,
        brand: read_brand(message, rights)?,
    })
}

fn read_class(message: &Message, rights: &Claims) -> Result<Option<ClassClaim>, ClaimError> {
    let mut values = message.header("X-Consentry-Class").map(|field| field.unfolded());
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ClaimError::Class);
    }
    match value.trim().to_ascii_lowercase().as_str() {
        "marketing" => Ok(Some(ClassClaim::Marketing)),
        "service" if rights.may_claim_service => Ok(Some(ClassClaim::Service)),
        "service" => Ok(Some(ClassClaim::ServiceWithoutRight)),
        _ => Err(ClaimError::Class),
    }
}

fn read_topics(message: &Message, rights: &Claims) -> Result<Vec<TopicId>, ClaimError> {
    let mut topics = Vec::new();
    for field in message.header("X-Consentry-Topic") {
        for word in field.unfolded().split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let topic = rights.topics.iter().find(|topic| topic.as_str() == word);
            let topic = topic.ok_or_else(|| ClaimError::Topic(bounded(word)))?;
            if !topics.contains(topic) {
                topics.push(topic.clone());
            }
        }
    }
    Ok(topics)
}

fn read_brand(message: &Message, rights: &Claims) -> Result<Option<BrandId>, ClaimError> {
    let mut brand = None;
    for field in message.header("X-Consentry-Brand") {
        let value = field.unfolded();
        let word = value.trim();
        let known = rights.brands.iter().find(|brand| brand.as_str() == word);
        let known = known.ok_or_else(|| ClaimError::Brand(bounded(word)))?;
        if brand.as_ref().is_some_and(|earlier| earlier != known) {
            return Err(ClaimError::Brand(bounded(word)));
        }
        brand = Some(known.clone());
    }
    Ok(brand)
}

/// A stranger's word as a reply may repeat it.
fn bounded(word: &str) -> String {
    word.chars().filter(char::is_ascii_graphic).take(64).collect()
}
