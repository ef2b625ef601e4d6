//! How the way to the upstream is encrypted, and what it must prove (RFC 3207, RFC 8314).
//!
//! Files are read once, when settings are built, so that a bad one is found at start, `check`
//! or reload and never by a message. TLS 1.2 at least; no ALPN, for SMTP has none.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use thiserror::Error;

use super::unproven::Unproven;
use crate::smtp::client::Channel;

/// How the way to the upstream is protected.
#[derive(Clone, Debug, Default)]
pub enum Protection {
    /// Not at all.
    #[default]
    Off,
    /// By STARTTLS if that succeeds, else not at all.
    Opportunistic(Tls),
    /// By STARTTLS, or the upstream is not used.
    StartTls(Tls),
    /// From the first byte.
    AtOnce(Tls),
}

/// Whom to take for the upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Whoever answers: this keeps listeners out, and nobody else.
    Anybody,
    /// Who proves the name by an authority this system knows.
    System,
    /// Who proves the name by an authority in this file, PEM.
    Authorities(PathBuf),
}

/// What we prove ourselves with, if the upstream asks; both PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The file of our certificate, then its intermediates.
    pub certificate: PathBuf,
    /// The file of its private key.
    pub key: PathBuf,
}

/// Why the way cannot be encrypted as told.
#[derive(Debug, Error)]
pub enum TlsSettingsError {
    /// What the upstream is to prove is no name.
    #[error("`{0}` is neither a host name nor an IP address: set `server_name`")]
    ServerName(String),
    /// A file cannot be read.
    #[error("cannot read {}: it must exist and be readable by the service", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not PEM, or holds nothing of what is needed.
    #[error("{} holds no usable {expected} in PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A certificate is no authority.
    #[error("certificate {number} of {} cannot be an authority", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Which of its certificates, from 1.
        number: usize,
        /// Why.
        source: rustls::Error,
    },
    /// The system knows no authority.
    #[error("this system knows no certificate authority: install ca-certificates or set `ca_file`")]
    NoSystemAuthorities,
    /// Certificate and key do not belong together, or are of no known kind.
    #[error("{} and {} do not make a client certificate", certificate.display(), key.display())]
    Identity {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The library refuses its own defaults.
    #[error("TLS 1.2 and 1.3 are not available")]
    Versions(#[source] rustls::Error),
}

/// The client's side of TLS towards one upstream.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    channel: Channel,
}

impl Tls {
    /// Reads all files; `server_name` is the name or IP address the upstream proves.
    ///
    /// # Errors
    /// [`TlsSettingsError`], naming the file and what to do.
    pub fn load(
        server_name: &str,
        trust: &Trust,
        identity: Option<&Identity>,
    ) -> Result<Self, TlsSettingsError> {
        let name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| TlsSettingsError::ServerName(server_name.to_owned()))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = verifier(trust, provider)?;
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => with_identity(builder, identity)?,
        };
        let channel = match trust {
            Trust::Anybody => Channel::Exposed,
            Trust::System | Trust::Authorities(_) => Channel::Trusted,
        };
        Ok(Self { config: Arc::new(config), server_name: name, channel })
    }

    pub(super) const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    pub(super) const fn server_name(&self) -> &ServerName<'static> {
        &self.server_name
    }

    /// What a connection is once the handshake has succeeded.
    pub(super) const fn channel(&self) -> Channel {
        self.channel
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("server_name", &self.server_name)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

type Verifying = ConfigBuilder<ClientConfig, WantsClientCert>;

fn verifier(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Verifying, TlsSettingsError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsSettingsError::Versions)?;
    Ok(match trust {
        Trust::Anybody => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unproven::new(provider)))
        }
        Trust::System => builder.with_root_certificates(system_authorities()?),
        Trust::Authorities(path) => builder.with_root_certificates(authorities(path)?),
    })
}

fn system_authorities() -> Result<RootCertStore, TlsSettingsError> {
    // Note: single files the system cannot read do no harm as long as others are there; an
    // upstream whose authority is missing fails closed.
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() { Err(TlsSettingsError::NoSystemAuthorities) } else { Ok(roots) }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsSettingsError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(path)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|source| TlsSettingsError::Authority {
            path: path.to_owned(),
            number: index + 1,
            source,
        })?;
    }
    Ok(roots)
}

fn with_identity(
    builder: Verifying,
    identity: &Identity,
) -> Result<ClientConfig, TlsSettingsError> {
    let chain = certificates(&identity.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&identity.key)?)
        .map_err(|source| no_pem(&identity.key, "private key", source))?;
    builder.with_client_auth_cert(chain, key).map_err(|source| TlsSettingsError::Identity {
        certificate: identity.certificate.clone(),
        key: identity.key.clone(),
        source,
    })
}

/// All certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsSettingsError> {
    let text = read(path)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(no_pem(path, "certificate", pem::Error::NoItemsFound)),
        Ok(found) => Ok(found),
        Err(source) => Err(no_pem(path, "certificate", source)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsSettingsError> {
    fs::read(path).map_err(|source| TlsSettingsError::Read { path: path.to_owned(), source })
}

fn no_pem(path: &Path, expected: &'static str, source: pem::Error) -> TlsSettingsError {
    TlsSettingsError::Pem { path: path.to_owned(), expected, source }
}
