//! `consentry journal verify`: whether journal, evidence and records are whole.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Subcommand;

use super::exit::{Exit, Failure, Outcome};
use super::{output, setup};
use crate::store::{VerifyError, verify};

/// What can be done with the journal.
#[derive(Subcommand, Debug)]
pub(super) enum JournalCommand {
    /// Walk every chain, payload, evidence and record; says where something is broken.
    #[command(
        after_help = "Example:\n  consentry journal verify --config consentry.toml\nExit code 1 if something is broken."
    )]
    Verify {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
        config: PathBuf,
    },
}

/// Runs the command.
pub(super) fn run(command: &JournalCommand) -> Outcome {
    let JournalCommand::Verify { config } = command;
    let config = setup::config(config)?;
    if !config.store.path.exists() {
        let error = anyhow!("there is no store at {}", config.store.path.display());
        return Err(Failure::new(Exit::NoInput, error));
    }
    match verify(&config.store.path, config.store.busy_timeout) {
        Ok(report) => {
            for chain in &report.chains {
                output::line(&format!(
                    "chain {}: {} entries, head {}",
                    chain.node, chain.entries, chain.head
                ));
            }
            output::line(&format!(
                "whole: {} payloads, {} pieces of evidence, {} records refolded, {} scopes, {} other rows",
                report.payloads, report.evidence, report.records, report.scopes, report.rows
            ));
            Ok(Exit::Ok)
        }
        Err(VerifyError::Broken(broken)) => {
            output::line(&format!("broken: {broken}"));
            Ok(Exit::No)
        }
        Err(error @ VerifyError::Unreadable(_)) => Err(Failure::new(Exit::Unavailable, error)),
    }
}
