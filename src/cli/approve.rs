//! `consentry approve`: one content, with slots, that an officer lets reach everybody.
//!
//! The approval is a file the relay reads at start and reload. What it covers is compared to the
//! character; nothing here loosens anything for other mail.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::json;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::{Officer, OfficerAct};
use super::{files, output, setup};
use crate::base::{EntityId, Timestamp};
use crate::classify::{APPROVAL_DAYS_MAX, Approval, ApprovalTerms};
use crate::config::{Config, Right};
use crate::daemon::{SystemClock, approvals};
use crate::relay::ports::Clock as _;
use crate::store::Act;

const EXAMPLES: &str = "\
FILE is the message as it will be handed in, saved as .eml. `{{name}}` marks a slot: it takes up
to 100 characters of one line, and nothing that could be a link. Everything else must be the same
to the character, but for white space: subject, sender, each part and each attachment.

Examples:
  consentry approve breach.eml --as service --entity acme-ltd --until 2026-12-31 \\
      --by jane.doe --reason \"art. 34 GDPR, incident 2026-7\"
  consentry approve list
  consentry approve revoke 5d41402a --by jane.doe --reason \"everybody was told\"
The relay reads approvals at start and reload.";

/// Arguments of `approve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true)]
pub(super) struct ApproveArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT, global = true)]
    config: PathBuf,
    #[command(subcommand)]
    command: Option<ApproveCommand>,
    #[command(flatten)]
    fresh: Option<FreshArgs>,
    // Not within `fresh`: clap tells no presence of arguments that hold other arguments.
    #[command(flatten)]
    officer: Option<Officer>,
}

/// What can be done with approvals that are there.
#[derive(Subcommand, Debug)]
enum ApproveCommand {
    /// List the approvals, with who answers for them and until when.
    #[command(after_help = "Example:\n  consentry approve list --config consentry.toml")]
    List,
    /// Take an approval back.
    #[command(
        after_help = "Example:\n  consentry approve revoke 5d41402a --by jane.doe --reason \"everybody was told\""
    )]
    Revoke {
        /// The digest, or how it begins.
        #[arg(value_name = "DIGEST")]
        digest: String,
        #[command(flatten)]
        officer: Officer,
    },
}

/// What is approved.
#[derive(Args, Debug)]
struct FreshArgs {
    /// The message, with `{{name}}` where copies differ.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it goes out as.
    #[arg(long = "as", value_enum)]
    class: ApprovedAs,
    /// The legal person that sends it.
    #[arg(long, value_name = "ID", value_parser = EntityId::parse)]
    entity: EntityId,
    /// The last day, at most 90 days ahead.
    #[arg(long, value_name = "DATE")]
    until: Date,
}

/// What a content can be approved as.
#[derive(Clone, Copy, ValueEnum, Debug)]
enum ApprovedAs {
    /// Service mail: to everybody, unchanged.
    Service,
}

/// Runs the command.
pub(super) fn run(args: &ApproveArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let folder = config.rules.approvals.clone().ok_or_else(|| {
        let error = anyhow!("name a folder first: `[rules] approvals = \"approvals\"`");
        Failure::new(Exit::Config, error)
    })?;
    match (&args.command, args.fresh.as_ref().zip(args.officer.as_ref())) {
        (Some(ApproveCommand::List), _) => list(&folder),
        (Some(ApproveCommand::Revoke { digest, officer }), _) => {
            let act = officer.act(&config, Right::ApproveNotice)?;
            revoke(&config, &folder, digest, &act)
        }
        (None, Some((fresh, officer))) => {
            let act = officer.act(&config, Right::ApproveNotice)?;
            approve(&config, &folder, fresh, &act)
        }
        (None, None) => Err(Failure::new(Exit::Usage, anyhow!("name a message; see --help"))),
    }
}

fn approve(config: &Config, folder: &Path, fresh: &FreshArgs, act: &OfficerAct) -> Outcome {
    let ApprovedAs::Service = fresh.class;
    let terms = terms(config, fresh, act, SystemClock.now())?;
    let message = files::message(&fresh.file)?;
    let approval = Approval::of(&message, terms)
        .with_context(|| fresh.file.display().to_string())
        .or_exit(Exit::Data)?;
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make {}", folder.display()))
        .or_exit(Exit::CannotCreate)?;
    let path = approvals::file(folder, &approval);
    // In the journal first: no approval may count that nobody answers for.
    journal(config, "approve_notice", &approval, act)?;
    write(&path, &approval.to_toml()).or_exit(Exit::CannotCreate)?;
    output::line(&format!("approved {}", approval.digest()));
    output::line(&format!("subject  {}", approval.subject()));
    let slots = approval.slots();
    let slots = if slots.is_empty() { String::from("none") } else { slots.join(", ") };
    output::line(&format!("slots    {slots}"));
    output::line(&format!("until    {} (the end of that day, UTC)", fresh.until));
    output::remark("`consentry reload` puts it in force");
    Ok(Exit::Ok)
}

fn terms(
    config: &Config,
    fresh: &FreshArgs,
    act: &OfficerAct,
    now: Timestamp,
) -> Result<ApprovalTerms, Failure> {
    let usage = |error: anyhow::Error| Err(Failure::new(Exit::Usage, error));
    if config.entity(&fresh.entity).is_none() {
        return usage(anyhow!("the [[entity]] `{}` is not defined", fresh.entity));
    }
    let today = now.date();
    let last = today.checked_add(APPROVAL_DAYS_MAX.days()).unwrap_or(Date::MAX);
    if fresh.until < today || last < fresh.until {
        return usage(anyhow!("--until {}: expected {today} to {last}", fresh.until));
    }
    Ok(ApprovalTerms {
        entity: fresh.entity.clone(),
        by: act.by.clone(),
        second: act.second.clone(),
        reason: act.reason.clone(),
        at: now,
        until: fresh.until,
    })
}

fn list(folder: &Path) -> Outcome {
    let today = SystemClock.now().date();
    let paths =
        if folder.exists() { approvals::files(folder).or_exit(Exit::Data)? } else { vec![] };
    for path in paths {
        let approval = match approvals::read(&path) {
            Ok(approval) => approval,
            Err(error) => {
                output::line(&format!("{}: unusable: {error:#}", path.display()));
                continue;
            }
        };
        let terms = approval.terms();
        let state = if today <= terms.until { "until" } else { "over since" };
        let second = terms.second.as_ref().map_or_else(String::new, |name| format!(" and {name}"));
        output::line(&format!(
            "{}  {}  {state} {}  by {}{second}  \"{}\"  ({})",
            approval.digest(),
            terms.entity,
            terms.until,
            terms.by,
            approval.subject(),
            terms.reason
        ));
    }
    Ok(Exit::Ok)
}

fn revoke(config: &Config, folder: &Path, digest: &str, act: &OfficerAct) -> Outcome {
    let starts = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        digest.len() >= 8 && stem.is_some_and(|stem| stem.starts_with(digest))
    };
    let mut found = approvals::files(folder).or_exit(Exit::NoInput)?;
    found.retain(starts);
    let [path] = found.as_slice() else {
        let error = anyhow!("`{digest}` is the beginning (8 characters at least) of no approval");
        return Err(Failure::new(Exit::NoInput, error));
    };
    // A file that cannot be read is taken away all the same.
    fs::remove_file(path)
        .with_context(|| format!("cannot remove {}", path.display()))
        .or_exit(Exit::CannotCreate)?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or(digest);
    let entry = json!({ "act": "revoke_notice", "digest": name, "officer": act });
    annotate(config, &entry)?;
    output::line(&format!("revoked {name}"));
    output::remark("`consentry reload` puts it out of force");
    Ok(Exit::Ok)
}

fn journal(
    config: &Config,
    act: &str,
    approval: &Approval,
    officer: &OfficerAct,
) -> Result<(), Failure> {
    annotate(
        config,
        &json!({
            "act": act,
            "digest": approval.digest(),
            "as": "service",
            "entity": approval.terms().entity,
            "until": approval.terms().until,
            "subject": approval.subject(),
            "officer": officer,
        }),
    )
}

fn annotate(config: &Config, entry: &serde_json::Value) -> Result<(), Failure> {
    let keyring = setup::keyring(config)?;
    let store = setup::visit_or_create(config, &keyring)?;
    setup::runtime()?
        .block_on(store.annotate(Act::Operator, entry.to_string().into_bytes()))
        .or_exit(Exit::Unavailable)?;
    setup::close(store)
}

/// Writes the whole file or none of it.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let aside = path.with_extension("new");
    let written = fs::File::create(&aside).and_then(|mut file| {
        use std::io::Write as _;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&aside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
