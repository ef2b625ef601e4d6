//! Who a listener is under TLS: its certificate and key, read whole and checked before use.
//!
//! rustls with the aws-lc-rs provider, named here and never taken from the process; TLS 1.2 at
//! least (RFC 8996). Clients' certificates are not asked for: clients are known by address or
//! password.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, ServerConfig};
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::base::Timestamp;

/// Why a certificate and key cannot be used.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}: it must exist and be readable by the relay's user", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not PEM.
    #[error("{} is not PEM: expected base64 between `-----BEGIN …-----` lines", file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// No certificate.
    #[error(
        "no certificate in {}: expected `-----BEGIN CERTIFICATE-----`, the server's own first, \
         then its intermediates", file.display()
    )]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// No key.
    #[error(
        "no private key in {}: expected `-----BEGIN PRIVATE KEY-----`, without a passphrase",
        file.display()
    )]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// The certificate is garbled.
    #[error("the first certificate in {} cannot be read: have it issued again", file.display())]
    NotX509 {
        /// The file.
        file: PathBuf,
    },
    /// The key cannot sign.
    #[error("cannot use the private key in {}: expected ECDSA, Ed25519 or RSA", file.display())]
    UnusableKey {
        /// The file.
        file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// They belong to different pairs.
    #[error(
        "the private key in {} does not fit the first certificate in {}: the server's own \
         certificate comes first, and both are of the same issue", key.display(),
        certificate.display()
    )]
    KeyMismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate is over.
    #[error("the certificate in {} expired at {at}: renew it", file.display())]
    Expired {
        /// The file.
        file: PathBuf,
        /// Its end.
        at: Timestamp,
    },
    /// The certificate has not begun.
    #[error(
        "the certificate in {} is not valid before {at}: check this machine's clock",
        file.display()
    )]
    NotYetValid {
        /// The file.
        file: PathBuf,
        /// Its beginning.
        at: Timestamp,
    },
}

/// A certificate and its key, ready to serve.
pub struct ServerIdentity {
    config: Arc<ServerConfig>,
    file: PathBuf,
    not_before: Timestamp,
    not_after: Timestamp,
    names: Vec<String>,
}

impl ServerIdentity {
    /// Reads both files. An expired certificate is read too: see [`Self::check_at`].
    ///
    /// # Errors
    /// [`IdentityError`] names the file and the remedy.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let chain = certificates(certificate)?;
        let leaf = chain.first().and_then(|leaf| {
            x509_parser::parse_x509_certificate(leaf).ok().map(|(_, parsed)| Leaf::of(&parsed))
        });
        let leaf = leaf.ok_or_else(|| IdentityError::NotX509 { file: certificate.to_owned() })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let signer = CertifiedKey::from_der(chain, private_key(key)?, &provider);
        let signer = signer.map_err(|source| match source {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                IdentityError::KeyMismatch {
                    certificate: certificate.to_owned(),
                    key: key.to_owned(),
                }
            }
            source => IdentityError::UnusableKey { file: key.to_owned(), source },
        })?;
        let Leaf { not_before, not_after, names } = leaf;
        let config = Arc::new(server_config(provider, signer));
        Ok(Self { config, file: certificate.to_owned(), not_before, not_after, names })
    }

    /// When the certificate ends.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The names the certificate is for.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether clients can trust the certificate at `now`, as far as its dates go.
    ///
    /// # Errors
    /// It is over, or has not begun.
    pub fn check_at(&self, now: Timestamp) -> Result<(), IdentityError> {
        let file = || self.file.clone();
        if now > self.not_after {
            return Err(IdentityError::Expired { file: file(), at: self.not_after });
        }
        if now < self.not_before {
            return Err(IdentityError::NotYetValid { file: file(), at: self.not_before });
        }
        Ok(())
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity")
            .field("file", &self.file)
            .field("names", &self.names)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// What is read from the server's own certificate.
struct Leaf {
    not_before: Timestamp,
    not_after: Timestamp,
    names: Vec<String>,
}

impl Leaf {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let validity = certificate.validity();
        let moment = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let names = alternative.map(|extension| &extension.value.general_names);
        let names: Vec<String> = names.into_iter().flatten().filter_map(dns_name).collect();
        Self {
            not_before: moment(validity.not_before.timestamp()),
            not_after: moment(validity.not_after.timestamp()),
            names,
        }
    }
}

fn dns_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    }
}

fn server_config(provider: Arc<CryptoProvider>, signer: CertifiedKey) -> ServerConfig {
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("the provider has cipher suites for both versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(signer)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let text = read(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|source| IdentityError::NotPem { file: file.to_owned(), source })?;
    if chain.is_empty() {
        return Err(IdentityError::NoCertificate { file: file.to_owned() });
    }
    Ok(chain)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|source| match source {
        pem::Error::NoItemsFound => IdentityError::NoKey { file: file.to_owned() },
        source => IdentityError::NotPem { file: file.to_owned(), source },
    })
}

fn read(file: &Path) -> Result<Vec<u8>, IdentityError> {
    fs::read(file).map_err(|source| IdentityError::Unreadable { file: file.to_owned(), source })
}
