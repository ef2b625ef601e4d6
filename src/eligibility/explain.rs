//! A verdict in plain words: what was decided, by which rule and article, and what would help.
//!
//! It works from the serialised verdict alone, so that a journal entry explains itself years
//! later, whatever the rules say by then. It tells no address and quotes no message.

use std::fmt::Write;

use super::case::Class;
use super::reason::Reason;
use super::rules::Mark;
use super::verdict::{Limb, Report, RuleSetVerdict, Ruling};

/// The account of a verdict, in lines of plain text.
pub fn explain(report: &Report) -> String {
    let mut text = String::new();
    headline(&mut text, report);
    for verdict in &report.by_rule_set {
        text.push('\n');
        rule_set(&mut text, verdict);
    }
    remedies(&mut text, report);
    text
}

/// Writes one line; writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($argument:tt)*) => {{
        let _ = writeln!($text, $($argument)*);
    }};
}

fn headline(text: &mut String, report: &Report) {
    match (report.verdict, report.basis) {
        (Ruling::Permit, Some(basis)) => {
            line!(text, "Permitted ({basis}): {}.", basis.in_words());
        }
        (Ruling::Permit, None) => line!(text, "Permitted."),
        (Ruling::Deny, _) => {
            let codes: Vec<&str> = report.reasons.iter().map(|reason| reason.code()).collect();
            line!(text, "Denied: {}.", codes.join(", "));
        }
    }
    if report.by_rule_set.len() > 1 {
        let names: Vec<&str> = report.by_rule_set.iter().map(|v| v.rule_set.as_str()).collect();
        line!(text, "The rules of {} apply, and all of them must permit.", names.join(" and "));
    }
}

fn rule_set(text: &mut String, verdict: &RuleSetVerdict) {
    let version = match verdict.version.as_str() {
        "" => String::from("no version"),
        version => format!("version {version}"),
    };
    let ruling = match verdict.verdict {
        Ruling::Permit => "permits",
        Ruling::Deny => "denies",
    };
    line!(
        text,
        "Rule set {} ({version}, {:.12}) {ruling}.",
        verdict.rule_set,
        verdict.hash.to_string()
    );
    match verdict.class {
        Class::Marketing => line!(text, "  The message is marketing."),
        class => line!(text, "  The message counts as {}, not as marketing.", class.as_str()),
    }
    for limb in &verdict.limbs {
        condition(text, limb);
    }
    for (path, value) in &verdict.overridden {
        line!(text, "  The operator has set {path} to {value}.");
    }
}

fn condition(text: &mut String, limb: &Limb) {
    match limb.fails {
        None => line!(text, "  + {}", sentence(&limb.fact)),
        Some(reason) => {
            line!(text, "  - {}: {}. Found: {}.", reason.code(), reason.missing(), limb.fact);
        }
    }
    let mut rests = format!("    Rule {}", limb.rule);
    if let Some(citation) = &limb.citation {
        let _ = write!(rests, ", {citation}");
    }
    match limb.mark {
        Some(Mark::Policy) => rests.push_str(" (a policy choice: the law is silent or disputed)"),
        Some(Mark::Unverified) => rests.push_str(" (not verified)"),
        None => {}
    }
    if !limb.evidence.is_empty() {
        let ids: Vec<String> = limb.evidence.iter().map(ToString::to_string).collect();
        let _ = write!(rests, "; evidence {}", ids.join(", "));
    }
    line!(text, "{rests}.");
}

fn remedies(text: &mut String, report: &Report) {
    if report.reasons.is_empty() {
        return;
    }
    line!(text, "\nWhat would help:");
    let mut told: Vec<&str> = Vec::new();
    // What stands absolutely comes first, and where it stands nothing else helps.
    let absolute = |reason: &&Reason| {
        matches!(
            reason,
            Reason::Objected | Reason::Unsubscribed | Reason::ConsentWithdrawn | Reason::Complained
        )
    };
    let is_absolute = report.reasons.iter().any(|reason| absolute(&reason));
    for reason in report.reasons.iter().filter(|reason| !is_absolute || absolute(reason)) {
        if !told.contains(&reason.remedy()) {
            told.push(reason.remedy());
            line!(text, "  {}: {}.", reason.code(), reason.remedy());
        }
    }
}

fn sentence(fact: &str) -> String {
    let mut chars = fact.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}
