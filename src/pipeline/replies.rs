//! The replies the pipeline gives after DATA, in words a mailer's operator can act on.

use super::dispatch::UpstreamFault;
use super::modes::Disclose;
use crate::base::{DecisionId, TransactionId};
use crate::smtp::{Reply, Status};

const fn status(subject: u16, detail: u16) -> Option<Status> {
    Some(Status { subject, detail })
}

/// Every recipient has the copy or a notice stands for it.
pub fn relayed(transaction: TransactionId) -> Reply {
    Reply::new(250, status(0, 0), &format!("relayed as {transaction}"))
}

/// Some recipients got nothing, and this reply is where that is said.
pub fn relayed_to(accepted: usize, total: usize, transaction: TransactionId) -> Reply {
    let text = format!("relayed to {accepted} of {total} as {transaction}");
    Reply::new(250, status(0, 0), &text)
}

/// The upstream asked to try some recipients again later.
pub fn deferred(waiting: usize, total: usize) -> Reply {
    Reply::new(
        451,
        status(3, 0),
        &format!("{waiting} of {total} recipients deferred by the outbound MTA, try again later"),
    )
}

/// A recipient was deferred for longer than the operator allows: refused, with a notice.
pub fn deferred_too_long(last: &Reply) -> Reply {
    let text = format!("deferred for too long, last reply: {last}");
    Reply::new(554, status(4, 7), &text)
}

/// The upstream could not be used at all for some recipients.
pub fn upstream_failed(fault: UpstreamFault, waiting: usize, total: usize) -> Reply {
    let text = match fault {
        UpstreamFault::NotStarted => {
            format!("{waiting} of {total} recipients not tried yet, try again")
        }
        _ => format!(
            "outbound MTA not available ({}), {waiting} of {total} recipients not sent to, try again later",
            fault.as_str()
        ),
    };
    Reply::new(451, status(4, 1), &text)
}

/// The upstream went silent after the final dot: nobody knows whether it has the copy.
pub fn in_doubt() -> Reply {
    Reply::new(
        451,
        status(4, 2),
        "connection to the outbound MTA lost after the message, outcome in doubt",
    )
}

/// Another attempt for the same message is under way.
pub fn attempt_under_way() -> Reply {
    Reply::new(
        451,
        status(3, 0),
        "another attempt to relay this message is under way, try again later",
    )
}

/// The evidence store does not answer, so no marketing may leave.
pub fn store_unavailable() -> Reply {
    Reply::new(
        451,
        status(3, 0),
        "evidence store not available, marketing mail is held, try again later",
    )
}

/// Records kept changing while the decision was made.
pub fn contended() -> Reply {
    Reply::new(451, status(3, 0), "evidence changed while deciding, try again later")
}

/// The notice about denied recipients could not be handed over now.
pub fn notice_deferred() -> Reply {
    Reply::new(
        451,
        status(3, 0),
        "notice about denied recipients not accepted by the outbound MTA, nothing sent, try again later",
    )
}

/// A topic, brand or class was claimed that the client may not claim.
pub fn claim_not_allowed(claim: &str, transaction: TransactionId) -> Reply {
    let text = format!("CLAIM_NOT_ALLOWED transaction {transaction}: {claim}");
    Reply::new(550, status(7, 1), &text)
}

/// The message cannot be edited safely and the stream demands a footer.
pub fn not_editable(reason: &str, transaction: TransactionId) -> Reply {
    let text = format!(
        "NOT_EDITABLE transaction {transaction}: no footer can be added without harm ({reason})"
    );
    Reply::new(550, status(6, 0), &text)
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
    let count = if refusal.total > 1 {
        format!(" ({} of {} recipients)", refusal.denied, refusal.total)
    } else {
        String::new()
    };
    let text = match disclose {
        Disclose::Reason => {
            format!("{}{count} decision {}: {}", refusal.reason, refusal.decision, refusal.remedy)
        }
        Disclose::Class => {
            format!("marketing mail not permitted{count}, decision {}", refusal.decision)
        }
    };
    Reply::new(550, status(7, 1), &text)
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
