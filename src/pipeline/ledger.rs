//! Fates and claims: what the ledger remembers about recipients of a message still open.
//!
//! The key of a message is its fingerprint; a retry with other content is another message.

use crate::base::{Digest, Timestamp};
use crate::smtp::{ForwardPath, ReversePath};

/// Names a message across retries: SHA-256 of who submits it, the reverse-path and the
/// content without its leading Received/Return-Path run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fingerprint(Digest);

impl Fingerprint {
    /// The fingerprint of a message submitted by `submitter` (a listener or credential).
    pub fn of(submitter: &str, reverse_path: &ReversePath, content_after_trace: &[u8]) -> Self {
        Self(Digest::of_parts(&[
            b"fingerprint v1",
            submitter.as_bytes(),
            reverse_path.written().as_bytes(),
            content_after_trace,
        ]))
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// Names one recipient of one message without keeping the address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FateKey([u8; 16]);

impl FateKey {
    /// The key of `recipient` in the message `fingerprint` names.
    pub fn of(fingerprint: &Fingerprint, recipient: &ForwardPath) -> Self {
        let path = recipient.ledger_form();
        Self(Digest::of_parts(&[b"fate v1", fingerprint.as_bytes(), path.as_bytes()]).short())
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What finally became of a recipient. Final fates are not tried again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    /// The upstream took the copy.
    Accepted,
    /// The upstream refused the copy for good and a notice about it was accepted.
    Refused,
    /// Denied by law, and a notice about it was accepted by the upstream.
    Notified,
}

/// What the ledger knows about one recipient of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LedgerEntry {
    /// The final fate, if there is one.
    pub fate: Option<Fate>,
    /// Whether another attempt is under way right now (a live claim).
    pub is_claimed: bool,
    /// When a copy for this recipient was first deferred.
    pub first_deferred_at: Option<Timestamp>,
}

/// What one attempt learnt about a recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// A final fate.
    Final(Fate),
    /// To be tried again; the claim is released.
    Deferred,
    /// Not tried, or unknown; the claim is released and nothing else changes.
    Released,
}
