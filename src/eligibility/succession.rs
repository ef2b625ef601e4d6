//! Which legal person became which: mergers, demergers and sales of a business.
//!
//! A universal succession carries permissions and objections alike, for the successor steps into
//! the whole position of its predecessor. Who buys assets gets the objections only. A change of
//! name is none of this: the id of a legal person never changes.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::base::{EntityId, Timestamp};

/// What passes from one legal person to the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deal {
    /// Everything: permissions and objections.
    Universal,
    /// Assets: the objections only.
    AssetDeal,
}

/// One legal person following another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Succession {
    /// The predecessor.
    pub from: EntityId,
    /// The successor.
    pub to: EntityId,
    /// The day it took effect.
    #[serde(deserialize_with = "super::rules::date")]
    pub at: Date,
    /// What passed.
    pub deal: Deal,
    /// The document that proves it.
    #[serde(default)]
    pub document: Option<String>,
}

/// The history of the legal persons.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Successions(Vec<Succession>);

impl Successions {
    /// The history told by `all`.
    pub const fn new(all: Vec<Succession>) -> Self {
        Self(all)
    }

    /// Whether what was given to `named` at `given_at` is `wanted`'s on `today`: it is the same
    /// legal person, or followed it as a whole after that.
    pub fn passes_to(
        &self,
        named: &EntityId,
        wanted: &EntityId,
        given_at: Timestamp,
        today: Date,
    ) -> bool {
        named == wanted
            || self.reaches(named, wanted, &mut Vec::new(), &|step| {
                step.deal == Deal::Universal && step.at <= today && given_at.date() <= step.at
            })
    }

    /// Whether an objection to `named` binds `wanted` on `today`, whatever passed between them
    /// and whenever it was made: doubt counts for the objection.
    pub fn binds(&self, named: &EntityId, wanted: &EntityId, today: Date) -> bool {
        named == wanted || self.reaches(named, wanted, &mut Vec::new(), &|step| step.at <= today)
    }

    fn reaches<'s>(
        &'s self,
        named: &EntityId,
        wanted: &EntityId,
        seen: &mut Vec<&'s EntityId>,
        counts: &dyn Fn(&Succession) -> bool,
    ) -> bool {
        self.0.iter().filter(|step| step.from == *named && counts(step)).any(|step| {
            if step.to == *wanted {
                return true;
            }
            if seen.contains(&&step.to) {
                return false;
            }
            seen.push(&step.to);
            self.reaches(&step.to, wanted, seen, counts)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Deal, Succession, Successions};
    use crate::base::{EntityId, Timestamp};

    fn entity(name: &str) -> EntityId {
        EntityId::parse(name).unwrap()
    }

    fn step(from: &str, to: &str, at: &str, deal: Deal) -> Succession {
        let (from, to) = (entity(from), entity(to));
        Succession { from, to, at: at.parse().unwrap(), deal, document: None }
    }

    #[track_caller]
    fn check(from: &str, to: &str, given: &str, today: &str, expected: (bool, bool)) {
        let history = Successions::new(vec![
            step("a", "b", "2020-01-01", Deal::Universal),
            step("b", "c", "2022-01-01", Deal::Universal),
            step("c", "d", "2023-01-01", Deal::AssetDeal),
            step("d", "a", "2024-01-01", Deal::AssetDeal),
        ]);
        let (from, to) = (entity(from), entity(to));
        let given = Timestamp::parse(given).unwrap();
        let today = today.parse().unwrap();
        let passes = history.passes_to(&from, &to, given, today);
        assert_eq!((passes, history.binds(&from, &to, today)), expected);
    }

    #[test]
    fn a_merger_carries_everything_and_a_purchase_only_objections() {
        check("a", "b", "2019-06-01", "2025-01-01", (true, true));
        check("a", "c", "2019-06-01", "2025-01-01", (true, true));
        check("a", "d", "2019-06-01", "2025-01-01", (false, true));
        check("c", "d", "2019-06-01", "2025-01-01", (false, true));
    }

    #[test]
    fn nothing_passes_before_its_day_or_if_given_later() {
        check("a", "b", "2019-06-01", "2019-12-31", (false, false));
        check("a", "b", "2020-06-01", "2025-01-01", (false, true));
        check("b", "a", "2019-06-01", "2023-06-01", (false, false));
    }

    #[test]
    fn circles_end() {
        check("b", "nobody", "2019-06-01", "2025-01-01", (false, false));
    }
}
