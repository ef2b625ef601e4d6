//! `consentry domain`: what holds for everybody who has an address in a domain.
//!
//! A firm may object for all its addresses, and what kind of subject it is need not be said for
//! each. Never for domains on which anybody can have an address, and never for subdomains.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::{Officer, OfficerAct};
use super::{output, setup};
use crate::base::{BrandId, DomainName, EntityId, JurisdictionId, Timestamp, TopicId};
use crate::config::{Config, Right};
use crate::daemon::SystemClock;
use crate::eligibility::{
    AddressKind, Evidence, Fact, Level, ObjectionChannel, Provenance, Scope, SubjectKind,
};
use crate::relay::ports::Clock as _;

/// What can be recorded about a domain.
#[derive(Subcommand, Debug)]
pub(super) enum DomainCommand {
    /// Record that a firm objects to marketing to any of its addresses.
    #[command(
        after_help = "Example:\n  consentry domain object example.com --entity acme-ltd \\\n      --by jane.roe --reason \"letter of 2026-03-01\""
    )]
    Object(ObjectArgs),
    /// Record who the law sees behind the addresses of a domain.
    #[command(
        after_help = "Example:\n  consentry domain describe example.com --subject-kind legal_person --jurisdiction uk \\\n      --source companies-house --reference 01234567 --by jane.roe --reason \"checked the register\""
    )]
    Describe(DescribeArgs),
}

/// Which domain, and who says so.
#[derive(Args, Debug)]
struct About {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    #[command(flatten)]
    officer: Officer,
    /// When it was said or found out; now if missing.
    #[arg(long, value_name = "DATE")]
    at: Option<String>,
    /// The domain; its subdomains are domains of their own.
    #[arg(value_name = "DOMAIN")]
    domain: String,
}

/// Arguments of `domain object`.
#[derive(Args, Debug)]
pub(super) struct ObjectArgs {
    #[command(flatten)]
    about: About,
    /// The legal person whose marketing is objected to, by its id in the configuration.
    #[arg(long, value_name = "ID")]
    entity: String,
    /// Only marketing under this brand.
    #[arg(long, value_name = "ID", conflicts_with = "topic")]
    brand: Option<String>,
    /// Only marketing about this topic.
    #[arg(long, value_name = "ID")]
    topic: Option<String>,
}

/// Arguments of `domain describe`.
#[derive(Args, Debug)]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    about: About,
    /// natural, sole_trader, partnership_unincorporated, legal_person or public_body.
    #[arg(long, value_name = "KIND")]
    subject_kind: String,
    /// personal, work_named or work_impersonal; leave out if it differs.
    #[arg(long, value_name = "KIND", default_value = "unknown")]
    address_kind: String,
    /// Where it is; may be given several times.
    #[arg(long, value_name = "ID")]
    jurisdiction: Vec<String>,
    /// Where this was found: a public register, a contract.
    #[arg(long, value_name = "TEXT")]
    source: String,
    /// The source's own number for it.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
}

/// Runs the command.
pub(super) fn run(command: &DomainCommand) -> Outcome {
    match command {
        DomainCommand::Object(args) => object(args),
        DomainCommand::Describe(args) => describe(args),
    }
}

fn object(args: &ObjectArgs) -> Outcome {
    let config = setup::config(&args.about.config)?;
    let fact = Fact::Objection { scope: scope(&config, args)?, channel: ObjectionChannel::Direct };
    let provenance = Provenance { source: Some("domain".to_owned()), ..Provenance::default() };
    record(&config, &args.about, fact, provenance)
}

fn scope(config: &Config, args: &ObjectArgs) -> Result<Scope, Failure> {
    let entity = EntityId::parse(&args.entity).or_exit(Exit::Usage)?;
    let unknown = |what: &str, id: &str| {
        let error = anyhow!("`{id}` is no {what} of the configuration");
        Err(Failure::new(Exit::Usage, error))
    };
    if config.entity(&entity).is_none() {
        return unknown("[[entity]]", &args.entity);
    }
    match (&args.brand, &args.topic) {
        (Some(text), _) => {
            let brand = BrandId::parse(text).or_exit(Exit::Usage)?;
            match config.brand(&brand).is_some_and(|found| found.entity == entity) {
                true => Ok(Scope::Brand(entity, brand)),
                false => unknown("[[brand]] of that entity", text),
            }
        }
        (None, Some(text)) => {
            let topic = TopicId::parse(text).or_exit(Exit::Usage)?;
            let mut topics = config.topics.iter();
            match topics.any(|found| found.id == topic && found.entity == entity) {
                true => Ok(Scope::Topic(entity, topic)),
                false => unknown("[[topic]] of that entity", text),
            }
        }
        (None, None) => Ok(Scope::Entity(entity)),
    }
}

fn describe(args: &DescribeArgs) -> Outcome {
    let config = setup::config(&args.about.config)?;
    let jurisdictions = args.jurisdiction.iter().map(|id| JurisdictionId::parse(id));
    let fact = Fact::SubjectDescribed {
        subject_kind: word::<SubjectKind>("--subject-kind", &args.subject_kind)?,
        address_kind: word::<AddressKind>("--address-kind", &args.address_kind)?,
        jurisdictions: jurisdictions.collect::<Result<_, _>>().or_exit(Exit::Usage)?,
        role: None,
        minor: None,
    };
    let source = args.source.trim();
    if source.is_empty() {
        let error = anyhow!("--source is empty; facts about firms count only with their source");
        return Err(Failure::new(Exit::Usage, error));
    }
    let provenance = Provenance {
        source: Some(source.to_owned()),
        reference: args.reference.clone(),
        ..Provenance::default()
    };
    record(&config, &args.about, fact, provenance)
}

/// A word of the evidence CSV.
fn word<T: DeserializeOwned>(option: &str, text: &str) -> Result<T, Failure> {
    let value = serde_json::Value::String(text.to_owned());
    serde_json::from_value(value)
        .map_err(|error| Failure::new(Exit::Usage, anyhow!("{option}: {error}")))
}

fn record(config: &Config, about: &About, fact: Fact, provenance: Provenance) -> Outcome {
    let officer: OfficerAct = about.officer.act(config, Right::DataSubjects)?;
    let domain = DomainName::parse(about.domain.trim().trim_start_matches('@'))
        .map_err(|error| anyhow!("`{}`: {error}", about.domain))
        .or_exit(Exit::Usage)?;
    let keyring = setup::keyring(config)?;
    let Some(keys) = keyring.domain_keys(&domain) else {
        let error = anyhow!("anybody can have an address at {domain}: nobody speaks for them all");
        return Err(Failure::new(Exit::Usage, error));
    };
    let now = SystemClock.now();
    let at = match &about.at {
        Some(text) => Timestamp::parse(text)
            .filter(|at| *at <= now)
            .ok_or_else(|| anyhow!("--at: `{text}` is not a date, or lies ahead"))
            .or_exit(Exit::Usage)?,
        None => now,
    };
    let kind = fact.kind();
    let act = json!({ "act": "domain", "kind": kind, "domain": keys.newest, "officer": officer });
    let evidence = Evidence {
        at,
        tag: None,
        fact,
        level: Level::Staff,
        provenance: Provenance { recorded_at: now, actor: Some(officer.by.clone()), ..provenance },
    };
    let store = setup::visit_or_create(config, &keyring)?;
    setup::runtime()?
        .block_on(store.append_by_officer(keys, evidence, act.to_string().into_bytes()))
        .or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    output::line(&format!("recorded {kind} for every address at {domain}"));
    Ok(Exit::Ok)
}
