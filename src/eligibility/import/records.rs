//! The rows of a file before anybody knows what they mean: CSV records or JSON objects.
//!
//! Which of the two is told from the first byte, the delimiter from the first line. A row longer
//! than a mebibyte ends the file: a quote left open must not eat the memory.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use super::json::{Objects, ROW_BYTES_MAX, flatten};
use crate::eligibility::csv::RowError;

/// A row as columns and values.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    columns: Arc<Vec<String>>,
    values: Vec<String>,
    /// The line it begins on.
    pub(super) line: u64,
}

impl Fields {
    /// The columns, as the file writes them.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The value of a column, whatever its case; none if it is empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let place = self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?;
        self.values.get(place).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// A row as it came, to be given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Raw {
    /// Nothing was read.
    None,
    /// The fields of a CSV row.
    Csv(csv::ByteRecord),
    /// An object.
    Json(Vec<u8>),
}

/// The rows of a file.
pub(super) enum Records<R> {
    /// CSV, with the names of its columns.
    Csv(csv::Reader<Bounded<R>>, Arc<Vec<String>>, u64),
    /// JSON.
    Json(Objects<R>),
}

impl<R: BufRead> Records<R> {
    /// Looks at the beginning of `input`.
    pub(super) fn open(mut input: R) -> Result<Self, RowError> {
        let lines = skip_blank(&mut input).map_err(|error| unreadable(1, &error.to_string()))?;
        let start = input.fill_buf().map_err(|error| unreadable(1, &error.to_string()))?;
        if matches!(start.first(), Some(b'{' | b'[')) {
            return Ok(Self::Json(Objects::new(input, lines + 1)));
        }
        let delimiter = delimiter(start);
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(Bounded { input, left: BOUND });
        let header = reader.byte_headers().map_err(|error| unreadable(1, &error.to_string()))?;
        let columns: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        reader.get_mut().left = BOUND;
        Ok(Self::Csv(reader, Arc::new(columns), lines))
    }

    /// The columns, where the file names them at its top.
    pub(super) fn header(&self) -> Option<&[String]> {
        match self {
            Self::Csv(_, columns, _) => Some(columns),
            Self::Json(_) => None,
        }
    }

    /// The next row, and the row as it came. `Err` with [`RowEnd::File`] ends the file.
    pub(super) fn next(&mut self, raw: &mut Raw) -> Option<Result<Fields, RowEnd>> {
        match self {
            Self::Csv(reader, columns, lines) => next_csv(reader, columns, *lines, raw),
            Self::Json(objects) => {
                let (line, text) = match objects.next()? {
                    Ok(cut) => cut,
                    Err(error) => {
                        return Some(Err(RowEnd::File(unreadable(0, &error.to_string()))));
                    }
                };
                let flat = flatten(&text).map_err(|error| RowEnd::Row(unreadable(line, &error)));
                *raw = Raw::Json(text);
                Some(flat.map(|(columns, values)| Fields {
                    columns: Arc::new(columns),
                    values,
                    line,
                }))
            }
        }
    }
}

/// What could not be read: one row, or everything from here on.
#[derive(Debug)]
pub(super) enum RowEnd {
    /// This row.
    Row(RowError),
    /// The file from here on.
    File(RowError),
}

fn next_csv<R: BufRead>(
    reader: &mut csv::Reader<Bounded<R>>,
    columns: &Arc<Vec<String>>,
    lines: u64,
    raw: &mut Raw,
) -> Option<Result<Fields, RowEnd>> {
    let mut record = match std::mem::replace(raw, Raw::None) {
        Raw::Csv(record) => record,
        Raw::None | Raw::Json(_) => csv::ByteRecord::new(),
    };
    match reader.read_byte_record(&mut record) {
        Ok(false) => return None,
        Ok(true) => {}
        Err(error) => return Some(Err(RowEnd::File(unreadable(0, &error.to_string())))),
    }
    reader.get_mut().left = BOUND;
    let line = record.position().map_or(0, csv::Position::line) + lines;
    // A name in another encoding must not keep an objection out; an address in one is refused.
    let values: Vec<String> =
        record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
    let found = record.len();
    *raw = Raw::Csv(record);
    if found != columns.len() {
        let message = format!("the row has {found} fields, the header {}", columns.len());
        let hint = "quote fields that hold a comma";
        return Some(Err(RowEnd::Row(whole_row(line, message, hint))));
    }
    Some(Ok(Fields { columns: Arc::clone(columns), values, line }))
}

fn whole_row(line: u64, message: String, hint: &str) -> RowError {
    let column = String::from("(row)");
    RowError { line, column, message, hint: hint.to_owned(), is_protective: true }
}

fn unreadable(line: u64, what: &str) -> RowError {
    whole_row(line, format!("it cannot be read: {what}"), "check the file")
}

/// Bytes that may be read before a row must end; a buffer's worth more than a row may have.
const BOUND: usize = ROW_BYTES_MAX + (256 << 10);

/// A reader that fails when too much is asked of it at once.
pub(super) struct Bounded<R> {
    input: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let what = "a row is longer than 1 MiB; is a quote left open?";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let read = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}

/// Skips a byte order mark and blank space; tells how many lines that was.
fn skip_blank<R: BufRead>(input: &mut R) -> io::Result<u64> {
    let mut lines = 0;
    let start = input.fill_buf()?;
    if start.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    loop {
        let start = input.fill_buf()?;
        let blank = start.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let is_done = blank < start.len() || start.is_empty();
        lines += start[..blank].iter().filter(|byte| **byte == b'\n').count() as u64;
        input.consume(blank);
        if is_done {
            return Ok(lines);
        }
    }
}

/// The delimiter that stands most often in the first line: comma, semicolon or tab.
fn delimiter(start: &[u8]) -> u8 {
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |mark: u8| first.iter().filter(|byte| **byte == mark).count();
    let most = [b',', b';', b'\t'].into_iter().rev().max_by_key(|mark| count(*mark));
    most.unwrap_or(b',')
}
