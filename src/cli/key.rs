//! `consentry key`: makes a keyring, which `serve` never does, and shows what of it is public.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand;
use clap::Subcommand;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{output, setup};
use crate::base::{KeyId, Keyring, MasterKey, Signer};

/// What can be done with keys.
#[derive(Subcommand, Debug)]
pub(super) enum KeyCommand {
    /// Make a new keyring with one random key.
    #[command(after_help = "Example:\n  consentry key new --out keyring.toml")]
    New {
        /// The file to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the public keys that journal checkpoints and proofs are checked with.
    #[command(
        after_help = "Example:\n  consentry key public --config consentry.toml\nGive it to whoever keeps checkpoints or receives proofs, before they need it."
    )]
    Public {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
        config: PathBuf,
    },
}

/// Runs the command.
pub(super) fn run(command: &KeyCommand) -> Outcome {
    match command {
        KeyCommand::New { out } => new(out),
        KeyCommand::Public { config } => public(config),
    }
}

/// The live key's first; the others signed before it.
fn public(config: &Path) -> Outcome {
    let keyring = setup::keyring(&setup::config(config)?)?;
    for signer in Signer::all(&keyring) {
        output::line(&format!("# key {}\n{}", signer.key_id().0, signer.public()));
        output::line(&signer.public().to_pem());
    }
    Ok(Exit::Ok)
}

fn new(out: &Path) -> Outcome {
    let keyring = new_keyring()?;
    let mut options = OpenOptions::new();
    // Never over an existing keyring: without it, all evidence becomes unreadable.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(out)
        .with_context(|| format!("cannot create {}", out.display()))
        .or_exit(Exit::CannotCreate)?;
    file.write_all(keyring.encode().as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", out.display()))
        .or_exit(Exit::CannotCreate)?;
    output::line(&format!(
        "wrote {}; keep it apart from the database and its backups",
        out.display()
    ));
    Ok(Exit::Ok)
}

/// A keyring with one random key.
pub(super) fn new_keyring() -> Result<Keyring, Failure> {
    let mut secret = [0; 32];
    rand::fill(&mut secret)
        .map_err(|_| anyhow!("the system gives no random bytes"))
        .or_exit(Exit::Unavailable)?;
    Ok(Keyring::new(MasterKey::new(KeyId(1), secret), Vec::new()))
}
