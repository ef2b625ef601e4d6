//! The questions of `init`: given as options, or asked for on a terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::base::{DomainName, JurisdictionId, Mailbox};
use crate::cli::exit::{Exit, Failure, OrExit as _};
use crate::eligibility::RuleBook;

/// What was given as options.
#[derive(Args, Debug)]
pub(super) struct Given {
    /// Where the sending firm is established, such as `uk` or `be`.
    #[arg(long, value_name = "ID")]
    jurisdiction: Option<String>,
    /// The legal name of the firm that sends.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    /// Its postal address, shown in every footer.
    #[arg(long, value_name = "TEXT")]
    postal_address: Option<String>,
    /// The brand recipients know it by.
    #[arg(long, value_name = "NAME")]
    brand: Option<String>,
    /// The domain its marketing mail is From.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// This machine's full host name.
    #[arg(long, value_name = "DOMAIN")]
    hostname: Option<String>,
    /// The https address of the unsubscribe pages.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Host and port of the outbound MTA.
    #[arg(long, value_name = "HOST:PORT")]
    upstream: Option<String>,
    /// The networks mailers connect from, separated by commas.
    #[arg(long, value_name = "NETWORKS")]
    mailers: Option<String>,
    /// The mailbox notices about refused recipients go to.
    #[arg(long, value_name = "ADDRESS")]
    notices: Option<String>,
}

/// The answers, each of the right form.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) jurisdiction: String,
    pub(super) entity: String,
    pub(super) postal_address: String,
    pub(super) brand: String,
    pub(super) domain: String,
    pub(super) hostname: String,
    pub(super) public_url: String,
    pub(super) upstream: String,
    pub(super) mailers: Vec<String>,
    pub(super) notices: String,
}

/// Takes what was given and asks for the rest; without a terminal, nothing can be asked.
pub(super) fn ask(given: &Given) -> Result<Answers, Failure> {
    let one = |option: &str, question: &str, given: &Option<String>, check: Check| {
        answer(option, question, given.as_deref(), check)
    };
    let mailers = one(
        "mailers",
        "Networks your mailers connect from (such as 127.0.0.0/8, 10.1.0.0/16)",
        &given.mailers,
        network_list,
    )?;
    Ok(Answers {
        jurisdiction: one(
            "jurisdiction",
            "Country the sending firm is established in",
            &given.jurisdiction,
            jurisdiction,
        )?,
        entity: one("entity", "Legal name of the firm that sends", &given.entity, text)?,
        postal_address: one("postal-address", "Its postal address", &given.postal_address, text)?,
        brand: one("brand", "Brand recipients know it by", &given.brand, text)?,
        domain: one("domain", "Domain its marketing mail is From", &given.domain, domain)?,
        hostname: one("hostname", "This machine's full host name", &given.hostname, domain)?,
        public_url: one(
            "public-url",
            "https address of the unsubscribe pages",
            &given.public_url,
            text,
        )?,
        upstream: one("upstream", "Outbound MTA, host:port", &given.upstream, text)?,
        mailers: mailers.split(',').map(|network| network.trim().to_owned()).collect(),
        notices: one(
            "notices",
            "Mailbox for notices about refused recipients",
            &given.notices,
            mailbox,
        )?,
    })
}

type Check = fn(&str) -> Result<(), String>;

fn answer(
    option: &str,
    question: &str,
    given: Option<&str>,
    check: Check,
) -> Result<String, Failure> {
    if let Some(text) = given {
        check(text.trim())
            .map_err(|wrong| anyhow!("--{option} `{text}`: {wrong}"))
            .or_exit(Exit::Usage)?;
        return Ok(text.trim().to_owned());
    }
    if !io::stdin().is_terminal() {
        let error = anyhow!("--{option} is missing, and there is no terminal to ask: {question}");
        return Err(Failure::new(Exit::Usage, error));
    }
    loop {
        let mut out = io::stdout().lock();
        let asked = write!(out, "{question}: ").and_then(|()| out.flush());
        asked.context("cannot ask").or_exit(Exit::Unavailable)?;
        let mut line = String::new();
        let length = io::stdin().lock().read_line(&mut line).or_exit(Exit::NoInput)?;
        if length == 0 {
            return Err(Failure::new(Exit::NoInput, anyhow!("the answers ended early")));
        }
        match check(line.trim()) {
            Ok(()) => return Ok(line.trim().to_owned()),
            Err(wrong) => {
                let _ = writeln!(out, "  {wrong}");
            }
        }
    }
}

fn text(answer: &str) -> Result<(), String> {
    let is_fit = !answer.is_empty() && !answer.chars().any(char::is_control);
    is_fit.then_some(()).ok_or_else(|| "must not be empty".to_owned())
}

fn domain(answer: &str) -> Result<(), String> {
    DomainName::parse(answer).map(|_| ()).map_err(|error| error.to_string())
}

fn mailbox(answer: &str) -> Result<(), String> {
    Mailbox::parse(answer).map(|_| ()).map_err(|error| error.to_string())
}

fn network_list(answer: &str) -> Result<(), String> {
    for part in answer.split(',').map(str::trim) {
        let is_network =
            part.parse::<ipnet::IpNet>().is_ok() || part.parse::<std::net::IpAddr>().is_ok();
        if !is_network {
            return Err(format!("`{part}` is not a network such as 10.0.0.0/8"));
        }
    }
    Ok(())
}

fn jurisdiction(answer: &str) -> Result<(), String> {
    let book = RuleBook::builtin();
    let known = |id: &JurisdictionId| book.knows(id);
    if JurisdictionId::parse(answer).is_ok_and(|id| known(&id)) {
        return Ok(());
    }
    let mut ids: Vec<String> = book.sets().map(|set| set.id().to_string()).collect();
    ids.dedup();
    Err(format!("no rule set for it; known: {}", ids.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::{domain, jurisdiction, mailbox, network_list, text};

    #[test]
    fn answers_are_checked_with_the_remedy() {
        assert!(jurisdiction("uk").is_ok());
        assert!(jurisdiction("atlantis").unwrap_err().contains("known: at, au, be"));
        assert!(network_list("127.0.0.0/8, 10.0.0.1").is_ok());
        assert!(network_list("127.0.0.0/8 10.0.0.1").unwrap_err().contains("is not a network"));
        assert!(text("").is_err() && text("a\nb").is_err() && text("Acme").is_ok());
        assert!(domain("example.com").is_ok() && domain("not a domain").is_err());
        assert!(mailbox("ops@example.com").is_ok() && mailbox("ops").is_err());
    }
}
