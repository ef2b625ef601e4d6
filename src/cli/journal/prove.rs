//! `consentry journal prove`: one decision with everything it rests on, as one JSON document.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::checkpoint;
use crate::base::{DecisionId, Keyring};
use crate::cli::exit::{Exit, Failure, OrExit as _, Outcome};
use crate::cli::{output, setup};
use crate::store::{NoProof, Proof, Store};

/// Arguments of `journal prove`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry journal prove --config consentry.toml 3f7k2m9qzx0ab --out proof.json\nThe manual's page on proofs says how to check it without this program."
)]
pub(in crate::cli) struct ProveArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = crate::cli::CONFIG_DEFAULT)]
    config: PathBuf,
    /// The decision.
    #[arg(value_name = "DECISION-ID")]
    decision: String,
    /// The file to write; standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &ProveArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let text = args.decision.trim();
    let id = DecisionId::parse(text)
        .ok_or_else(|| anyhow!("`{text}` is no decision id of 13 characters"))
        .or_exit(Exit::Usage)?;
    let store = setup::visit_with(&config, &keyring)?;
    let proof = prove(&store, &keyring, id)?;
    setup::close(store)?;
    let json = match proof {
        Ok(proof) => serde_json::to_string_pretty(&proof).or_exit(Exit::Data)?,
        Err(none) => {
            output::remark(&in_words(&none, text));
            return Ok(Exit::No);
        }
    };
    match &args.out {
        None => output::line(&json),
        Some(path) => fs::write(path, format!("{json}\n"))
            .with_context(|| format!("cannot write {}", path.display()))
            .or_exit(Exit::CannotCreate)?,
    }
    Ok(Exit::Ok)
}

/// The proof; where nothing is signed yet behind the decision, that is done first.
fn prove(
    store: &Store,
    keyring: &Keyring,
    id: DecisionId,
) -> Result<Result<Proof, NoProof>, Failure> {
    let runtime = setup::runtime()?;
    let first = runtime.block_on(store.prove(id)).or_exit(Exit::Unavailable)?;
    match &first {
        Err(NoProof::Unsigned(chain)) if *chain == store.settings().node.as_str() => {
            checkpoint::sign(store, keyring)?;
            runtime.block_on(store.prove(id)).or_exit(Exit::Unavailable)
        }
        Ok(_) | Err(_) => Ok(first),
    }
}

fn in_words(none: &NoProof, id: &str) -> String {
    match none {
        NoProof::Unknown => format!("nothing is recorded under `{id}`, or it was deleted"),
        NoProof::Unsigned(chain) => format!(
            "the chain of node `{chain}` is not signed that far; run `consentry journal \
             checkpoint` there"
        ),
        NoProof::SourceMissing(hash) => format!(
            "the text with hash {hash} is not kept: the decision is older than the keeping of \
             texts"
        ),
    }
}
