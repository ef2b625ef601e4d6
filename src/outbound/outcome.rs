//! Between the relay's words and the session's: dispatches become jobs, results outcomes.
//!
//! A plain translation, one exhaustive `match` per border; it decides nothing. Replies pass as
//! they came, for they are sanitised where they are read.

use crate::mail::MailData;
use crate::pipeline::{Dispatch, OnDeferredRecipient, Outcome, UpstreamFault};
use crate::smtp::Body;
use crate::smtp::client::{Failure, Job, OnDeferred, RecipientResult};

/// The job that carries out `dispatch`.
pub fn job(dispatch: &Dispatch) -> Job {
    Job {
        reverse_path: dispatch.reverse_path().clone(),
        forward_paths: dispatch.forward_paths().to_vec(),
        body: body(dispatch.data()),
        smtputf8: dispatch.smtputf8(),
        size: u64::try_from(dispatch.data().len()).unwrap_or(u64::MAX),
        on_deferred: match dispatch.on_deferred() {
            OnDeferredRecipient::SendToOthers => OnDeferred::SendToOthers,
            OnDeferredRecipient::Abort => OnDeferred::Abort,
        },
    }
}

/// What the data really are. Note: what the client declared is no guide; it may declare
/// 8BITMIME for pure ASCII, or forget to declare it.
pub fn body(data: &MailData) -> Body {
    if data.chunks().iter().all(|chunk| chunk.is_ascii()) {
        Body::SevenBit
    } else {
        Body::EightBitMime
    }
}

/// The outcome of one recipient.
pub fn outcome(result: RecipientResult) -> Outcome {
    match result {
        RecipientResult::Accepted(reply) => Outcome::Accepted(reply),
        RecipientResult::Refused(reply) => Outcome::Refused(reply),
        RecipientResult::Deferred(reply) => Outcome::Deferred(reply),
        RecipientResult::InDoubt => Outcome::InDoubt,
        RecipientResult::Failed(failure) => Outcome::Failed(match failure {
            Failure::Session => UpstreamFault::Session,
            Failure::Lost => UpstreamFault::Lost,
            Failure::Timeout => UpstreamFault::Timeout,
            Failure::Withheld => UpstreamFault::Withheld,
        }),
    }
}
