//! What a message is: service, marketing, or different from law to law.
//!
//! Strongest first: what the stream says, what a credential with the right claims, the structure
//! of the whole message. There is no content model yet, so what stays unclear counts as
//! marketing (promise P7). Every signal looked at is kept, in words, for the explanation.

mod approval;
mod claims;
mod element;
mod headers;
mod signal;
mod structure;
#[cfg(test)]
mod tests;

pub use approval::{
    APPROVAL_DAYS_MAX, Approval, ApprovalError, ApprovalTerms, Approvals, SLOT_CHARS_MAX, SLOTS_MAX,
};
pub use claims::{ClaimError, Claims};
pub use element::{Element, Nature};
pub use signal::{Effect, Signal, SignalSource};

use crate::base::{BrandId, TopicId};
use crate::mail::Message;
use claims::Claimed;

/// The class of a message as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MessageClass {
    /// Goes to everybody, unchanged.
    Service,
    /// Goes to those who may be sent to.
    Marketing,
    /// Marketing under some rule sets only.
    Depends,
}

impl MessageClass {
    /// The name, as in journal and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Marketing => "marketing",
            Self::Depends => "depends",
        }
    }
}

/// What a stream says about the class of its messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum StreamClass {
    /// Nothing: each message is looked at.
    #[default]
    Open,
    /// Service, unless a signal says otherwise.
    Service,
    /// Service, whatever the message looks like.
    LockedService,
    /// Marketing, unless the whole message is a report or a calendar entry.
    Marketing,
    /// Marketing, whatever the message looks like.
    LockedMarketing,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The message.
    pub message: &'a Message,
    /// What its stream says.
    pub stream: StreamClass,
    /// What its client may claim; `None` if claims are neither honoured nor refused.
    pub claims: Option<&'a Claims>,
    /// How many recipients the transaction has.
    pub recipients: usize,
    /// Whether the reverse-path is null.
    pub has_null_reverse_path: bool,
}

/// What a message is and why. Only [`classify`] makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Classification {
    class: MessageClass,
    elements: Vec<Element>,
    signals: Vec<Signal>,
    topics: Vec<TopicId>,
    brand: Option<BrandId>,
}

impl Classification {
    /// The class.
    pub const fn class(&self) -> MessageClass {
        self.class
    }

    /// What the message is made of; empty for service mail, never empty otherwise.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// Everything that was looked at, in order; the deciding one is marked.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// The topics the sender claimed, within its rights.
    pub fn topics(&self) -> &[TopicId] {
        &self.topics
    }

    /// The brand the sender claimed, within its rights.
    pub const fn brand(&self) -> Option<&BrandId> {
        self.brand.as_ref()
    }

    /// The probability of marketing by content; `None` as long as there is no model.
    pub const fn marketing_probability(&self) -> Option<f64> {
        None
    }
}

/// Classifies a message.
///
/// # Errors
/// [`ClaimError`] if the message claims a class, topic or brand its client may not claim.
pub fn classify(input: &Input<'_>) -> Result<Classification, ClaimError> {
    let read = input.claims.map(|rights| claims::read(input.message, rights));
    let claimed = match read.unwrap_or_else(|| Ok(Claimed::default())) {
        Ok(claimed) => claimed,
        // Nothing in a message can stop mail of a locked stream, or a whole report (promise P5).
        Err(_) if is_service_whatever_it_claims(input) => Claimed::default(),
        Err(error) => return Err(error),
    };
    let mut signals = Vec::new();
    let class = weigh(input, &claimed, &mut signals);
    let elements = match class {
        // What kind of service mail it is, nobody needs to know.
        MessageClass::Service => Vec::new(),
        MessageClass::Marketing | MessageClass::Depends => vec![Element::Unclassified],
    };
    Ok(Classification { class, elements, signals, topics: claimed.topics, brand: claimed.brand })
}

fn is_service_whatever_it_claims(input: &Input<'_>) -> bool {
    input.stream == StreamClass::LockedService
        || structure::signals(input).iter().any(|signal| signal.effect == Effect::Lowers)
}

/// Goes through the inputs from the strongest to the weakest; the first to decide is marked.
fn weigh(input: &Input<'_>, claimed: &Claimed, signals: &mut Vec<Signal>) -> MessageClass {
    let stream = signal::of_stream(input.stream);
    let structure = structure::signals(input);
    let raising = headers::raising(input.message);
    let mut claim: Vec<Signal> = claimed.signal().into_iter().collect();
    let may_claim = input.claims.is_some_and(|rights| rights.may_claim_service);
    claim.extend(headers::lowering(input.message, may_claim));
    let raises = !raising.is_empty() || claim.iter().any(|s| s.effect == Effect::Raises);
    let lowers_whole = structure.iter().any(|signal| signal.effect == Effect::Lowers);
    let claims_service = claim.iter().any(|s| s.effect == Effect::Lowers);

    signals.extend(stream);
    signals.extend(claim);
    signals.extend(structure);
    signals.extend(raising);
    signals.extend(headers::overrides(input.message));
    let (class, source) = match input.stream {
        StreamClass::LockedService => (MessageClass::Service, SignalSource::Stream),
        // A report with a null reverse-path always passes: it answers mail that was sent.
        StreamClass::LockedMarketing if !(lowers_whole && input.has_null_reverse_path) => {
            (MessageClass::Marketing, SignalSource::Stream)
        }
        // A claim may always raise; a report with a machine part is no campaign.
        _ if claimed.is_marketing() => (MessageClass::Marketing, SignalSource::Claim),
        _ if lowers_whole => (MessageClass::Service, SignalSource::Structure),
        StreamClass::Marketing | StreamClass::LockedMarketing => {
            (MessageClass::Marketing, SignalSource::Stream)
        }
        StreamClass::Service if !raises => (MessageClass::Service, SignalSource::Stream),
        // Only deterministic signals overrule a claim to service (promise P7).
        StreamClass::Open if claims_service && !raises => {
            (MessageClass::Service, SignalSource::Claim)
        }
        StreamClass::Service | StreamClass::Open if raises => {
            (MessageClass::Marketing, SignalSource::Header)
        }
        StreamClass::Service | StreamClass::Open => {
            signals.push(Signal::unclear());
            (MessageClass::Marketing, SignalSource::Content)
        }
    };
    let effect = match class {
        MessageClass::Service => Effect::Lowers,
        MessageClass::Marketing | MessageClass::Depends => Effect::Raises,
    };
    let deciding = signals.iter_mut().find(|s| s.source == source && s.effect == effect);
    if let Some(signal) = deciding {
        signal.is_deciding = true;
    }
    class
}
