//! The trace field we add: `Received` (RFC 5321 §4.4), without recipients and without secrets.

use crate::base::DecisionId;
use crate::smtp::Transaction;

/// Our `Received` field for one copy, with its line end, at most 998 octets a line.
///
/// The `for` clause is left out on purpose: it could tell one recipient about another
/// (RFC 5321 §7.6). The id clause carries the decision (promise P9).
pub fn received_field(transaction: &Transaction, hostname: &str, decision: DecisionId) -> String {
    let peer = &transaction.peer;
    let protocol = match (peer.is_esmtp, transaction.envelope.smtputf8) {
        // RFC 6531 §4.3 names the protocol of internationalised mail.
        (_, true) => "UTF8SMTP",
        (true, false) => "ESMTP",
        (false, false) => "SMTP",
    };
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
        "Received: from {helo} ([{ip}])\r\n\tby {hostname} (Consentry) with {protocol}\r\n\tid {decision}; {}\r\n",
        transaction.received_at.to_rfc5322()
    )
}

#[cfg(test)]
mod tests {
    use super::received_field;
    use crate::base::{DecisionId, Timestamp, TransactionId};
    use crate::mail::RawMessage;
    use crate::smtp::{Body, Envelope, Peer, ReversePath, Transaction};

    fn transaction(helo: &str) -> Transaction {
        Transaction {
            id: TransactionId::default(),
            peer: Peer {
                ip: "192.0.2.7".parse().unwrap(),
                helo: helo.to_owned(),
                is_esmtp: true,
                listener: "main".to_owned(),
                client: 0,
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
            received_field(&transaction("shop.example"), "gate.example", DecisionId::from_bits(1));
        assert_eq!(
            field,
            "Received: from shop.example ([192.0.2.7])\r\n\tby gate.example (Consentry) with ESMTP\r\n\tid 0000000000001; Thu, 01 Jan 1970 00:00:00 +0000\r\n"
        );
    }

    #[test]
    fn a_client_cannot_inject_header_fields() {
        let field = received_field(&transaction("x\r\nBcc: (y)"), "g", DecisionId::default());
        assert_eq!(field.matches("\r\n").count(), 3);
        assert!(field.starts_with("Received: from xBcc:y ("));
    }
}
