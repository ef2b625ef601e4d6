//! The replies the pipeline gives after DATA: which entry of the catalogue, filled with what.

use super::dispatch::UpstreamFault;
use super::modes::Disclose;
use crate::base::{DecisionId, TransactionId};
use crate::smtp::{Reply, catalogue};

/// Every recipient has the copy or a notice stands for it.
pub fn relayed(transaction: TransactionId) -> Reply {
    catalogue::RELAYED.reply_with(&[&transaction.to_string()])
}

/// Some recipients got nothing, and this reply is where that is said.
pub fn relayed_to(accepted: usize, total: usize, transaction: TransactionId) -> Reply {
    let count = format!("{accepted} of {total}");
    catalogue::RELAYED_TO.reply_with(&[&count, &transaction.to_string()])
}

/// The upstream asked to try some recipients again later.
pub fn deferred(waiting: usize, total: usize) -> Reply {
    catalogue::DEFERRED.reply_with(&[&recipients(waiting, total)])
}

/// A recipient was deferred for longer than the operator allows: refused, with a notice.
pub fn deferred_too_long(last: &Reply) -> Reply {
    catalogue::DEFERRED_TOO_LONG.reply_with(&[&last.to_string()])
}

/// The upstream could not be used at all for some recipients.
pub fn upstream_failed(fault: UpstreamFault, waiting: usize, total: usize) -> Reply {
    let count = recipients(waiting, total);
    match fault {
        UpstreamFault::NotStarted => catalogue::NOT_TRIED_YET.reply_with(&[&count]),
        UpstreamFault::Connect
        | UpstreamFault::Tls
        | UpstreamFault::Login
        | UpstreamFault::Session
        | UpstreamFault::Lost
        | UpstreamFault::Timeout
        | UpstreamFault::Withheld => {
            catalogue::UPSTREAM_FAILED.reply_with(&[fault.as_str(), &count])
        }
    }
}

fn recipients(some: usize, total: usize) -> String {
    format!("{some} of {total} recipients")
}

/// The upstream went silent after the final dot: nobody knows whether it has the copy.
pub fn in_doubt() -> Reply {
    catalogue::IN_DOUBT.reply()
}

/// The client left the configuration while it was connected.
pub fn client_gone() -> Reply {
    catalogue::CLIENT_GONE.reply()
}

/// Another attempt for the same message is under way.
pub fn attempt_under_way() -> Reply {
    catalogue::ATTEMPT_UNDER_WAY.reply()
}

/// The evidence store does not answer, so no marketing may leave.
pub fn store_unavailable() -> Reply {
    catalogue::STORE_UNAVAILABLE.reply()
}

/// The database lacks what this node saw in it, so no marketing may leave.
pub fn held_restored() -> Reply {
    catalogue::HELD_RESTORED.reply()
}

/// The clock cannot be right, so no marketing may leave.
pub fn held_by_clock() -> Reply {
    catalogue::HELD_CLOCK.reply()
}

/// Records kept changing while the decision was made.
pub fn contended() -> Reply {
    catalogue::CONTENDED.reply()
}

/// The notice about denied recipients could not be handed over now.
pub fn notice_deferred() -> Reply {
    catalogue::NOTICE_DEFERRED.reply()
}

/// A topic, brand or class was claimed that the client may not claim.
pub fn claim_not_allowed(claim: &str, transaction: TransactionId) -> Reply {
    catalogue::CLAIM_NOT_ALLOWED.reply_with(&[&transaction.to_string(), claim])
}

/// The message cannot be edited safely and the stream demands a footer.
pub fn not_editable(reason: &str, transaction: TransactionId) -> Reply {
    catalogue::NOT_EDITABLE.reply_with(&[&transaction.to_string(), reason])
}

/// What a refusal of all recipients says.
pub struct Refusal<'a> {
    /// The first failing reason of the first denied recipient.
    pub reason: &'a str,
    /// What is missing and who does what about it.
    pub remedy: &'a str,
    /// How many recipients were denied.
    pub denied: usize,
    /// How many the message had.
    pub total: usize,
    /// The decision about the first denied recipient.
    pub decision: DecisionId,
}

/// Nobody was sent to, because at least one recipient may not be.
pub fn denied(refusal: &Refusal<'_>, disclose: Disclose) -> Reply {
    let count = match refusal.total {
        0 | 1 => String::new(),
        total => format!(" ({})", recipients(refusal.denied, total)),
    };
    let decision = refusal.decision;
    match disclose {
        Disclose::Reason => {
            let head = format!("{}{count} decision {decision}", refusal.reason);
            catalogue::DENIED.reply_with(&[&head, refusal.remedy])
        }
        Disclose::Class => catalogue::DENIED_UNTOLD.reply_with(&[&count, &decision.to_string()]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Disclose, Refusal, denied};
    use crate::base::DecisionId;

    #[test]
    fn a_refusal_names_reason_and_decision_unless_told_to_hide_it() {
        let refusal = Refusal {
            reason: "OBJECTED",
            remedy: "the person objected; remove the address from the campaign",
            denied: 2,
            total: 5,
            decision: DecisionId::from_bits(7),
        };
        let open = denied(&refusal, Disclose::Reason);
        assert_eq!(
            (open.code(), open.status().map(|s| (s.subject, s.detail))),
            (550, Some((7, 1)))
        );
        assert!(open.text().starts_with("OBJECTED (2 of 5 recipients) decision 0000000000007: "));
        let closed = denied(&refusal, Disclose::Class);
        assert!(!closed.text().contains("OBJECTED") && closed.text().contains("0000000000007"));
    }
}
