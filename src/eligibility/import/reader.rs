//! Reads a file row by row, in a format that was named or is recognised.

use std::io::BufRead;

use data_encoding::HEXLOWER;
use thiserror::Error;

use super::foreign::{self, Said};
use super::formats::{maps, names};
use super::map::ColumnMap;
use super::own::OwnRow;
use super::records::{Fields, Raw, Records, RowEnd};
use super::{Remark, Row, Terms, Who};
use crate::base::PersonKey;
use crate::eligibility::csv::{COLUMNS, Defaults, RowError, header_error};
use crate::eligibility::draft::bounded;

/// The name of our own columns as a format.
const OWN: &str = "own";

/// Columns beside [`COLUMNS`] that our own files may have: what an earlier import said about the
/// rows it gave back, and a person's key in place of an address with the keyring it belongs to.
const OWN_BESIDE: &[&str] = &["reason", "person", "keyring"];

/// How the format is chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// By the columns of the file.
    Recognise,
    /// By its name.
    Named(String),
    /// A map of the operator's.
    Map(Box<ColumnMap>),
}

/// Why a file cannot be begun.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum OpenError {
    /// Its header, or its first row.
    #[error(transparent)]
    Row(#[from] RowError),
    /// No format has such columns.
    #[error(
        "the columns {0} belong to no format that is known; name one with --format, or write a \
         column map (--map)"
    )]
    Unknown(String),
    /// Several formats have such columns.
    #[error("the file may be {0}; name its format with --format")]
    Several(String),
    /// No column can hold the address.
    #[error("no column holds the address; {0} has it in one of: {1}")]
    NoAddress(String, String),
    /// There is no such format.
    #[error("there is no format `{0}`; one of own, {1}")]
    NoFormat(String, String),
}

enum Meaning {
    Own,
    Map(Box<ColumnMap>),
}

/// Reads rows one at a time.
pub struct Reader<R> {
    records: Records<R>,
    meaning: Meaning,
    terms: Terms,
    first: Option<Result<Fields, RowEnd>>,
    raw: Raw,
    is_over: bool,
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl<R: BufRead> Reader<R> {
    /// Looks at the columns and settles the format.
    ///
    /// # Errors
    /// [`OpenError`] if the format is not known or the file cannot be read.
    pub fn open(input: R, choice: Choice, terms: Terms) -> Result<Self, OpenError> {
        let mut records = Records::open(input)?;
        let (mut raw, mut first) = (Raw::None, None);
        let columns = match records.header() {
            Some(header) => header.to_vec(),
            None => {
                first = records.next(&mut raw);
                let columns = first.as_ref().and_then(|row| row.as_ref().ok());
                columns.map(|fields| fields.columns().to_vec()).unwrap_or_default()
            }
        };
        let meaning = settle(choice, &columns)?;
        if matches!(meaning, Meaning::Own) && records.header().is_some() {
            check_own_header(&columns)?;
        }
        Ok(Self { records, meaning, terms, first, raw, is_over: false })
    }

    /// The format's name.
    pub fn format(&self) -> &str {
        match &self.meaning {
            Meaning::Own => OWN,
            Meaning::Map(map) => &map.format,
        }
    }

    /// Whether somebody must say whose list it is.
    pub const fn lacks_entity(&self) -> bool {
        match &self.meaning {
            Meaning::Own => false,
            Meaning::Map(map) => {
                map.entity.is_none()
                    && self.terms.entity.is_none()
                    && self.terms.only_entity.is_none()
            }
        }
    }

    /// The columns of a file that names them at its top.
    pub fn header(&self) -> Option<&[String]> {
        self.records.header()
    }

    /// The row last read, as it came.
    pub const fn raw(&self) -> &Raw {
        &self.raw
    }

    fn row(&self, fields: &Fields) -> Result<Row, RowError> {
        let (who, said) = match &self.meaning {
            Meaning::Own => self.own(fields)?,
            Meaning::Map(map) => {
                let address = map.address.iter().find_map(|name| fields.value(name));
                let value = |name: &str| if name == "address" { address } else { None };
                let defaults = self.defaults();
                let row = OwnRow { line: fields.line, value: &value, defaults: &defaults };
                let who = Who::Address(row.mailbox()?);
                (who, foreign::read(map, fields, &self.terms)?)
            }
        };
        self.settle_names(fields.line, who, said)
    }

    fn defaults(&self) -> Defaults {
        Defaults { imported_at: self.terms.imported_at, entity: self.terms.entity.clone() }
    }

    fn own(&self, fields: &Fields) -> Result<(Who, Said), RowError> {
        if let Some(odd) = fields.columns().iter().find(|name| !is_own(name)) {
            return Err(RowError { line: fields.line, ..header_error(odd, "unknown column") });
        }
        let value = |name: &str| fields.value(name);
        let defaults = self.defaults();
        let row = OwnRow { line: fields.line, value: &value, defaults: &defaults };
        let who = match fields.value("person") {
            Some(key) => Who::Key(self.person(fields, key)?),
            None => Who::Address(row.mailbox()?),
        };
        let (evidence, remarks) = row.evidence()?;
        let is_permission = evidence.iter().any(|piece| !piece.fact.is_protective());
        if is_permission && matches!(who, Who::Key(_)) {
            let message = String::from("a permission needs the address it was given for");
            return Err(odd_person(fields.line, "address", message));
        }
        Ok((who, Said { evidence, remarks }))
    }

    fn person(&self, fields: &Fields, key: &str) -> Result<PersonKey, RowError> {
        if fields.value("keyring") != Some(self.terms.keyring.as_str()) {
            let message = String::from("the row was written with another keyring");
            return Err(odd_person(fields.line, "keyring", message));
        }
        let bytes = HEXLOWER.decode(key.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        let message = String::from("not a person's key of 32 hexadecimal digits");
        bytes.map(PersonKey::from_bytes).ok_or_else(|| odd_person(fields.line, "person", message))
    }

    /// Checks the names of every piece; an objection stays whatever a permission beside it says.
    fn settle_names(&self, line: u64, who: Who, said: Said) -> Result<Row, RowError> {
        let (mut evidence, mut remarks) = (Vec::new(), said.remarks);
        let mut refused = None;
        for piece in said.evidence {
            match self.terms.names.check(line, piece) {
                Ok((piece, remark)) => {
                    evidence.push(piece);
                    remarks.extend(remark);
                }
                Err(error) => refused = Some(error),
            }
        }
        let protects = evidence.iter().any(|piece| piece.fact.is_protective());
        match refused {
            Some(error) if !protects => return Err(error),
            Some(_) => {
                evidence.retain(|piece| piece.fact.is_protective());
                remarks.push(Remark::Dropped);
            }
            None => {}
        }
        remarks.sort_unstable();
        remarks.dedup();
        Ok(Row { line, who, evidence, remarks })
    }
}

fn odd_person(line: u64, column: &str, message: String) -> RowError {
    let hint = String::from("a row names an address, or a person and the keyring of this store");
    RowError { line, column: column.to_owned(), message, hint, is_protective: true }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let fields = match self.first.take() {
            Some(first) => first,
            None => self.records.next(&mut self.raw)?,
        };
        match fields {
            Ok(fields) => Some(self.row(&fields)),
            Err(RowEnd::Row(error)) => Some(Err(error)),
            Err(RowEnd::File(error)) => {
                self.is_over = true;
                Some(Err(error))
            }
        }
    }
}

fn is_own(name: &str) -> bool {
    COLUMNS.contains(&name) || OWN_BESIDE.contains(&name)
}

fn settle(choice: Choice, columns: &[String]) -> Result<Meaning, OpenError> {
    let name = match choice {
        Choice::Map(map) => return with_address(*map, columns),
        Choice::Named(name) if name == OWN => return Ok(Meaning::Own),
        Choice::Named(name) => Some(name),
        Choice::Recognise => None,
    };
    let has = |name: &str| columns.iter().any(|column| column == name);
    if name.is_none() && has("kind") {
        return Ok(Meaning::Own);
    }
    let mut known = maps(name.as_deref());
    let is_named = name.is_some();
    if let Some(name) = name.filter(|_| known.is_empty()) {
        return Err(OpenError::NoFormat(name, names().join(", ")));
    }
    // A format with a single map needs no telling apart once it was named.
    if !is_named || known.len() > 1 {
        known.retain(|map| map.recognises(columns));
    }
    let Some(first) = known.first() else { return Err(OpenError::Unknown(shown(columns))) };
    if let Some(other) = known.iter().find(|other| other.format != first.format) {
        return Err(OpenError::Several(format!("{} or {}", first.format, other.format)));
    }
    with_address(known.remove(0), columns)
}

fn with_address(map: ColumnMap, columns: &[String]) -> Result<Meaning, OpenError> {
    let has = |name: &String| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    if map.address.iter().any(has) {
        return Ok(Meaning::Map(Box::new(map)));
    }
    Err(OpenError::NoAddress(map.format, map.address.join(", ")))
}

fn shown(columns: &[String]) -> String {
    let quoted = |name: &String| format!("`{}`", bounded(name));
    let names: Vec<String> = columns.iter().take(12).map(quoted).collect();
    if names.is_empty() { String::from("(none)") } else { names.join(", ") }
}

fn check_own_header(columns: &[String]) -> Result<(), RowError> {
    for (place, name) in columns.iter().enumerate() {
        if !is_own(name) {
            return Err(header_error(name, "unknown column"));
        }
        if columns[..place].contains(name) {
            return Err(header_error(name, "the column stands twice"));
        }
    }
    let has = |name: &str| columns.iter().any(|column| column == name);
    for (column, is_there) in [("address", has("address") || has("person")), ("kind", has("kind"))]
    {
        if !is_there {
            return Err(header_error(column, "the column is missing"));
        }
    }
    Ok(())
}
