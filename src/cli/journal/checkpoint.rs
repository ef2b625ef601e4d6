//! `consentry journal checkpoint`: a signed state of the chain, now.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use crate::base::{Keyring, Signer};
use crate::cli::exit::{Exit, Failure, OrExit as _, Outcome};
use crate::cli::{output, setup};
use crate::store::{Checkpoint, Store};

/// Arguments of `journal checkpoint`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry journal checkpoint --config consentry.toml --out checkpoints.jsonl\nWithout --out the line is printed. It is added to `[store] checkpoints` in any case."
)]
pub(in crate::cli) struct CheckpointArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = crate::cli::CONFIG_DEFAULT)]
    config: PathBuf,
    /// The file the signed state is added to.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &CheckpointArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let store = setup::visit_with(&config, &keyring)?;
    let signed = sign(&store, &keyring)?;
    setup::close(store)?;
    let Some(signed) = signed else {
        output::remark("the journal has no entry yet");
        return Ok(Exit::No);
    };
    for file in config.store.checkpoints.iter().chain(&args.out) {
        append(file, &signed)?;
    }
    if args.out.is_none() {
        output::line(&signed.to_line());
    }
    Ok(Exit::Ok)
}

/// Signs the end of the chain of `store`.
pub(super) fn sign(store: &Store, keyring: &Keyring) -> Result<Option<Checkpoint>, Failure> {
    let signer = Arc::new(Signer::live(keyring));
    setup::runtime()?.block_on(store.checkpoint(signer)).or_exit(Exit::Unavailable)
}

/// Adds a signed state to `file`.
fn append(file: &Path, signed: &Checkpoint) -> Result<(), Failure> {
    let written = OpenOptions::new().create(true).append(true).open(file).and_then(|mut file| {
        file.write_all(format!("{}\n", signed.to_line()).as_bytes())?;
        file.sync_data()
    });
    written.with_context(|| format!("cannot write {}", file.display())).or_exit(Exit::CannotCreate)
}
