//! `[[listener]]`: where clients connect, and what they find there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::paths;
use super::section::Section;
use crate::base::limits;

/// The protocol spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolConfig {
    /// RFC 5321: one reply for all recipients.
    Smtp,
    /// RFC 2033: one reply per recipient.
    Lmtp,
}

/// Whether and when the connection is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListenerTlsConfig {
    /// Never.
    Off,
    /// STARTTLS is offered (RFC 3207).
    StartTls,
    /// Nothing but STARTTLS is served before it.
    Required,
    /// From the first byte (RFC 8314 §3.3).
    Implicit,
}

/// Whether clients say who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthConfig {
    /// AUTH is not offered; clients are known by address.
    Off,
    /// AUTH is offered to those whom their address does not admit already, and to all others.
    Offered,
    /// Nobody sends mail without AUTH.
    Required,
}

/// Where a certificate and its key stand, both PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateConfig {
    /// The certificate, then its intermediates.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// `[[listener]]`
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Its name, for streams and metrics.
    pub name: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What it speaks.
    pub protocol: ProtocolConfig,
    /// Whether and when it encrypts.
    pub tls: ListenerTlsConfig,
    /// What it shows of itself; there unless `tls` is off.
    pub certificate: Option<CertificateConfig>,
    /// Whether clients authenticate.
    pub auth: AuthConfig,
    /// Whether AUTH is also offered without TLS to clients on loopback.
    pub has_auth_without_tls: bool,
    /// Proxies that tell the client's address by the PROXY protocol, and must.
    pub proxy_protocol: Vec<IpNet>,
    /// The largest message in bytes, announced by SIZE (RFC 1870).
    pub message_bytes_max: usize,
    /// Recipients of one transaction (RFC 5321 §4.5.3.1.8: at least 100).
    pub recipients_max: usize,
    /// Connections at once.
    pub connections_max: usize,
}

/// `[[listener]]`
pub(super) fn read_listeners(root: &Section<'_>, base: &Path) -> Vec<ListenerConfig> {
    let sections = root.tables("listener");
    if sections.is_empty() && !root.has("listener") {
        root.report("listener", "at least one [[listener]] is needed", "");
    }
    let mut listeners: Vec<ListenerConfig> = Vec::new();
    for section in sections {
        let listener = read_listener(&section, base);
        if let Some(listener) = listener {
            if listeners.iter().any(|other| other.name == listener.name) {
                section.report("name", "stands twice", "");
            }
            if listeners.iter().any(|other| other.listen == listener.listen) {
                section.report("listen", "stands twice", "each listener needs its own port");
            }
            listeners.push(listener);
        }
        section.finish();
    }
    listeners
}

fn read_listener(section: &Section<'_>, base: &Path) -> Option<ListenerConfig> {
    let name = section.text("name", "a name such as \"main\"");
    let listen = section.parsed("listen", "such as \"127.0.0.1:2525\"", str::parse);
    let message_bytes_max = section.size("message_bytes_max", 65_536..=1 << 30, 50 * 1024 * 1024);
    let recipients_max =
        section.integer("recipients_max", limits::RECIPIENTS_MIN as u64..=50_000, 1000);
    let connections_max = section.integer("connections_max", 1..=10_000, 200);
    let protocols = [("smtp", ProtocolConfig::Smtp), ("lmtp", ProtocolConfig::Lmtp)];
    let protocol = section.choice("protocol", &protocols, Some(ProtocolConfig::Smtp));
    let tls = section.choice(
        "tls",
        &[
            ("off", ListenerTlsConfig::Off),
            ("starttls", ListenerTlsConfig::StartTls),
            ("required", ListenerTlsConfig::Required),
            ("implicit", ListenerTlsConfig::Implicit),
        ],
        Some(ListenerTlsConfig::Off),
    );
    let certificate = read_certificate(section, base);
    let auths = [
        ("off", AuthConfig::Off),
        ("offered", AuthConfig::Offered),
        ("required", AuthConfig::Required),
    ];
    let auth = section.choice("auth", &auths, Some(AuthConfig::Off));
    let places = [("never", false), ("loopback", true)];
    let has_auth_without_tls = section.choice("auth_without_tls", &places, Some(false));
    let proxy_protocol = section.list("proxy_protocol", super::client::parse_network);
    let listener = ListenerConfig {
        name: name?,
        listen: listen?,
        protocol: protocol?,
        tls: tls?,
        certificate,
        auth: auth?,
        has_auth_without_tls: has_auth_without_tls?,
        proxy_protocol,
        message_bytes_max,
        recipients_max: usize::try_from(recipients_max).unwrap_or(usize::MAX),
        connections_max: usize::try_from(connections_max).unwrap_or(usize::MAX),
    };
    check_listener(section, &listener);
    Some(listener)
}

/// `certificate` and `key`, both or neither.
fn read_certificate(section: &Section<'_>, base: &Path) -> Option<CertificateConfig> {
    let certificate = section.text_opt("certificate").map(|path| paths::resolve(base, &path));
    let key = section.text_opt("key").map(|path| paths::resolve(base, &path));
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(CertificateConfig { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            section.report("key", "is missing", "the private key of `certificate`, PEM");
            None
        }
        (None, Some(_)) => {
            section.report("certificate", "is missing", "the certificate of `key`, PEM");
            None
        }
    }
}

fn check_listener(section: &Section<'_>, listener: &ListenerConfig) {
    let is_encrypted = listener.tls != ListenerTlsConfig::Off;
    if is_encrypted
        && listener.certificate.is_none()
        && !section.has("certificate")
        && !section.has("key")
    {
        let hint = "PEM files: certificate = \"tls/fullchain.pem\", key = \"tls/key.pem\"";
        section.report("certificate", "is missing: `tls` is on", hint);
    }
    if listener.auth != AuthConfig::Off && !is_encrypted && !listener.has_auth_without_tls {
        // RFC 4954 §4: passwords in clear are for nobody to read.
        let hint = "set `tls`, or `auth_without_tls = \"loopback\"` for clients on this machine";
        section.report("auth", "would never be offered: `tls` is off", hint);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{AuthConfig, Config, ListenerTlsConfig, ProtocolConfig};

    const EXAMPLE: &str = include_str!("../../config/consentry.toml");
    const AT: &str = "listen = \"127.0.0.1:2525\"\n";

    fn with(lines: &str) -> Result<Config, String> {
        assert!(EXAMPLE.contains(AT));
        let shown = ["protocol = \"smtp\"\n", "tls = \"off\"\n", "auth = \"off\"\n"];
        let spare = shown.iter().fold(EXAMPLE.to_owned(), |text, line| text.replacen(line, "", 1));
        let spare = spare.replacen("auth_without_tls = \"never\"\n", "", 1);
        let text = spare.replacen(AT, &format!("{AT}{lines}\n"), 1);
        Config::parse("test", &text, std::path::Path::new("/etc/consentry"))
            .map_err(|problems| problems.to_string())
    }

    #[track_caller]
    fn refuses(lines: &str, expected: &str) {
        let problems = with(lines).expect_err("the slip went unnoticed");
        assert!(problems.contains(expected), "{problems}");
    }

    #[test]
    fn a_listener_for_submission_reads_whole() {
        let config = with(
            "tls = \"required\"\ncertificate = \"tls/chain.pem\"\nkey = \"tls/key.pem\"\n\
             auth = \"required\"\nprotocol = \"lmtp\"\nproxy_protocol = [\"10.0.0.0/8\"]",
        )
        .unwrap();
        let listener = &config.listeners[0];
        assert_eq!(listener.tls, ListenerTlsConfig::Required);
        assert_eq!(listener.auth, AuthConfig::Required);
        assert_eq!(listener.protocol, ProtocolConfig::Lmtp);
        assert_eq!(listener.proxy_protocol.len(), 1);
        let certificate = listener.certificate.as_ref().unwrap();
        assert_eq!(certificate.key, std::path::Path::new("/etc/consentry/tls/key.pem"));
    }

    #[test]
    fn says_what_a_listener_lacks() {
        refuses("tls = \"starttls\"", "certificate: is missing");
        refuses("tls = \"starttls\"\ncertificate = \"c.pem\"", "key: is missing");
        refuses("auth = \"offered\"", "would never be offered");
        refuses("tls = \"yes\"", "one of: off, starttls, required, implicit");
    }

    #[test]
    fn passwords_in_clear_are_taken_on_loopback_if_the_operator_says_so() {
        let config = with("auth = \"offered\"\nauth_without_tls = \"loopback\"").unwrap();
        assert!(config.listeners[0].has_auth_without_tls);
    }
}
