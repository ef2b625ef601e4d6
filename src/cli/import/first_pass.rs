//! The first pass: reads the whole file, checks each row, and hands the pieces on.
//!
//! One row is held at a time. Rows that are refused are shown, counted by reason, and written to
//! the rejects file as they come.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;
use indicatif::{ProgressBar, ProgressStyle};

use crate::base::{BatchId, Keyring, PersonKeys};
use crate::cli::exit::{Exit, Failure, OrExit as _};
use crate::cli::output;
use crate::cli::rejects::Rejects;
use crate::eligibility::csv::RowError;
use crate::eligibility::import::{Choice, Reader, Remark, Row, Terms, Who};
use crate::eligibility::{Evidence, Fact};

/// Refused rows that are shown one by one.
const SHOWN_MAX: u64 = 20;
/// Kinds of refusal that are told apart; a file can invent many.
const REASONS_MAX: usize = 50;
const BUFFER_BYTES: usize = 256 << 10;

/// A file's bytes on their way, and their digest.
struct Hashed {
    file: File,
    context: Context,
    bytes: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.context.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// What was found in a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Rows that were read.
    pub(super) rows: u64,
    /// Rows of them that only narrow what is allowed.
    pub(super) rows_protective: u64,
    /// Objections, withdrawals and erasures.
    pub(super) objections: u64,
    /// Spam complaints.
    pub(super) complaints: u64,
    /// Permanent failures of delivery.
    pub(super) bounces: u64,
    /// All other pieces.
    pub(super) permissions: u64,
    /// Rows by what had to be supposed about them.
    pub(super) remarks: BTreeMap<Remark, u64>,
    /// Rows that cannot be read.
    pub(super) refused: u64,
    /// Those of them that are objections, or may be.
    pub(super) refused_protective: u64,
    /// The same by reason.
    pub(super) reasons: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        let protective = |piece: &Evidence| piece.fact.is_protective();
        self.rows_protective +=
            u64::from(!row.evidence.is_empty() && row.evidence.iter().all(protective));
        for piece in &row.evidence {
            *match &piece.fact {
                Fact::Complaint { .. } => &mut self.complaints,
                Fact::Bounce { .. } => &mut self.bounces,
                fact if fact.is_protective() => &mut self.objections,
                _ => &mut self.permissions,
            } += 1;
        }
        for remark in &row.remarks {
            *self.remarks.entry(*remark).or_default() += 1;
        }
    }

    fn refuse(&mut self, error: &RowError) {
        self.refused += 1;
        self.refused_protective += u64::from(error.is_protective);
        let reason = format!("{}: {}", error.column, error.message);
        let is_new = !self.reasons.contains_key(&reason);
        let reason = match is_new && self.reasons.len() >= REASONS_MAX {
            true => String::from("(other reasons)"),
            false => reason,
        };
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// All pieces.
    pub(super) const fn pieces(&self) -> u64 {
        self.objections + self.complaints + self.bounces + self.permissions
    }
}

/// A file that was read to its end.
#[derive(Clone, Debug)]
pub(super) struct FirstPass {
    /// What was found.
    pub(super) tally: Tally,
    /// The format it was read in.
    pub(super) format: String,
    /// SHA-256 of the file, in hex.
    pub(super) sha256: String,
}

/// What is read, and as what.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) choice: Choice,
    pub(super) terms: Terms,
    pub(super) keyring: &'a Keyring,
    pub(super) batch: &'a BatchId,
    /// Who imports it.
    pub(super) by: Option<&'a str>,
}

/// Reads the file; each piece goes to `keep`, each refused row to `rejects`.
pub(super) fn read(
    source: Source<'_>,
    rejects: &mut Option<Rejects>,
    mut keep: impl FnMut(PersonKeys, Evidence) -> Result<(), Failure>,
) -> Result<FirstPass, Failure> {
    let Source { file, choice, terms, keyring, batch, by } = source;
    let now = terms.imported_at;
    let opened = File::open(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .or_exit(Exit::NoInput)?;
    let bar = bar(opened.metadata().map_or(0, |metadata| metadata.len()));
    let hashed = Hashed { file: opened, context: Context::new(&SHA256), bytes: 0 };
    let mut input = BufReader::with_capacity(BUFFER_BYTES, hashed);
    let name = || format!("in {}", file.display());
    let mut reader = Reader::open(&mut input as &mut dyn Peek, choice, terms)
        .with_context(name)
        .or_exit(Exit::Data)?;
    if reader.lacks_entity() {
        let message = "whose list is it? name the legal person with --entity";
        return Err(super::told::usage(message.to_owned()));
    }
    let (mut tally, began) = (Tally::default(), Instant::now());
    while let Some(row) = reader.next() {
        match row {
            Ok(row) => {
                tally.add(&row);
                for piece in row.evidence {
                    let (person, piece) = stamp(piece, &row.who, keyring, now);
                    keep(person, in_batch(piece, batch, &told_by(by, row.line)))?;
                }
            }
            Err(error) => {
                tally.refuse(&error);
                show(file, &error, tally.refused);
                if let Some(rejects) = rejects {
                    rejects.write(&reader, &error).or_exit(Exit::CannotCreate)?;
                }
            }
        }
        if (tally.rows + tally.refused) % 1024 == 0 {
            bar.set_message(rate(tally.rows + tally.refused, began));
            bar.tick();
        }
    }
    let format = reader.format().to_owned();
    drop(reader);
    // The digest is the whole file's, also where reading stopped early.
    io::copy(&mut input, &mut io::sink()).with_context(name).or_exit(Exit::NoInput)?;
    bar.finish_and_clear();
    let sha256 = HEXLOWER.encode(input.into_inner().context.finish().as_ref());
    Ok(FirstPass { tally, format, sha256 })
}

/// A buffered reader behind a reference.
trait Peek: BufRead {}
impl<R: BufRead> Peek for R {}

/// How many rows in a second.
pub(super) fn rate(rows: u64, began: Instant) -> String {
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    format!("{rows} rows, {}/s", rows.saturating_mul(1000) / millis)
}

fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("reading {spinner} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}

fn show(file: &Path, error: &RowError, refused: u64) {
    if refused <= SHOWN_MAX {
        output::remark(&format!("{}: {error}", file.display()));
    } else if refused == SHOWN_MAX + 1 {
        output::remark("more rows cannot be read; the summary counts them, --rejects keeps them");
    }
}

/// Completes a piece with what the row does not say: address tag, moment and source.
fn stamp(
    mut piece: Evidence,
    who: &Who,
    keyring: &Keyring,
    now: crate::base::Timestamp,
) -> (PersonKeys, Evidence) {
    match who {
        Who::Address(mailbox) => {
            (keyring.person_keys(mailbox), super::stamp(piece, keyring, mailbox, now))
        }
        Who::Key(key) => {
            piece.provenance.recorded_at = now;
            piece.provenance.source.get_or_insert_with(|| "import".to_owned());
            (PersonKeys::from(*key), piece)
        }
    }
}

/// Names the import, and by whom and from which row of the file it comes.
fn in_batch(mut piece: Evidence, batch: &BatchId, actor: &str) -> Evidence {
    piece.provenance.batch = Some(batch.clone());
    piece.provenance.actor = Some(actor.to_owned());
    piece
}

fn told_by(by: Option<&str>, line: u64) -> String {
    format!("{}, line {line}", by.unwrap_or("import"))
}
