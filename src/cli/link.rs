//! `consentry link`: several addresses of one person. An objection made for one counts for all.
//!
//! Permissions stay with the address they were given for. Unlinking counts for the future: what
//! was copied stays, because the person said it.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::Officer;
use super::{output, setup};
use crate::base::{Keyring, Mailbox, PersonKeys};
use crate::config::Right;

/// Arguments of `link`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry link jane@example.org j.doe@example.net \\\n      --by jane.roe --reason \"asked by phone, ticket 4711\"\nObjections made for any of them are copied to all, now and later; permissions never are."
)]
pub(super) struct LinkArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    #[command(flatten)]
    officer: Officer,
    /// The addresses of one person, at least two.
    #[arg(value_name = "ADDRESS", required = true, num_args = 2..)]
    addresses: Vec<String>,
}

/// Arguments of `unlink`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry unlink j.doe@example.net --by jane.roe --reason \"another Jane Doe\"\nObjections copied before stay with each address."
)]
pub(super) struct UnlinkArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    #[command(flatten)]
    officer: Officer,
    /// The address.
    #[arg(value_name = "ADDRESS")]
    address: String,
}

/// Runs `link`.
pub(super) fn run(args: &LinkArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let officer = args.officer.act(&config, Right::DataSubjects)?;
    let keyring = setup::keyring(&config)?;
    let mut persons: Vec<PersonKeys> = Vec::new();
    for address in &args.addresses {
        let keys = person(&keyring, address)?;
        if !persons.contains(&keys) {
            persons.push(keys);
        }
    }
    if persons.len() < 2 {
        let error = anyhow!("these are all the same address as far as objections go");
        return Err(Failure::new(Exit::Usage, error));
    }
    let newest: Vec<_> = persons.iter().map(|keys| keys.newest).collect();
    let act = json!({ "act": "link", "persons": newest, "officer": officer });
    let store = setup::visit_or_create(&config, &keyring)?;
    let copied = setup::runtime()?
        .block_on(store.link(persons, act.to_string().into_bytes()))
        .or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    output::line(&format!("linked {} addresses; {copied} objections copied", newest.len()));
    Ok(Exit::Ok)
}

/// Runs `unlink`.
pub(super) fn unlink(args: &UnlinkArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let officer = args.officer.act(&config, Right::DataSubjects)?;
    let keyring = setup::keyring(&config)?;
    let keys = person(&keyring, &args.address)?;
    let act = json!({ "act": "unlink", "persons": [keys.newest], "officer": officer });
    let store = setup::visit_or_create(&config, &keyring)?;
    let was_linked = setup::runtime()?
        .block_on(store.unlink(keys, act.to_string().into_bytes()))
        .or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    if !was_linked {
        output::remark("the address is linked with no other");
        return Ok(Exit::No);
    }
    output::line("unlinked; objections copied before stay");
    Ok(Exit::Ok)
}

fn person(keyring: &Keyring, address: &str) -> Result<PersonKeys, Failure> {
    match Mailbox::parse(address.trim()) {
        Ok(mailbox) => Ok(keyring.person_keys(&mailbox)),
        Err(error) => Err(Failure::new(Exit::Usage, anyhow!("`{address}`: {error}"))),
    }
}
