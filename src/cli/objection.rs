//! `consentry objection lift`: takes back one objection that was recorded by mistake.
//!
//! Never what the person did: a click on the link, one click in the mail program, a preference
//! page, a request for erasure. Those end only by a later act of the same person.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Subcommand;
use serde_json::json;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::Officer;
use super::{output, setup};
use crate::base::EvidenceId;
use crate::config::Right;

/// What can be done with objections.
#[derive(Subcommand, Debug)]
pub(super) enum ObjectionCommand {
    /// Take back one objection that staff or an import recorded by mistake.
    #[command(
        after_help = "Example:\n  consentry objection lift e4711 --by jane.doe --reason \"meant for another Jane, ticket 12\"\n`consentry subject show ADDRESS` tells the number."
    )]
    Lift {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
        config: PathBuf,
        /// The number of the evidence, such as e4711.
        #[arg(value_name = "EVIDENCE-ID")]
        id: String,
        #[command(flatten)]
        officer: Officer,
    },
}

/// Runs the command.
pub(super) fn run(command: &ObjectionCommand) -> Outcome {
    let ObjectionCommand::Lift { config, id, officer } = command;
    let config = setup::config(config)?;
    let act = officer.act(&config, Right::LiftObjection)?;
    let number = id.strip_prefix('e').unwrap_or(id).parse();
    let number = number.map_err(|_| anyhow!("`{id}` is no number of evidence, such as e4711"));
    let number = EvidenceId(number.or_exit(Exit::Usage)?);
    let keyring = setup::keyring(&config)?;
    let store = setup::visit_or_create(&config, &keyring)?;
    let lifted = setup::runtime()?.block_on(store.lift(number, json!(act)));
    let lifted = lifted.or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    match lifted {
        Ok(rows) => {
            output::line(&format!("lifted {number} ({rows} rows); the act is journalled"));
            Ok(Exit::Ok)
        }
        Err(refusal) => Err(Failure::new(Exit::No, anyhow!("{number} stays: {refusal}"))),
    }
}
