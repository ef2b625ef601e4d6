//! Certificates made for a test, and what is said about those that cannot be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::base::Timestamp;
use crate::inbound::{IdentityError, ServerIdentity};

/// A self-signed certificate and its key in a folder of their own.
pub struct Issued {
    folder: TempDir,
    pub der: CertificateDer<'static>,
}

impl Issued {
    pub fn new() -> Self {
        Self::between(2020, 2120)
    }

    /// Valid between the first days of these years.
    pub fn between(from: i32, to: i32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["relay.example".to_owned(), "mail.relay.example".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("chain.pem"), certificate.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        Self { folder, der: certificate.der().clone() }
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    pub fn identity(&self) -> Arc<ServerIdentity> {
        Arc::new(ServerIdentity::load(&self.certificate(), &self.key()).unwrap())
    }
}

#[track_caller]
fn refuses(certificate: &Path, key: &Path, expected: &str) {
    let error = ServerIdentity::load(certificate, key).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(expected), "{text}");
}

#[test]
fn tells_until_when_and_for_whom_a_certificate_is() {
    let identity = Issued::between(2020, 2031).identity();
    assert_eq!(identity.not_after(), Timestamp::parse("2031-01-01").unwrap());
    assert_eq!(identity.names(), ["relay.example", "mail.relay.example"]);
    let shown = format!("{identity:?}");
    assert!(shown.contains("relay.example") && !shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn says_what_is_wrong_with_files_and_what_would_be_right() {
    let (one, other) = (Issued::new(), Issued::new());
    let missing = one.folder.path().join("missing.pem");
    refuses(&missing, &one.key(), "cannot read");
    refuses(&missing, &one.key(), "missing.pem");
    refuses(&one.certificate(), &missing, "readable by the relay's user");
    refuses(&one.key(), &one.key(), "no certificate in");
    refuses(&one.certificate(), &one.certificate(), "no private key in");
    refuses(&one.certificate(), &other.key(), "does not fit the first certificate");
    let broken = one.folder.path().join("broken.pem");
    let text = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    fs::write(&broken, text).unwrap();
    refuses(&broken, &one.key(), "is not PEM");
    fs::write(&broken, text.replace('!', "AAAA")).unwrap();
    refuses(&broken, &one.key(), "have it issued again");
    fs::write(&broken, text.replace("CERTIFICATE", "PRIVATE KEY").replace('!', "AAAA")).unwrap();
    refuses(&one.certificate(), &broken, "cannot use the private key");
}

#[test]
fn a_certificate_out_of_its_time_loads_and_is_told_apart() {
    let now = Timestamp::parse("2026-06-01").unwrap();
    let check = |issued: Issued| issued.identity().check_at(now);
    assert!(check(Issued::new()).is_ok());
    let expired = check(Issued::between(2020, 2026)).unwrap_err();
    assert!(matches!(expired, IdentityError::Expired { .. }));
    assert!(expired.to_string().ends_with("expired at 2026-01-01T00:00:00Z: renew it"));
    let early = check(Issued::between(2027, 2030)).unwrap_err();
    assert!(early.to_string().contains("is not valid before 2027-01-01"), "{early}");
}

#[test]
fn nothing_older_than_tls_1_2_is_spoken_and_no_process_default_is_set() {
    let config = Issued::new().identity().config();
    let versions: Vec<_> = config
        .crypto_provider()
        .cipher_suites
        .iter()
        .map(|suite| suite.version().version)
        .collect();
    assert!(versions.iter().all(|version| {
        [rustls::ProtocolVersion::TLSv1_2, rustls::ProtocolVersion::TLSv1_3].contains(version)
    }));
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
