//! What a session needs to know of the configuration: names, limits, and one client's rights.
//!
//! Bounds the protocol sets (RFC 5321 §4.5.3.1.8, RFC 6531 §3.1) are enforced on reading them,
//! so that no configuration can fall below.

use crate::base::{DomainName, limits};
use crate::smtp::command::Extensions;
use crate::smtp::envelope::ReversePath;
use crate::smtp::framing::BareLf;

/// The protocol a listener speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// RFC 5321.
    #[default]
    Smtp,
    /// RFC 2033: LHLO, and one reply per recipient after the data.
    Lmtp,
}

/// Whether STARTTLS is offered (RFC 3207).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TlsOffer {
    /// It is not.
    #[default]
    None,
    /// It is.
    StartTls,
    /// It is, and nothing but EHLO, NOOP, RSET, HELP, STARTTLS and QUIT is served before it.
    Required,
}

/// Whether AUTH is offered (RFC 4954).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AuthOffer {
    /// It is not.
    #[default]
    None,
    /// Under TLS only.
    UnderTls,
    /// Without TLS too: the client is on this machine.
    Always,
}

/// Whether a session may send mail as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Admission {
    /// Its client is known.
    #[default]
    Known,
    /// Not before AUTH: MAIL is answered 530.
    AfterAuth,
}

/// The settings of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The name this server greets with.
    pub hostname: String,
    /// Bytes of one message at most, announced as SIZE.
    pub message_bytes_max: usize,
    /// Recipients of one transaction at most; fewer than [`limits::RECIPIENTS_MIN`] count as
    /// that many.
    pub recipients_max: usize,
    /// The optional extensions announced: those the upstream honours.
    pub extensions: Extensions,
    /// What a bare LF in the content means.
    pub bare_lf: BareLf,
    /// The number of refused commands that ends the session.
    pub errors_max: usize,
    /// The domains, each with all below it, that MAIL may name; `None` allows any. The null
    /// reverse-path is always allowed.
    pub reverse_path_domains: Option<Vec<DomainName>>,
    /// What is spoken.
    pub protocol: Protocol,
    /// Whether STARTTLS is offered.
    pub tls: TlsOffer,
    /// Whether AUTH is offered.
    pub auth: AuthOffer,
    /// Whether mail is taken before AUTH.
    pub admission: Admission,
}

impl Settings {
    /// The defaults under the name `hostname`.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            message_bytes_max: 50 * 1024 * 1024,
            recipients_max: 1000,
            extensions: Extensions { eight_bit_mime: true, smtputf8: true },
            bare_lf: BareLf::Reject,
            errors_max: 20,
            reverse_path_domains: None,
            protocol: Protocol::Smtp,
            tls: TlsOffer::None,
            auth: AuthOffer::None,
            admission: Admission::Known,
        }
    }

    pub(super) fn recipients_max(&self) -> usize {
        // RFC 5321 §4.5.3.1.8: at least 100 recipients.
        self.recipients_max.max(limits::RECIPIENTS_MIN)
    }

    pub(super) const fn extensions(&self) -> Extensions {
        let Extensions { eight_bit_mime, smtputf8 } = self.extensions;
        // RFC 6531 §3.1: whoever announces SMTPUTF8 announces 8BITMIME too.
        Extensions { eight_bit_mime, smtputf8: smtputf8 && eight_bit_mime }
    }

    /// The domain that must not be used, if the reverse-path has one.
    pub(super) fn forbidden_domain<'a>(&self, path: &'a ReversePath) -> Option<&'a DomainName> {
        let ReversePath::Path(path) = path else { return None };
        let domain = path.mailbox().domain();
        let allowed = self.reverse_path_domains.as_ref()?;
        (!allowed.iter().any(|parent| domain.is_within(parent))).then_some(domain)
    }
}
