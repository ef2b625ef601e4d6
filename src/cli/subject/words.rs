//! What is held about a person, in words for that person.

use super::dossier::{Decision, Dossier, Piece};
use crate::eligibility::{Fact, Level, Scope};

/// The lines.
pub(super) fn tell(dossier: &Dossier) -> Vec<String> {
    let mut lines = vec![format!("What is held about {} as of {}", dossier.address, dossier.as_of)];
    if let Some(entity) = &dossier.entity {
        lines.push(format!("for {entity}, and for all legal persons of this house together"));
    }
    lines.push(String::from("The address itself is not stored, only a keyed hash of it."));
    lines.push(String::new());
    lines.push(format!("Evidence ({})", dossier.evidence.len()));
    for piece in &dossier.evidence {
        lines.extend(tell_piece(piece));
    }
    lines.push(String::new());
    lines.push(format!("Marketing mail that was decided on ({})", dossier.decisions.len()));
    lines.extend(dossier.decisions.iter().map(tell_decision));
    lines.push(String::new());
    lines.push(String::from("Otherwise"));
    let last = dossier.last_marketing_sent_at.map(|at| at.to_string());
    for (what, value) in [
        ("marketing last sent", last.unwrap_or_else(|| String::from("never"))),
        ("linked with", format!("{} rows of other addresses", dossier.linked_rows)),
        ("about the whole domain", format!("{} entries", dossier.domain_entries)),
        ("listed in registers", listed(&dossier.registers_listed)),
    ] {
        lines.push(format!("  {what}: {value}"));
    }
    for (register, at) in &dossier.registers_checked {
        lines.push(format!("  register {register}: as of {}", at.date()));
    }
    lines.push(String::new());
    lines.push(String::from("How long it is kept"));
    lines.extend(dossier.kept.iter().map(|(what, term)| format!("  {what}: {term}")));
    lines
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::from("none") } else { names.join(", ") }
}

fn tell_piece(piece: &Piece) -> Vec<String> {
    let holders: Vec<&str> = piece.controllers.iter().map(|one| one.as_str()).collect();
    let holders = match holders.as_slice() {
        [] => String::from("held for all"),
        some => format!("held for {}", some.join(", ")),
    };
    let what = in_words(&piece.evidence.fact);
    let mut lines =
        vec![format!("  {}  {}  {what}; {holders}; {}", piece.id, piece.at.date(), piece.standing)];
    let known = &piece.evidence.provenance;
    let mut how = vec![String::from(weight(piece.level))];
    for (word, value) in [
        ("from", &known.source),
        ("number", &known.reference),
        ("wording", &piece.wording),
        ("form", &known.form),
        ("document", &known.document),
        ("IP address", &known.ip),
        ("recorded by", &known.actor),
    ] {
        how.extend(value.as_ref().map(|value| format!("{word} {value}")));
    }
    how.extend(known.batch.as_ref().map(|batch| format!("import {batch}")));
    if piece.for_this_spelling == Some(false) {
        how.push(String::from("given for another spelling of the address"));
    }
    lines.push(format!("        {}", how.join(", ")));
    lines
}

const fn weight(level: Level) -> &'static str {
    match level {
        Level::Inferred => "concluded from other facts",
        Level::Import => "taken over from another system",
        Level::Staff => "entered by staff",
        Level::Recipient => "your own act",
        Level::RecipientConfirmed => "your own act, confirmed on our page",
    }
}

fn in_words(fact: &Fact) -> String {
    let about = |scope: &Scope| match scope {
        Scope::Entity(_) => String::from("everything"),
        Scope::Brand(_, brand) => format!("the brand {brand}"),
        Scope::Topic(_, topic) => format!("the topic {topic}"),
    };
    match fact {
        Fact::Objection { scope, .. } => format!("objection to {}", about(scope)),
        Fact::ConsentWithdrawn { scope } => format!("consent withdrawn for {}", about(scope)),
        Fact::Erasure { .. } => String::from("erasure, which is also an objection"),
        Fact::ConsentGiven(consent) => {
            let topics: Vec<&str> = consent.topics.iter().map(|topic| topic.as_str()).collect();
            format!("consent given for {}", topics.join(", "))
        }
        other => match other.dealing() {
            Some((_, dealing)) => {
                let topics: Vec<&str> = dealing.topics.iter().map(|one| one.as_str()).collect();
                format!("{} ({})", other.kind().replace('_', " "), topics.join(", "))
            }
            None => other.kind().replace('_', " "),
        },
    }
}

fn tell_decision(decision: &Decision) -> String {
    let ruling = match decision.is_sent {
        true => "sent",
        false => "not sent",
    };
    let reasons: Vec<String> = decision
        .verdict
        .reasons
        .iter()
        .map(|reason| reason.to_string())
        .chain(decision.verdict.basis.map(|basis| format!("basis {basis}")))
        .collect();
    let mut line = format!(
        "  {}  {}  {ruling}: {} for {}, stream {} ({})",
        decision.at.date(),
        decision.id,
        decision.verdict.verdict.as_str(),
        decision.entity,
        decision.stream,
        reasons.join(", ")
    );
    if let Some(last) = decision.outcomes.last() {
        line.push_str(&format!("; {last}"));
    }
    line
}
