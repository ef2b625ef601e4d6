//! Why a client session is of no use any more.
//!
//! Faults are the upstream's or the way's, never a message's: none of their replies is passed
//! on to a client. What became of a running job is told apart, as [`Failure`].

use thiserror::Error;

use super::job::Failure;
use crate::smtp::framing::ReplyFault;
use crate::smtp::reply::Reply;

/// Why a connection is of no use any more.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Fault {
    /// The banner, EHLO or HELO was not answered with yes.
    #[error("the upstream refused the session: {0}")]
    Refused(Reply),
    /// STARTTLS is demanded and not offered.
    #[error("the upstream does not offer STARTTLS")]
    TlsNotOffered,
    /// STARTTLS is demanded and was refused.
    #[error("the upstream refused STARTTLS: {0}")]
    TlsRefused(Reply),
    /// Bytes came between the reply to STARTTLS and the handshake: whoever sits in between
    /// wants them to be taken for what the upstream says under TLS.
    #[error("bytes came behind the reply to STARTTLS, before encryption: somebody may inject them")]
    Injected,
    /// A login is configured and the upstream offers no mechanism we know.
    #[error("a login is configured, but the upstream offers neither AUTH PLAIN nor AUTH LOGIN")]
    LoginNotOffered,
    /// A login is configured and anybody could read it.
    #[error("the password is kept back: the upstream has not proved its name under TLS")]
    LoginExposed,
    /// The login was refused, for now or for good.
    #[error("the upstream refused the login: {0}")]
    LoginRefused(Reply),
    /// A 421.
    #[error("the upstream closes the session: {0}")]
    Closing(Reply),
    /// A reply that does not fit the command; 530 means it wants authentication.
    #[error("the upstream's reply does not fit: {0}")]
    Unfitting(Reply),
    /// Bytes came although nothing was asked.
    #[error("the upstream sent bytes nobody asked for")]
    Unasked,
    /// Bytes that are no reply.
    #[error(transparent)]
    Garbled(#[from] ReplyFault),
    /// The connection ended.
    #[error("the connection was lost")]
    Lost,
    /// A reply did not come in time.
    #[error("the upstream did not answer in time")]
    Timeout,
}

impl Fault {
    /// What the recipients of a job that met this fault are told.
    pub(super) const fn failure(&self) -> Failure {
        match self {
            Self::Lost => Failure::Lost,
            Self::Timeout => Failure::Timeout,
            Self::Refused(_)
            | Self::TlsNotOffered
            | Self::TlsRefused(_)
            | Self::Injected
            | Self::LoginNotOffered
            | Self::LoginExposed
            | Self::LoginRefused(_)
            | Self::Closing(_)
            | Self::Unfitting(_)
            | Self::Unasked
            | Self::Garbled(_) => Failure::Session,
        }
    }
}
