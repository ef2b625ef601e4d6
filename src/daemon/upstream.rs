//! From the checked configuration to the settings of the way to the upstream.
//!
//! All files it names are read and tried here, for start, `check` and reload alike: a password
//! or certificate that cannot be used is found before the first message needs it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::base::Redacted;
use crate::config::{Config, LoginConfig, TlsBeginConfig, UpstreamConfig, UpstreamTlsConfig};
use crate::outbound::{self, Identity, Protection, Tls, Trust};
use crate::smtp::client::Login;

/// The settings of the connections to the upstream.
///
/// # Errors
/// A certificate, key or password file cannot be read or used; the text names it and says what
/// to do.
pub(super) fn settings(config: &Config) -> anyhow::Result<outbound::Settings> {
    let upstream = &config.upstream;
    let login = upstream.login.as_ref().map(login).transpose();
    Ok(outbound::Settings {
        connections_max: upstream.connections_max,
        protection: protection(upstream).context("[[upstream]]: TLS cannot be set up")?,
        login: login.context("[[upstream]]: the login cannot be used")?,
        ..outbound::Settings::new(&upstream.address, config.node.hostname.as_str())
    })
}

fn protection(upstream: &UpstreamConfig) -> anyhow::Result<Protection> {
    let trust = match upstream.tls {
        UpstreamTlsConfig::Off => return Ok(Protection::Off),
        UpstreamTlsConfig::Opportunistic | UpstreamTlsConfig::Required => Trust::Anybody,
        UpstreamTlsConfig::Verified => match &upstream.ca_file {
            Some(file) => Trust::Authorities(file.clone()),
            None => Trust::System,
        },
    };
    let identity = upstream
        .client_certificate
        .as_ref()
        .map(|ours| Identity { certificate: ours.certificate.clone(), key: ours.key.clone() });
    let server_name = match &upstream.server_name {
        Some(name) => name.as_str(),
        None => host(&upstream.address),
    };
    let tls = Tls::load(server_name, &trust, identity.as_ref())?;
    Ok(match (upstream.tls, upstream.tls_begin) {
        (UpstreamTlsConfig::Off, _) => Protection::Off,
        (UpstreamTlsConfig::Opportunistic, _) => Protection::Opportunistic(tls),
        (UpstreamTlsConfig::Required | UpstreamTlsConfig::Verified, TlsBeginConfig::StartTls) => {
            Protection::StartTls(tls)
        }
        (UpstreamTlsConfig::Required | UpstreamTlsConfig::Verified, TlsBeginConfig::AtOnce) => {
            Protection::AtOnce(tls)
        }
    })
}

/// The host of `host:port`, as certificates name it: no brackets, no scope.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.split_once('%').map_or(host, |(host, _)| host)
}

fn login(config: &LoginConfig) -> anyhow::Result<Login> {
    // RFC 4616 §2: NUL separates the two, so neither can hold one.
    ensure!(!config.username.contains('\0'), "`username` holds a NUL");
    let password = password(&config.password_file)?;
    Ok(Login { username: config.username.clone(), password: Redacted::new(password) })
}

/// The first line of a file.
fn password(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| {
        format!("cannot read {shown}: its first line must be the password, readable by the service")
    })?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("the first line of {shown} is empty: write the password there");
    }
    ensure!(!line.contains('\0'), "the password in {shown} holds a NUL: write it as plain text");
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{host, settings};
    use crate::config::Config;
    use crate::outbound::Protection;

    const EXAMPLE: &str = include_str!("../../config/consentry.toml");

    /// The example with `[[upstream]]` replaced, its paths relative to `base`.
    fn config(base: &Path, upstream: &str) -> Config {
        let start = EXAMPLE.find("[[upstream]]").unwrap();
        let end = start + EXAMPLE[start..].find("\n\n").unwrap();
        let text = format!("{}[[upstream]]\n{upstream}{}", &EXAMPLE[..start], &EXAMPLE[end..]);
        Config::parse("test", &text, base).unwrap()
    }

    #[track_caller]
    fn refuses(base: &Path, upstream: &str, expected: &[&str]) {
        let error = settings(&config(base, upstream)).expect_err("settings nobody can use");
        let text = format!("{error:#}");
        for part in expected {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_name_to_prove_is_the_host_of_the_address() {
        let cases = [
            ("mx.example.net:25", "mx.example.net"),
            ("192.0.2.1:25", "192.0.2.1"),
            ("[2001:db8::1]:25", "2001:db8::1"),
            ("[fe80::1%2]:25", "fe80::1"),
        ];
        for (address, expected) in cases {
            assert_eq!(host(address), expected);
        }
    }

    #[test]
    fn each_level_becomes_its_protection() {
        let folder = tempfile::tempdir().unwrap();
        let ours = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.pem"), ours.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), ours.signing_key.serialize_pem()).unwrap();
        let name = |lines: &str| {
            let upstream = format!("address = \"192.0.2.1:25\"\n{lines}\n");
            match settings(&config(folder.path(), &upstream)).unwrap().protection {
                Protection::Off => "off",
                Protection::Opportunistic(_) => "opportunistic",
                Protection::StartTls(_) => "starttls",
                Protection::AtOnce(_) => "at once",
            }
        };
        assert_eq!(name("tls = \"off\""), "off");
        assert_eq!(name(""), "opportunistic");
        assert_eq!(name("tls = \"required\""), "starttls");
        assert_eq!(name("tls = \"required\"\ntls_begin = \"at_once\""), "at once");
        let identity = "client_certificate = \"ca.pem\"\nclient_key = \"key.pem\"";
        assert_eq!(
            name(&format!("tls = \"verified\"\nca_file = \"ca.pem\"\n{identity}")),
            "starttls"
        );
    }

    #[test]
    fn the_password_is_the_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let login = "address = \"127.0.0.1:25\"\nusername = \"key\"\npassword_file = \"pw\"\n";
        for (text, expected) in
            [("se cret", "se cret"), ("hunter\n", "hunter"), ("swordfish\r\ny\n", "swordfish")]
        {
            std::fs::write(folder.path().join("pw"), text).unwrap();
            let settings = settings(&config(folder.path(), login)).unwrap();
            assert_eq!(settings.login.as_ref().unwrap().password.expose(), expected);
            assert!(!format!("{settings:?}").contains(expected), "never shown");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        let login = "address = \"127.0.0.1:25\"\nusername = \"key\"\npassword_file = \"pw\"\n";
        refuses(base, login, &["login", "pw", "first line", "No such file"]);
        std::fs::write(base.join("pw"), "\nsecret\n").unwrap();
        refuses(base, login, &["pw", "is empty", "write the password"]);
        let verified =
            "address = \"mx.example.net:25\"\ntls = \"verified\"\nca_file = \"ca.pem\"\n";
        refuses(base, verified, &["TLS", "ca.pem", "must exist"]);
        std::fs::write(base.join("ca.pem"), "nothing of use").unwrap();
        refuses(base, verified, &["ca.pem", "certificate in PEM"]);
        let odd = "address = \"mx example:25\"\n";
        refuses(base, odd, &["mx example", "server_name"]);
    }

    #[test]
    fn a_certificate_and_a_strange_key_do_not_go_together() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, other] = [1, 2]
            .map(|_| rcgen::generate_simple_self_signed(["relay.example".to_owned()]).unwrap());
        std::fs::write(folder.path().join("cert.pem"), ours.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), other.signing_key.serialize_pem()).unwrap();
        let upstream = "address = \"127.0.0.1:25\"\ntls = \"required\"\n\
                        client_certificate = \"cert.pem\"\nclient_key = \"key.pem\"\n";
        refuses(folder.path(), upstream, &["cert.pem", "key.pem", "client certificate"]);
        std::fs::write(folder.path().join("key.pem"), ours.cert.pem()).unwrap();
        refuses(folder.path(), upstream, &["key.pem", "private key in PEM"]);
    }
}
