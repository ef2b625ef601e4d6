//! Keyring files: readable by nobody else, never lost half-way, and passphrases for sealed ones.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::base::Keyring;
use crate::cli::exit::{Exit, Failure, OrExit as _};
use crate::cli::output;

/// Reads the keyring at `path`.
pub(super) fn read(path: &Path) -> Result<Keyring, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_exit(Exit::NoInput)?;
    Keyring::parse(&text).with_context(|| format!("in {}", path.display())).or_exit(Exit::Data)
}

/// Writes a new file. Never over an existing one: without its keyring, evidence names nobody.
pub(super) fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))
        .or_exit(Exit::CannotCreate)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
        .or_exit(Exit::CannotCreate)
}

/// Replaces the file at `path` in one step, keeping who may read it.
pub(super) fn rewrite(path: &Path, text: &str) -> Result<(), Failure> {
    let before = fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_exit(Exit::NoInput)?;
    let beside = PathBuf::from(format!("{}.new", path.display()));
    create(&beside, text)?;
    let replaced = chown(&beside, Some(before.uid()), Some(before.gid()))
        .and_then(|()| {
            fs::set_permissions(&beside, fs::Permissions::from_mode(before.mode() & 0o777))
        })
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| {
            fs::File::open(path.parent().unwrap_or(Path::new("/")).join("."))?.sync_all()
        });
    if replaced.is_err() {
        let _ = fs::remove_file(&beside);
    }
    replaced
        .with_context(|| format!("cannot replace {}", path.display()))
        .or_exit(Exit::CannotCreate)
}

/// One line from standard input.
pub(super) fn passphrase(command: &str) -> Result<String, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output::remark(&format!(
            "type the passphrase and press Enter; it shows on the screen, so rather use \
             `systemd-ask-password | {command}`"
        ));
    }
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .context("cannot read the passphrase from standard input")
        .or_exit(Exit::NoInput)?;
    let passphrase = line.trim_end_matches(['\r', '\n']);
    match passphrase.is_empty() {
        true => {
            let error = anyhow!("no passphrase came: one line on standard input is expected");
            Err(Failure::new(Exit::Data, error))
        }
        false => Ok(passphrase.to_owned()),
    }
}
