//! `consentry init`: asks what only the operator knows, and writes the first configuration, a
//! keyring and an empty store.
//!
//! Nothing that exists is overwritten, and nothing is written before the configuration has
//! passed the checks of `consentry check`. Every stream begins by observing.

mod questions;
mod template;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{key, output, setup};
use crate::config::Config;
use crate::daemon::{self, SystemClock};
use crate::relay::ports::Clock as _;
use questions::Answers;

const EXAMPLES: &str = "\
Examples:
  consentry init --dir /etc/consentry
  consentry init --dir . --jurisdiction uk --entity 'Acme Shoes Ltd' \\
      --postal-address '1 High Street, London EC1A 1AA' --brand Acme --domain example.com \\
      --hostname gate.example.com --public-url https://preferences.example.com \\
      --upstream 127.0.0.1:25 --mailers 127.0.0.0/8 --notices mail-ops@example.com
What is not given is asked for. Begin by observing; `until` is 90 days ahead.";

/// Arguments of `init`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct InitArgs {
    /// The folder for the configuration and the keyring.
    #[arg(long, value_name = "DIR", default_value = "/etc/consentry")]
    dir: PathBuf,
    /// The folder for the database.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/consentry")]
    state_dir: PathBuf,
    #[command(flatten)]
    given: questions::Given,
}

/// Runs the command.
pub(super) fn run(args: &InitArgs) -> Outcome {
    let (config_path, keyring_path) =
        (args.dir.join("consentry.toml"), args.dir.join("keyring.toml"));
    for path in [&config_path, &keyring_path] {
        if path.exists() {
            let error = anyhow!("{} exists; init overwrites nothing", path.display());
            return Err(Failure::new(Exit::CannotCreate, error));
        }
    }
    let answers = questions::ask(&args.given)?;
    let folder = std::path::absolute(&args.state_dir).or_exit(Exit::Usage)?;
    let text = template::fill(&answers, &folder, SystemClock.now());
    let config = Config::parse(&config_path.display().to_string(), &text, &args.dir)
        .context("with these answers the configuration would be wrong")
        .or_exit(Exit::Usage)?;
    let keyring = key::new_keyring()?;
    daemon::house(&config, keyring.clone()).or_exit(Exit::Usage)?;
    for folder in [&args.dir, &folder] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))
            .or_exit(Exit::CannotCreate)?;
    }
    write_new(&keyring_path, &keyring.encode())?;
    write_new(&config_path, &text)?;
    setup::close(setup::visit_or_create(&config, &keyring)?)?;
    tell_what_next(&config_path, &config, &answers);
    Ok(Exit::Ok)
}

/// Writes a file only its owner may read; never over another.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .with_context(|| format!("cannot write {}", path.display()))
        .or_exit(Exit::CannotCreate)?;
    output::line(&format!("wrote {}", path.display()));
    Ok(())
}

fn tell_what_next(path: &Path, config: &Config, answers: &Answers) {
    output::line(&format!("created {}", config.store.path.display()));
    let (file, listen) = (path.display(), config.listeners[0].listen);
    let Answers { domain, brand, .. } = answers;
    for line in [
        String::new(),
        "Next:".to_owned(),
        format!("  consentry check --config {file}"),
        format!("  consentry import --config {file} --dry-run optouts.csv"),
        format!("  consentry serve --config {file}      # or: systemctl enable --now consentry"),
        "and from another window:".to_owned(),
        format!("  swaks --server {listen} --from bounce@{domain} --to you@{domain} \\"),
        format!("    --header 'From: {brand} <news@{domain}>' --header 'Subject: Hello'"),
        "The account of the service must be able to read the configuration:".to_owned(),
        format!("  chgrp consentry {file} && chmod 640 {file}"),
    ] {
        output::line(&line);
    }
}
