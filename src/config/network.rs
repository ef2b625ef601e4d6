//! `[[listener]] [[client]] [[upstream]]`: who talks SMTP to us, and to whom we talk.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::house::{BrandConfig, TopicConfig};
use super::section::Section;
use super::stream::StreamConfig;
use crate::base::{BrandId, DomainName, StreamId, TopicId, limits};

/// `[[listener]]`
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Its name, for streams and metrics.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The largest message in bytes, announced by SIZE (RFC 1870).
    pub message_bytes_max: usize,
    /// Recipients of one transaction (RFC 5321 §4.5.3.1.8: at least 100).
    pub recipients_max: usize,
    /// Connections at once.
    pub connections_max: usize,
}

/// What to do with a lone LF in content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BareLfConfig {
    /// Refuse the message.
    Reject,
    /// Turn it into CRLF.
    Normalize,
}

/// `[[client]]`
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Its name, for streams and logs.
    pub name: String,
    /// The networks it connects from.
    pub networks: Vec<IpNet>,
    /// Streams its mail may take; empty means any.
    pub streams: Vec<StreamId>,
    /// Brands it may name in `X-Consentry-Brand`.
    pub brands: Vec<BrandId>,
    /// Topics it may name in `X-Consentry-Topic`.
    pub topics: Vec<TopicId>,
    /// Whether it may claim `X-Consentry-Class: service`.
    pub may_claim_service: bool,
    /// Domains its reverse-paths may have; empty means any.
    pub reverse_path_domains: Vec<DomainName>,
    /// What to do with a lone LF in content.
    pub bare_lf: BareLfConfig,
}

/// `[[upstream]]`
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Host and port of the outbound MTA.
    pub address: String,
    /// Connections at once.
    pub connections_max: usize,
}

/// `[[listener]]`
pub(super) fn read_listeners(root: &Section<'_>) -> Vec<ListenerConfig> {
    let sections = root.tables("listener");
    if sections.is_empty() && !root.has("listener") {
        root.report("listener", "at least one [[listener]] is needed", "");
    }
    let mut listeners: Vec<ListenerConfig> = Vec::new();
    for section in sections {
        let name = section.text("name", "a name such as \"main\"");
        let listen = section.parsed("listen", "such as \"127.0.0.1:2525\"", str::parse);
        let message_bytes_max =
            section.size("message_bytes_max", 65_536..=1 << 30, 50 * 1024 * 1024);
        let recipients_max =
            section.integer("recipients_max", limits::RECIPIENTS_MIN as u64..=50_000, 1000);
        let connections_max = section.integer("connections_max", 1..=10_000, 200);
        if listeners.iter().any(|other| Some(&other.name) == name.as_ref()) {
            section.report("name", "stands twice", "");
        }
        section.finish();
        if let (Some(name), Some(listen)) = (name, listen) {
            listeners.push(ListenerConfig {
                name,
                listen,
                message_bytes_max,
                recipients_max: usize::try_from(recipients_max).unwrap_or(usize::MAX),
                connections_max: usize::try_from(connections_max).unwrap_or(usize::MAX),
            });
        }
    }
    listeners
}

/// `[[client]]`
pub(super) fn read_clients(root: &Section<'_>) -> Vec<ClientConfig> {
    let sections = root.tables("client");
    if sections.is_empty() && !root.has("client") {
        let hint = "nobody may send mail in until a [[client]] names a network";
        root.report("client", "at least one [[client]] is needed", hint);
    }
    let mut clients: Vec<ClientConfig> = Vec::new();
    for section in sections {
        let name = section.text("name", "a name such as \"shop\"");
        let networks = section.list("networks", parse_network);
        if networks.is_empty() {
            section.report("networks", "must name a network", "such as [\"127.0.0.1/32\"]");
        }
        let line_ends = [("reject", BareLfConfig::Reject), ("normalize", BareLfConfig::Normalize)];
        let client = ClientConfig {
            name: name.clone().unwrap_or_default(),
            networks,
            streams: section.list("streams", StreamId::parse),
            brands: section.list("brands", BrandId::parse),
            topics: section.list("topics", TopicId::parse),
            may_claim_service: section.flag_opt("may_claim_service").unwrap_or(false),
            reverse_path_domains: section.list("reverse_path_domains", DomainName::parse),
            bare_lf: section
                .choice("bare_lf", &line_ends, Some(BareLfConfig::Reject))
                .unwrap_or(BareLfConfig::Reject),
        };
        if clients.iter().any(|other| other.name == client.name) {
            section.report("name", "stands twice", "");
        }
        section.finish();
        clients.push(client);
    }
    clients
}

/// `[[upstream]]`: exactly one.
pub(super) fn read_upstream(root: &Section<'_>) -> Option<UpstreamConfig> {
    let mut sections = root.tables("upstream");
    if sections.len() != 1 {
        let message = format!("exactly one [[upstream]] is needed, found {}", sections.len());
        root.report("upstream", message, "the outbound MTA, such as address = \"127.0.0.1:25\"");
        return None;
    }
    let section = sections.pop()?;
    let hint = "host and port of the outbound MTA, such as \"127.0.0.1:25\"";
    let address = section.parsed("address", hint, |text| {
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        port.map(|_| text.to_owned()).ok_or("needs a host and a port")
    });
    let connections_max = section.integer("connections_max", 1..=1000, 20);
    section.finish();
    Some(UpstreamConfig {
        address: address?,
        connections_max: usize::try_from(connections_max).unwrap_or(usize::MAX),
    })
}

/// Rights may only name brands and topics that exist.
pub(super) fn check_rights(
    root: &Section<'_>,
    clients: &[ClientConfig],
    brands: &[BrandConfig],
    topics: &[TopicConfig],
    streams: &[StreamConfig],
) {
    for client in clients {
        for id in client.streams.iter().filter(|id| !streams.iter().any(|s| s.id == **id)) {
            let message = format!("`{}` may use stream `{id}`, which is not defined", client.name);
            root.report("client", message, "");
        }
        for id in client.brands.iter().filter(|id| !brands.iter().any(|b| b.id == **id)) {
            root.report(
                "client",
                format!("`{}` may name brand `{id}`, which is not defined", client.name),
                "",
            );
        }
        for id in client.topics.iter().filter(|id| !topics.iter().any(|t| t.id == **id)) {
            root.report(
                "client",
                format!("`{}` may name topic `{id}`, which is not defined", client.name),
                "",
            );
        }
    }
}

pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return Ok(IpNet::from(address));
    }
    text.parse::<IpNet>().map_err(|_| "is not a network such as 10.0.0.0/8".to_owned())
}
