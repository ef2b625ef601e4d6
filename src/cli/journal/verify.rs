//! `consentry journal verify`: whether journal, evidence and records are whole, and whether they
//! are what was signed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::base::{PublicKey, Signer};
use crate::cli::exit::{Exit, Failure, OrExit as _, Outcome};
use crate::cli::{output, setup};
use crate::config::Config;
use crate::store::{Checkpoint, VerifyError, VerifyReport, verify, verify_against};

/// Arguments of `journal verify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  consentry journal verify --config consentry.toml\n  consentry journal verify --config consentry.toml --against /mnt/elsewhere/checkpoints.jsonl\nExit code 1 if something is broken."
)]
pub(in crate::cli) struct VerifyArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = crate::cli::CONFIG_DEFAULT)]
    config: PathBuf,
    /// Signed states that were kept elsewhere, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// A public key in hex that signed them; without any, those of the keyring count.
    #[arg(long, value_name = "HEX", requires = "against")]
    public_key: Vec<String>,
    /// Let checkpoints pass that the store says were given up by `store accept-restore`.
    #[arg(long, requires = "against")]
    accept_given_up: bool,
}

/// Runs the command.
pub(super) fn run(args: &VerifyArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    if !config.store.path.exists() {
        let error = anyhow!("there is no store at {}", config.store.path.display());
        return Err(Failure::new(Exit::NoInput, error));
    }
    let whole = match verify(&config.store.path, config.store.busy_timeout) {
        Ok(report) => {
            tell(&report);
            true
        }
        Err(VerifyError::Broken(broken)) => {
            output::line(&format!("broken: {broken}"));
            false
        }
        Err(error @ VerifyError::Unreadable(_)) => {
            return Err(Failure::new(Exit::Unavailable, error));
        }
    };
    let kept = match &args.against {
        Some(file) => compare(&config, file, args)?,
        None => true,
    };
    Ok(if whole && kept { Exit::Ok } else { Exit::No })
}

fn tell(report: &VerifyReport) {
    for chain in &report.chains {
        output::line(&format!(
            "chain {}: {} entries, head {}",
            chain.node, chain.entries, chain.head
        ));
    }
    output::line(&format!(
        "whole: {} payloads ({} deleted as journalled), {} pieces of evidence, {} records \
         refolded, {} scopes, {} other rows",
        report.payloads,
        report.deleted,
        report.evidence,
        report.records,
        report.scopes,
        report.rows
    ));
}

/// Whether the store is what the checkpoints in `file` say.
fn compare(config: &Config, file: &Path, args: &VerifyArgs) -> Result<bool, Failure> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .or_exit(Exit::NoInput)?;
    let checkpoints = Checkpoint::parse_lines(&text)
        .map_err(|error| anyhow!("{}: {error}", file.display()))
        .or_exit(Exit::Data)?;
    let trusted = trusted(config, &args.public_key)?;
    let compared =
        verify_against(&config.store.path, config.store.busy_timeout, &checkpoints, &trusted)
            .or_exit(Exit::Unavailable)?;
    for lost in &compared.given_up {
        output::line(&format!("given up: {lost}"));
    }
    for broken in &compared.broken {
        output::line(&format!("broken: {broken}"));
    }
    output::line(&format!(
        "{} of {} checkpoints match, the last of entry {}",
        compared.matching,
        checkpoints.len(),
        compared.last
    ));
    if checkpoints.is_empty() {
        output::remark("the file holds no checkpoint, so nothing was compared");
    }
    // Whoever wrote the store anew could have written the excuse as well.
    let is_excused = compared.given_up.is_empty() || args.accept_given_up;
    if !is_excused {
        output::remark(
            "the store itself says they were given up; if you know of that restore, add \
             --accept-given-up",
        );
    }
    Ok(compared.broken.is_empty() && is_excused && !checkpoints.is_empty())
}

fn trusted(config: &Config, keys: &[String]) -> Result<Vec<PublicKey>, Failure> {
    if keys.is_empty() {
        let keyring = setup::keyring(config)?;
        return Ok(Signer::all(&keyring).iter().map(Signer::public).collect());
    }
    let parsed = keys.iter().map(|text| {
        let expected = "64 lower-case hex digits, as `consentry key public` prints them";
        PublicKey::parse(text).ok_or_else(|| anyhow!("`{text}` is no public key: {expected}"))
    });
    parsed.collect::<Result<_, _>>().or_exit(Exit::Usage)
}
