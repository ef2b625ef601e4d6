//! `consentry subject`: what is held about a person, and the rights they have in it.
//!
//! Access (GDPR art. 15), portability (art. 20), erasure (art. 17) and proof of consent (art.
//! 7(1)). Whoever runs it sees to it that the person asking is the person meant (art. 12(6)).

mod dossier;
mod receipts;
mod words;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::Officer;
use super::{output, setup};
use crate::base::{EntityId, Mailbox};
use crate::config::{Config, Right};
use dossier::Dossier;

/// What can be asked about a person.
#[derive(Subcommand, Debug)]
pub(super) enum SubjectCommand {
    /// Show everything that is held about a person (GDPR art. 15).
    #[command(
        after_help = "Examples:\n  consentry subject show jane@example.org\n  consentry subject show jane@example.org --entity acme-ltd --json"
    )]
    Show {
        #[command(flatten)]
        about: About,
        /// Print JSON instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Write everything that is held about a person to a file, as JSON (GDPR art. 20).
    #[command(
        after_help = "Example:\n  consentry subject export jane@example.org --entity acme-ltd --out jane.json"
    )]
    Export {
        #[command(flatten)]
        about: About,
        /// The file to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print a receipt for each consent, as Kantara 1.1 and ISO/IEC TS 27560 shape it.
    #[command(after_help = "Example:\n  consentry subject receipts jane@example.org")]
    Receipts {
        #[command(flatten)]
        about: About,
    },
    /// Erase what one legal person holds about somebody (GDPR art. 17); objections stay.
    #[command(
        after_help = "Example:\n  consentry subject erase jane@example.org --entity acme-ltd \\\n      --by jane.doe --reason \"letter of 2026-03-01\"\nPrints the proof. Linked addresses are erased with it."
    )]
    Erase(EraseArgs),
}

/// Who is meant.
#[derive(Args, Debug)]
pub(super) struct About {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// Only what this legal person holds, and what is held for all.
    #[arg(long, value_name = "ID", value_parser = EntityId::parse)]
    entity: Option<EntityId>,
    /// The person's address.
    #[arg(value_name = "ADDRESS")]
    address: String,
}

/// Arguments of `subject erase`.
#[derive(Args, Debug)]
pub(super) struct EraseArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// The legal person that erases.
    #[arg(long, value_name = "ID", value_parser = EntityId::parse)]
    entity: EntityId,
    /// The legal person is gone from the configuration.
    #[arg(long)]
    former: bool,
    #[command(flatten)]
    officer: Officer,
    /// The person's address.
    #[arg(value_name = "ADDRESS")]
    address: String,
}

/// Runs the command.
pub(super) fn run(command: &SubjectCommand) -> Outcome {
    match command {
        SubjectCommand::Show { about, json } => {
            let (_, dossier) = about.dossier()?;
            match json {
                true => output::line(&pretty(&dossier)?),
                false => words::tell(&dossier).iter().for_each(|line| output::line(line)),
            }
            Ok(Exit::Ok)
        }
        SubjectCommand::Export { about, out } => export(about, out),
        SubjectCommand::Receipts { about } => {
            let (config, dossier) = about.dossier()?;
            output::line(&pretty(&receipts::receipts(&config, &dossier))?);
            Ok(Exit::Ok)
        }
        SubjectCommand::Erase(args) => erase(args),
    }
}

impl About {
    /// Everything held.
    fn dossier(&self) -> Result<(Config, Dossier), Failure> {
        let config = setup::config(&self.config)?;
        if let Some(entity) = self.entity.as_ref().filter(|id| config.entity(id).is_none()) {
            // What an entity held that is gone from the configuration is still held.
            output::remark(&format!("note: `{entity}` is no [[entity]] of the configuration"));
        }
        let keyring = setup::keyring(&config)?;
        let mailbox = mailbox(&self.address)?;
        let store = setup::look(&config, &keyring)?;
        let keys = keyring.address_keys(&mailbox);
        let read = Dossier::read(&store, &keys, self.entity.as_ref());
        let mut dossier = setup::runtime()?.block_on(read).or_exit(Exit::Unavailable)?;
        setup::close(store)?;
        dossier.address = mailbox.to_string();
        dossier.kept = dossier::kept(&config);
        Ok((config, dossier))
    }
}

fn mailbox(address: &str) -> Result<Mailbox, Failure> {
    Mailbox::parse(address.trim())
        .map_err(|error| Failure::new(Exit::Usage, anyhow!("`{address}`: {error}")))
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).or_exit(Exit::Data)
}

fn export(about: &About, out: &PathBuf) -> Outcome {
    let (_, dossier) = about.dossier()?;
    let text = pretty(&dossier)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(out)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .with_context(|| format!("cannot write {}", out.display()))
        .or_exit(Exit::CannotCreate)?;
    output::line(&format!(
        "wrote {}: {} pieces of evidence, {} decisions",
        out.display(),
        dossier.evidence.len(),
        dossier.decisions.len()
    ));
    Ok(Exit::Ok)
}

fn erase(args: &EraseArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let act = args.officer.act(&config, Right::DataSubjects)?;
    if config.entity(&args.entity).is_none() && !args.former {
        let known: Vec<&str> = config.entities.iter().map(|entity| entity.id.as_str()).collect();
        let error = anyhow!(
            "`{}` is no [[entity]] (one of {}); if it stood there once, add --former",
            args.entity,
            known.join(", ")
        );
        return Err(Failure::new(Exit::Usage, error));
    }
    let keyring = setup::keyring(&config)?;
    let mailbox = mailbox(&args.address)?;
    let store = setup::visit_or_create(&config, &keyring)?;
    let officer = json!({ "act": "erase", "entity": args.entity, "officer": act });
    let erasing = store.erase(keyring.person_keys(&mailbox), args.entity.clone(), officer);
    let erased = setup::runtime()?.block_on(erasing).or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    for line in [
        format!("Erased for {} on {}", args.entity, erased.at),
        format!("  evidence             {}", erased.evidence),
        format!("  decisions, outcomes  {}", erased.payloads),
        format!("  rows looked in       {} (linked addresses and older keys too)", erased.rows),
        format!("  journalled as        {} {}", erased.chain, erased.entry),
        format!("  digest of it all     {}", erased.digest),
        String::from("What stays, under a keyed hash of the address:"),
        String::from(
            "  the objections with what proves them, and this erasure, which is one: nothing more is sent, and",
        ),
        String::from("  evidence dated before it counts no more (GDPR art. 17(3)(b), 21(3))"),
        String::from("  the moment of the last marketing, and who is behind the address in law"),
        String::from("  consents that name other legal persons too, for those"),
        String::from("  the journal's entries without what they were about (art. 17(3)(e))"),
    ] {
        output::line(&line);
    }
    Ok(Exit::Ok)
}
