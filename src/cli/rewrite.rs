//! `consentry rewrite`: what would be done to messages, for a sample recipient.
//!
//! Links lead to example.invalid and tokens are throw-away: a preview can be looked at, never
//! sent. No store is needed, and without a configuration built-in defaults speak.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{files, output, setup};
use crate::classify::{Input, MessageClass, StreamClass, classify};
use crate::daemon;
use crate::mail::Message;
use crate::rewrite::{
    self, BrandVoice, Footer, FooterTemplates, Footers, LinkSample, Policy, preview,
};

/// A link no mail server will ever serve, of the length real links have.
const SAMPLE_LINK: &str =
    "https://example.invalid/u/PREVIEWPREVIEWPREVIEWPREVIEWPREVIEWPREVIEWPREVIEWPREVIEWPRE";

/// Arguments of `rewrite`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  consentry rewrite letter.eml\n  consentry rewrite --json --out previews mails/\n  consentry rewrite --config consentry.toml --brand acme letter.eml"
)]
pub(super) struct RewriteArgs {
    /// Take brand and footer from this configuration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The brand to speak for; the first of the configuration if left out.
    #[arg(long, value_name = "BRAND", requires = "config")]
    brand: Option<String>,
    /// Print JSON lines instead of a line of text per file.
    #[arg(long)]
    json: bool,
    /// Write the resulting messages to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Messages, or folders of them.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

struct Shown {
    outcome: &'static str,
    reason: Option<String>,
    footers: Footers,
    data: Option<Vec<u8>>,
}

/// Runs the command.
pub(super) fn run(args: &RewriteArgs) -> Outcome {
    let policy = policy(args)?;
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))
            .or_exit(Exit::CannotCreate)?;
    }
    for file in files::messages(&args.files)? {
        let shown = show(&files::message(&file)?, &policy);
        if let (Some(folder), Some(data)) = (&args.out, &shown.data) {
            let target = folder.join(out_name(&file));
            // Never over an existing file: it could be the message itself.
            fs::File::create_new(&target)
                .and_then(|mut file| file.write_all(data))
                .with_context(|| format!("cannot write {}", target.display()))
                .or_exit(Exit::CannotCreate)?;
        }
        print(args, &file, &shown);
    }
    Ok(Exit::Ok)
}

fn show(message: &Message, policy: &Policy) -> Shown {
    let input = Input {
        message,
        stream: StreamClass::Open,
        claims: None,
        recipients: 1,
        has_null_reverse_path: false,
    };
    if let Ok(found) = classify(&input)
        && found.class() == MessageClass::Service
    {
        let deciding = found.signals().iter().find(|signal| signal.is_deciding);
        return Shown {
            outcome: "untouched",
            reason: deciding.map(|signal| signal.rule.clone()),
            footers: Footers::default(),
            data: Some(message.bytes().to_vec()),
        };
    }
    match preview(message, policy) {
        Ok(preview) => Shown {
            outcome: match preview.outcome() {
                rewrite::Outcome::Edited { .. } => "edited",
                rewrite::Outcome::HeadersOnly { .. } => "headers_only",
            },
            reason: preview.reason().map(str::to_owned),
            footers: preview.footers(),
            data: Some(preview.bytes().to_vec()),
        },
        Err(rejected) => Shown {
            outcome: "rejected",
            reason: Some(rejected.as_str().to_owned()),
            footers: Footers::default(),
            data: None,
        },
    }
}

fn print(args: &RewriteArgs, file: &Path, shown: &Shown) {
    if args.json {
        let line = json!({
            "file": file.display().to_string(),
            "outcome": shown.outcome,
            "reason": shown.reason,
            "footers": { "html": shown.footers.html, "text": shown.footers.text },
        });
        output::line(&line.to_string());
        return;
    }
    let reason = shown.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    output::line(&format!(
        "{}: {}{reason}, {} HTML and {} text footers",
        file.display(),
        shown.outcome,
        shown.footers.html,
        shown.footers.text
    ));
}

/// Files of one run may share a name in different folders; the path makes them differ.
fn out_name(file: &Path) -> String {
    let name = file.display().to_string();
    name.trim_start_matches(['.', '/']).replace(['/', '\\'], "__")
}

fn policy(args: &RewriteArgs) -> Result<Policy, Failure> {
    let Some(path) = &args.config else { return built_in() };
    let config = setup::config(path)?;
    let wanted = args.brand.as_deref();
    let brand = config.brands.iter().find(|b| wanted.is_none_or(|w| b.id.as_str() == w));
    let Some(brand) = brand else {
        let known: Vec<&str> = config.brands.iter().map(|b| b.id.as_str()).collect();
        let error = anyhow!("there is no such brand; defined: {}", known.join(", "));
        return Err(Failure::new(Exit::Usage, error));
    };
    let footer = daemon::footer(&config, brand).or_exit(Exit::Config)?;
    with_footer(footer)
}

fn built_in() -> Result<Policy, Failure> {
    let voice = BrandVoice {
        name: "Example".into(),
        entity: "Example Ltd".into(),
        postal_address: "1 Example Street, Exampletown".into(),
        contact: "".into(),
    };
    with_footer(Footer::compile(&FooterTemplates::english(), &voice).or_exit(Exit::Config)?)
}

fn with_footer(footer: Footer) -> Result<Policy, Failure> {
    Ok(Policy {
        footer,
        list_unsubscribe: rewrite::IncomingListUnsubscribe::Replace,
        fallback: rewrite::Fallback::HeadersOnly,
        link: LinkSample::new(SAMPLE_LINK).or_exit(Exit::Config)?,
        mailto: None,
        resigning: rewrite::Resigning::Nobody,
    })
}
