//! The one place that decides what a client is told, and in which order things are sent.
//!
//! SMTP has one reply for many recipients (RFC 5321 §4.5.3.1.10). Both halves are pure: [`course`]
//! before anything is sent, [`conclude`] once outcomes are known. Nothing else in the house
//! turns verdicts into replies.

use super::dispatch::Outcome;
use super::ledger::Fate;
use super::modes::Mode;
use super::replies;
use crate::base::TransactionId;
use crate::smtp::{Reply, ReplyClass, catalogue};

/// Where one recipient stands before anything is sent in this attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// An earlier attempt settled this recipient for good.
    Settled(Fate),
    /// Another attempt is under way.
    Claimed,
    /// May be sent to.
    Allowed,
    /// May not be sent to.
    Denied,
}

/// Whether a notice can be sent for this message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoticePath {
    /// There is somebody to notify.
    Open,
    /// Null reverse-path, foreign reverse-path, or refused for good by the upstream.
    Closed,
    /// The operator wants none: denied recipients are named in the reply's count.
    Unwanted,
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Course {
    /// Answer 451: another attempt is under way.
    Wait,
    /// Answer 550: nobody is sent to.
    Refuse,
    /// Send a notice about the denied, then the copies.
    NotifyThenSend,
    /// Send the copies; the reply counts the denied.
    Send,
}

/// Decides the course for a message whose recipients stand as `standings` says.
///
/// `mode` is the stream's; what it turns into without a path for notices, or once a copy was
/// accepted in an earlier attempt, is decided here and nowhere else.
pub fn course(mode: Mode, notice: NoticePath, standings: &[Standing]) -> Course {
    if standings.contains(&Standing::Claimed) {
        return Course::Wait;
    }
    let is_denied = standings.contains(&Standing::Denied);
    let was_sent = standings.contains(&Standing::Settled(Fate::Accepted));
    let is_sendable = standings.contains(&Standing::Allowed);
    let has_fate = standings.iter().any(|s| matches!(s, Standing::Settled(_)));
    if !is_denied {
        return Course::Send;
    }
    match effective(mode, notice) {
        Effective::Strip => Course::Send,
        // Once a copy was accepted a 550 would be a lie about it: act as `bounce`.
        Effective::Reject if was_sent && notice == NoticePath::Open => Course::NotifyThenSend,
        Effective::Reject if was_sent => Course::Send,
        Effective::Reject => Course::Refuse,
        Effective::Bounce if is_sendable || has_fate => Course::NotifyThenSend,
        Effective::Bounce => Course::Refuse,
    }
}

/// Decides the course where each recipient gets a reply of its own (RFC 2033): no mode and no
/// notice is needed, for who is denied is told so.
pub fn course_for_each(standings: &[Standing]) -> Course {
    if standings.contains(&Standing::Claimed) { Course::Wait } else { Course::Send }
}

enum Effective {
    Bounce,
    Reject,
    Strip,
}

const fn effective(mode: Mode, notice: NoticePath) -> Effective {
    match (mode, notice) {
        (Mode::Bounce, NoticePath::Open) => Effective::Bounce,
        (Mode::Bounce, NoticePath::Unwanted) | (Mode::Strip, _) => Effective::Strip,
        (Mode::Bounce, NoticePath::Closed) | (Mode::Reject, _) => Effective::Reject,
    }
}

/// Where one recipient stands at the end of the attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The upstream has the copy (now or earlier).
    Accepted,
    /// Denied or refused, and the notice about it was accepted (now or earlier).
    Notified,
    /// Denied; nobody was notified because the reply will say so.
    Denied,
    /// Tried in this attempt.
    Tried(Outcome),
}

impl Ending {
    /// Whether the recipient has the copy, or a notice stands for it: nothing is owed.
    pub const fn is_served(&self) -> bool {
        is_accepted(self) || matches!(self, Self::Notified)
    }
}

/// The reply at the end of an attempt.
///
/// 250 only when every recipient is accepted, notified, or counted by name in the reply
/// (promise P3); anything unsettled makes it 451.
pub fn conclude(endings: &[Ending], denial: Option<&Reply>, transaction: TransactionId) -> Reply {
    let total = endings.len();
    let accepted = endings.iter().filter(|e| is_accepted(e)).count();
    let unsettled: Vec<&Outcome> = endings.iter().filter_map(unsettled).collect();
    if let Some(first) = unsettled.first() {
        return match first {
            // With one recipient the upstream's own words are the whole truth.
            Outcome::Deferred(reply) if total == 1 => passed_on(reply),
            Outcome::InDoubt => replies::in_doubt(),
            Outcome::Failed(fault) => replies::upstream_failed(*fault, unsettled.len(), total),
            _ => replies::deferred(unsettled.len(), total),
        };
    }
    let refused = endings.iter().find_map(|ending| match ending {
        Ending::Tried(Outcome::Refused(reply)) => Some(reply),
        _ => None,
    });
    let counted = endings
        .iter()
        .filter(|e| matches!(e, Ending::Denied | Ending::Tried(Outcome::Refused(_))))
        .count();
    let notified = endings.iter().any(|e| matches!(e, Ending::Notified));
    if accepted == 0 && !notified {
        // Nothing left and nobody was told: only a refusal is true. `strip` asks for 250.
        return match (refused, denial) {
            (Some(reply), _) => passed_on(reply),
            (None, Some(denial)) => denial.clone(),
            (None, None) => replies::relayed_to(0, total, transaction),
        };
    }
    if counted > 0 {
        replies::relayed_to(accepted, total, transaction)
    } else {
        replies::relayed(transaction)
    }
}

/// The replies at the end of an attempt where each recipient gets its own (RFC 2033 §4.2), by
/// what became of it and nobody else. `denials` holds the words for those denied.
pub fn conclude_each(
    endings: &[Ending],
    denials: &[Option<Reply>],
    transaction: TransactionId,
) -> Vec<Reply> {
    let told = endings.iter().enumerate().map(|(index, ending)| {
        let denial = denials.get(index).and_then(Option::as_ref);
        match (ending, denial) {
            // Promise P4: whoever lacks the words must not be passed over with a 250.
            (Ending::Denied, None) => catalogue::INTERNAL_ERROR.reply(),
            _ => conclude(std::slice::from_ref(ending), denial, transaction),
        }
    });
    told.collect()
}

const fn is_accepted(ending: &Ending) -> bool {
    matches!(ending, Ending::Accepted | Ending::Tried(Outcome::Accepted(_)))
}

const fn unsettled(ending: &Ending) -> Option<&Outcome> {
    match ending {
        Ending::Tried(outcome @ (Outcome::Deferred(_) | Outcome::Failed(_) | Outcome::InDoubt)) => {
            Some(outcome)
        }
        Ending::Tried(Outcome::Accepted(_) | Outcome::Refused(_))
        | Ending::Accepted
        | Ending::Notified
        | Ending::Denied => None,
    }
}

/// An upstream's reply as we repeat it: its code and text, never another class.
fn passed_on(reply: &Reply) -> Reply {
    match reply.class() {
        ReplyClass::Transient | ReplyClass::Permanent => reply.clone(),
        // Only refusals are passed on; anything else here is a broken upstream.
        ReplyClass::Positive | ReplyClass::Intermediate => replies::deferred(1, 1),
    }
}

#[cfg(test)]
#[path = "reply_table_tests.rs"]
mod tests;
