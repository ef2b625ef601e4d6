//! The rows an import could not read, as they came, with the reason as a last column.
//!
//! Written while the file is read. Mended, the file can be imported as it is: the reason is
//! ignored then.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;

use crate::eligibility::csv::RowError;
use crate::eligibility::import::{Raw, Reader};

/// The name of the column that is added.
const REASON: &str = "reason";

/// The file rejected rows go to.
pub(super) struct Rejects {
    output: csv::Writer<BufWriter<File>>,
    /// Where the reason stands in a CSV row; none before the header is written.
    reason_at: Option<usize>,
}

impl Rejects {
    /// Makes the file before anything is loaded; never over an existing one.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file =
            File::create_new(path).with_context(|| format!("cannot create {}", path.display()))?;
        let output = csv::WriterBuilder::new().flexible(true).from_writer(BufWriter::new(file));
        Ok(Self { output, reason_at: None })
    }

    /// Writes the row `reader` read last.
    pub(super) fn write<R: BufRead>(
        &mut self,
        reader: &Reader<R>,
        error: &RowError,
    ) -> anyhow::Result<()> {
        let reason = format!("{}: {}; {}", error.column, error.message, error.hint);
        match reader.raw() {
            Raw::None => Ok(()),
            Raw::Csv(row) => self.write_csv(reader.header().unwrap_or_default(), row, &reason),
            Raw::Json(text) => self.write_json(text, &reason),
        }
    }

    fn write_csv(
        &mut self,
        header: &[String],
        row: &csv::ByteRecord,
        reason: &str,
    ) -> anyhow::Result<()> {
        let reason_at = match self.reason_at {
            Some(at) => at,
            None => {
                let at = header.iter().position(|name| name == REASON).unwrap_or(header.len());
                let others = header.iter().map(String::as_str).filter(|name| *name != REASON);
                self.output.write_record(others.chain([REASON]))?;
                *self.reason_at.insert(at)
            }
        };
        let width = header.len().max(reason_at);
        let mut fields: Vec<&[u8]> = row.iter().collect();
        // A row with fields missing keeps its reason in the last column all the same.
        while fields.len() < width {
            fields.push(b"");
        }
        if reason_at < header.len() {
            fields.remove(reason_at);
        }
        fields.push(reason.as_bytes());
        self.output.write_record(fields)?;
        Ok(())
    }

    fn write_json(&mut self, text: &[u8], reason: &str) -> anyhow::Result<()> {
        let mut row = match serde_json::from_slice(text) {
            Ok(serde_json::Value::Object(row)) => row,
            _ => {
                let text = String::from_utf8_lossy(text).into_owned();
                serde_json::Map::from_iter([(String::from("unreadable"), text.into())])
            }
        };
        row.insert(REASON.to_owned(), reason.into());
        // The CSV writer only carries the file here.
        self.output.flush()?;
        let mut file = self.output.get_ref().get_ref();
        writeln!(file, "{}", serde_json::Value::Object(row))?;
        Ok(())
    }

    /// Writes what is still held.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.output.flush()?;
        Ok(())
    }
}
