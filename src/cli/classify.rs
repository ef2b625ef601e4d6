//! `consentry classify`: what messages are, as JSON lines. Without a configuration no stream
//! speaks and no claim counts.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::{Exit, OrExit as _, Outcome};
use super::{files, output};
use crate::classify::{Input, StreamClass, classify};

/// Arguments of `classify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  consentry classify letter.eml\n  consentry classify --json mails/ | jq .class"
)]
pub(super) struct ClassifyArgs {
    /// Print JSON lines instead of a line of text per file.
    #[arg(long)]
    json: bool,
    /// Messages, or folders of them.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &ClassifyArgs) -> Outcome {
    for file in files::messages(&args.files)? {
        let message = files::message(&file)?;
        let input = Input {
            message: &message,
            stream: StreamClass::Open,
            claims: None,
            recipients: 1,
            has_null_reverse_path: message
                .header("Return-Path")
                .any(|f| f.unfolded().trim() == "<>"),
        };
        let name = file.display().to_string();
        match classify(&input) {
            Ok(found) if args.json => {
                let line = json!({
                    "file": name,
                    "class": found.class().as_str(),
                    "marketing_probability": found.marketing_probability(),
                    "elements": found.elements(),
                    "signals": found.signals(),
                });
                output::line(&line.to_string());
            }
            Ok(found) => {
                let deciding = found.signals().iter().find(|signal| signal.is_deciding);
                let why = deciding.map(|signal| signal.text.as_str()).unwrap_or_default();
                output::line(&format!("{name}: {} ({why})", found.class().as_str()));
            }
            Err(error) => {
                let line = json!({ "file": name, "error": error.to_string() });
                output::line(&serde_json::to_string(&line).or_exit(Exit::Data)?);
            }
        }
    }
    Ok(Exit::Ok)
}
