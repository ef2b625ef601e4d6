//! The evidence CSV: one row is one piece of evidence, an empty field is unknown.
//!
//! A streaming reader over any bytes: it holds one row at a time and goes on after a bad one.
//! Rows that can only narrow what is allowed always load if address and legal person can be
//! read; what is unclear in them is read in the person's favour. Who imports what at which
//! level, in which batch, and under which key is the caller's business.

use std::io::Read;

use thiserror::Error;

use super::draft::bounded;
use super::evidence::Evidence;
use super::import::OwnRow;
use crate::base::{EntityId, Mailbox, Timestamp};

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

    fn row(&self, line: u64) -> Result<Row, RowError> {
        let value = |name: &str| {
            let place = COLUMNS.iter().position(|column| *column == name)?;
            let index = self.places.iter().position(|known| *known == place)?;
            self.record.get(index)
        };
        let row = OwnRow { line, value: &value, defaults: &self.defaults };
        let mailbox = row.mailbox()?;
        let (evidence, _) = row.evidence()?;
        Ok(Row { line, mailbox, evidence })
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

pub(super) fn header_error(name: &str, message: &str) -> RowError {
    RowError {
        line: 1,
        column: bounded(name),
        message: message.to_owned(),
        hint: format!("the columns are {}", COLUMNS.join(",")),
        is_protective: false,
    }
}

pub(super) fn unreadable(error: &csv::Error) -> RowError {
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
