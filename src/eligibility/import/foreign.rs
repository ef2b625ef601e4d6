//! A row of another system, told in our own columns.
//!
//! The column map says which piece each value gives; [`OwnRow`] makes evidence of it. A value
//! that no rule knows refuses the row, because it might be the one that forbids.

use super::map::{About, ColumnMap, Gives, Rule, begins, prefix};
use super::own::OwnRow;
use super::records::Fields;
use super::{Remark, Terms, dates};
use crate::base::TopicId;
use crate::eligibility::EvidenceDraft;
use crate::eligibility::csv::{Defaults, RowError};
use crate::eligibility::draft::bounded;
use crate::eligibility::evidence::Evidence;

/// Columns of ours that prove a consent, if a file has them beside its own.
const PROOF: &[&str] =
    &["mechanism", "wording_version", "double_opt_in_at", "collection_point", "channel", "ip"];

/// What a row says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Its pieces.
    pub(super) evidence: Vec<Evidence>,
    /// What had to be supposed.
    pub(super) remarks: Vec<Remark>,
}

/// One piece in our own columns.
type Told = Vec<(&'static str, String)>;

/// Reads one row by `map`.
pub(super) fn read(map: &ColumnMap, fields: &Fields, terms: &Terms) -> Result<Said, RowError> {
    let reading = Reading { map, fields, terms };
    let (fitting, unknown) = reading.fitting();
    let mut said = Said::default();
    let mut refused = unknown;
    for (rule, column) in &fitting {
        let Gives::Kind(kind) = &rule.gives else { continue };
        let told = reading.tell(kind, rule, column.as_deref(), &mut said.remarks);
        match told.and_then(|told| reading.evidence(&told, &mut said.remarks)) {
            Ok(mut pieces) => {
                reading.add_topics(&fitting, &mut pieces);
                said.evidence.append(&mut pieces);
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        Some(error) if !said.evidence.iter().any(|piece| piece.fact.is_protective()) => Err(error),
        Some(_) => {
            said.evidence.retain(|piece| piece.fact.is_protective());
            said.remarks.push(Remark::Dropped);
            Ok(said)
        }
        None => {
            if said.evidence.is_empty() {
                said.remarks.push(Remark::NoBasis);
            }
            Ok(said)
        }
    }
}

/// Whether a piece narrows what is allowed, or may widen it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Protects,
    Permits,
}

struct Reading<'a> {
    map: &'a ColumnMap,
    fields: &'a Fields,
    terms: &'a Terms,
}

impl<'a> Reading<'a> {
    /// The rules that decide something here, each with its column; and the first value that no
    /// rule knows.
    fn fitting(&self) -> (Vec<(&'a Rule, Option<String>)>, Option<RowError>) {
        let mut decided: Vec<Option<String>> = Vec::new();
        let mut fitting = Vec::new();
        for rule in &self.map.rules {
            for column in self.columns(rule) {
                if !decided.contains(&column) && self.fits(rule, column.as_deref()) {
                    decided.push(column.clone());
                    fitting.push((rule, column));
                }
            }
        }
        let unknown = self.map.rules.iter().find_map(|rule| {
            let name = rule.column.as_deref().filter(|name| !name.ends_with('*'))?;
            let value = self.value(name)?;
            let is_open = !decided.iter().flatten().any(|known| known.eq_ignore_ascii_case(name));
            is_open.then(|| self.unknown(name, value))
        });
        (fitting, unknown)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.fields.value(name)
    }

    /// The columns of this row that a rule speaks of; `None` is the row itself.
    fn columns(&self, rule: &Rule) -> Vec<Option<String>> {
        let Some(column) = rule.column.as_deref() else { return vec![None] };
        let all = self.fields.columns().iter();
        let found: Vec<&String> = match (column, prefix(column)) {
            ("*", _) => all.filter(|name| self.is_unnamed(name)).collect(),
            (_, Some(prefix)) => all.filter(|name| begins(name, prefix).is_some()).collect(),
            (exact, None) => all.filter(|name| name.eq_ignore_ascii_case(exact)).take(1).collect(),
        };
        found.into_iter().cloned().map(Some).collect()
    }

    fn is_unnamed(&self, column: &str) -> bool {
        let is_ours = PROOF.contains(&column) || column == "reason";
        !is_ours && !self.map.names(column)
    }

    fn fits(&self, rule: &Rule, column: Option<&str>) -> bool {
        let is_one_of = |value: &str, words: &[String]| {
            words.iter().any(|word| word.trim().eq_ignore_ascii_case(value))
        };
        let value = column.map(|name| self.value(name));
        let is_said = match value {
            None => true,
            Some(None) => false,
            Some(Some(value)) => rule.is.is_empty() || is_one_of(value, &rule.is),
        };
        let others = |(name, words): (&String, &Vec<String>)| {
            is_one_of(self.value(name).unwrap_or_default(), words)
        };
        let has_topic = rule.topic_column.as_deref().is_none_or(|name| self.value(name).is_some());
        let is_mapped = || self.topics(rule, column).is_ok_and(|topics| !topics.is_empty());
        is_said && rule.and.iter().all(others) && has_topic && (!rule.only_mapped || is_mapped())
    }

    fn unknown(&self, column: &str, value: &str) -> RowError {
        let same = |rule: &&Rule| {
            rule.column.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(column))
        };
        let known: Vec<&str> =
            self.map.rules.iter().filter(same).flat_map(|rule| &rule.is).map(|w| &**w).collect();
        RowError {
            line: self.fields.line,
            column: column.to_owned(),
            message: format!(
                "`{}` is no value {} is known to have",
                bounded(value),
                self.map.format
            ),
            hint: format!("one of: {}", known.join(", ")),
            is_protective: false,
        }
    }

    /// Our topics for what a rule is about; none for everything. `Err` if a name is not mapped.
    fn topics(&self, rule: &Rule, column: Option<&str>) -> Result<Vec<TopicId>, ()> {
        let words = match (&rule.topic_column, rule.about) {
            (Some(name), _) => vec![self.value(name).unwrap_or_default().to_owned()],
            (None, About::Everything) => return Ok(Vec::new()),
            (None, About::List) => {
                let list = |(name, _): &(&String, &TopicId)| *name == "*";
                let own = self.terms.topics.iter().find(list);
                let found = own.or_else(|| self.map.topics.iter().find(list));
                return Ok(found.map(|(_, topic)| topic.clone()).into_iter().collect());
            }
            (None, About::Column) => {
                let name = column.unwrap_or_default();
                let head = rule.column.as_deref().and_then(prefix);
                vec![head.and_then(|head| begins(name, head)).unwrap_or(name).to_owned()]
            }
            (None, About::Value) => {
                let value = column.and_then(|name| self.value(name)).unwrap_or_default();
                words_of(value)
            }
        };
        words.iter().map(|word| self.topic(word).ok_or(())).collect()
    }

    fn topic(&self, name: &str) -> Option<TopicId> {
        let name = name.trim();
        let mapped = self.map.topics.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name));
        self.terms.topic(name).or(mapped.map(|(_, topic)| topic)).cloned()
    }

    /// One piece in our own columns.
    fn tell(
        &self,
        kind: &str,
        rule: &Rule,
        column: Option<&str>,
        remarks: &mut Vec<Remark>,
    ) -> Result<Told, RowError> {
        let draft = EvidenceDraft { kind: kind.to_owned(), ..EvidenceDraft::default() };
        let side = if draft.is_protective() { Side::Protects } else { Side::Permits };
        let mut told: Told = vec![("kind", kind.to_owned()), ("source", self.map.format.clone())];
        let entity = self.terms.entity.as_ref().or(self.map.entity.as_ref());
        let entity = entity.or(self.terms.only_entity.as_ref());
        told.extend(entity.map(|entity| ("entity", entity.to_string())));
        let first = |names: &[String]| names.iter().find_map(|name| self.value(name));
        told.extend(first(&self.map.reference).map(|text| ("reference", text.to_owned())));
        if side == Side::Permits {
            for name in PROOF {
                told.extend(self.value(name).map(|text| (*name, text.to_owned())));
            }
            if let Some(confirmed) = rule.double_opt_in_at.as_deref().and_then(|n| self.value(n)) {
                told.push(("double_opt_in_at", self.date(confirmed).unwrap_or(confirmed.into())));
            }
        }
        told.extend(first(&self.map.ip).map(|text| ("ip", text.to_owned())));
        self.tell_topics(rule, column, side, (&mut told, remarks));
        for (ours, theirs) in &rule.copy {
            let value = self.value(theirs).unwrap_or_default();
            set(&mut told, ours, value);
        }
        rule.set.iter().for_each(|(ours, value)| set(&mut told, ours, value));
        self.tell_date(rule, side, &mut told, remarks)?;
        Ok(told)
    }

    fn tell_topics(
        &self,
        rule: &Rule,
        column: Option<&str>,
        side: Side,
        (told, remarks): (&mut Told, &mut Vec<Remark>),
    ) {
        match self.topics(rule, column) {
            Ok(topics) if topics.is_empty() => {}
            Ok(topics) => {
                let names: Vec<&str> = topics.iter().map(TopicId::as_str).collect();
                told.push(("topics", names.join(";")));
                told.push(("scope", String::from("topic")));
            }
            // An objection then covers everything; a consent covers nothing.
            Err(()) if side == Side::Protects => remarks.push(Remark::Widened),
            Err(()) => {}
        }
    }

    fn tell_date(
        &self,
        rule: &Rule,
        side: Side,
        told: &mut Told,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), RowError> {
        let columns = if rule.at.is_empty() { &self.map.at } else { &rule.at };
        let written = columns.iter().find_map(|name| Some((name, self.value(name)?)));
        let is_told = |name: &str| told.iter().any(|(column, _)| *column == name);
        let is_unproven =
            side == Side::Permits && !(is_told("mechanism") && is_told("wording_version"));
        let is_consent = told.iter().any(|(_, kind)| kind.starts_with("consent"));
        if is_unproven && is_consent {
            remarks.push(Remark::Unproven);
        }
        match written.map(|(name, text)| (name, text, self.date(text))) {
            Some((_, _, Some(date))) => set(told, "at", &date),
            Some((name, text, None)) if side == Side::Permits => {
                return Err(RowError {
                    line: self.fields.line,
                    column: name.clone(),
                    message: format!("`{}` is not a date that can be read", bounded(text)),
                    hint: String::from("such as 2026-02-05; or tell its form with --date-format"),
                    is_protective: false,
                });
            }
            // What proves nothing needs no date; it is said to be undated all the same.
            None if is_unproven && is_consent => {
                set(told, "at", &self.terms.imported_at.to_string());
                remarks.push(Remark::Undated);
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    fn date(&self, text: &str) -> Option<String> {
        let format = self.terms.date_format.as_deref().or(self.map.date_format.as_deref());
        dates::read(text, format).map(|moment| moment.to_string())
    }

    fn evidence(&self, told: &Told, remarks: &mut Vec<Remark>) -> Result<Vec<Evidence>, RowError> {
        let value = |name: &str| told.iter().rfind(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        let defaults = Defaults { imported_at: self.terms.imported_at, entity: None };
        let row = OwnRow { line: self.fields.line, value: &value, defaults: &defaults };
        let (evidence, more) = row.evidence()?;
        remarks.extend(more);
        Ok(evidence)
    }

    /// Gives a consent the topics that other columns tell.
    fn add_topics(&self, fitting: &[(&Rule, Option<String>)], pieces: &mut [Evidence]) {
        use crate::eligibility::fact::Fact;
        let told = fitting.iter().filter(|(rule, _)| rule.gives == Gives::ConsentTopic);
        let topics: Vec<TopicId> =
            told.filter_map(|(rule, c)| self.topics(rule, c.as_deref()).ok()).flatten().collect();
        for piece in pieces {
            if let Fact::ConsentGiven(consent) = &mut piece.fact {
                consent.topics.extend(topics.iter().cloned());
                consent.topics.sort();
                consent.topics.dedup();
            }
        }
    }
}

/// Sets one of our columns; a name that is none of ours was refused with the map.
fn set(told: &mut Told, name: &str, value: &str) {
    let known = crate::eligibility::csv::COLUMNS.iter().find(|column| **column == name);
    if let Some(name) = known.filter(|_| !value.is_empty()) {
        told.push((name, value.to_owned()));
    }
}

/// The names in a value such as `a;b` or `["a","b"]`.
fn words_of(value: &str) -> Vec<String> {
    let marks = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"' | '\'');
    let words = value.split([';', ',', '|']).map(|word| word.trim_matches(marks).to_owned());
    words.filter(|word| !word.is_empty()).collect()
}
