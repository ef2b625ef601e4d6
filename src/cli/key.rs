//! `consentry key`: makes, rotates, seals and retires keys. `serve` never does.
//!
//! Nothing here shows a secret, and no file is written over unless it was read first.

mod files;
mod public;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::officer::Officer;
use super::{output, setup};
use crate::base::{
    DomainName, KeyId, Keyring, MasterKey, Normalization, SealRandom, Separators, open_text,
    seal_text,
};
use crate::config::Right;
use crate::store::Resting;

/// A keyring leaves the house under this passphrase, so it must not be guessed.
const PASSPHRASE_CHARS_MIN: usize = 16;

/// What can be done with keys.
#[derive(Subcommand, Debug)]
pub(super) enum KeyCommand {
    /// Make a new keyring with one random key.
    #[command(after_help = "Example:\n  consentry key new --out keyring.toml")]
    New {
        /// The file to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        widening: Widening,
    },
    /// Put a new live key in front of a keyring; the relay notes it when it starts.
    #[command(
        after_help = "Example:\n  consentry key add --keyring keyring.toml\n  consentry key add --keyring keyring.toml --separator example.com=-\nPeople are looked up under all live keys; what is new is written under the newest."
    )]
    Add {
        /// The keyring, which is rewritten.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        #[command(flatten)]
        widening: Widening,
    },
    /// Show which keys a keyring has, without their secrets.
    #[command(after_help = "Example:\n  consentry key list --keyring keyring.toml")]
    List {
        /// The keyring.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
    },
    /// Let a key open old tokens only, if nothing rests on it any more.
    #[command(
        after_help = "Example:\n  consentry key retire 1 --by jane.roe --reason \"rotation of 2026\"\nStop the relay first. Exit code 1 tells what still rests on the key."
    )]
    Retire(RetireArgs),
    /// Print the public keys that journal checkpoints and proofs are checked with.
    Public(public::PublicArgs),
    /// Seal a keyring with a passphrase, read from standard input.
    #[command(
        after_help = "Example:\n  systemd-ask-password | consentry key export --keyring keyring.toml --out keyring.sealed"
    )]
    Export {
        /// The keyring.
        #[arg(long, value_name = "FILE")]
        keyring: PathBuf,
        /// The file to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Open a sealed keyring with its passphrase, read from standard input.
    #[command(
        after_help = "Example:\n  systemd-ask-password | consentry key import --out keyring.toml keyring.sealed"
    )]
    Import {
        /// The keyring to write; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// What `key export` wrote.
        #[arg(value_name = "FILE")]
        sealed: PathBuf,
    },
}

/// Arguments of `key retire`.
#[derive(Args, Debug)]
pub(super) struct RetireArgs {
    /// The configuration file; its keyring is rewritten.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    #[command(flatten)]
    officer: Officer,
    /// The key's number.
    #[arg(value_name = "ID")]
    id: u8,
}

/// How a new key widens addresses.
#[derive(Args, Debug)]
pub(super) struct Widening {
    /// What begins a sub-address in a domain, where it is not `+`; may be given several times.
    #[arg(long = "separator", value_name = "DOMAIN=CHARACTERS")]
    separators: Vec<String>,
}

impl Widening {
    /// A random key that widens like this, and like `older` where nothing else is said.
    fn key(&self, id: KeyId, older: Option<&MasterKey>) -> Result<MasterKey, Failure> {
        let mut separators = older.map_or_else(Separators::new, |key| key.separators().clone());
        for text in &self.separators {
            let parts = text.split_once('=').and_then(|(domain, characters)| {
                Some((DomainName::parse(domain).ok()?, characters))
            });
            let Some((domain, characters)) = parts else {
                let error = anyhow!("--separator: `{text}` is not DOMAIN=CHARACTERS");
                return Err(Failure::new(Exit::Usage, error));
            };
            separators.declare(domain, characters).or_exit(Exit::Usage)?;
        }
        let key = MasterKey::new(id, random()?);
        Ok(key.widening(Normalization::Second, separators))
    }
}

/// Runs the command.
pub(super) fn run(command: &KeyCommand) -> Outcome {
    match command {
        KeyCommand::New { out, widening } => new(out, widening),
        KeyCommand::Add { keyring, widening } => add(keyring, widening),
        KeyCommand::List { keyring } => list(keyring),
        KeyCommand::Retire(args) => retire(args),
        KeyCommand::Public(args) => public::run(args),
        KeyCommand::Export { keyring, out } => export(keyring, out),
        KeyCommand::Import { out, sealed } => import(out, sealed),
    }
}

/// A keyring with one random key.
pub(super) fn new_keyring() -> Result<Keyring, Failure> {
    Ok(Keyring::new(MasterKey::new(KeyId(1), random()?), Vec::new()))
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes)
        .map_err(|_| anyhow!("the system gives no random bytes"))
        .or_exit(Exit::Unavailable)?;
    Ok(bytes)
}

fn new(out: &Path, widening: &Widening) -> Outcome {
    let keyring = Keyring::new(widening.key(KeyId(1), None)?, Vec::new());
    files::create(out, &keyring.encode())?;
    output::line(&format!(
        "wrote {}; keep it apart from the database and its backups",
        out.display()
    ));
    Ok(Exit::Ok)
}

fn add(path: &Path, widening: &Widening) -> Outcome {
    let keyring = files::read(path)?;
    let id = keyring.next_id().or_exit(Exit::Data)?;
    let key = widening.key(id, Some(keyring.live()))?;
    let rotated = keyring.rotated(key).or_exit(Exit::Data)?;
    files::rewrite(path, &rotated.encode())?;
    output::line(&format!(
        "key {} is the newest in {}; back it up, then restart the relay, which notes it",
        id.0,
        path.display()
    ));
    Ok(Exit::Ok)
}

fn list(path: &Path) -> Outcome {
    for (key, is_live) in files::read(path)?.keys() {
        let state = if is_live { "live" } else { "opens old tokens" };
        let separators: Vec<String> = key
            .separators()
            .iter()
            .map(|(domain, characters)| format!("{domain}={characters}"))
            .collect();
        output::line(
            format!(
                "key {}  {state}  normalization {}  {}",
                key.id().0,
                key.normalization().number(),
                separators.join(" ")
            )
            .trim_end(),
        );
    }
    Ok(Exit::Ok)
}

fn retire(args: &RetireArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let officer = args.officer.act(&config, Right::DataSubjects)?;
    let path = &config.keys.file;
    let keyring = files::read(path)?;
    let id = KeyId(args.id);
    let Some(without) = keyring.without_live(id) else {
        let error = anyhow!("key {} is not live in {}, or the only one", id.0, path.display());
        return Err(Failure::new(Exit::Usage, error));
    };
    let act = json!({ "act": "retire_key", "key": id.0, "officer": officer });
    let store = setup::visit_or_create(&config, &keyring)?;
    let resting = setup::runtime()?
        .block_on(store.retire_key(id, keyring.prints(), act.to_string().into_bytes()))
        .or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    if !resting.is_nothing() {
        output::line(&format!("key {} stays: {}", id.0, in_words(resting)));
        return Ok(Exit::No);
    }
    // The store asks no more for the key; until it goes from the file it does no harm there.
    files::rewrite(path, &without.encode())?;
    output::line(&format!("key {} only opens old tokens from now on", id.0));
    Ok(Exit::Ok)
}

fn in_words(resting: Resting) -> String {
    if resting.is_unnamed {
        return "its rows do not name it, so nobody can tell what rests on it".to_owned();
    }
    if resting.is_last {
        return "no other live key names its rows; add one with `consentry key add`".to_owned();
    }
    format!(
        "{} people and domains were not met under a newer key yet, {} permissions stand under it, {} \
         registers must be imported again",
        resting.persons, resting.permissions, resting.registers
    )
}

fn export(path: &Path, out: &Path) -> Outcome {
    let keyring = files::read(path)?;
    let passphrase = files::passphrase("consentry key export")?;
    let length = passphrase.chars().count();
    if length < PASSPHRASE_CHARS_MIN {
        let error = anyhow!(
            "the passphrase has {length} characters, at least {PASSPHRASE_CHARS_MIN} are needed"
        );
        return Err(Failure::new(Exit::Data, error));
    }
    let random = SealRandom { salt: random()?, nonce: random()? };
    let sealed = seal_text(&keyring.encode(), &passphrase, random).or_exit(Exit::Unavailable)?;
    let heading = "# A sealed Consentry keyring. `consentry key import` opens it.\n";
    files::create(out, &format!("{heading}{sealed}"))?;
    output::line(&format!("wrote {}; without the passphrase it is worthless", out.display()));
    Ok(Exit::Ok)
}

fn import(out: &Path, sealed: &Path) -> Outcome {
    let text = std::fs::read_to_string(sealed)
        .with_context(|| format!("cannot read {}", sealed.display()))
        .or_exit(Exit::NoInput)?;
    let passphrase = files::passphrase("consentry key import")?;
    let opened = open_text(&text, &passphrase)
        .with_context(|| format!("in {}", sealed.display()))
        .or_exit(Exit::Data)?;
    let keyring = Keyring::parse(&opened).or_exit(Exit::Data)?;
    files::create(out, &keyring.encode())?;
    output::line(&format!("wrote {}", out.display()));
    Ok(Exit::Ok)
}
