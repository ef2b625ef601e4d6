//! Reading one rule-set file: every error at once, each with file, line and a hint.
//!
//! The text is parsed into values that know their position, and each value is set through the
//! field table. Inheritance is applied here: a file starts from its parent's values. Nothing
//! here opens a file.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::fields::{FIELDS, Field, Rules};
use super::{Mark, RuleSet, Text};
use crate::base::JurisdictionId;

/// What is wrong with a rule set, and where.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{file}:{line}: {message}\n  hint: {hint}")]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// The head of a rule-set file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    /// The jurisdiction.
    pub id: JurisdictionId,
    /// The version of the encoding.
    pub version: String,
    /// The first day it is in force.
    #[serde(deserialize_with = "date")]
    pub valid_from: Date,
    /// The first day it is no longer in force.
    #[serde(default, deserialize_with = "some_date")]
    pub valid_to: Option<Date>,
    /// `id` or `id@version` of the set it starts from.
    #[serde(default)]
    pub parent: Option<String>,
    /// Whether it may speak.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where the facts come from.
    #[serde(default)]
    pub sources: Vec<String>,
}

const fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Marks {
    unverified: Vec<Spanned<String>>,
    policy: Vec<Spanned<String>>,
}

/// Reads a TOML date or a string that holds one.
pub(in crate::eligibility) fn date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Date, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::Datetime(date) => date.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let expected = || serde::de::Error::custom("expected a date such as 2026-02-05");
    text.parse().map_err(|_| expected())
}

pub(in crate::eligibility) fn some_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Date>, D::Error> {
    date(deserializer).map(Some)
}

/// A parsed file whose values still know their positions.
pub(super) struct Source<'t> {
    text: &'t Text<'t>,
    root: DeTable<'t>,
    /// The head.
    pub meta: Meta,
}

/// Collects errors and knows where they stand.
pub(super) struct Complaints<'t> {
    text: &'t Text<'t>,
    /// What was found so far.
    pub errors: Vec<RuleError>,
}

impl<'t> Complaints<'t> {
    /// None yet.
    pub const fn new(text: &'t Text<'t>) -> Self {
        Self { text, errors: Vec::new() }
    }

    /// Adds one.
    pub fn add(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.errors.push(RuleError {
            file: self.text.file.to_owned(),
            line: line_of(self.text.content, span.start),
            message: message.into(),
            hint: hint.into(),
        });
    }
}

/// The line, counted from 1, in which byte `at` of `text` stands.
pub(in crate::eligibility) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&b| b == b'\n').count()
}

impl<'t> Source<'t> {
    /// Parses the file and its head.
    pub fn parse(text: &'t Text<'t>) -> Result<Self, Vec<RuleError>> {
        let mut complaints = Complaints::new(text);
        let (root, errors) = DeTable::parse_recoverable(text.content);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            complaints.add(span, error.message().trim(), "the file must be TOML");
        }
        if !complaints.errors.is_empty() {
            return Err(complaints.errors);
        }
        let root = root.into_inner();
        let meta = match root.get("meta") {
            Some(value) => Meta::deserialize(ValueDeserializer::from(value.clone())),
            None => Err(serde::de::Error::custom("the table [meta] is missing")),
        };
        match meta {
            Ok(meta) => Ok(Self { text, root, meta }),
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let hint = "[meta] has id, version, valid_from, and may have valid_to, parent, enabled, sources";
                complaints.add(span, error.message().trim(), hint);
                Err(complaints.errors)
            }
        }
    }

    /// The jurisdiction it is for.
    pub const fn id(&self) -> &JurisdictionId {
        &self.meta.id
    }

    /// The text it was parsed from.
    pub const fn text(&self) -> &'t Text<'t> {
        self.text
    }

    /// The rule set this file makes, starting from `parent` if it names one.
    pub fn build(&self, parent: Option<&RuleSet>) -> Result<RuleSet, Vec<RuleError>> {
        let mut complaints = Complaints::new(self.text);
        let mut rules = parent.map_or_else(Rules::strictest, |set| set.rules.clone());
        let mut marks = parent.map_or_else(BTreeMap::new, |set| set.marks.clone());
        let mut citations = parent.map_or_else(BTreeMap::new, |set| set.citations.clone());
        let own_citations = self.own_citations(&mut complaints);
        let own_marks = self.own_marks(&mut complaints);

        let mut leaves = Vec::new();
        self.collect_leaves(&mut leaves, &mut complaints);
        for (field, value) in leaves {
            let span = value.span();
            if let Err(message) = set_field(&mut rules, field, value) {
                complaints.add(span, format!("{}: {message}", field.path), allowed(field));
                continue;
            }
            // A value of its own does not inherit what was said about the parent's.
            marks.remove(field.path);
            if !own_marks.contains_key(field.path) && cited(&own_citations, field.path).is_none() {
                complaints.add(
                    span,
                    format!("{} rests on nothing", field.path),
                    "name its source under [citations], or mark it under [marks] as policy",
                );
            }
        }
        marks.extend(own_marks);
        citations.extend(own_citations);
        if !complaints.errors.is_empty() {
            complaints.errors.sort_by_key(|error| error.line);
            return Err(complaints.errors);
        }
        let mut lineage = parent.map(|set| set.lineage.clone()).unwrap_or_default();
        lineage.texts.push(self.text.content.to_owned());
        Ok(RuleSet {
            id: self.meta.id.clone(),
            version: self.meta.version.clone(),
            valid_from: self.meta.valid_from,
            valid_to: self.meta.valid_to,
            enabled: self.meta.enabled,
            sources: self.meta.sources.clone(),
            hash: lineage.hash(),
            rules,
            marks,
            citations,
            accepted: BTreeMap::new(),
            overridden: BTreeMap::new(),
            lineage,
        })
    }

    fn collect_leaves(
        &self,
        leaves: &mut Vec<(&'static Field, Spanned<DeValue<'t>>)>,
        complaints: &mut Complaints<'_>,
    ) {
        for (key, value) in &self.root {
            if matches!(key.get_ref().as_ref(), "meta" | "marks" | "citations") {
                continue;
            }
            collect(
                key.get_ref(),
                key.span(),
                value,
                &mut |path, at, value| match Field::find(path) {
                    Some(field) => leaves.push((field, value.clone())),
                    None => complaints.add(at, format!("unknown key `{path}`"), nearest(path)),
                },
            );
        }
    }

    fn own_marks(&self, complaints: &mut Complaints<'_>) -> BTreeMap<&'static str, Mark> {
        let mut marks = BTreeMap::new();
        let Some(value) = self.root.get("marks") else { return marks };
        let read = match Marks::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(read) => read,
            Err(error) => {
                let hint = "[marks] has the lists `unverified` and `policy` of field paths";
                complaints.add(error.span().unwrap_or(value.span()), error.message(), hint);
                return marks;
            }
        };
        // Unverified is written last: of two marks the graver one stands.
        let policy = read.policy.into_iter().map(|path| (path, Mark::Policy));
        let unverified = read.unverified.into_iter().map(|path| (path, Mark::Unverified));
        for (path, mark) in policy.chain(unverified) {
            let under = fields_under(path.get_ref());
            if under.is_empty() {
                complaints.add(
                    path.span(),
                    format!("mark for unknown field `{}`", path.get_ref()),
                    nearest(path.get_ref()),
                );
            }
            marks.extend(under.into_iter().map(|field| (field.path, mark)));
        }
        marks
    }

    fn own_citations(&self, complaints: &mut Complaints<'_>) -> BTreeMap<String, String> {
        let mut citations = BTreeMap::new();
        let Some(value) = self.root.get("citations") else { return citations };
        let Some(table) = value.get_ref().as_table() else {
            complaints.add(value.span(), "[citations] must be a table", "path = \"article\"");
            return citations;
        };
        for (key, text) in table {
            let path: &str = key.get_ref();
            if fields_under(path).is_empty() {
                complaints.add(
                    key.span(),
                    format!("citation for unknown field `{path}`"),
                    nearest(path),
                );
            }
            match text.get_ref().as_str() {
                Some(text) if !text.is_empty() => {
                    citations.insert(path.to_owned(), text.to_owned());
                }
                Some(_) | None => complaints.add(
                    text.span(),
                    format!("the citation for `{path}` must be a text"),
                    "name the article, for example \"PECR 2003 reg. 22(2)\"",
                ),
            }
        }
        citations
    }
}

/// The citation for `path`: its own, or that of the nearest table above it.
pub(super) fn cited<'c>(citations: &'c BTreeMap<String, String>, path: &str) -> Option<&'c str> {
    let mut path = path;
    loop {
        if let Some(text) = citations.get(path) {
            return Some(text);
        }
        path = &path[..path.rfind('.')?];
    }
}

fn fields_under(path: &str) -> Vec<&'static Field> {
    let below = |field: &&Field| {
        field.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    FIELDS.iter().filter(below).collect()
}

/// Takes each leaf: its path, where its key stands, and its value.
type Found<'f, 't> = dyn FnMut(&str, Range<usize>, &Spanned<DeValue<'t>>) + 'f;

fn collect<'t>(
    path: &str,
    at: Range<usize>,
    value: &Spanned<DeValue<'t>>,
    found: &mut Found<'_, 't>,
) {
    match value.get_ref().as_table() {
        Some(table) if Field::find(path).is_none_or(|field| !field.path.ends_with("deadline")) => {
            for (key, value) in table {
                collect(&format!("{path}.{}", key.get_ref()), key.span(), value, found);
            }
        }
        Some(_) | None => found(path, at, value),
    }
}

fn set_field(rules: &mut Rules, field: &Field, value: Spanned<DeValue<'_>>) -> Result<(), String> {
    toml::Value::deserialize(ValueDeserializer::from(value))
        .and_then(|value| (field.set)(rules, value))
        .map_err(|error| error.message().trim().to_owned())
}

fn allowed(field: &Field) -> String {
    format!("for example {} = {}", field.path, (field.shown)(&Rules::strictest()))
}

fn nearest(path: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    let candidate = FIELDS
        .iter()
        .map(|field| (distance(field.path.rsplit('.').next().unwrap_or(""), last), field.path))
        .min();
    match candidate {
        Some((far, near)) if far <= 3 => format!("did you mean `{near}`?"),
        Some(_) | None => String::from("the fields are listed in the schema of rule sets"),
    }
}

/// Levenshtein's distance, for short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
