//! `consentry journal retain`: deletes payloads that were kept long enough, as upkeep does daily.

use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::{Exit, OrExit as _, Outcome};
use crate::cli::{output, setup};
use crate::daemon::{SystemClock, cutoffs};
use crate::relay::ports::Clock as _;

/// Arguments of `journal retain`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry journal retain --config consentry.toml --dry-run\n`serve` does the same every day. How long what is kept stands under [store.retention]."
)]
pub(in crate::cli) struct RetainArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = crate::cli::CONFIG_DEFAULT)]
    config: PathBuf,
    /// Only count what would be deleted.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub(super) fn run(args: &RetainArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let store = setup::visit_with(&config, &keyring)?;
    let runtime = setup::runtime()?;
    let cutoffs = cutoffs(&config.store.retention, SystemClock.now());
    let (retained, verb) = match args.dry_run {
        true => (runtime.block_on(store.rehearse_retention(cutoffs)), "would be deleted"),
        false => (runtime.block_on(store.retain(cutoffs)), "deleted"),
    };
    let retained = retained.or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    output::line(&format!(
        "{verb}: payloads of {} decisions, {} outcomes, {} service messages, {} refusals of \
         strangers",
        retained.decisions, retained.outcomes, retained.service, retained.strangers
    ));
    Ok(Exit::Ok)
}
