//! `[[upstream]]`: the outbound MTA, how the way to it is protected, and who we are there.

use std::path::{Path, PathBuf};

use super::listener::CertificateConfig;
use super::paths;
use super::section::Section;
use crate::base::DomainName;

/// How much the way to the upstream is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpstreamTlsConfig {
    /// Not at all.
    Off,
    /// Encrypted if the upstream offers it, whoever it is.
    Opportunistic,
    /// Encrypted or not used, whoever it is.
    Required,
    /// Encrypted, and the upstream proves its name.
    Verified,
}

/// When encryption begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsBeginConfig {
    /// After STARTTLS (RFC 3207).
    StartTls,
    /// With the first byte (RFC 8314 §3.3), as on port 465.
    AtOnce,
}

/// Who we are at the upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginConfig {
    /// The user name.
    pub username: String,
    /// The file whose first line is the password.
    pub password_file: PathBuf,
}

/// `[[upstream]]`
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Host and port of the outbound MTA.
    pub address: String,
    /// Connections at once.
    pub connections_max: usize,
    /// How much the way is protected.
    pub tls: UpstreamTlsConfig,
    /// When encryption begins.
    pub tls_begin: TlsBeginConfig,
    /// Certificates of authorities to trust instead of the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The name the upstream proves; its host if `None`.
    pub server_name: Option<DomainName>,
    /// What we prove ourselves with, if the upstream asks.
    pub client_certificate: Option<CertificateConfig>,
    /// What we log in with, if at all.
    pub login: Option<LoginConfig>,
}

/// `[[upstream]]`: exactly one.
pub(super) fn read_upstream(root: &Section<'_>, base: &Path) -> Option<UpstreamConfig> {
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
    let levels = [
        ("off", UpstreamTlsConfig::Off),
        ("opportunistic", UpstreamTlsConfig::Opportunistic),
        ("required", UpstreamTlsConfig::Required),
        ("verified", UpstreamTlsConfig::Verified),
    ];
    let tls = section.choice("tls", &levels, Some(UpstreamTlsConfig::Opportunistic));
    let begins = [("starttls", TlsBeginConfig::StartTls), ("at_once", TlsBeginConfig::AtOnce)];
    let tls_begin = section.choice("tls_begin", &begins, Some(TlsBeginConfig::StartTls));
    let path = |key: &str| section.text_opt(key).map(|path| paths::resolve(base, &path));
    let ca_file = path("ca_file");
    let server_name = section.parsed_opt("server_name", DomainName::parse);
    let client_certificate = both(
        &section,
        ("client_certificate", path("client_certificate")),
        ("client_key", path("client_key")),
    )
    .map(|(certificate, key)| CertificateConfig { certificate, key });
    let username = section.text_opt("username");
    let login = both(&section, ("username", username), ("password_file", path("password_file")))
        .map(|(username, password_file)| LoginConfig { username, password_file });
    let upstream = UpstreamConfig {
        address: address?,
        connections_max: usize::try_from(connections_max).unwrap_or(usize::MAX),
        tls: tls?,
        tls_begin: tls_begin?,
        ca_file,
        server_name,
        client_certificate,
        login,
    };
    check_upstream(&section, &upstream);
    section.finish();
    Some(upstream)
}

/// Two keys of which neither makes sense alone.
fn both<A, B>(
    section: &Section<'_>,
    one: (&str, Option<A>),
    other: (&str, Option<B>),
) -> Option<(A, B)> {
    match (one.1, other.1) {
        (Some(first), Some(second)) => Some((first, second)),
        (None, None) => None,
        (Some(_), None) => {
            section.report(other.0, format!("is missing: `{}` needs it", one.0), "");
            None
        }
        (None, Some(_)) => {
            section.report(one.0, format!("is missing: `{}` needs it", other.0), "");
            None
        }
    }
}

fn check_upstream(section: &Section<'_>, upstream: &UpstreamConfig) {
    use UpstreamTlsConfig::{Off, Opportunistic, Required, Verified};
    match upstream.tls {
        Off => {
            for key in ["ca_file", "server_name", "client_certificate"] {
                if section.has(key) {
                    section.report(key, "has no effect: `tls` is off", "");
                }
            }
        }
        Opportunistic | Required => {
            for key in ["ca_file", "server_name"] {
                if section.has(key) {
                    let hint = "set tls = \"verified\"";
                    section.report(key, "has no effect: only `verified` checks names", hint);
                }
            }
        }
        Verified => {}
    }
    let is_opportunistic = matches!(upstream.tls, Off | Opportunistic);
    if is_opportunistic && upstream.tls_begin == TlsBeginConfig::AtOnce {
        let hint = "set tls = \"required\" or \"verified\"";
        section.report("tls_begin", "`at_once` leaves no choice", hint);
    }
    if upstream.login.is_some() && upstream.tls != Verified && !is_loopback(&upstream.address) {
        // Whoever sits in between would otherwise be given the password.
        let hint = "set tls = \"verified\"";
        section.report("username", "a password needs an upstream that proves its name", hint);
    }
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, TlsBeginConfig, UpstreamTlsConfig};

    const EXAMPLE: &str = include_str!("../../config/consentry.toml");

    fn with(address: &str, lines: &str) -> Result<Config, String> {
        let at = "address = \"127.0.0.1:25\"\n";
        assert!(EXAMPLE.contains(at));
        let shown = ["tls = \"opportunistic\"\n", "tls_begin = \"starttls\"\n"];
        let spare = shown.iter().fold(EXAMPLE.to_owned(), |text, line| text.replacen(line, "", 1));
        let text = spare.replacen(at, &format!("address = \"{address}\"\n{lines}\n"), 1);
        Config::parse("test", &text, std::path::Path::new("/etc/consentry"))
            .map_err(|problems| problems.to_string())
    }

    #[track_caller]
    fn refuses(address: &str, lines: &str, expected: &str) {
        let problems = with(address, lines).expect_err("the slip went unnoticed");
        assert!(problems.contains(expected), "{problems}");
    }

    #[test]
    fn a_provider_reads_whole() {
        let config = with(
            "smtp.example.net:465",
            "tls = \"verified\"\ntls_begin = \"at_once\"\nserver_name = \"mx.example.net\"\n\
             username = \"key\"\npassword_file = \"credential:upstream\"",
        )
        .unwrap();
        let upstream = &config.upstream;
        assert_eq!(upstream.tls, UpstreamTlsConfig::Verified);
        assert_eq!(upstream.tls_begin, TlsBeginConfig::AtOnce);
        assert_eq!(upstream.login.as_ref().unwrap().username, "key");
    }

    #[test]
    fn passwords_go_only_to_upstreams_that_prove_their_name() {
        let login = "username = \"key\"\npassword_file = \"password\"";
        refuses("smtp.example.net:587", login, "proves its name");
        let required = format!("tls = \"required\"\n{login}");
        refuses("smtp.example.net:587", &required, "proves its name");
        assert!(with("127.0.0.1:587", login).is_ok());
    }

    #[test]
    fn says_what_makes_no_sense() {
        refuses("127.0.0.1:25", "username = \"key\"", "password_file");
        refuses("127.0.0.1:25", "client_key = \"key.pem\"", "client_certificate");
        refuses("127.0.0.1:25", "ca_file = \"ca.pem\"", "only `verified` checks names");
        refuses("127.0.0.1:25", "tls_begin = \"at_once\"", "leaves no choice");
        refuses("127.0.0.1:25", "tls = \"off\"\nserver_name = \"a.example\"", "no effect");
    }
}
