//! What is handed to the upstream, and what becomes of it.
//!
//! A [`Dispatch`] has private fields and its makers stand in this folder: a recorded plan, a
//! notice of one, or service mail. Whoever holds one may send it; nobody else can make one.

use crate::mail::MailData;
use crate::smtp::{Body, ForwardPath, Reply, ReversePath};

/// What to do when the upstream takes some recipients and asks to retry others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnDeferredRecipient {
    /// Send to those it takes.
    SendToOthers,
    /// Send to nobody: RSET before DATA, because nothing could remember who got it.
    Abort,
}

/// One upstream transaction: an envelope and the mail data for it.
#[derive(Clone, Debug)]
pub struct Dispatch {
    pub(super) reverse_path: ReversePath,
    pub(super) forward_paths: Vec<ForwardPath>,
    pub(super) body: Body,
    pub(super) smtputf8: bool,
    pub(super) data: MailData,
    pub(super) on_deferred: OnDeferredRecipient,
}

impl Dispatch {
    /// The argument of MAIL.
    pub const fn reverse_path(&self) -> &ReversePath {
        &self.reverse_path
    }

    /// The arguments of RCPT, in order; never empty.
    pub fn forward_paths(&self) -> &[ForwardPath] {
        &self.forward_paths
    }

    /// The declared body type.
    pub const fn body(&self) -> Body {
        self.body
    }

    /// Whether the upstream must offer SMTPUTF8.
    pub const fn smtputf8(&self) -> bool {
        self.smtputf8
    }

    /// The mail data, before dot-stuffing.
    pub const fn data(&self) -> &MailData {
        &self.data
    }

    /// What to do when only some recipients are taken.
    pub const fn on_deferred(&self) -> OnDeferredRecipient {
        self.on_deferred
    }
}

/// Why a copy could not be tried or finished for reasons that are not a reply to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UpstreamFault {
    /// No connection, or a refused one.
    Connect,
    /// The way cannot be encrypted as the operator demands.
    Tls,
    /// The upstream does not take our login.
    Login,
    /// No usable banner, EHLO reply, or a 421 at any point.
    Session,
    /// The connection was lost before the final dot.
    Lost,
    /// A reply did not come within the time RFC 5321 §4.5.3.2 grants.
    Timeout,
    /// Not started: the reply deadline was too near, or the client had gone.
    NotStarted,
    /// Another recipient of the same dispatch was deferred and [`OnDeferredRecipient::Abort`]
    /// asked to send to nobody.
    Withheld,
}

impl UpstreamFault {
    /// A label for metrics and journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::Session => "session",
            Self::Lost => "lost",
            Self::Timeout => "timeout",
            Self::NotStarted => "not_started",
            Self::Withheld => "withheld",
        }
    }
}

/// What became of one recipient of a dispatch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The upstream answered the final dot with 2xx.
    Accepted(Reply),
    /// A 5xx to MAIL, RCPT, DATA or the final dot; or a capability the upstream lacks.
    Refused(Reply),
    /// A 4xx to MAIL, RCPT, DATA or the final dot (never 421).
    Deferred(Reply),
    /// Not decided by a reply to this copy: to be answered with our own 451.
    Failed(UpstreamFault),
    /// The connection was lost after the final dot: nobody knows. Never retried by us.
    InDoubt,
}
