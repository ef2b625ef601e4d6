//! The rows an import could not read, as they came, with the reason as a last column.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context as _;

use crate::eligibility::csv::RowError;

/// Makes the file for rejected rows before anything is loaded; never over an existing one.
pub(super) fn create(path: &Path) -> anyhow::Result<File> {
    File::create_new(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Copies the rows of `file` named in `errors` to `rejected`.
pub(super) fn write(file: &Path, rejected: File, errors: &[RowError]) -> anyhow::Result<()> {
    let reasons: BTreeMap<u64, String> = errors
        .iter()
        .map(|error| (error.line, format!("{}: {}; {}", error.column, error.message, error.hint)))
        .collect();
    let mut input = csv::ReaderBuilder::new().flexible(true).from_path(file)?;
    let mut output = csv::Writer::from_writer(rejected);
    let mut header = input.byte_headers()?.clone();
    header.push_field(b"reason");
    output.write_byte_record(&header)?;
    let mut row = csv::ByteRecord::new();
    while input.read_byte_record(&mut row)? {
        let line = row.position().map_or(0, csv::Position::line);
        if let Some(reason) = reasons.get(&line) {
            // A row with fields missing keeps its reason in the last column all the same.
            while row.len() + 1 < header.len() {
                row.push_field(b"");
            }
            row.push_field(reason.as_bytes());
            output.write_byte_record(&row)?;
        }
    }
    output.flush()?;
    Ok(())
}
