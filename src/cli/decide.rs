//! `consentry decide`: one case file in, the verdict as JSON out.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::output;
use super::rules::BookArgs;
use crate::eligibility::casefile;

/// Arguments of `decide`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry decide case.toml\nExit code 1 if the file has a [then] and the verdict differs from it."
)]
pub(super) struct DecideArgs {
    /// The case file (TOML).
    #[arg(value_name = "CASE")]
    file: PathBuf,
    #[command(flatten)]
    book: BookArgs,
}

/// Runs the command. If the file says what it expects, another verdict is exit code 1.
pub(super) fn run(args: &DecideArgs) -> Outcome {
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))
        .or_exit(Exit::NoInput)?;
    let answer = casefile::run(&text, &args.book.load()?).map_err(|errors| {
        let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let error = anyhow!("{}: {}", args.file.display(), list.join("\n"));
        Failure::new(Exit::Data, error)
    })?;
    let json = serde_json::to_string_pretty(&answer.verdict).or_exit(Exit::Data)?;
    output::line(&json);
    for difference in &answer.differences {
        output::remark(&format!("differs from [then]: {difference}"));
    }
    Ok(if answer.differences.is_empty() { Exit::Ok } else { Exit::No })
}
