//! `consentry store`: acts about the database as a whole that somebody answers for.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Subcommand;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::Officer;
use super::{output, setup};
use crate::config::Right;
use crate::store::Accepted;

/// What can be done about the database.
#[derive(Subcommand, Debug)]
pub(super) enum StoreCommand {
    /// Take a database that is older than this node remembers it; journalled.
    #[command(
        after_help = "Example:\n  consentry store accept-restore --config consentry.toml --by jane --reason 'disk failed, backup of Monday; opt-outs since imported from the mail log'\nObjections made since the backup are not in it: import them first."
    )]
    AcceptRestore {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
        config: PathBuf,
        #[command(flatten)]
        officer: Officer,
    },
}

/// Runs the command.
pub(super) fn run(command: &StoreCommand) -> Outcome {
    let StoreCommand::AcceptRestore { config, officer } = command;
    let config = setup::config(config)?;
    let keyring = setup::keyring(&config)?;
    let act = officer.act(&config, Right::AcceptRestore)?.to_map();
    let store = setup::visit_with(&config, &keyring)?;
    let accepted = setup::runtime()?.block_on(store.accept_restore(act));
    let accepted = accepted.or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    tell(accepted, "the database is not older than this node remembers it")
}

/// Says what an acceptance came to.
pub(super) fn tell(accepted: Accepted, needless: &str) -> Outcome {
    match accepted {
        Accepted::Done(what) => {
            output::line(&format!("accepted and journalled: {what}"));
            Ok(Exit::Ok)
        }
        Accepted::Needless => {
            output::remark(&format!("nothing to accept: {needless}"));
            Ok(Exit::No)
        }
        Accepted::Refused(why) => Err(Failure::new(Exit::Unavailable, anyhow!("{why}"))),
    }
}
