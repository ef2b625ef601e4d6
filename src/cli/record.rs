//! `consentry record`: one piece of evidence, written as the CSV would write it.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{import, output, setup};
use crate::daemon::SystemClock;
use crate::eligibility::Level;
use crate::eligibility::csv::{COLUMNS, Defaults, Reader};
use crate::relay::ports::Clock as _;

const EXAMPLES: &str = "\
Fields are those of the evidence CSV. Examples:
  consentry record address=jane@example.org kind=objection entity=acme-ltd source=phone
  consentry record address=jane@example.org kind=sale at=2026-08-20 entity=acme-ltd \\
      topics=footwear completed=yes paid=yes direct=yes opt_out_offered=yes";

/// Arguments of `record`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct RecordArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// Who records it, for the journal.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Fields of the evidence CSV.
    #[arg(value_name = "FIELD=VALUE", required = true)]
    fields: Vec<String>,
}

/// Runs the command.
pub(super) fn run(args: &RecordArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let text = as_csv(&args.fields)?;
    let now = SystemClock.now();
    let defaults = Defaults { imported_at: now, entity: None };
    let mut reader = Reader::new(text.as_slice(), defaults).or_exit(Exit::Data)?;
    let row = reader.next().ok_or_else(|| anyhow!("there is nothing to record"));
    let row = row.or_exit(Exit::Data)?.or_exit(Exit::Data)?;
    if let Some(error) = import::unknown_name(&config, &row) {
        let error = anyhow!("{}: {}; {}", error.column, error.message, error.hint);
        return Err(Failure::new(Exit::Data, error));
    }
    let store = setup::visit_or_create(&config, &keyring)?;
    let runtime = setup::runtime()?;
    let mut kinds = Vec::new();
    for piece in row.evidence {
        let mut piece = import::stamp(piece, &keyring, &row.mailbox, now);
        piece.level = Level::Staff;
        piece.provenance.actor.clone_from(&args.actor);
        kinds.push(piece.fact.kind());
        runtime
            .block_on(store.append_for(keyring.person_keys(&row.mailbox), piece))
            .or_exit(Exit::Unavailable)?;
    }
    setup::close(store)?;
    output::line(&format!("recorded {}", kinds.join(" and ")));
    Ok(Exit::Ok)
}

fn as_csv(fields: &[String]) -> Result<Vec<u8>, Failure> {
    let mut header = Vec::new();
    let mut values = Vec::new();
    for field in fields {
        let Some((name, value)) = field.split_once('=') else {
            let error = anyhow!("`{field}` is not FIELD=VALUE; fields: {}", COLUMNS.join(", "));
            return Err(Failure::new(Exit::Usage, error));
        };
        header.push(name);
        values.push(value);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).or_exit(Exit::Data)?;
    writer.write_record(&values).or_exit(Exit::Data)?;
    writer.into_inner().map_err(|error| anyhow!("{error}")).or_exit(Exit::Data)
}
