//! `[node] [keys] [http] [rules] [log]`: the process and its surroundings.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use super::paths;
use super::section::Section;
use crate::base::{DomainName, JurisdictionId, NodeId};

/// `[node]`
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The node's id: names its journal chain and its claims.
    pub id: NodeId,
    /// The host name said in banners, EHLO and `Received`.
    pub hostname: DomainName,
    /// How long a client may wait for the reply after DATA.
    pub reply_deadline: Duration,
    /// After how long a deferred recipient becomes refused with a notice.
    pub deferral_max: Duration,
    /// How long a stop waits for transactions under way.
    pub drain_deadline: Duration,
}

/// `[keys]`
#[derive(Clone, Debug)]
pub struct KeysConfig {
    /// The keyring file.
    pub file: PathBuf,
}

/// `[http]`
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The https address mail carries, without a trailing slash.
    pub public_url: String,
    /// Where the public pages listen.
    pub public_listen: SocketAddr,
    /// Where metrics and health listen.
    pub operations_listen: SocketAddr,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A mailbox somebody reads, added to `List-Unsubscribe` as a mailto.
    pub mailto: Option<String>,
}

/// `[rules]`
#[derive(Clone, Debug, Default)]
pub struct RulesConfig {
    /// A folder of rule sets that replace or add to the built-in ones.
    pub dir: Option<PathBuf>,
    /// The operator's own values for policy choices, and what was accepted by name.
    pub choices: Option<PathBuf>,
    /// A folder of notices that officers approved for everybody.
    pub approvals: Option<PathBuf>,
    /// Where recipients are if neither record nor stream says so.
    pub jurisdiction_default: Option<JurisdictionId>,
}

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormatConfig {
    /// For people; with priorities and without times where the journal adds its own.
    Text,
    /// One JSON object per line.
    Json,
}

/// What log lines say about persons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PersonalDataConfig {
    /// Addresses are masked.
    Masked,
    /// Addresses stand in clear.
    Shown,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The form of log lines.
    pub format: LogFormatConfig,
    /// Which lines are written: a level, or targets with levels.
    pub filter: String,
    /// What they say about persons.
    pub personal_data: PersonalDataConfig,
}

/// `[node]`
pub(super) fn read_node(root: &Section<'_>) -> Option<NodeConfig> {
    let section = required(root, "node")?;
    let id = section.parsed("id", "a short name such as \"gate-1\"", NodeId::parse);
    let hint = "this machine's full host name, such as \"gate.example.com\"";
    let hostname = section.parsed("hostname", hint, DomainName::parse);
    let seconds = Duration::from_secs;
    // Postfix as a proxy client waits 100 s; most mailers wait longer.
    let reply_deadline =
        section.duration("reply_deadline", seconds(20)..=seconds(600), seconds(50));
    let hours = |n: u64| seconds(n * 3600);
    let deferral_max = section.duration("deferral_max", hours(0)..=hours(120), hours(4));
    let drain_deadline = section.duration("drain_deadline", seconds(1)..=seconds(600), seconds(60));
    section.finish();
    Some(NodeConfig { id: id?, hostname: hostname?, reply_deadline, deferral_max, drain_deadline })
}

/// `[keys]`
pub(super) fn read_keys(root: &Section<'_>, base: &Path) -> Option<KeysConfig> {
    let section = required(root, "keys")?;
    let hint = "the keyring file; make one with `consentry key new`";
    let file = section.text("file", hint);
    section.finish();
    Some(KeysConfig { file: paths::resolve(base, &file?) })
}

/// `[http]`
pub(super) fn read_http(root: &Section<'_>) -> Option<HttpConfig> {
    let section = required(root, "http")?;
    let hint = "the address mail carries, such as \"https://mail.example.com\"";
    let public_url = section.parsed("public_url", hint, public_url);
    let listen = |key: &str| section.parsed(key, "such as \"127.0.0.1:8025\"", str::parse);
    let public_listen = listen("public_listen");
    let operations_listen = listen("operations_listen");
    let mailto = section
        .parsed_opt("mailto", |text| crate::base::Mailbox::parse(text).map(|_| text.to_owned()));
    if public_listen.is_some() && public_listen == operations_listen {
        let hint = "the public must not reach metrics; choose another port";
        section.report("operations_listen", "is the same as public_listen", hint);
    }
    let trusted_proxies = section.list("trusted_proxies", super::client::parse_network);
    section.finish();
    Some(HttpConfig {
        trusted_proxies,
        public_url: public_url?,
        public_listen: public_listen?,
        operations_listen: operations_listen?,
        mailto,
    })
}

/// `[rules]`, which may be left out.
pub(super) fn read_rules(root: &Section<'_>, base: &Path) -> RulesConfig {
    let Some(section) = root.table_opt("rules") else { return RulesConfig::default() };
    let dir = section.text_opt("dir").map(|dir| base.join(dir));
    let choices = section.text_opt("choices").map(|file| base.join(file));
    let approvals = section.text_opt("approvals").map(|dir| base.join(dir));
    let jurisdiction_default = section.parsed_opt("jurisdiction_default", JurisdictionId::parse);
    section.finish();
    RulesConfig { dir, choices, approvals, jurisdiction_default }
}

/// `[log]`, which may be left out.
pub(super) fn read_log(root: &Section<'_>) -> LogConfig {
    let mut log = LogConfig {
        format: LogFormatConfig::Text,
        filter: "info".to_owned(),
        personal_data: PersonalDataConfig::Masked,
    };
    let Some(section) = root.table_opt("log") else { return log };
    let formats = [("text", LogFormatConfig::Text), ("json", LogFormatConfig::Json)];
    log.format = section.choice("format", &formats, Some(log.format)).unwrap_or(log.format);
    log.filter = section.text_opt("filter").unwrap_or(log.filter);
    let choices = [("masked", PersonalDataConfig::Masked), ("shown", PersonalDataConfig::Shown)];
    let personal_data = section.choice("personal_data", &choices, Some(log.personal_data));
    log.personal_data = personal_data.unwrap_or(log.personal_data);
    section.finish();
    log
}

/// A table that must stand in the file.
pub(super) fn required<'a>(root: &Section<'a>, key: &str) -> Option<Section<'a>> {
    let section = root.table_opt(key);
    if !root.has(key) {
        root.report(key, "the table is missing", "see config/consentry.toml for every key");
    }
    section
}

/// RFC 8058 §3.1 wants https; plain http is taken on loopback only, for demonstrations.
fn public_url(text: &str) -> Result<String, &'static str> {
    let text = text.trim_end_matches('/');
    let rest = text.strip_prefix("https://").or_else(|| {
        text.strip_prefix("http://")
            .filter(|rest| rest.starts_with("127.0.0.1") || rest.starts_with("localhost"))
    });
    let rest = rest.ok_or("must begin with https:// (http:// on 127.0.0.1 only)")?;
    let is_plain = !rest.is_empty()
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b));
    if !is_plain || text.len() > 200 {
        return Err("must be a plain address of at most 200 characters without query");
    }
    Ok(text.to_owned())
}
