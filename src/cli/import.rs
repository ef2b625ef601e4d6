//! `consentry import`: evidence and opt-out lists from files, in many formats.
//!
//! Two passes: the file is read, checked and staged beside the database, then merged in short
//! transactions while the relay runs. Objections always load. Permissions load all or not at
//! all, unless `--rejects` says where the rows that cannot be read shall go.

mod acts;
mod first_pass;
mod loading;
mod told;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::Outcome;
use super::officer::Officer;
use crate::base::{Keyring, Mailbox, Timestamp};
use crate::config::Config;
use crate::eligibility::Evidence;
use crate::eligibility::csv::{Row, RowError};

pub(super) use loading::{Loaded, load_file};
pub(super) use told::{entity, fingerprint, usage};

const EXAMPLES: &str = "\
Formats: own (CSV or JSON lines), netsuite, hubspot, mailchimp, sendgrid, ses, mailgun, postmark,
list; others by a column map. `consentry import formats` shows them.
Our own columns, in any order; an empty field is unknown, never yes or no:
  address, kind, at, entity, brand, topics, collection_point, opt_out_offered, completed, paid,
  ended_at, mechanism, wording_version, double_opt_in_at, scope, jurisdictions, subject_kind,
  address_kind, channel, direct, source, reference, ip
Kinds: sale, negotiation, consent_given, consent_withdrawn, objection, complaint, ...
Examples:
  address,kind,at,entity,topics,completed,paid,direct,opt_out_offered
  jane@example.org,sale,2026-08-20,acme-ltd,footwear,yes,yes,yes,yes

  consentry import --config consentry.toml --dry-run contacts.csv
  consentry import --config consentry.toml --rejects rejects.csv contacts.csv
  consentry import --entity acme-ltd --topic 'Shoe news=footwear' hubspot-export.csv
  consentry import undo import-1764000000000-1a2b3c4d --by ann --reason 'wrong file'";

/// Arguments of `import`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    command: Option<ImportCommand>,
    #[command(flatten)]
    load: Option<LoadArgs>,
}

/// What is loaded, and how it is to be understood.
#[derive(Args, Debug)]
struct LoadArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// Read, compare with the store and report, but write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Load what can be read and write the other rows to FILE, with the reason.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// The file's format, if it is not to be recognised by its columns.
    #[arg(long, value_name = "NAME", conflicts_with = "map")]
    format: Option<String>,
    /// A column map of your own, in TOML.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Whose list it is, where the rows do not say.
    #[arg(long, value_name = "ID")]
    entity: Option<String>,
    /// Which of our topics their name means; `*` is the list as a whole.
    #[arg(long = "topic", value_name = "THEIRS=OURS")]
    topics: Vec<String>,
    /// How dates are written, such as %d/%m/%Y.
    #[arg(long, value_name = "FORMAT")]
    date_format: Option<String>,
    /// Who imports it, for the journal.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What else can be done about imports.
#[derive(Subcommand, Debug)]
enum ImportCommand {
    /// Undo an import: its permissions no longer count, its objections stay.
    #[command(
        after_help = "Example:\n  consentry import undo import-1764000000000-1a2b3c4d --by ann --reason 'wrong file'\nNothing is deleted; importing the file again lets it count again."
    )]
    Undo(UndoArgs),
    /// List the imports, oldest first.
    #[command(after_help = "Example:\n  consentry import list --config consentry.toml")]
    List {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
        config: PathBuf,
        /// Print one JSON object per import.
        #[arg(long)]
        json: bool,
    },
    /// Show the formats, or the column map of one of them.
    #[command(after_help = "Example:\n  consentry import formats mailgun > ours.toml")]
    Formats {
        /// The format whose maps are wanted.
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// Arguments of `import undo`.
#[derive(Args, Debug)]
struct UndoArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// Undo its objections, complaints and bounces as well; needs the right to lift objections.
    #[arg(long)]
    objections_too: bool,
    #[command(flatten)]
    officer: Officer,
    /// The import's id, as `import list` shows it.
    #[arg(value_name = "BATCH")]
    batch: String,
}

/// Runs the command.
pub(super) fn run(args: &ImportArgs) -> Outcome {
    match (&args.command, &args.load) {
        (Some(ImportCommand::Undo(undo)), _) => acts::undo(undo),
        (Some(ImportCommand::List { config, json: true }), _) => {
            acts::list(config, acts::Print::Json)
        }
        (Some(ImportCommand::List { config, json: false }), _) => {
            acts::list(config, acts::Print::Lines)
        }
        (Some(ImportCommand::Formats { name }), _) => acts::formats(name.as_deref()),
        (None, Some(load)) => loading::run(load),
        (None, None) => Err(super::exit::Failure::new(
            super::exit::Exit::Usage,
            anyhow::anyhow!("name a file to import; `consentry import --help` shows how"),
        )),
    }
}

/// Completes a piece with what the row does not say: address tag, moment and source.
pub(super) fn stamp(
    mut piece: Evidence,
    keyring: &Keyring,
    mailbox: &Mailbox,
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
