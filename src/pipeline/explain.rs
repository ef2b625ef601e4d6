//! The account of a decision, from what the journal keeps about it.

use std::fmt::Write as _;

use super::modes::Enforce;
use super::record::{DecisionRecord, MarketingRecord};
use crate::base::Timestamp;
use crate::eligibility;

/// What became of a decision, as the journal tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldOutcome {
    /// When it was learnt.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
}

/// One piece of evidence a verdict rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldEvidence {
    /// Its number, as the verdict names it.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What it is and where it comes from.
    pub what: String,
}

/// Writes one line; writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($argument:tt)*) => {{
        let _ = writeln!($text, $($argument)*);
    }};
}

/// Tells a decision in plain words: message, class, verdict with rules and articles, evidence,
/// and what became of the copy.
pub fn explain(
    record: &DecisionRecord,
    evidence: &[ToldEvidence],
    outcomes: &[ToldOutcome],
) -> String {
    let mut text = String::new();
    line!(text, "Decision {} about a message of {}", record.decision, record.at);
    line!(text, "Transaction {}, stream `{}`.", record.transaction, record.stream);
    line!(text, "");
    class(&mut text, record);
    match (&record.marketing, &record.refused) {
        (Some(marketing), _) => verdict(&mut text, marketing),
        (None, Some(refused)) => {
            line!(text, "Refused before anybody was looked up: {refused}.");
            line!(text, "Configuration {}.", record.config);
            return text;
        }
        (None, None) => line!(text, "Service mail is relayed unchanged; no permission is needed."),
    }
    if !evidence.is_empty() {
        line!(text, "");
        line!(text, "Evidence:");
        for piece in evidence {
            line!(text, "  {} of {}: {}", piece.id, piece.at, piece.what);
        }
    }
    line!(text, "");
    match outcomes {
        [] => line!(text, "Outcome: {}.", without_outcome(record)),
        outcomes => {
            for outcome in outcomes {
                line!(text, "Outcome at {}: {}.", outcome.at, outcome.what);
            }
        }
    }
    line!(text, "Configuration {}.", record.config);
    text
}

/// What it means that no outcome follows a decision.
fn without_outcome(record: &DecisionRecord) -> &'static str {
    match &record.marketing {
        None => "relayed as the reply said; outcomes of service mail are not kept one by one",
        Some(marketing) if marketing.is_sent => "not known; the attempt may still be under way",
        Some(_) => "nobody was sent to, and the reply or a notice said so",
    }
}

fn class(text: &mut String, record: &DecisionRecord) {
    let elements = match record.class.elements.as_slice() {
        [] => String::new(),
        elements => format!(" ({})", elements.join(", ")),
    };
    line!(text, "The message is classed as {}{elements}, because:", record.class.class);
    for signal in &record.class.signals {
        line!(text, "  {signal}");
    }
}

fn verdict(text: &mut String, marketing: &MarketingRecord) {
    let topics: Vec<&str> = marketing.topics.iter().map(|topic| topic.as_str()).collect();
    line!(text, "");
    line!(
        text,
        "Sender {} as {}, about {}; record version {}; {}: {}.",
        marketing.entity,
        marketing.brand,
        if topics.is_empty() { "no stated topic".to_owned() } else { topics.join(", ") },
        marketing.record_version,
        if marketing.is_sent { "the copy" } else { "a copy would have been" },
        marketing.footer
    );
    text.push_str(&eligibility::explain(&marketing.verdict));
    let is_denied = !marketing.verdict.reasons.is_empty();
    match (marketing.enforce, is_denied && marketing.is_sent) {
        (Enforce::Observe, true) => {
            line!(text, "The stream only observes for now: a copy was sent all the same.");
        }
        (Enforce::Objections, true) => {
            line!(text, "The stream enforces objections only for now: a copy was sent.");
        }
        (Enforce::Observe | Enforce::Objections | Enforce::All, _) => {}
    }
}
