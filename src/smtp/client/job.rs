//! One message to be handed over, and what became of each of its recipients.
//!
//! A job is everything but the mail data, which never pass through the session. The words are
//! those of `pipeline`, which stands above and maps them.

use crate::smtp::envelope::{Body, ForwardPath, ReversePath};
use crate::smtp::reply::Reply;

/// What to do when the upstream asks to retry some of several recipients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnDeferred {
    /// Send to the others.
    SendToOthers,
    /// Send to nobody.
    Abort,
}

/// One transaction to be done, but for its mail data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The argument of MAIL.
    pub reverse_path: ReversePath,
    /// The arguments of RCPT, in order; never empty.
    pub forward_paths: Vec<ForwardPath>,
    /// What the mail data really are: [`Body::EightBitMime`] if any byte is above 127.
    pub body: Body,
    /// Whether the client asked for SMTPUTF8.
    pub smtputf8: bool,
    /// Bytes of the mail data before dot-stuffing.
    pub size: u64,
    /// What to do when some recipients are deferred.
    pub on_deferred: OnDeferred,
}

impl Job {
    pub(super) fn needs_smtputf8(&self) -> bool {
        self.smtputf8
            || !self.reverse_path.written().is_ascii()
            || self.forward_paths.iter().any(|path| !path.written().is_ascii())
    }

    /// Whether RCPT replies decide if anything is sent, so that DATA must wait for them all.
    pub(super) fn must_see_replies(&self) -> bool {
        self.on_deferred == OnDeferred::Abort && self.forward_paths.len() > 1
    }
}

/// Why a recipient has no reply of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Failure {
    /// A 421, or bytes that are no reply to anything asked.
    Session,
    /// The connection was lost before the final dot.
    Lost,
    /// A reply did not come in time.
    Timeout,
    /// Another recipient was deferred and [`OnDeferred::Abort`] was asked for.
    Withheld,
}

/// What became of one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecipientResult {
    /// The final dot was answered with 2xx.
    Accepted(Reply),
    /// A 5xx, or a capability the upstream lacks.
    Refused(Reply),
    /// A 4xx other than 421.
    Deferred(Reply),
    /// Nothing was said that settles it; nothing was sent.
    Failed(Failure),
    /// The final dot was sent and its reply is not known.
    InDoubt,
}

impl RecipientResult {
    /// The result a negative or odd `reply` means; `None` for 2xx and 3xx.
    pub(super) fn of_refusal(reply: &Reply) -> Option<Self> {
        match reply.class() {
            crate::smtp::ReplyClass::Transient => Some(Self::Deferred(reply.clone())),
            crate::smtp::ReplyClass::Permanent => Some(Self::Refused(reply.clone())),
            _ => None,
        }
    }
}
