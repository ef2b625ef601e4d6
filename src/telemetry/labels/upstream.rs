//! Labels of what the outbound MTA said: outcome, reply code, enhanced code's subject, fault.

use super::labels;
use crate::pipeline::{Outcome, UpstreamFault};
use crate::smtp::Reply;

labels! {
    /// What became of one recipient at the upstream.
    OutcomeLabel {
        /// Taken.
        Accepted = "accepted",
        /// Refused for good.
        Refused = "refused",
        /// Refused for now.
        Deferred = "deferred",
        /// Not tried to the end.
        Failed = "failed",
        /// Unknown.
        InDoubt = "in_doubt",
    }

    /// The upstream's reply code; what is rare is summed up by its first digit.
    UpstreamReplyLabel {
        /// Taken.
        Positive = "2xx",
        /// Service going away.
        Code421 = "421",
        /// Mailbox busy; greylisting, with many.
        Code450 = "450",
        /// Local error.
        Code451 = "451",
        /// Too much at present.
        Code452 = "452",
        /// Another transient reply.
        Transient = "4xx",
        /// No such mailbox, or refused by policy.
        Code550 = "550",
        /// Not local.
        Code551 = "551",
        /// Too large, or the mailbox is full.
        Code552 = "552",
        /// The address is not allowed.
        Code553 = "553",
        /// Transaction failed.
        Code554 = "554",
        /// Another permanent reply.
        Permanent = "5xx",
    }

    /// The subject of the upstream's enhanced status code (RFC 3463 §4).
    SubjectLabel {
        /// X.0: other, or undefined.
        Other = "other",
        /// X.1: the address.
        Address = "address",
        /// X.2: the mailbox.
        Mailbox = "mailbox",
        /// X.3: the mail system.
        MailSystem = "mail_system",
        /// X.4: network and routing.
        Network = "network",
        /// X.5: the protocol.
        Protocol = "protocol",
        /// X.6: the content.
        Content = "content",
        /// X.7: security and policy.
        Policy = "policy",
        /// The reply had no enhanced code.
        Absent = "absent",
    }

    /// Why a copy was not decided by a reply to it.
    FaultLabel {
        /// No connection.
        Connect = "connect",
        /// The way cannot be encrypted as demanded.
        Tls = "tls",
        /// Our login is not taken.
        Login = "login",
        /// No usable session, or a 421.
        Session = "session",
        /// The connection was lost before the final dot.
        Lost = "lost",
        /// A reply did not come in time.
        Timeout = "timeout",
        /// Not started: too late, or the client had gone.
        NotStarted = "not_started",
        /// Held back because another recipient was deferred.
        Withheld = "withheld",
    }

    /// Why there is no connection to the upstream.
    UpstreamConnectionFault {
        /// The name was not resolved, or nobody answered there.
        Connect = "connect",
        /// Connecting took too long.
        Timeout = "timeout",
        /// TLS was not offered where it is required, or the handshake failed.
        Tls = "tls",
        /// The upstream's certificate is not the expected one.
        Certificate = "certificate",
        /// It does not accept our credentials.
        Authentication = "authentication",
        /// No usable banner or EHLO reply.
        Session = "session",
    }
}

impl OutcomeLabel {
    /// The label of `outcome`.
    pub const fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted(_) => Self::Accepted,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Deferred(_) => Self::Deferred,
            Outcome::Failed(_) => Self::Failed,
            Outcome::InDoubt => Self::InDoubt,
        }
    }
}

impl UpstreamReplyLabel {
    /// The label of `reply`; an intermediate reply never ends a copy and counts as transient.
    pub const fn of(reply: &Reply) -> Self {
        match reply.code() {
            200..=299 => Self::Positive,
            421 => Self::Code421,
            450 => Self::Code450,
            451 => Self::Code451,
            452 => Self::Code452,
            300..=499 => Self::Transient,
            550 => Self::Code550,
            551 => Self::Code551,
            552 => Self::Code552,
            553 => Self::Code553,
            554 => Self::Code554,
            _ => Self::Permanent,
        }
    }
}

impl SubjectLabel {
    /// The label of `reply`; a subject nobody registered counts as other.
    pub const fn of(reply: &Reply) -> Self {
        let Some(status) = reply.status() else { return Self::Absent };
        match status.subject {
            1 => Self::Address,
            2 => Self::Mailbox,
            3 => Self::MailSystem,
            4 => Self::Network,
            5 => Self::Protocol,
            6 => Self::Content,
            7 => Self::Policy,
            _ => Self::Other,
        }
    }
}

impl FaultLabel {
    /// The label of `fault`.
    pub const fn of(fault: UpstreamFault) -> Self {
        match fault {
            UpstreamFault::Connect => Self::Connect,
            UpstreamFault::Tls => Self::Tls,
            UpstreamFault::Login => Self::Login,
            UpstreamFault::Session => Self::Session,
            UpstreamFault::Lost => Self::Lost,
            UpstreamFault::Timeout => Self::Timeout,
            UpstreamFault::NotStarted => Self::NotStarted,
            UpstreamFault::Withheld => Self::Withheld,
        }
    }
}
