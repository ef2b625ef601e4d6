//! The envelope: who sends to whom, exactly as the client wrote it (RFC 5321 §2.3.1).

use std::net::IpAddr;

use crate::base::{Mailbox, Timestamp, TransactionId};
use crate::mail::RawMessage;
use crate::smtp::via::Via;

/// A path without its angle brackets: the written bytes and what they mean.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Path {
    written: String,
    mailbox: Mailbox,
}

impl Path {
    /// A path from what stood between the angle brackets (source route removed) and its
    /// parsed mailbox.
    pub fn new(written: impl Into<String>, mailbox: Mailbox) -> Self {
        Self { written: written.into(), mailbox }
    }

    /// The written form, sent on verbatim.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The mailbox it names.
    pub const fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl std::fmt::Debug for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Path(…@{})", self.mailbox.domain())
    }
}

/// Where refusals and failures go: the argument of MAIL.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReversePath {
    /// `<>`: notices about notices are not wanted (RFC 5321 §4.5.5).
    Null,
    /// A mailbox.
    Path(Path),
}

impl ReversePath {
    /// What stands between the angle brackets.
    pub fn written(&self) -> &str {
        match self {
            Self::Null => "",
            Self::Path(path) => path.written(),
        }
    }
}

/// One recipient: the argument of RCPT.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ForwardPath {
    /// `<postmaster>` without a domain (RFC 5321 §4.1.1.3), as written.
    Postmaster(String),
    /// A mailbox.
    Path(Path),
}

impl ForwardPath {
    /// What stands between the angle brackets.
    pub fn written(&self) -> &str {
        match self {
            Self::Postmaster(written) => written,
            Self::Path(path) => path.written(),
        }
    }

    /// The mailbox; `None` for the bare postmaster.
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Postmaster(_) => None,
            Self::Path(path) => Some(path.mailbox()),
        }
    }

    /// The byte-exact path with its domain lower-cased: what names a recipient in the ledger.
    pub fn ledger_form(&self) -> String {
        match self {
            Self::Postmaster(_) => "postmaster".to_owned(),
            Self::Path(path) => {
                format!("{}@{}", path.mailbox().local_part(), path.mailbox().domain())
            }
        }
    }
}

/// What the client declared about the content's bytes (RFC 6152).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Body {
    /// `BODY=7BIT` or nothing.
    #[default]
    SevenBit,
    /// `BODY=8BITMIME`.
    EightBitMime,
}

/// Everything said before DATA.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The argument of MAIL.
    pub reverse_path: ReversePath,
    /// The arguments of the accepted RCPTs, in order; never empty in a transaction.
    pub forward_paths: Vec<ForwardPath>,
    /// The declared body type.
    pub body: Body,
    /// Whether SMTPUTF8 was asked for (RFC 6531).
    pub smtputf8: bool,
}

/// The connection a transaction came over, as far as later rooms need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The client's address.
    pub ip: IpAddr,
    /// What it said in EHLO or HELO.
    pub helo: String,
    /// How it talked to us.
    pub via: Via,
    /// The name of the listener it came in by.
    pub listener: String,
    /// The name of its `[[client]]` in the configuration.
    pub client: String,
}

/// One complete SMTP transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its number, made by the shell.
    pub id: TransactionId,
    /// Where it came from.
    pub peer: Peer,
    /// Who sends to whom.
    pub envelope: Envelope,
    /// The mail data.
    pub content: RawMessage,
    /// When end-of-data arrived.
    pub received_at: Timestamp,
}
