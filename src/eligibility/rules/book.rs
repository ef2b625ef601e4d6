//! All rule sets of an installation, with what its operator chose and accepted.
//!
//! Choices are checked when they are made: a statutory value cannot be overridden, and what is
//! accepted is accepted by name and date. Deciding with the book never fails.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::read::{Complaints, RuleError, Source};
use super::{Field, Mark, RuleSet, Text, bounds};
use crate::base::JurisdictionId;

macro_rules! built_in {
    ($($name:literal)*) => {
        &[$(Text {
            file: concat!("config/jurisdictions/", $name, ".toml"),
            content: include_str!(concat!("../../../config/jurisdictions/", $name, ".toml")),
        },)*]
    };
}

/// Every file of `config/jurisdictions/`.
#[rustfmt::skip]
const BUILT_IN: &[Text<'static>] = built_in![
    "at" "au" "be" "br" "ca" "ch" "de" "dk" "es" "eu" "fi" "fr" "ie" "in" "it" "jp" "nl" "no" "nz"
    "pl" "pt" "se" "sg" "uk-2003" "uk-2026" "us" "world"
];

/// Another value for a policy choice.
#[derive(Clone, PartialEq, Debug)]
pub struct Override {
    /// The rule set.
    pub rule_set: JurisdictionId,
    /// The path of the value.
    pub field: String,
    /// The value.
    pub value: toml::Value,
}

/// An unverified value somebody accepted by name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The rule set.
    pub rule_set: JurisdictionId,
    /// The path of the value.
    pub field: String,
    /// Who accepted it.
    pub by: String,
    /// On which day.
    #[serde(deserialize_with = "super::read::date")]
    pub on: Date,
}

/// All rule sets, by jurisdiction and date.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RuleBook {
    sets: BTreeMap<JurisdictionId, Vec<RuleSet>>,
}

impl RuleBook {
    /// The rule sets built into the program.
    pub fn builtin() -> Self {
        Self::load(BUILT_IN).expect("the built-in rule sets are read by a test")
    }

    /// The rule sets `texts` hold.
    ///
    /// # Errors
    /// Every error of every text.
    pub fn load(texts: &[Text<'_>]) -> Result<Self, Vec<RuleError>> {
        let mut errors = Vec::new();
        let mut waiting = Vec::new();
        for text in texts {
            match Source::parse(text) {
                Ok(source) => waiting.push(source),
                Err(found) => errors.extend(found),
            }
        }
        let mut book = Self::default();
        // Parents come before children: each round builds what has its parent already.
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for source in waiting {
                match book.parent_of(&source) {
                    Some(parent) => match source.build(parent.as_ref()) {
                        Ok(set) => book.add(set, &source, &mut errors),
                        Err(found) => errors.extend(found),
                    },
                    None => later.push(source),
                }
            }
            if later.len() == before {
                errors.extend(later.iter().flat_map(orphaned));
                break;
            }
            waiting = later;
        }
        if errors.is_empty() { Ok(book) } else { Err(errors) }
    }

    /// The built-in rule sets with the operator's own: a jurisdiction the operator writes a
    /// file for speaks by that file only.
    ///
    /// # Errors
    /// Every error of every text of the operator's.
    pub fn builtin_with(own: &[Text<'_>]) -> Result<Self, Vec<RuleError>> {
        let mut replaced = Vec::new();
        for text in own {
            replaced.push(Source::parse(text)?.id().clone());
        }
        let is_kept = |text: &&Text<'_>| {
            Source::parse(text).is_ok_and(|source| !replaced.contains(source.id()))
        };
        let kept = BUILT_IN.iter().filter(is_kept).copied();
        Self::load(&kept.chain(own.iter().copied()).collect::<Vec<_>>())
    }

    /// The version of `id`'s rules in force on `day`.
    pub fn resolve(&self, id: &JurisdictionId, day: Date) -> Option<&RuleSet> {
        self.sets.get(id)?.iter().find(|set| set.is_enabled() && set.is_in_force(day))
    }

    /// Whether any version of `id`'s rules is known.
    pub fn knows(&self, id: &JurisdictionId) -> bool {
        self.sets.contains_key(id)
    }

    /// Whether `id`'s rules can speak for a place: known and not switched off.
    pub fn speaks_for(&self, id: &JurisdictionId) -> bool {
        self.knows(id) && !self.is_disabled(id)
    }

    /// Whether all versions of `id`'s rules are switched off.
    pub fn is_disabled(&self, id: &JurisdictionId) -> bool {
        self.sets.get(id).is_some_and(|versions| versions.iter().all(|set| !set.is_enabled()))
    }

    /// Every rule set, by jurisdiction, oldest version first.
    pub fn sets(&self) -> impl Iterator<Item = &RuleSet> {
        self.sets.values().flatten()
    }

    /// The same book with the operator's own choices: overrides of policy choices, and
    /// unverified values accepted by name.
    ///
    /// # Errors
    /// A sentence for each choice that is not theirs to make: unknown sets and fields, values
    /// that are not policy choices, values of the wrong type.
    pub fn with_choices(
        &self,
        overrides: &[Override],
        accepted: &[Acceptance],
    ) -> Result<Self, Vec<String>> {
        let mut book = self.clone();
        let mut errors = Vec::new();
        for choice in overrides {
            book.each(&choice.rule_set, &mut errors, |set| replace(set, choice));
        }
        for acceptance in accepted {
            let versions = || book.sets.get(&acceptance.rule_set).into_iter().flatten();
            let is_open = |set: &RuleSet| set.mark(&acceptance.field) == Some(Mark::Unverified);
            if Field::find(&acceptance.field).is_some()
                && versions().next().is_some()
                && !versions().any(is_open)
            {
                errors.push(format!(
                    "`{}` of `{}` is not unverified, so there is nothing to accept",
                    acceptance.field, acceptance.rule_set
                ));
                continue;
            }
            book.each(&acceptance.rule_set, &mut errors, |set| accept(set, acceptance));
        }
        errors.dedup();
        if errors.is_empty() { Ok(book) } else { Err(errors) }
    }

    fn each(
        &mut self,
        id: &JurisdictionId,
        errors: &mut Vec<String>,
        apply: impl Fn(&mut RuleSet) -> Result<(), String>,
    ) {
        match self.sets.get_mut(id) {
            Some(versions) => errors.extend(versions.iter_mut().filter_map(|set| apply(set).err())),
            None => errors.push(format!("no rule set `{id}` is loaded")),
        }
    }

    /// `None` while the parent is not built; `Some(None)` if the file names none.
    fn parent_of(&self, source: &Source<'_>) -> Option<Option<RuleSet>> {
        let Some(parent) = &source.meta.parent else { return Some(None) };
        let (id, version) = parent
            .split_once('@')
            .map_or((parent.as_str(), None), |(id, version)| (id, Some(version)));
        let versions = self.sets.get(&JurisdictionId::parse(id).ok()?)?;
        let set = match version {
            Some(version) => versions.iter().find(|set| set.version == version)?,
            None => versions.last()?,
        };
        Some(Some(set.clone()))
    }

    fn add(&mut self, set: RuleSet, source: &Source<'_>, errors: &mut Vec<RuleError>) {
        let versions = self.sets.entry(set.id.clone()).or_default();
        let overlaps = versions.iter().find(|other| {
            other.valid_to.is_none_or(|end| set.valid_from < end)
                && set.valid_to.is_none_or(|end| other.valid_from < end)
        });
        if let Some(other) = overlaps {
            let mut complaints = Complaints::new(source.text());
            complaints.add(
                0..0,
                format!("versions {} and {} of `{}` overlap", other.version, set.version, set.id),
                "end the earlier one with `valid_to` on the day the later one begins",
            );
            errors.extend(complaints.errors);
        }
        versions.push(set);
        versions.sort_by_key(|set| set.valid_from);
    }
}

fn orphaned(source: &Source<'_>) -> Vec<RuleError> {
    let mut complaints = Complaints::new(source.text());
    let parent = source.meta.parent.as_deref().unwrap_or_default();
    let hint = "name a loaded set as `id` or `id@version`; errors in it are listed above";
    complaints.add(0..0, format!("the parent `{parent}` is not loaded"), hint);
    complaints.errors
}

fn field_of(set: &RuleSet, path: &str) -> Result<&'static Field, String> {
    Field::find(path).ok_or_else(|| format!("rule set `{}` has no field `{path}`", set.id))
}

fn replace(set: &mut RuleSet, choice: &Override) -> Result<(), String> {
    let field = field_of(set, &choice.field)?;
    if set.mark(field.path) != Some(Mark::Policy) {
        let why = match (set.mark(field.path), set.citation(field.path)) {
            (Some(Mark::Unverified), _) => {
                String::from("it is not verified, and can only be accepted as it is")
            }
            (_, Some(citation)) => format!("it rests on {citation}"),
            (_, None) => String::from("it is not marked as one"),
        };
        return Err(format!(
            "`{}` of rule set `{}` is not a policy choice and cannot be overridden: {why}",
            field.path, set.id
        ));
    }
    let mut rules = set.rules.clone();
    (field.set)(&mut rules, choice.value.clone())
        .map_err(|error| format!("`{}` of `{}`: {}", field.path, set.id, error.message().trim()))?;
    bounds::check(&set.rules, &rules)
        .map_err(|why| format!("`{}` of `{}`: {why}", field.path, set.id))?;
    set.rules = rules;
    let shown = (field.shown)(&set.rules);
    set.lineage.overrides.push((field.path.to_owned(), shown.clone()));
    set.hash = set.lineage.hash();
    set.overridden.insert(field.path, shown);
    Ok(())
}

fn accept(set: &mut RuleSet, acceptance: &Acceptance) -> Result<(), String> {
    let field = field_of(set, &acceptance.field)?;
    if acceptance.by.trim().is_empty() {
        return Err(format!("`{}` of `{}`: nobody is named under `by`", field.path, set.id));
    }
    set.accepted.insert(field.path, acceptance.clone());
    Ok(())
}
