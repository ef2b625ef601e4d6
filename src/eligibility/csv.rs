//! The evidence CSV: one row is one piece of evidence, an empty field is unknown.
//!
//! A streaming reader over any bytes: it holds one row at a time and goes on after a bad one.
//! Rows that can only narrow what is allowed always load if address and legal person can be
//! read; what is unclear in them is read in the person's favour. Who imports what at which
//! level, in which batch, and under which key is the caller's business.

use std::io::Read;

use thiserror::Error;

use super::draft::{DraftError, DraftScope, EvidenceDraft, bounded, word_as};
use super::evidence::Evidence;
use crate::base::{BrandId, CollectionPointId, EntityId, Mailbox, Timestamp};

/// The columns of the format, in their usual order.
pub const COLUMNS: &[&str] = &[
    "address",
    "kind",
    "at",
    "entity",
    "brand",
    "topics",
    "collection_point",
    "opt_out_offered",
    "completed",
    "paid",
    "ended_at",
    "mechanism",
    "wording_version",
    "double_opt_in_at",
    "scope",
    "jurisdictions",
    "subject_kind",
    "address_kind",
    "channel",
    "direct",
    "source",
    "reference",
    "ip",
];

/// What the reader takes for granted where a row is silent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Defaults {
    /// The moment of the import: the date of an undated objection, and the latest date a
    /// permission may have.
    pub imported_at: Timestamp,
    /// The legal person of rows that name none.
    pub entity: Option<EntityId>,
}

/// One row, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The line it begins on, counted from 1.
    pub line: u64,
    /// The address it is about.
    pub mailbox: Mailbox,
    /// Its pieces of evidence, without tag, batch and moment of recording.
    pub evidence: Vec<Evidence>,
}

/// Why a row, or the whole file, cannot be read. Addresses are never repeated.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}, column {column}: {message}\n  hint: {hint}")]
pub struct RowError {
    /// The line the row begins on, counted from 1.
    pub line: u64,
    /// The column.
    pub column: String,
    /// What is wrong, with the value if it is not an address.
    pub message: String,
    /// What to write instead.
    pub hint: String,
    /// Whether the row could only have narrowed what is allowed.
    pub is_protective: bool,
}

/// Reads rows one at a time.
pub struct Reader<R> {
    records: csv::Reader<R>,
    record: csv::StringRecord,
    /// For every field of a row, the place of its column in [`COLUMNS`].
    places: Vec<usize>,
    defaults: Defaults,
    is_broken: bool,
}

impl<R: Read> Reader<R> {
    /// Starts reading; the first row names the columns, in any order.
    ///
    /// # Errors
    /// If the header cannot be read, names an unknown column or one twice, or lacks `address`
    /// or `kind`.
    pub fn new(input: R, defaults: Defaults) -> Result<Self, RowError> {
        let mut records =
            csv::ReaderBuilder::new().flexible(false).trim(csv::Trim::All).from_reader(input);
        let header = records.headers().map_err(|error| unreadable(&error))?.clone();
        let mut places = Vec::with_capacity(header.len());
        for name in &header {
            // A byte order mark is what spreadsheets put before the first name.
            let name = name.trim_start_matches('\u{feff}').trim();
            match COLUMNS.iter().position(|column| *column == name) {
                Some(place) if places.contains(&place) => {
                    return Err(header_error(name, "the column stands twice"));
                }
                Some(place) => places.push(place),
                // What an earlier import said about the rows it gave back.
                None if name == "reason" => places.push(COLUMNS.len()),
                None => return Err(header_error(name, "unknown column")),
            }
        }
        for (place, column) in COLUMNS.iter().enumerate().take(2) {
            if !places.contains(&place) {
                return Err(header_error(column, "the column is missing"));
            }
        }
        let record = csv::StringRecord::new();
        Ok(Self { records, record, places, defaults, is_broken: false })
    }

    fn field(&self, name: &'static str) -> Option<&str> {
        let place = COLUMNS.iter().position(|column| *column == name)?;
        let index = self.places.iter().position(|known| *known == place)?;
        self.record.get(index).map(str::trim).filter(|text| !text.is_empty())
    }

    fn row(&self, line: u64) -> Result<Row, RowError> {
        let kind = self.field("kind").unwrap_or_default().to_owned();
        let mut draft = EvidenceDraft { kind, ..EvidenceDraft::default() };
        let is_protective = draft.is_protective();
        let place = |error: DraftError| RowError {
            line,
            column: error.column.to_owned(),
            message: error.message,
            hint: error.hint,
            is_protective,
        };
        let address = self.field("address").unwrap_or_default();
        let mailbox = Mailbox::parse(address).map_err(|error| {
            place(DraftError::new(
                "address",
                error.to_string(),
                "one address, such as a@example.com",
            ))
        })?;
        draft.kind().map_err(place)?;
        draft.entity = self.entities().map_err(place)?;
        match self.fill(&mut draft) {
            Ok(()) => {}
            Err(_) if is_protective => self.fill_protective(&mut draft),
            Err(error) => return Err(place(error)),
        }
        if is_protective {
            draft.at = draft.at.or(Some(self.defaults.imported_at));
        } else if draft.at.is_some_and(|at| at > self.defaults.imported_at) {
            let hint = "a permission cannot be dated after the import";
            return Err(place(DraftError::new("at", "the date lies in the future", hint)));
        }
        let evidence = draft.into_evidence().map_err(place)?;
        Ok(Row { line, mailbox, evidence })
    }

    fn entities(&self) -> Result<Vec<EntityId>, DraftError> {
        let named = self.names("entity", EntityId::parse)?;
        if named.is_empty() {
            Ok(self.defaults.entity.clone().into_iter().collect())
        } else {
            Ok(named)
        }
    }

    /// Every column, strictly.
    fn fill(&self, draft: &mut EvidenceDraft) -> Result<(), DraftError> {
        draft.at = self.moment("at")?;
        draft.brand = self.names("brand", BrandId::parse)?.into_iter().next();
        draft.topics = self.names("topics", crate::base::TopicId::parse)?;
        draft.collection_point =
            self.names("collection_point", CollectionPointId::parse)?.into_iter().next();
        draft.opt_out_offered = self.answer("opt_out_offered")?;
        draft.completed = self.answer("completed")?;
        draft.paid = self.answer("paid")?;
        draft.direct = self.answer("direct")?;
        draft.ended_at = self.moment("ended_at")?;
        draft.double_opt_in_at = self.moment("double_opt_in_at")?;
        let acts = "tick, button, oral, paper, import, preticked or bundled";
        draft.mechanism = self.word("mechanism", acts)?;
        draft.scope = self.word("scope", "entity, brand or topic")?;
        draft.jurisdictions = self.names("jurisdictions", crate::base::JurisdictionId::parse)?;
        let subjects =
            "natural, sole_trader, partnership_unincorporated, legal_person or public_body";
        draft.subject_kind = self.word("subject_kind", subjects)?;
        draft.address_kind =
            self.word("address_kind", "personal, work_named or work_impersonal")?;
        self.fill_texts(draft);
        Ok(())
    }

    fn fill_texts(&self, draft: &mut EvidenceDraft) {
        let text = |name| self.field(name).map(|text| text.chars().take(200).collect());
        draft.wording_version = text("wording_version");
        draft.channel = text("channel");
        draft.source = text("source");
        draft.reference = text("reference");
        draft.ip = text("ip");
    }

    /// What can be read of a row that protects the person; the rest is left open, which covers
    /// more, not less.
    fn fill_protective(&self, draft: &mut EvidenceDraft) {
        draft.at = self.moment("at").ok().flatten();
        draft.brand = self.names("brand", BrandId::parse).ok().and_then(|n| n.into_iter().next());
        let topics = self.names("topics", crate::base::TopicId::parse);
        let scope = self.word::<DraftScope>("scope", "").ok().flatten();
        // A list of topics that cannot be read whole would narrow the objection by mistake.
        draft.scope = if topics.is_ok() { scope } else { None };
        draft.topics = topics.unwrap_or_default();
        self.fill_texts(draft);
    }

    fn names<T, E>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, DraftError> {
        let hint = "lower-case letters, digits, `-`, `_`, `.`; several parted by `;`";
        let words = self.field(column).unwrap_or_default();
        words
            .split([';', ',', ' ', '|'])
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| {
                let wrong =
                    || DraftError::new(column, format!("`{}` is not a name", bounded(word)), hint);
                parse(word).map_err(|_| wrong())
            })
            .collect()
    }

    fn moment(&self, column: &'static str) -> Result<Option<Timestamp>, DraftError> {
        let Some(text) = self.field(column) else { return Ok(None) };
        let wrong = || {
            let hint = "a date such as 2026-02-05, or a moment such as 2026-02-05T09:30:00Z";
            DraftError::new(column, format!("`{}` is not a date", bounded(text)), hint)
        };
        Timestamp::parse(text).map(Some).ok_or_else(wrong)
    }

    fn answer(&self, column: &'static str) -> Result<Option<bool>, DraftError> {
        let Some(text) = self.field(column) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" | "y" => Ok(Some(true)),
            "no" | "false" | "0" | "n" => Ok(Some(false)),
            "unknown" => Ok(None),
            other => {
                let message = format!("`{}` is neither yes nor no", bounded(other));
                Err(DraftError::new(column, message, "yes, no, or empty for unknown"))
            }
        }
    }

    fn word<T: for<'de> serde::Deserialize<'de>>(
        &self,
        column: &'static str,
        allowed: &'static str,
    ) -> Result<Option<T>, DraftError> {
        let Some(text) = self.field(column) else { return Ok(None) };
        let wrong =
            || DraftError::new(column, format!("unknown word `{}`", bounded(text)), allowed);
        word_as(text).map(Some).ok_or_else(wrong)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_broken {
            return None;
        }
        let mut record = std::mem::take(&mut self.record);
        let read = self.records.read_record(&mut record);
        self.record = record;
        match read {
            Ok(false) => None,
            Ok(true) => {
                let line = self.record.position().map_or(0, csv::Position::line);
                Some(self.row(line))
            }
            Err(error) => {
                // Rows after one that cannot be decoded or has too few fields can still be
                // read; after an input error nothing can.
                self.is_broken = matches!(error.kind(), csv::ErrorKind::Io(_));
                Some(Err(unreadable(&error)))
            }
        }
    }
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

fn header_error(name: &str, message: &str) -> RowError {
    RowError {
        line: 1,
        column: bounded(name),
        message: message.to_owned(),
        hint: format!("the columns are {}", COLUMNS.join(",")),
        is_protective: false,
    }
}

fn unreadable(error: &csv::Error) -> RowError {
    let line = error.position().map_or(1, csv::Position::line);
    let (message, hint) = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => (
            format!("the row has {len} fields, the header {expected_len}"),
            "quote fields that hold a comma",
        ),
        csv::ErrorKind::Utf8 { .. } => {
            (String::from("the row is not UTF-8"), "save the file as UTF-8")
        }
        _ => (String::from("the file cannot be read"), "check the file"),
    };
    RowError {
        line,
        column: String::from("(row)"),
        message,
        hint: hint.to_owned(),
        is_protective: false,
    }
}

#[cfg(test)]
mod tests;
