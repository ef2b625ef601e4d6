//! What a session needs to know of the configuration: names, limits, and one client's rights.
//!
//! Bounds the protocol sets (RFC 5321 §4.5.3.1.8, RFC 6531 §3.1) are enforced on reading them,
//! so that no configuration can fall below.

use crate::base::{DomainName, limits};
use crate::smtp::command::Extensions;
use crate::smtp::envelope::ReversePath;
use crate::smtp::framing::BareLf;

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
