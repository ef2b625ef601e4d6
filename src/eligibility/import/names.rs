//! The configured names against those a row uses.
//!
//! A permission under a name nobody defined would never count: it is refused, with the names
//! there are. An objection under such a name is widened to the whole entity, never dropped.

use crate::base::{BrandId, EntityId, TopicId};
use crate::eligibility::csv::RowError;
use crate::eligibility::evidence::Evidence;
use crate::eligibility::fact::{Fact, Scope};

use super::Remark;

/// Entities, brands and topics that are configured.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// The legal persons.
    pub entities: Vec<EntityId>,
    /// The brands.
    pub brands: Vec<BrandId>,
    /// The topics.
    pub topics: Vec<TopicId>,
}

impl Names {
    /// `piece` with objections to unknown things widened.
    ///
    /// # Errors
    /// An entity nobody configured, or a permission about an unknown topic.
    pub(super) fn check(
        &self,
        line: u64,
        mut piece: Evidence,
    ) -> Result<(Evidence, Option<Remark>), RowError> {
        let unknown = piece.fact.entities().into_iter().find(|id| !self.entities.contains(id));
        if let Some(unknown) = unknown {
            let known = joined(self.entities.iter().map(EntityId::as_str));
            return Err(refusal(line, "entity", unknown.as_str(), &known));
        }
        if let Fact::Objection { scope, .. } | Fact::ConsentWithdrawn { scope } = &mut piece.fact {
            let remark = self.widen(scope);
            return Ok((piece, remark));
        }
        match topics(&piece.fact).iter().find(|topic| !self.topics.contains(topic)) {
            None => Ok((piece, None)),
            Some(unknown) => {
                let known = joined(self.topics.iter().map(TopicId::as_str));
                Err(refusal(line, "topics", unknown.as_str(), &known))
            }
        }
    }

    fn widen(&self, scope: &mut Scope) -> Option<Remark> {
        let is_known = match scope {
            Scope::Entity(_) => true,
            Scope::Brand(_, brand) => self.brands.contains(brand),
            Scope::Topic(_, topic) => self.topics.contains(topic),
        };
        if is_known {
            return None;
        }
        *scope = Scope::Entity(scope.entity().clone());
        Some(Remark::Widened)
    }
}

fn topics(fact: &Fact) -> &[TopicId] {
    match (fact, fact.dealing()) {
        (Fact::ConsentGiven(consent), _) => &consent.topics,
        (_, Some((_, dealing))) => &dealing.topics,
        (_, None) => &[],
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { String::from("(none is configured)") } else { names.join(", ") }
}

fn refusal(line: u64, column: &str, name: &str, known: &str) -> RowError {
    RowError {
        line,
        column: column.to_owned(),
        message: format!("`{name}` is not in the configuration"),
        hint: format!("one of: {known}"),
        is_protective: false,
    }
}
