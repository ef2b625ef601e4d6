//! `consentry import`: evidence from a CSV file.
//!
//! Objections always load. Permissions load all or not at all, unless `--rejects` says where
//! the rows that cannot be read shall go.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{output, rejects, setup};
use crate::base::{BatchId, Keyring, PersonKeys, Timestamp};
use crate::config::Config;
use crate::daemon::SystemClock;
use crate::eligibility::Evidence;
use crate::eligibility::csv::{Defaults, Reader, Row, RowError};
use crate::relay::ports::Clock as _;

const COLUMNS_AND_EXAMPLES: &str = "\
Columns, in any order; an empty field is unknown, never yes or no:
  address, kind, at, entity, brand, topics, collection_point, opt_out_offered, completed, paid,
  ended_at, mechanism, wording_version, double_opt_in_at, scope, jurisdictions, subject_kind,
  address_kind, channel, direct, source, reference, ip
Kinds: sale, negotiation, consent_given, consent_withdrawn, objection, complaint, ...
Examples:
  address,kind,at,entity,topics,completed,paid,direct,opt_out_offered
  jane@example.org,sale,2026-08-20,acme-ltd,footwear,yes,yes,yes,yes

  consentry import --config consentry.toml --dry-run contacts.csv
  consentry import --config consentry.toml --rejects rejects.csv contacts.csv";

/// Arguments of `import`.
#[derive(Args, Debug)]
#[command(after_help = COLUMNS_AND_EXAMPLES)]
pub(super) struct ImportArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// Read and report, but write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Load what can be read and write the other rows to FILE, with the reason.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// The CSV file.
    #[arg(value_name = "CSV")]
    file: PathBuf,
}

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Loaded {
    rows: usize,
    pieces: usize,
    fresh: u64,
    known: u64,
}

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows, {} pieces of evidence, {} new, {} already known",
            self.rows, self.pieces, self.fresh, self.known
        )
    }
}

/// Runs the command.
pub(super) fn run(args: &ImportArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let reading = read(&args.file, &config)?;
    for error in &reading.errors {
        output::remark(&format!("{}: {error}", args.file.display()));
    }
    let refuge = args.rejects.as_ref().map(|path| rejects::create(path)).transpose();
    let refuge = refuge.or_exit(Exit::CannotCreate)?;
    let is_partial = !reading.errors.is_empty() && args.rejects.is_none();
    let rows = if is_partial { reading.protective_only() } else { reading.rows };
    let batch = Batch::new(&keyring, rows)?;
    if args.dry_run {
        output::line(&format!(
            "dry run: {} rows, {} pieces of evidence, {} of them objections; {} rows cannot be read",
            batch.rows,
            batch.pieces.len(),
            batch.objections(),
            reading.errors.len()
        ));
        return Ok(if reading.errors.is_empty() { Exit::Ok } else { Exit::Data });
    }
    let loaded = batch.load(&config, &keyring)?;
    if let Some(refuge) = refuge {
        rejects::write(&args.file, refuge, &reading.errors).or_exit(Exit::CannotCreate)?;
        output::remark(&format!("{} rows went to the rejects file", reading.errors.len()));
    }
    output::line(&format!("imported {loaded}"));
    if is_partial {
        let error = anyhow!(
            "{} rows cannot be read: only objections were loaded; mend the rows, or name a file with --rejects",
            reading.errors.len()
        );
        return Err(Failure::new(Exit::Data, error));
    }
    Ok(Exit::Ok)
}

/// Imports a file that must be without fault.
pub(super) fn load_file(
    config: &Config,
    keyring: &Keyring,
    file: &Path,
) -> Result<Loaded, Failure> {
    let reading = read(file, config)?;
    if let Some(error) = reading.errors.first() {
        return Err(Failure::new(Exit::Data, anyhow!("{}: {error}", file.display())));
    }
    Batch::new(keyring, reading.rows)?.load(config, keyring)
}

struct Reading {
    rows: Vec<Row>,
    errors: Vec<RowError>,
}

impl Reading {
    fn protective_only(&self) -> Vec<Row> {
        let is_protective = |row: &&Row| row.evidence.iter().all(|e| e.fact.is_protective());
        self.rows.iter().filter(is_protective).cloned().collect()
    }
}

fn read(file: &Path, config: &Config) -> Result<Reading, Failure> {
    let input = File::open(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .or_exit(Exit::NoInput)?;
    let defaults = Defaults { imported_at: SystemClock.now(), entity: None };
    let reader = Reader::new(input, defaults)
        .with_context(|| format!("in {}", file.display()))
        .or_exit(Exit::Data)?;
    let mut reading = Reading { rows: Vec::new(), errors: Vec::new() };
    for row in reader {
        match row {
            Ok(row) => match unknown_name(config, &row) {
                None => reading.rows.push(row),
                Some(error) => reading.errors.push(error),
            },
            Err(error) => reading.errors.push(error),
        }
    }
    Ok(reading)
}

struct Batch {
    id: BatchId,
    rows: usize,
    pieces: Vec<(PersonKeys, Evidence)>,
}

impl Batch {
    fn new(keyring: &Keyring, rows: Vec<Row>) -> Result<Self, Failure> {
        let now = SystemClock.now();
        let mut batch = Self { id: batch_id(now)?, rows: rows.len(), pieces: Vec::new() };
        for row in rows {
            for piece in row.evidence {
                let stamped = stamp(piece, keyring, &row.mailbox, now);
                batch.pieces.push((keyring.person_keys(&row.mailbox), stamped));
            }
        }
        Ok(batch)
    }

    fn objections(&self) -> usize {
        self.pieces.iter().filter(|(_, piece)| piece.fact.is_protective()).count()
    }

    fn load(self, config: &Config, keyring: &Keyring) -> Result<Loaded, Failure> {
        let store = setup::visit_or_create(config, keyring)?;
        let bar = ProgressBar::new(self.pieces.len() as u64).with_style(
            ProgressStyle::with_template("{bar:40} {pos}/{len} ({per_sec})")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let (rows, pieces) = (self.rows, self.pieces.len());
        let watch = |written: usize| bar.set_position(written as u64);
        let imported = setup::runtime()?
            .block_on(store.append_all_watched(self.pieces, self.id, watch))
            .context("the import stopped; run it again to go on")
            .or_exit(Exit::Unavailable)?;
        bar.finish_and_clear();
        setup::close(store)?;
        Ok(Loaded { rows, pieces, fresh: imported.fresh, known: imported.known })
    }
}

/// Completes a piece with what the row does not say: address tag, moment and source.
pub(super) fn stamp(
    mut piece: Evidence,
    keyring: &Keyring,
    mailbox: &crate::base::Mailbox,
    now: Timestamp,
) -> Evidence {
    piece.tag = Some(keyring.address_tag(mailbox));
    piece.provenance.recorded_at = now;
    piece.provenance.source.get_or_insert_with(|| "import".to_owned());
    piece
}

/// A name nobody defined would make evidence that never counts: say so instead.
pub(super) fn unknown_name(config: &Config, row: &Row) -> Option<RowError> {
    let entities = row.evidence.iter().flat_map(|piece| piece.fact.entities());
    let unknown = entities.into_iter().find(|id| config.entity(id).is_none())?;
    let known: Vec<&str> = config.entities.iter().map(|entity| entity.id.as_str()).collect();
    Some(RowError {
        line: row.line,
        column: "entity".to_owned(),
        message: format!("`{unknown}` is not in the configuration"),
        hint: format!("one of: {}", known.join(", ")),
        is_protective: false,
    })
}

fn batch_id(now: Timestamp) -> Result<BatchId, Failure> {
    let mut random = [0; 4];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| anyhow!("the system gives no random bytes"))
        .or_exit(Exit::Unavailable)?;
    let text = format!("import-{}-{:08x}", now.as_millis(), u32::from_be_bytes(random));
    BatchId::parse(&text).or_exit(Exit::Data)
}
