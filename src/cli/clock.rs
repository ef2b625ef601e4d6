//! `consentry clock`: what somebody answers for about the node's clock.

use std::path::PathBuf;

use clap::Subcommand;

use super::exit::{Exit, OrExit as _, Outcome};
use super::officer::Officer;
use super::setup;
use super::store::tell;
use crate::config::Right;

/// What can be done about the clock.
#[derive(Subcommand, Debug)]
pub(super) enum ClockCommand {
    /// Take the clock as right, though the journal has later entries; journalled.
    #[command(
        after_help = "Example:\n  consentry clock accept --config consentry.toml --by jane --reason 'the clock had been a day ahead since the move; set right by NTP'"
    )]
    Accept {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
        config: PathBuf,
        #[command(flatten)]
        officer: Officer,
    },
}

/// Runs the command.
pub(super) fn run(command: &ClockCommand) -> Outcome {
    let ClockCommand::Accept { config, officer } = command;
    let config = setup::config(config)?;
    let keyring = setup::keyring(&config)?;
    let act = officer.act(&config, Right::AcceptRestore)?.to_map();
    let store = setup::visit_with(&config, &keyring)?;
    let accepted = setup::runtime()?.block_on(store.accept_clock(act));
    let accepted = accepted.or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    tell(accepted, "the clock is not behind the journal")
}
