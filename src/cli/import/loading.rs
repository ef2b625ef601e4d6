//! Loading a file: first pass, then the dry run's comparison or the merge, and what is told.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressStyle};

use super::first_pass::{self, FirstPass, Source, Tally, rate};
use super::{LoadArgs, told};
use crate::base::{BatchId, Keyring, PersonKeys, Timestamp};
use crate::cli::exit::{Exit, Failure, OrExit as _, Outcome};
use crate::cli::rejects::Rejects;
use crate::cli::{output, setup};
use crate::config::Config;
use crate::daemon::SystemClock;
use crate::eligibility::Evidence;
use crate::eligibility::import::{Choice, Remark};
use crate::relay::ports::Clock as _;
use crate::store::{Difference, Imported, Staging, Store};

/// Pieces per question to the store.
const COMPARED_AT_ONCE: usize = 256;

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::cli) struct Loaded {
    rows: u64,
    pieces: u64,
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

/// Runs `consentry import FILE`.
pub(super) fn run(args: &LoadArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let batch = batch_id(SystemClock.now())?;
    let source = Source {
        file: &args.file,
        choice: told::choice(args)?,
        terms: told::terms(args, &config, &keyring)?,
        keyring: &keyring,
        batch: &batch,
        by: args.by.as_deref(),
    };
    if args.dry_run {
        return compare(&config, source);
    }
    let mut rejects =
        args.rejects.as_deref().map(Rejects::create).transpose().or_exit(Exit::CannotCreate)?;
    let began = Instant::now();
    let (pass, mut staging) = stage(&config, source, &mut rejects)?;
    let is_partial = pass.tally.refused > 0 && rejects.is_none();
    if let Some(rejects) = rejects {
        rejects.finish().or_exit(Exit::CannotCreate)?;
        output::remark(&format!("{} rows went to the rejects file", pass.tally.refused));
    }
    if is_partial {
        staging.drop_permissions().or_exit(Exit::Unavailable)?;
    }
    let mut about = about(args, &pass);
    about["permissions_left_out"] = is_partial.into();
    let imported = merge(&config, &keyring, &staging, (&batch, about))?;
    let rows = if is_partial { pass.tally.rows_protective } else { pass.tally.rows };
    let Imported { fresh, known } = imported;
    let loaded = Loaded { rows, pieces: staging.len(), fresh, known };
    output::line(&format!("imported {loaded}"));
    tell(&pass);
    output::line(&format!("batch {batch} ({})", rate(pass.tally.rows + pass.tally.refused, began)));
    if is_partial {
        let error = anyhow!(
            "{} rows cannot be read: only objections were loaded; mend the rows, or name a file with --rejects",
            pass.tally.refused
        );
        return Err(Failure::new(Exit::Data, error));
    }
    if pass.tally.refused_protective > 0 {
        let error = anyhow!(
            "{} of the rows left out are objections or may be: mend and import them, for these people are not protected yet",
            pass.tally.refused_protective
        );
        return Err(Failure::new(Exit::Data, error));
    }
    Ok(Exit::Ok)
}

/// Imports a file that must be without fault.
pub(in crate::cli) fn load_file(
    config: &Config,
    keyring: &Keyring,
    file: &Path,
) -> Result<Loaded, Failure> {
    let batch = batch_id(SystemClock.now())?;
    let terms = told::plain(config, keyring);
    let source =
        Source { file, choice: Choice::Recognise, terms, keyring, batch: &batch, by: None };
    let (pass, staging) = stage(config, source, &mut None)?;
    if pass.tally.refused > 0 {
        let error = anyhow!("{}: {} rows cannot be read", file.display(), pass.tally.refused);
        return Err(Failure::new(Exit::Data, error));
    }
    let about = serde_json::json!({ "format": pass.format, "sha256": pass.sha256 });
    let Imported { fresh, known } = merge(config, keyring, &staging, (&batch, about))?;
    Ok(Loaded { rows: pass.tally.rows, pieces: staging.len(), fresh, known })
}

fn stage(
    config: &Config,
    source: Source<'_>,
    rejects: &mut Option<Rejects>,
) -> Result<(FirstPass, Staging), Failure> {
    let mut staging =
        Staging::create(&config.store.path, source.batch).or_exit(Exit::CannotCreate)?;
    let pass = first_pass::read(source, rejects, |person, piece| {
        staging.push(&person, &piece).or_exit(Exit::CannotCreate)
    })?;
    Ok((pass, staging))
}

fn merge(
    config: &Config,
    keyring: &Keyring,
    staging: &Staging,
    (batch, about): (&BatchId, serde_json::Value),
) -> Result<Imported, Failure> {
    let store = setup::visit_or_create(config, keyring)?;
    let bar = ProgressBar::new(staging.len()).with_style(
        ProgressStyle::with_template("merging {bar:40} {pos}/{len} ({per_sec})")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let watch = |written: u64| bar.set_position(written);
    let imported = setup::runtime()?
        .block_on(store.merge(staging, batch, about, watch))
        .context("the import stopped; run it again to go on")
        .or_exit(Exit::Unavailable)?;
    bar.finish_and_clear();
    setup::close(store)?;
    Ok(imported)
}

/// Where the import came from, as it stays with it and in the journal: never an address.
fn about(args: &LoadArgs, pass: &FirstPass) -> serde_json::Value {
    let tally = &pass.tally;
    let file = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let remarks: serde_json::Map<String, serde_json::Value> =
        tally.remarks.iter().map(|(remark, n)| (remark.as_str().to_owned(), (*n).into())).collect();
    serde_json::json!({
        "file": file,
        "sha256": pass.sha256,
        "format": pass.format,
        "by": args.by,
        "rows": tally.rows,
        "refused": tally.refused,
        "objections": tally.objections,
        "complaints": tally.complaints,
        "bounces": tally.bounces,
        "permissions": tally.permissions,
        "remarks": remarks,
    })
}

/// Tells what was found beside the numbers of the import itself.
fn tell(pass: &FirstPass) {
    let Tally { objections, complaints, bounces, permissions, .. } = pass.tally;
    output::line(&format!(
        "format {}: {objections} objections, {complaints} complaints, {bounces} bounces, \
         {permissions} permissions or facts",
        pass.format
    ));
    for remark in Remark::ALL {
        if let Some(rows) = pass.tally.remarks.get(&remark) {
            output::line(&format!("  {rows} rows {}", remark.meaning()));
        }
    }
    if pass.tally.refused > 0 {
        output::line(&format!("  {} rows refused:", pass.tally.refused));
        for (reason, rows) in &pass.tally.reasons {
            output::line(&format!("    {rows} × {reason}"));
        }
    }
}

/// The dry run: what an import would change.
fn compare(config: &Config, source: Source<'_>) -> Outcome {
    let store = match config.store.path.exists() {
        true => Some(setup::visit(config)?),
        false => None,
    };
    let mut comparison = Comparison {
        store,
        runtime: setup::runtime()?,
        pieces: Vec::new(),
        found: Difference::default(),
    };
    let pass = first_pass::read(source, &mut None, |person, piece| comparison.add(person, piece))?;
    comparison.ask()?;
    let Comparison { store, found, .. } = comparison;
    if let Some(store) = store {
        setup::close(store)?;
    }
    let tally = &pass.tally;
    output::line(&format!(
        "dry run: {} rows, {} pieces of evidence, {} of them objections; {} rows cannot be read",
        tally.rows,
        tally.pieces(),
        tally.objections + tally.complaints + tally.bounces,
        tally.refused
    ));
    output::line(&format!(
        "{} pieces about new people, {} new about people who are known, {} already known",
        found.new, found.changed, found.known
    ));
    tell(&pass);
    Ok(if tally.refused == 0 { Exit::Ok } else { Exit::Data })
}

struct Comparison {
    store: Option<Store>,
    runtime: tokio::runtime::Runtime,
    pieces: Vec<(PersonKeys, Evidence)>,
    found: Difference,
}

impl Comparison {
    fn add(&mut self, person: PersonKeys, piece: Evidence) -> Result<(), Failure> {
        self.pieces.push((person, piece));
        if self.pieces.len() < COMPARED_AT_ONCE { Ok(()) } else { self.ask() }
    }

    fn ask(&mut self) -> Result<(), Failure> {
        let pieces = std::mem::take(&mut self.pieces);
        let found = match &self.store {
            None => Difference { new: pieces.len() as u64, ..Difference::default() },
            Some(store) => {
                self.runtime.block_on(store.compare(pieces)).or_exit(Exit::Unavailable)?
            }
        };
        self.found.new += found.new;
        self.found.changed += found.changed;
        self.found.known += found.known;
        Ok(())
    }
}

fn batch_id(now: Timestamp) -> Result<BatchId, Failure> {
    let mut random = [0; 4];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| anyhow!("the system gives no random bytes"))
        .or_exit(Exit::Unavailable)?;
    let text = format!("import-{}-{:08x}", now.as_millis(), u32::from_be_bytes(random));
    BatchId::parse(&text).or_exit(Exit::Data)
}
