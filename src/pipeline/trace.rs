//! The trace field we add: `Received` (RFC 5321 §4.4), without recipients and without secrets.

use crate::base::DecisionId;
use crate::rewrite::ReceivedValue;
use crate::smtp::Transaction;

/// The value of our `Received` field for one copy.
///
/// The `for` clause is left out on purpose: it could tell one recipient about another
/// (RFC 5321 §7.6). The id clause carries the decision (promise P9).
pub fn received_field(
    transaction: &Transaction,
    hostname: &str,
    decision: DecisionId,
) -> ReceivedValue {
    ReceivedValue::new(&received_text(transaction, hostname, decision))
        .expect("helo is filtered, and the host name is a checked domain")
}

fn received_text(transaction: &Transaction, hostname: &str, decision: DecisionId) -> String {
    let peer = &transaction.peer;
    let protocol = peer.via.keyword(transaction.envelope.smtputf8);
    let helo: String = peer
        .helo
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']'))
        .take(255)
        .collect();
    let helo = if helo.is_empty() { "unknown".to_owned() } else { helo };
    let ip = match peer.ip {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("IPv6:{ip}"),
    };
    format!(
        "from {helo} ([{ip}])\r\n\tby {hostname} (Consentry) with {protocol}\r\n\tid {decision}; {}",
        transaction.received_at.to_rfc5322()
    )
}

#[cfg(test)]
mod tests {
    use super::received_text;
    use crate::base::{DecisionId, Timestamp, TransactionId};
    use crate::mail::RawMessage;
    use crate::smtp::{Body, Envelope, Peer, ReversePath, Transaction, Via};

    fn transaction(helo: &str) -> Transaction {
        Transaction {
            id: TransactionId::default(),
            peer: Peer {
                ip: "192.0.2.7".parse().unwrap(),
                helo: helo.to_owned(),
                via: Via::default(),
                listener: "main".to_owned(),
                client: "shop".to_owned(),
            },
            envelope: Envelope {
                reverse_path: ReversePath::Null,
                forward_paths: Vec::new(),
                body: Body::SevenBit,
                smtputf8: false,
            },
            content: RawMessage::default(),
            received_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn names_client_host_and_decision() {
        let field =
            received_text(&transaction("shop.example"), "gate.example", DecisionId::from_bits(1));
        assert_eq!(
            field,
            "from shop.example ([192.0.2.7])\r\n\tby gate.example (Consentry) with ESMTP\r\n\tid 0000000000001; Thu, 01 Jan 1970 00:00:00 +0000"
        );
    }

    #[test]
    fn a_client_cannot_inject_header_fields() {
        let field = received_text(&transaction("x\r\nBcc: (y)"), "g", DecisionId::default());
        assert_eq!(field.matches("\r\n").count(), 2);
        assert!(field.starts_with("from xBcc:y ("));
    }
}
