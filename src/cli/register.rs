//! `consentry register`: public opt-out registers, such as Austria's ECG list.
//!
//! They arrive as hashes or as addresses, one a line; only hashes under our own key are kept. A
//! file with a line that cannot be read is refused whole: a register that lacks entries would
//! pass for fresh.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use data_encoding::HEXLOWER_PERMISSIVE;
use indicatif::ProgressBar;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{output, setup};
use crate::base::{Digest, DomainName, Listed, Mailbox, RegisterId, Timestamp};
use crate::daemon::SystemClock;
use crate::relay::ports::Clock as _;
use crate::store::RegisterImport;

/// How many unreadable lines are shown.
const ERRORS_SHOWN: usize = 10;

/// What can be done with registers.
#[derive(Subcommand, Debug)]
pub(super) enum RegisterCommand {
    /// Replace a register by what a file lists.
    #[command(
        after_help = "Examples:\n  consentry register import --register ecg --format hashes --checked-at 2026-03-01 ecg.txt\n  consentry register import --register robinson --format addresses --checked-at 2026-03-01 list.txt\nhashes: SHA-1 or SHA-256 in hex, of the address in lower case or of `@` and its domain.\naddresses: one a line, or `@` and a domain. Empty lines and lines that begin with # are skipped."
    )]
    Import(RegisterArgs),
    /// List the registers, and as of when each was imported.
    #[command(after_help = "Example:\n  consentry register list --config consentry.toml")]
    List {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
        config: PathBuf,
    },
}

/// Arguments of `register import`.
#[derive(Args, Debug)]
pub(super) struct RegisterArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// The register's id, as rule sets name it.
    #[arg(long, value_name = "ID")]
    register: String,
    /// What the lines are.
    #[arg(long, value_enum)]
    format: Format,
    /// As of when the file tells what the register lists.
    #[arg(long, value_name = "DATE")]
    checked_at: String,
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What the lines of a register are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// SHA-1 or SHA-256, in hex.
    Hashes,
    /// Addresses, or domains after an @.
    Addresses,
}

/// Runs the command.
pub(super) fn run(command: &RegisterCommand) -> Outcome {
    match command {
        RegisterCommand::Import(args) => import(args),
        RegisterCommand::List { config } => list(config),
    }
}

fn import(args: &RegisterArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let id = RegisterId::parse(&args.register).or_exit(Exit::Usage)?;
    let checked_at = Timestamp::parse(&args.checked_at)
        .filter(|at| *at <= SystemClock.now())
        .ok_or_else(|| anyhow!("--checked-at: `{}` is not a date, or lies ahead", args.checked_at))
        .or_exit(Exit::Usage)?;
    let text = fs::read_to_string(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))
        .or_exit(Exit::NoInput)?;
    let listed = read(&text, args.format).map_err(|errors| refused(&args.file, &errors))?;
    let import = RegisterImport {
        id: id.to_string(),
        checked_at,
        file: Digest::of(text.as_bytes()),
        entries: listed.iter().map(|listed| keyring.listing_key(listed)).collect(),
    };
    let store = setup::visit_or_create(&config, &keyring)?;
    let bar = ProgressBar::new(import.entries.len() as u64);
    let row = setup::runtime()?
        .block_on(store.import_register(import, |written| bar.set_position(written as u64)))
        .context("the register is what it was before; import it again")
        .or_exit(Exit::Unavailable)?;
    bar.finish_and_clear();
    setup::close(store)?;
    output::line(&format!("register {id}: {} entries as of {}", row.entries, row.checked_at));
    Ok(Exit::Ok)
}

fn refused(file: &Path, errors: &[(usize, &'static str)]) -> Failure {
    for (line, what) in errors.iter().take(ERRORS_SHOWN) {
        output::remark(&format!("{} line {line}: {what}", file.display()));
    }
    let error = match errors {
        [] => anyhow!("{} lists nobody: that is no register", file.display()),
        _ => anyhow!("{} lines cannot be read: nothing was imported", errors.len()),
    };
    Failure::new(Exit::Data, error)
}

/// What `text` lists, or the lines that cannot be read and why; none if there is nothing in it.
fn read(text: &str, format: Format) -> Result<Vec<Listed>, Vec<(usize, &'static str)>> {
    let (mut listed, mut errors) = (Vec::new(), Vec::new());
    let text = text.trim_start_matches('\u{feff}');
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = match format {
            Format::Hashes => hash(line).ok_or("not a SHA-1 or SHA-256 in hex"),
            Format::Addresses => clear(line).ok_or("neither an address nor @ and a domain"),
        };
        match entry {
            Ok(entry) => listed.push(entry),
            Err(what) => errors.push((number + 1, what)),
        }
    }
    if listed.is_empty() || !errors.is_empty() { Err(errors) } else { Ok(listed) }
}

fn hash(line: &str) -> Option<Listed> {
    let bytes = HEXLOWER_PERMISSIVE.decode(line.as_bytes()).ok()?;
    match bytes.len() {
        20 => bytes.try_into().ok().map(Listed::Sha1),
        32 => Digest::from_bytes(&bytes).map(Listed::Sha256),
        _ => None,
    }
}

fn clear(line: &str) -> Option<Listed> {
    match line.strip_prefix('@') {
        Some(domain) => DomainName::parse(domain).ok().map(Listed::Domain),
        None => Mailbox::parse(line).ok().map(Listed::Address),
    }
}

fn list(config: &Path) -> Outcome {
    let config = setup::config(config)?;
    let store = setup::visit(&config)?;
    let registers = setup::runtime()?.block_on(store.registers()).or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    if registers.is_empty() {
        output::remark("no register was imported");
    }
    for register in registers {
        output::line(&format!(
            "{}  {} entries as of {}, imported {}, file {}",
            register.id, register.entries, register.checked_at, register.imported_at, register.file
        ));
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::{Format, read};
    use crate::base::Listed;

    #[test]
    fn reads_hashes_of_either_length_and_case() {
        let text = "\u{feff}# ECG\r\nBA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\r\n\r\n\
                    a9993e364706816aba3e25717850c26c9cd0d89d\r\n";
        let listed = read(text, Format::Hashes).unwrap();
        assert!(matches!(listed[..], [Listed::Sha256(_), Listed::Sha1(_)]), "{listed:?}");
    }

    #[test]
    fn reads_addresses_and_domains() {
        let listed = read("Jane@Example.org\n@example.com\n", Format::Addresses).unwrap();
        assert!(matches!(listed[..], [Listed::Address(_), Listed::Domain(_)]), "{listed:?}");
    }

    #[test]
    fn a_register_with_one_bad_line_is_refused() {
        let lines = |text, format| {
            let errors = read(text, format).unwrap_err();
            errors.iter().map(|(line, _)| *line).collect::<Vec<_>>()
        };
        assert_eq!(lines("jane@example.org\n\nnobody\n", Format::Addresses), [3]);
        assert_eq!(lines("jane@example.org\n", Format::Hashes), [1]);
        assert_eq!(lines("# nothing\n", Format::Hashes), [0_usize; 0]);
    }
}
