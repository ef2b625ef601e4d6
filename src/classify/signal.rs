//! What was looked at and which way it pointed, in words a lawyer can read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::StreamClass;

/// Where a signal comes from, strongest first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalSource {
    /// The operator's settings.
    Stream,
    /// A claim of the sender in `X-Consentry-*`.
    Claim,
    /// The structure of the whole message.
    Structure,
    /// A header field mailers of campaigns set.
    Header,
    /// The content.
    Content,
}

/// Which way a signal points.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Towards service.
    Lowers,
    /// Towards marketing.
    Raises,
    /// Neither: it was looked at and proves nothing.
    Neutral,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Signal {
    /// The rule's name, stable for metrics and tests.
    pub rule: String,
    /// Where it comes from.
    pub source: SignalSource,
    /// Which way it points.
    pub effect: Effect,
    /// What was seen, without quoting the message.
    pub text: String,
    /// Whether it decided.
    #[serde(default)]
    pub is_deciding: bool,
}

impl Signal {
    /// A signal that has not decided (yet).
    pub(super) fn new(
        rule: &'static str,
        source: SignalSource,
        effect: Effect,
        text: impl Into<String>,
    ) -> Self {
        Self { rule: rule.to_owned(), source, effect, text: text.into(), is_deciding: false }
    }

    /// The same signal as the one that decides.
    pub(super) fn deciding(self) -> Self {
        Self { is_deciding: true, ..self }
    }

    /// Nothing says what the message is: it counts as marketing.
    pub(super) fn unclear() -> Self {
        Self::new(
            "unclear",
            SignalSource::Content,
            Effect::Raises,
            "nothing shows that the message is purely administrative, and unclear counts as marketing",
        )
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_deciding { " (deciding)" } else { "" };
        write!(f, "{}{mark}", self.text)
    }
}

/// What the stream's setting says.
pub(super) fn of_stream(class: StreamClass) -> Option<Signal> {
    let (rule, effect, text) = match class {
        StreamClass::Open => return None,
        StreamClass::Service => {
            ("stream_service", Effect::Lowers, "the operator's stream carries service mail")
        }
        StreamClass::LockedService => (
            "stream_locked_service",
            Effect::Lowers,
            "the operator locked the stream to service mail",
        ),
        StreamClass::Marketing => {
            ("stream_marketing", Effect::Raises, "the operator's stream carries marketing mail")
        }
        StreamClass::LockedMarketing => (
            "stream_locked_marketing",
            Effect::Raises,
            "the operator locked the stream to marketing mail",
        ),
    };
    Some(Signal::new(rule, SignalSource::Stream, effect, text))
}
