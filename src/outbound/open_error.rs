//! Why there is no connection to the upstream, and what kind of trouble that is.
//!
//! All of it is ours or the upstream's, never a message's: clients are told 451. The texts are
//! for the operator's log.

use std::error::Error;
use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::pipeline::UpstreamFault;
use crate::smtp::client::Fault;

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The upstream cannot be reached.
    #[error("cannot connect to the upstream")]
    Connect(#[source] io::Error),
    /// Connecting took too long.
    #[error("connecting to the upstream took too long")]
    ConnectTimeout,
    /// The way cannot be encrypted as demanded.
    #[error("the way to the upstream cannot be encrypted")]
    Tls(#[source] TlsFailure),
    /// The upstream does not take our login, or could not be given it safely.
    #[error("cannot log in at the upstream")]
    Login(#[source] Fault),
    /// The login was refused a short while ago; trying on would get the account locked.
    #[error("the upstream refused the login; it rests for {} s more", .0.as_secs() + 1)]
    HeldBack(Duration),
    /// An attempt of another copy, at the same time, has just failed.
    #[error("another attempt to connect to the upstream has just failed")]
    Alike(OpenFault),
    /// The upstream was reached and is of no use.
    #[error(transparent)]
    Session(Fault),
}

/// Why the way is not encrypted.
#[derive(Debug, Error)]
pub enum TlsFailure {
    /// It was not begun.
    #[error(transparent)]
    NotBegun(Fault),
    /// The handshake failed, or what came right behind it. Note: under TLS 1.3 a server that
    /// refuses us, for want of a client certificate say, does so after our handshake is done.
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
    /// The handshake took too long.
    #[error("the TLS handshake took too long")]
    HandshakeTimeout,
}

/// The kinds of trouble with opening a connection, for metrics.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OpenFault {
    /// The name was not resolved, or nobody answered there.
    Connect,
    /// Something took too long.
    Timeout,
    /// TLS is demanded and not offered, or the handshake failed.
    Tls,
    /// The upstream's certificate does not prove what it must.
    Certificate,
    /// It does not take our login.
    Login,
    /// No usable banner or reply to EHLO.
    Session,
}

impl OpenError {
    /// What kind of trouble it is.
    pub fn fault(&self) -> OpenFault {
        match self {
            Self::Connect(_) => OpenFault::Connect,
            Self::ConnectTimeout | Self::Session(Fault::Timeout) => OpenFault::Timeout,
            Self::Tls(TlsFailure::Handshake(error)) if is_about_certificate(error) => {
                OpenFault::Certificate
            }
            Self::Tls(_) => OpenFault::Tls,
            Self::Login(_) | Self::HeldBack(_) => OpenFault::Login,
            Self::Alike(fault) => *fault,
            Self::Session(_) => OpenFault::Session,
        }
    }

    /// The error with all its causes, in one line for the log.
    pub fn whole(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl OpenFault {
    /// What the recipients of a copy are counted under.
    pub const fn upstream_fault(self) -> UpstreamFault {
        match self {
            Self::Connect => UpstreamFault::Connect,
            Self::Timeout => UpstreamFault::Timeout,
            Self::Tls | Self::Certificate => UpstreamFault::Tls,
            Self::Login => UpstreamFault::Login,
            Self::Session => UpstreamFault::Session,
        }
    }
}

fn is_about_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}
