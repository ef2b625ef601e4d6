//! Certificates for the tests: an authority, what it signs, and what strangers sign themselves.
//!
//! Everything is made anew for each test; nothing is ever valid outside it.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::outbound::{Identity, Tls, Trust};

/// The name our upstreams prove.
pub const NAME: &str = "mx.example.net";

/// An authority of the test's own, and the files that name it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

/// A certificate and its key.
pub struct Leaf {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn leaf(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut params = params(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Leaf { certificate, key }
    }

    /// The server everybody should trust.
    pub fn server(&self) -> Arc<ServerConfig> {
        server(&self.leaf(NAME, |_| {}))
    }

    /// The same, demanding a certificate of ours.
    pub fn demanding_server(&self) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let Leaf { certificate, key } = self.leaf(NAME, |_| {});
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate], private(&key))
            .unwrap();
        Arc::new(config)
    }

    /// The client that takes anybody.
    pub fn anybody(&self) -> Tls {
        Tls::load(NAME, &Trust::Anybody, None).unwrap()
    }

    /// The client that takes whom this authority vouches for as `name`.
    pub fn verified(&self, name: &str) -> Tls {
        Tls::load(name, &Trust::Authorities(self.path("ca.pem")), None).unwrap()
    }

    /// The same, able to prove itself.
    pub fn proving(&self) -> Tls {
        let Leaf { certificate, key } = self.leaf("relay.example", |_| {});
        let pem = pem_of(&certificate);
        let identity = Identity { certificate: self.path("us.pem"), key: self.path("us.key") };
        std::fs::write(&identity.certificate, pem).unwrap();
        std::fs::write(&identity.key, key.serialize_pem()).unwrap();
        Tls::load(NAME, &Trust::Authorities(self.path("ca.pem")), Some(&identity)).unwrap()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "test leaf");
    params
}

fn pem_of(certificate: &CertificateDer<'_>) -> String {
    let body = data_encoding::BASE64.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

/// A certificate nobody vouches for.
pub fn stranger() -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let certificate = params(NAME).self_signed(&key).unwrap().der().clone();
    server(&Leaf { certificate, key })
}

pub fn server(leaf: &Leaf) -> Arc<ServerConfig> {
    server_of(leaf, rustls::ALL_VERSIONS)
}

pub fn server_of(
    leaf: &Leaf,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.certificate.clone()], private(&leaf.key))
        .unwrap();
    Arc::new(config)
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}
