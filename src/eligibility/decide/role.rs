//! Whether a message is tied to what the person does at work.
//!
//! Relevance is never presumed: the role must be on record, and the message or the operator's
//! declarations must name it. A title alone proves nothing (Finnish ombudsman's guidance).

use super::hearing::{Hearing, listed, unless};
use crate::eligibility::fact::Fact;
use crate::eligibility::reason::Reason;
use crate::eligibility::verdict::Limb;

/// The role the strongest description names.
pub(super) fn described<'c>(hearing: &Hearing<'c>) -> Option<&'c str> {
    let said = hearing.descriptions(|fact| match fact {
        Fact::SubjectDescribed { role, .. } => role.as_deref(),
        _ => None,
    });
    said.into_iter().max_by_key(|(_, entry)| (entry.level, entry.at)).map(|(role, _)| role)
}

/// The condition that the message is tied to `role`, or to the one on record.
pub(super) fn limb(hearing: &Hearing<'_>, path: &'static str, role: Option<&str>) -> Limb {
    let role = role.or_else(|| described(hearing));
    let tied = role.is_some_and(|role| is_tied(hearing, role));
    let fact = match role {
        None => String::from("the person's role at work is not on record"),
        Some(role) if tied => format!("the message is tied to the role {role}"),
        Some(role) => format!(
            "nothing ties the message about {} to the role {role}",
            listed(&hearing.message().topics)
        ),
    };
    hearing.check(path, unless(tied, Reason::RoleNotRelevant), fact)
}

fn is_tied(hearing: &Hearing<'_>, role: &str) -> bool {
    let message = hearing.message();
    let role = role.trim().to_lowercase();
    let is_named = message.roles.iter().any(|named| named.trim().to_lowercase() == role);
    let topics = hearing.case.policy.role_topics.get(&role);
    let covers = topics.is_some_and(|topics| {
        !message.topics.is_empty() && message.topics.iter().all(|topic| topics.contains(topic))
    });
    !role.is_empty() && (is_named || covers)
}
