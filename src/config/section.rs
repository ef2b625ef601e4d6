//! Reading one table of the configuration file: typed values out, problems collected.
//!
//! A reader never stops at the first error. Each accessor reports what is wrong and returns
//! nothing; [`Section::finish`] reports keys nobody asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::units;

/// Where problems go while a file is read.
pub(super) type Sink = RefCell<Vec<Problem>>;

/// One table being read.
pub(super) struct Section<'a> {
    path: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    asked: RefCell<BTreeSet<String>>,
    sink: &'a Sink,
}

impl<'a> Section<'a> {
    /// The section at `path`, whose header stands at `span`.
    pub(super) fn new(
        path: impl Into<String>,
        span: Range<usize>,
        table: &'a DeTable<'a>,
        sink: &'a Sink,
    ) -> Self {
        Self { path: path.into(), span, table, asked: RefCell::default(), sink }
    }

    /// Where the section's header stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Reports a problem with `key`.
    pub(super) fn report(&self, key: &str, message: impl Into<String>, hint: &str) {
        let span = self.table.get(key).map_or_else(|| self.span(), Spanned::span);
        self.sink.borrow_mut().push(Problem {
            span,
            path: self.child_path(key),
            message: message.into(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        });
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.table.get(key)
    }

    /// Whether `key` stands in the file.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn missing(&self, key: &str, hint: &str) {
        self.report(key, "is missing", hint);
    }

    fn wrong_type(&self, key: &str, value: &DeValue<'_>, wanted: &str) {
        self.report(key, format!("expected {wanted}, found {}", value.type_str()), "");
    }

    fn opt_text(&self, key: &str) -> Option<&'a str> {
        let value = self.value(key)?.get_ref();
        if value.as_str().is_none() {
            self.wrong_type(key, value, "text in quotes");
        }
        value.as_str()
    }

    /// Optional text.
    pub(super) fn text_opt(&self, key: &str) -> Option<String> {
        self.opt_text(key).map(str::to_owned)
    }

    /// Required, non-empty text.
    pub(super) fn text(&self, key: &str, hint: &str) -> Option<String> {
        if !self.has(key) {
            self.missing(key, hint);
        }
        let text = self.opt_text(key)?;
        if text.trim().is_empty() {
            self.report(key, "is empty", hint);
            return None;
        }
        Some(text.to_owned())
    }

    /// Optional text read by `parse`.
    pub(super) fn parsed_opt<T, E: Display>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.opt_text(key)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(key, format!("`{}`: {error}", bounded(text)), "");
                None
            }
        }
    }

    /// Required text read by `parse`.
    pub(super) fn parsed<T, E: Display>(
        &self,
        key: &str,
        hint: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.has(key) {
            self.missing(key, hint);
        }
        self.parsed_opt(key, parse)
    }

    /// A list of texts, each read by `parse`; a missing key is an empty list.
    pub(super) fn list<T, E: Display>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value.get_ref(), "a list of texts");
            return Vec::new();
        };
        let mut list = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str().map(|text| (text, parse(text))) {
                Some((_, Ok(parsed))) => list.push(parsed),
                Some((text, Err(error))) => {
                    self.report(key, format!("`{}`: {error}", bounded(text)), "");
                }
                None => self.wrong_type(key, item.get_ref(), "text in quotes"),
            }
        }
        list
    }

    /// One of a fixed set of words; `default` if the key is missing.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
        default: Option<T>,
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let hint = format!("one of: {}", words.join(", "));
        if !self.has(key) && default.is_none() {
            self.missing(key, &hint);
        }
        let Some(text) = self.opt_text(key) else { return default };
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            self.report(key, format!("`{}` is not known", bounded(text)), &hint);
        }
        found
    }

    /// A whole number within `range`.
    pub(super) fn integer(&self, key: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(value) = self.value(key) else { return default };
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok());
        match number {
            Some(number) if range.contains(&number) => number,
            _ => {
                let hint = format!("a whole number from {} to {}", range.start(), range.end());
                self.report(key, "is out of range", &hint);
                default
            }
        }
    }

    /// A span of time such as `50s` or `5min`, within `range`.
    pub(super) fn duration(
        &self,
        key: &str,
        range: RangeInclusive<Duration>,
        default: Duration,
    ) -> Duration {
        let Some(text) = self.opt_text(key) else { return default };
        match units::parse_duration(text) {
            Some(duration) if range.contains(&duration) => duration,
            _ => {
                let hint = format!(
                    "a duration such as \"30s\" or \"5min\", from {:?} to {:?}",
                    range.start(),
                    range.end()
                );
                self.report(key, format!("`{}` is out of range", bounded(text)), &hint);
                default
            }
        }
    }

    /// A size such as `50MiB`, within `range` bytes.
    pub(super) fn size(&self, key: &str, range: RangeInclusive<usize>, default: usize) -> usize {
        let Some(text) = self.opt_text(key) else { return default };
        match units::parse_size(text) {
            Some(size) if range.contains(&size) => size,
            _ => {
                let hint = format!(
                    "a size such as \"50MiB\", from {} to {} bytes",
                    range.start(),
                    range.end()
                );
                self.report(key, format!("`{}` is out of range", bounded(text)), &hint);
                default
            }
        }
    }

    /// `true` or `false`; `None` if the key is missing.
    pub(super) fn flag_opt(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?.get_ref();
        if value.as_bool().is_none() {
            self.wrong_type(key, value, "true or false");
        }
        value.as_bool()
    }

    /// A civil date, quoted or bare.
    pub(super) fn date_opt(&self, key: &str) -> Option<Date> {
        let value = self.value(key)?.get_ref();
        let text = match (value.as_str(), value.as_datetime()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(moment)) => moment.to_string(),
            (None, None) => {
                self.wrong_type(key, value, "a date");
                return None;
            }
        };
        let date = text.parse::<Date>().ok();
        if date.is_none() {
            self.report(key, format!("`{}` is not a date", bounded(&text)), "such as 2026-12-31");
        }
        date
    }

    /// A table within this one.
    pub(super) fn table_opt(&self, key: &str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value.get_ref(), "a table");
            return None;
        };
        Some(Section::new(self.child_path(key), value.span(), table, self.sink))
    }

    /// The tables of an array of tables, in order.
    pub(super) fn tables(&self, key: &str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value.get_ref(), "an array of tables");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.get_ref().as_table() {
                Some(table) => {
                    let path = self.child_path(&format!("{key}[{index}]"));
                    sections.push(Section::new(path, item.span(), table, self.sink));
                }
                None => self.wrong_type(key, item.get_ref(), "a table"),
            }
        }
        sections
    }

    fn child_path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reports every key nobody asked for: a misspelt key must not pass for a default.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if asked.contains(name) {
                continue;
            }
            let near = asked.iter().min_by_key(|known| units::distance(known, name));
            let hint = near
                .filter(|known| units::distance(known, name) <= 3)
                .map(|known| format!("did you mean `{known}`?"))
                .or_else(|| {
                    let known: Vec<&str> = asked.iter().map(String::as_str).collect();
                    Some(format!("known here: {}", known.join(", ")))
                });
            self.sink.borrow_mut().push(Problem {
                span: key.span(),
                path: self.child_path(name),
                message: "is not a known key".to_owned(),
                hint,
            });
        }
    }
}

fn bounded(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
