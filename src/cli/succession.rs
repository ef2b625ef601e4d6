//! `consentry succession`: which legal person followed which.
//!
//! A universal one (a merger, a demerger) carries permissions and objections; who buys assets gets
//! the objections only. A change of name is none: the id of an entity never changes.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::{Officer, OfficerAct};
use super::{output, setup};
use crate::base::{Digest, EntityId};
use crate::config::{Config, Right};
use crate::daemon::SystemClock;
use crate::eligibility::{Deal, Succession};
use crate::relay::ports::Clock as _;
use crate::store::SuccessionRow;

const EXAMPLES: &str = "\
Examples:
  consentry succession old-shoes-ltd acme-ltd --former old-shoes-ltd --at 2026-01-01 \\
      --deal universal --document merger.pdf --by jane.doe --reason \"merger, register no. 7\"
  consentry succession list
  consentry succession withdraw 3 --by jane.doe --reason \"wrong date\"
It holds for the next message; no reload is needed.";

/// Arguments of `succession`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true)]
pub(super) struct SuccessionArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT, global = true)]
    config: PathBuf,
    #[command(subcommand)]
    command: Option<SuccessionCommand>,
    #[command(flatten)]
    fresh: Option<FreshArgs>,
    // Not within `fresh`: clap tells no presence of arguments that hold other arguments.
    #[command(flatten)]
    officer: Option<Officer>,
}

/// What can be done with what was recorded.
#[derive(Subcommand, Debug)]
enum SuccessionCommand {
    /// List what was recorded.
    #[command(after_help = "Example:\n  consentry succession list --config consentry.toml")]
    List,
    /// Take back what was recorded by mistake.
    #[command(
        after_help = "Example:\n  consentry succession withdraw 3 --by jane.doe --reason \"wrong date\""
    )]
    Withdraw {
        /// Its number, as `succession list` shows it.
        #[arg(value_name = "NUMBER")]
        number: u64,
        #[command(flatten)]
        officer: Officer,
    },
}

/// What happened.
#[derive(Args, Debug)]
struct FreshArgs {
    /// The predecessor.
    #[arg(value_name = "FROM", value_parser = EntityId::parse)]
    from: EntityId,
    /// The successor.
    #[arg(value_name = "TO", value_parser = EntityId::parse)]
    to: EntityId,
    /// The day it took effect.
    #[arg(long, value_name = "DATE")]
    at: Date,
    /// What passed.
    #[arg(long, value_enum)]
    deal: DealArgument,
    /// What proves it: a file, of which the SHA-256 is kept, or words.
    #[arg(long, value_name = "FILE|TEXT")]
    document: String,
    /// An entity that stands in the configuration no more.
    #[arg(long, value_name = "ID", value_parser = EntityId::parse)]
    former: Vec<EntityId>,
}

/// What passes.
#[derive(Clone, Copy, ValueEnum, Debug)]
#[value(rename_all = "snake_case")]
enum DealArgument {
    /// Everything: permissions and objections.
    Universal,
    /// Assets: the objections only.
    AssetDeal,
}

/// Runs the command.
pub(super) fn run(args: &SuccessionArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    match (&args.command, args.fresh.as_ref().zip(args.officer.as_ref())) {
        (Some(SuccessionCommand::List), _) => list(&config),
        (Some(SuccessionCommand::Withdraw { number, officer }), _) => {
            let act = officer.act(&config, Right::EntityHistory)?;
            withdraw(&config, *number, &act)
        }
        (None, Some((fresh, officer))) => {
            let act = officer.act(&config, Right::EntityHistory)?;
            record(&config, fresh, &act)
        }
        (None, None) => Err(Failure::new(Exit::Usage, anyhow!("name FROM and TO; see --help"))),
    }
}

fn record(config: &Config, fresh: &FreshArgs, act: &OfficerAct) -> Outcome {
    let usage = |error: anyhow::Error| Err(Failure::new(Exit::Usage, error));
    for entity in [&fresh.from, &fresh.to] {
        if config.entity(entity).is_none() && !fresh.former.contains(entity) {
            return usage(anyhow!(
                "`{entity}` is no [[entity]]; if it stood there once, add --former {entity}"
            ));
        }
    }
    if fresh.from == fresh.to {
        return usage(anyhow!("nobody follows themselves; a new name changes no id"));
    }
    if fresh.at > SystemClock.now().date() {
        return usage(anyhow!("--at {} lies ahead; record it when it took effect", fresh.at));
    }
    let deal = match fresh.deal {
        DealArgument::Universal => Deal::Universal,
        DealArgument::AssetDeal => Deal::AssetDeal,
    };
    let succession = Succession {
        from: fresh.from.clone(),
        to: fresh.to.clone(),
        at: fresh.at,
        deal,
        document: Some(document(&fresh.document)?),
    };
    let keyring = setup::keyring(config)?;
    let store = setup::visit_or_create(config, &keyring)?;
    let recorded = store.succeed(succession, in_json(act)?);
    let number = setup::runtime()?.block_on(recorded).or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    let what = match deal {
        Deal::Universal => "permissions and objections",
        Deal::AssetDeal => "objections, and no permissions,",
    };
    output::line(&format!(
        "recorded {number}: {what} of {} are {}'s from {} on",
        fresh.from, fresh.to, fresh.at
    ));
    Ok(Exit::Ok)
}

/// A file's name and hash, or the words as they are.
fn document(text: &str) -> Result<String, Failure> {
    let path = Path::new(text);
    if !path.is_file() {
        return Ok(text.to_owned());
    }
    let bytes = std::fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_exit(Exit::NoInput)?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    Ok(format!("{name} (SHA-256 {})", Digest::of(&bytes)))
}

fn in_json(act: &OfficerAct) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(act).or_exit(Exit::Data)
}

fn list(config: &Config) -> Outcome {
    let store = setup::visit(config)?;
    let rows = setup::runtime()?.block_on(store.successions()).or_exit(Exit::Unavailable)?;
    for SuccessionRow { id, recorded_at, succession, is_withdrawn } in rows {
        let Succession { from, to, at, deal, document } = succession;
        let deal = match deal {
            Deal::Universal => "universal",
            Deal::AssetDeal => "asset_deal",
        };
        let state = if is_withdrawn { ", withdrawn" } else { "" };
        output::line(&format!(
            "{id}  {from} -> {to}  {at}  {deal}  {} (recorded {}{state})",
            document.unwrap_or_default(),
            recorded_at.date()
        ));
    }
    Ok(Exit::Ok)
}

fn withdraw(config: &Config, number: u64, act: &OfficerAct) -> Outcome {
    let keyring = setup::keyring(config)?;
    let store = setup::visit_or_create(config, &keyring)?;
    let withdrawn = store.withdraw_succession(number, in_json(act)?);
    let was_there = setup::runtime()?.block_on(withdrawn).or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    if !was_there {
        output::remark(&format!("nothing stands under {number}"));
        return Ok(Exit::No);
    }
    output::line(&format!("withdrawn {number}"));
    Ok(Exit::Ok)
}
