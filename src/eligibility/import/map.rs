//! The column map: which column holds what, and what each value means.
//!
//! Written in TOML, by us for well-known systems and by operators for all others. Rules are tried
//! in order; within a row, the first rule that fits a column decides what that column says.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::base::{EntityId, TopicId};
use crate::eligibility::csv::COLUMNS;

/// Why a map cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the column map is wrong: {0}")]
pub struct MapError(String);

/// A column map.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    /// The format's name; stands in the journal and as source of each piece.
    pub format: String,
    /// What file it reads, in words.
    #[serde(default)]
    pub about: String,
    /// Columns by which a file is recognised: all of one list.
    #[serde(default)]
    pub known_by: Vec<Vec<String>>,
    /// Columns such a file never has.
    #[serde(default)]
    pub not_with: Vec<String>,
    /// The columns that may hold the address; the first that is there counts.
    #[serde(deserialize_with = "one_or_more")]
    pub(super) address: Vec<String>,
    #[serde(default, deserialize_with = "one_or_more")]
    pub(super) at: Vec<String>,
    #[serde(default, deserialize_with = "one_or_more")]
    pub(super) ip: Vec<String>,
    #[serde(default, deserialize_with = "one_or_more")]
    pub(super) reference: Vec<String>,
    #[serde(default)]
    pub(super) date_format: Option<String>,
    #[serde(default)]
    pub(super) entity: Option<EntityId>,
    #[serde(default)]
    pub(super) topics: BTreeMap<String, TopicId>,
    #[serde(rename = "rule")]
    pub(super) rules: Vec<Rule>,
}

/// What the values of some column mean.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// A column; `prefix*` for all that begin so; `*` for all not named elsewhere; none for the
    /// row as a whole.
    #[serde(default)]
    pub(super) column: Option<String>,
    /// The values meant; empty means any.
    #[serde(default)]
    pub(super) is: Vec<String>,
    /// Other columns that must have one of these values.
    #[serde(default)]
    pub(super) and: BTreeMap<String, Vec<String>>,
    /// What follows.
    pub(super) gives: Gives,
    /// What an objection or consent is about.
    #[serde(default)]
    pub(super) about: About,
    /// The column that names the topic, instead.
    #[serde(default)]
    pub(super) topic_column: Option<String>,
    /// Whether it holds only for topics that are mapped.
    #[serde(default)]
    pub(super) only_mapped: bool,
    /// The date's columns, where they are not those of the map.
    #[serde(default, deserialize_with = "one_or_more")]
    pub(super) at: Vec<String>,
    /// The column with the date of a double opt-in.
    #[serde(default)]
    pub(super) double_opt_in_at: Option<String>,
    /// Columns of ours with a fixed value.
    #[serde(default)]
    pub(super) set: BTreeMap<String, String>,
    /// Columns of ours and the column of the file they are taken from.
    #[serde(default)]
    pub(super) copy: BTreeMap<String, String>,
}

/// What a rule makes of a row: a piece of one of our kinds, or less.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "String")]
pub(super) enum Gives {
    /// A topic of the consent that another rule gives.
    ConsentTopic,
    /// Nothing that permits, to be counted.
    NoBasis,
    /// Nothing at all.
    Nothing,
    /// A piece of this kind.
    Kind(String),
}

impl From<String> for Gives {
    fn from(word: String) -> Self {
        match word.as_str() {
            "consent_topic" => Self::ConsentTopic,
            "no_basis" => Self::NoBasis,
            "nothing" => Self::Nothing,
            _ => Self::Kind(word),
        }
    }
}

/// What an objection or consent is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum About {
    /// The list as a whole: the topic mapped to `*`, or else all marketing of the entity.
    #[default]
    List,
    /// All marketing of the entity.
    Everything,
    /// What the column's name says (behind the prefix).
    Column,
    /// What the column's value says.
    Value,
}

impl ColumnMap {
    /// Reads a map.
    ///
    /// # Errors
    /// [`MapError`] with the line and what was expected.
    pub fn parse(text: &str) -> Result<Self, MapError> {
        let map: Self = toml::from_str(text).map_err(|error| MapError(error.to_string()))?;
        match map.fault() {
            Some(fault) => Err(MapError(fault)),
            None => Ok(map),
        }
    }

    fn fault(&self) -> Option<String> {
        let own = |name: &str| COLUMNS.contains(&name) && !matches!(name, "address" | "kind");
        if self.format.is_empty() || self.format.len() > 40 {
            return Some(String::from("`format` needs a name of at most 40 characters"));
        }
        if self.address.is_empty() {
            return Some(String::from("`address` names no column"));
        }
        for rule in &self.rules {
            if let Gives::Kind(kind) = &rule.gives {
                let draft = crate::eligibility::EvidenceDraft {
                    kind: kind.clone(),
                    ..crate::eligibility::EvidenceDraft::default()
                };
                if let Err(error) = draft.kind() {
                    let others = "consent_topic, no_basis, nothing";
                    return Some(format!("`gives`: {}; {others} or {}", error.message, error.hint));
                }
            }
            let ours = rule.set.keys().chain(rule.copy.keys()).find(|name| !own(name));
            if let Some(name) = ours {
                return Some(format!("`{name}` is none of our columns: {}", COLUMNS.join(", ")));
            }
            if rule.column.is_none() && matches!(rule.about, About::Column | About::Value) {
                return Some(String::from("`about` speaks of a column, but the rule names none"));
            }
        }
        None
    }

    /// Whether a file with these columns is of this format.
    pub(super) fn recognises(&self, columns: &[String]) -> bool {
        let has = |name: &String| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        self.known_by.iter().any(|all| all.iter().all(has)) && !self.not_with.iter().any(has)
    }

    /// Every column the map names, so that `*` leaves them alone.
    pub(super) fn names(&self, column: &str) -> bool {
        let same = |name: &String| name.eq_ignore_ascii_case(column);
        let lists = [&self.address, &self.at, &self.ip, &self.reference];
        lists.into_iter().flatten().any(same) || self.rules.iter().any(|rule| rule.names(column))
    }
}

impl Rule {
    fn names(&self, column: &str) -> bool {
        let same = |name: &String| name.eq_ignore_ascii_case(column);
        let one = [&self.column, &self.topic_column, &self.double_opt_in_at];
        one.into_iter().flatten().any(same)
            || self.at.iter().any(same)
            || self.and.keys().any(same)
            || self.copy.values().any(same)
            || self.column.as_deref().and_then(prefix).is_some_and(|p| begins(column, p).is_some())
    }
}

/// The prefix of a `prefix*` column, unless it is `*` alone.
pub(super) fn prefix(column: &str) -> Option<&str> {
    column.strip_suffix('*').filter(|prefix| !prefix.is_empty())
}

/// What stands behind `prefix` in `column`, whatever the case.
pub(super) fn begins<'c>(column: &'c str, prefix: &str) -> Option<&'c str> {
    let head = column.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &column[prefix.len()..])
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    })
}
