//! `consentry key public`: what others check checkpoints and proofs with.

use std::path::PathBuf;

use clap::Args;

use crate::base::Signer;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::{output, setup};

/// Arguments of `key public`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry key public --config consentry.toml\nGive it to whoever keeps checkpoints or receives proofs, before they need it."
)]
pub(in crate::cli) struct PublicArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = crate::cli::CONFIG_DEFAULT)]
    config: PathBuf,
}

/// Runs the command: the live key first; the others signed before it.
pub(super) fn run(args: &PublicArgs) -> Outcome {
    let keyring = setup::keyring(&setup::config(&args.config)?)?;
    for signer in Signer::all(&keyring) {
        output::line(&format!("# key {}\n{}", signer.key_id().0, signer.public()));
        output::line(&signer.public().to_pem());
    }
    Ok(Exit::Ok)
}
