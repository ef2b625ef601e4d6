//! `[[client]]`: who may send mail in, and what that mail may be and claim.
//!
//! A client is known by its address, by a user name and password, or by both.

use ipnet::IpNet;

use super::house::{BrandConfig, TopicConfig};
use super::listener::{AuthConfig, ListenerConfig};
use super::section::Section;
use super::stream::StreamConfig;
use crate::base::{BrandId, DomainName, PasswordHash, StreamId, TopicId};

/// Octets of a user name at most.
const USERNAME_BYTES_MAX: usize = 128;

/// What to do with a lone LF in content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BareLfConfig {
    /// Refuse the message.
    Reject,
    /// Turn it into CRLF.
    Normalize,
}

/// How a client authenticates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialConfig {
    /// Its user name.
    pub username: String,
    /// Any of these; two while one is being replaced.
    pub passwords: Vec<PasswordHash>,
}

/// `[[client]]`
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Its name, for streams and logs.
    pub name: String,
    /// The networks it connects from; empty means any, for clients that authenticate.
    pub networks: Vec<IpNet>,
    /// How it authenticates; `None` means its address is enough.
    pub credential: Option<CredentialConfig>,
    /// Streams its mail may take; empty means any.
    pub streams: Vec<StreamId>,
    /// Brands it may name in `X-Consentry-Brand`.
    pub brands: Vec<BrandId>,
    /// Topics it may name in `X-Consentry-Topic`.
    pub topics: Vec<TopicId>,
    /// Whether it may claim `X-Consentry-Class: service`.
    pub may_claim_service: bool,
    /// Whether it may tell of sales in `X-Consentry-Evidence`.
    pub may_record: bool,
    /// Domains its reverse-paths may have; empty means any.
    pub reverse_path_domains: Vec<DomainName>,
    /// What to do with a lone LF in content.
    pub bare_lf: BareLfConfig,
}

/// `[[client]]`
pub(super) fn read_clients(root: &Section<'_>, listeners: &[ListenerConfig]) -> Vec<ClientConfig> {
    let sections = root.tables("client");
    if sections.is_empty() && !root.has("client") {
        let hint = "nobody may send mail in until a [[client]] names a network or a user name";
        root.report("client", "at least one [[client]] is needed", hint);
    }
    let has_auth = listeners.iter().any(|listener| listener.auth != AuthConfig::Off);
    let mut clients: Vec<ClientConfig> = Vec::new();
    for section in sections {
        let client = read_client(&section);
        if clients.iter().any(|other| other.name == client.name) {
            section.report("name", "stands twice", "");
        }
        let username = client.credential.as_ref().map(|c| &c.username);
        if username.is_some()
            && clients.iter().any(|o| o.credential.as_ref().map(|c| &c.username) == username)
        {
            section.report("username", "stands twice", "");
        }
        if username.is_some() && !has_auth {
            let hint = "set `auth = \"offered\"` or \"required\" on a [[listener]]";
            section.report("username", "no listener offers AUTH", hint);
        }
        section.finish();
        clients.push(client);
    }
    clients
}

fn read_client(section: &Section<'_>) -> ClientConfig {
    let name = section.text("name", "a name such as \"shop\"");
    let networks = section.list("networks", parse_network);
    let credential = read_credential(section);
    if networks.is_empty() && !section.has("username") {
        section.report("networks", "must name a network", "such as [\"127.0.0.1/32\"]");
    }
    let line_ends = [("reject", BareLfConfig::Reject), ("normalize", BareLfConfig::Normalize)];
    ClientConfig {
        name: name.unwrap_or_default(),
        networks,
        credential,
        streams: section.list("streams", StreamId::parse),
        brands: section.list("brands", BrandId::parse),
        topics: section.list("topics", TopicId::parse),
        may_claim_service: section.flag_opt("may_claim_service").unwrap_or(false),
        may_record: section.flag_opt("may_record").unwrap_or(false),
        reverse_path_domains: section.list("reverse_path_domains", DomainName::parse),
        bare_lf: section
            .choice("bare_lf", &line_ends, Some(BareLfConfig::Reject))
            .unwrap_or(BareLfConfig::Reject),
    }
}

fn read_credential(section: &Section<'_>) -> Option<CredentialConfig> {
    let username = section.parsed_opt("username", username);
    let passwords = section.list("passwords", str::parse);
    let hint = "make one with `consentry credential new`";
    if section.has("username") && !section.has("passwords") {
        section.report("passwords", "is missing", hint);
    }
    if section.has("passwords") && !section.has("username") {
        section.report("username", "is missing", "the user name the client gives in AUTH");
    }
    Some(CredentialConfig { username: username?, passwords })
}

fn username(text: &str) -> Result<String, &'static str> {
    let is_fit =
        !text.is_empty() && text.len() <= USERNAME_BYTES_MAX && !text.chars().any(char::is_control);
    is_fit.then(|| text.to_owned()).ok_or("must have 1 to 128 octets, no control characters")
}

/// Rights may only name brands, topics and streams that exist.
pub(super) fn check_rights(
    root: &Section<'_>,
    clients: &[ClientConfig],
    brands: &[BrandConfig],
    topics: &[TopicConfig],
    streams: &[StreamConfig],
) {
    let report = |client: &ClientConfig, what: String| {
        let message = format!("`{}` may use {what}, which is not defined", client.name);
        root.report("client", message, "");
    };
    for client in clients {
        for id in client.streams.iter().filter(|id| !streams.iter().any(|s| s.id == **id)) {
            report(client, format!("stream `{id}`"));
        }
        for id in client.brands.iter().filter(|id| !brands.iter().any(|b| b.id == **id)) {
            report(client, format!("brand `{id}`"));
        }
        for id in client.topics.iter().filter(|id| !topics.iter().any(|t| t.id == **id)) {
            report(client, format!("topic `{id}`"));
        }
    }
}

pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return Ok(IpNet::from(address));
    }
    text.parse::<IpNet>().map_err(|_| "is not a network such as 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::base::PasswordHash;
    use crate::config::Config;

    const EXAMPLE: &str = include_str!("../../config/consentry.toml");

    fn with(client: &str, listener: &str) -> Result<Config, String> {
        let at = "listen = \"127.0.0.1:2525\"\n";
        let spare = EXAMPLE.replace("auth = \"off\"\n", "");
        let spare = spare.replace("auth_without_tls = \"never\"\n", "");
        let text = spare.replacen(at, &format!("{at}{listener}\n"), 1);
        let text = text.replacen("[[upstream]]", &format!("[[client]]\n{client}\n[[upstream]]"), 1);
        Config::parse("test", &text, std::path::Path::new("/etc/consentry"))
            .map_err(|problems| problems.to_string())
    }

    const OFFERED: &str = "auth = \"offered\"\nauth_without_tls = \"loopback\"";

    #[track_caller]
    fn refuses(client: &str, listener: &str, expected: &str) {
        let problems = with(client, listener).expect_err("the slip went unnoticed");
        assert!(problems.contains(expected), "{problems}");
    }

    #[test]
    fn a_client_may_authenticate_instead_of_naming_networks() {
        let kept = PasswordHash::sha256(b"secret");
        let client = format!("name = \"crm\"\nusername = \"crm\"\npasswords = [\"{kept}\"]");
        let config = with(&client, OFFERED).unwrap();
        let credential = config.clients.last().unwrap().credential.as_ref().unwrap();
        assert_eq!(credential.username, "crm");
        assert!(credential.passwords[0].matches(b"secret"));
        refuses(&client, "", "no listener offers AUTH");
    }

    #[test]
    fn says_what_a_credential_lacks() {
        refuses("name = \"crm\"\nusername = \"crm\"", OFFERED, "credential new");
        refuses("name = \"crm\"", OFFERED, "must name a network");
        let clear = "name = \"crm\"\nusername = \"crm\"\npasswords = [\"hunter2\"]";
        refuses(clear, OFFERED, "is not a kept password");
    }
}
