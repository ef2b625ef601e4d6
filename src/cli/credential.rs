//! `consentry credential`: user names and passwords for clients that authenticate.
//!
//! Nothing is written to a file and no password is taken from the command line, where other
//! users of the machine could read it: what is printed is pasted into the configuration.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::{Context as _, anyhow};
use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use clap::Subcommand;
use data_encoding::BASE32_NOPAD;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::output;
use crate::base::PasswordHash;

/// What a person chooses must be at least this long; shorter ones are guessed.
const PASSWORD_CHARS_MIN: usize = 12;

/// Octets of a user name at most, as in the configuration.
const NAME_BYTES_MAX: usize = 128;

/// OWASP's and the argon2 crate's choice: 19 MiB, two passes, one lane.
const MEMORY_KIBIBYTES: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What can be done with credentials.
#[derive(Subcommand, Debug)]
pub(super) enum CredentialCommand {
    /// Make a user name and a random password for a client.
    #[command(
        after_help = "Example:\n  consentry credential new --client crm\nThe password is shown once; the configuration keeps only its SHA-256."
    )]
    New {
        /// The name of the client, which becomes its user name too.
        #[arg(long, value_name = "NAME")]
        client: String,
    },
    /// Hash a password somebody chose, read from standard input.
    #[command(
        after_help = "Example:\n  systemd-ask-password | consentry credential hash\nPrints one line for `passwords`. Checking it costs 19 MiB and some 20 ms each time:\n`consentry credential new` makes passwords that cost nothing to check."
    )]
    Hash,
}

/// Runs the command.
pub(super) fn run(command: &CredentialCommand) -> Outcome {
    match command {
        CredentialCommand::New { client } => new(client),
        CredentialCommand::Hash => hash(),
    }
}

fn new(client: &str) -> Outcome {
    let is_fit = (1..=NAME_BYTES_MAX).contains(&client.len()) && !client.contains(char::is_control);
    if !is_fit {
        let error = anyhow!("--client must have 1 to 128 octets, no control characters");
        return Err(Failure::new(Exit::Usage, error));
    }
    let mut secret = [0; 32];
    rand::fill(&mut secret)
        .map_err(|_| anyhow!("the system gives no random bytes"))
        .or_exit(Exit::Unavailable)?;
    // Letters and digits only: a password that begins with a hyphen is an option to many tools.
    let password = BASE32_NOPAD.encode(&secret).to_ascii_lowercase();
    output::line(&format!("user name  {client}\npassword   {password}"));
    output::line(&format!("\n{}", toml_lines(client, &PasswordHash::sha256(password.as_bytes()))));
    output::remark(
        "the password is not shown again; the lines above go into the configuration, \
         and the client's [[client]] table may say more (streams, networks, …)",
    );
    Ok(Exit::Ok)
}

fn toml_lines(client: &str, kept: &PasswordHash) -> String {
    let name = toml::Value::from(client);
    format!("[[client]]\nname = {name}\nusername = {name}\npasswords = [\"{kept}\"]")
}

fn hash() -> Outcome {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output::remark(
            "type the password and press Enter; it shows on the screen, so rather use \
             `systemd-ask-password | consentry credential hash`",
        );
    }
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .context("cannot read the password from standard input")
        .or_exit(Exit::NoInput)?;
    output::line(&hashed(line.trim_end_matches(['\r', '\n']))?);
    Ok(Exit::Ok)
}

fn hashed(password: &str) -> Result<String, Failure> {
    if password.is_empty() {
        let error = anyhow!("no password came: one line on standard input is expected");
        return Err(Failure::new(Exit::Data, error));
    }
    let length = password.chars().count();
    if length < PASSWORD_CHARS_MIN {
        let error = anyhow!(
            "the password has {length} characters, at least {PASSWORD_CHARS_MIN} are needed; \
             `consentry credential new` makes one nobody guesses"
        );
        return Err(Failure::new(Exit::Data, error));
    }
    let params = Params::new(MEMORY_KIBIBYTES, PASSES, LANES, None)
        .map_err(|error| anyhow!("argon2 does not take its parameters: {error}"))
        .or_exit(Exit::Unavailable)?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let kept = hasher
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow!("the password cannot be hashed: {error}"))
        .or_exit(Exit::Unavailable)?;
    Ok(kept.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Exit, hashed, toml_lines};
    use crate::base::{Cost, PasswordHash};

    #[test]
    fn a_chosen_password_is_kept_dearly_and_recognised() {
        let text = hashed("correct horse battery").unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let kept: PasswordHash = text.parse().unwrap();
        assert_eq!(kept.cost(), Cost::Dear);
        assert!(kept.matches(b"correct horse battery"));
        assert_ne!(hashed("correct horse battery").unwrap(), text, "salted");
    }

    #[test]
    fn short_passwords_are_refused_with_a_hint() {
        for (password, expected) in [
            ("", "no password came"),
            ("hunter2", "7 characters"),
            ("äöüäöüäöüäö", "11 characters"),
        ] {
            let failure = hashed(password).unwrap_err();
            assert_eq!(failure.exit, Exit::Data);
            assert!(failure.text().contains(expected), "{}", failure.text());
            assert!(password.is_empty() || !failure.text().contains(password));
        }
    }

    #[test]
    fn the_lines_to_paste_are_toml_whatever_the_name() {
        let kept = PasswordHash::sha256(b"x");
        for name in ["crm", "the \"shop\"", "back\\slash", "caf\u{e9}"] {
            let table: toml::Table = toml_lines(name, &kept).parse().unwrap();
            let client = &table["client"][0];
            assert_eq!(client["username"].as_str(), Some(name));
            assert_eq!(client["passwords"][0].as_str(), Some(kept.to_string().as_str()));
        }
    }
}
