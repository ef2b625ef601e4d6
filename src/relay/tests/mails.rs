//! Transactions as listeners hand them over.

use crate::base::{Mailbox, Timestamp, TransactionId};
use crate::mail::RawMessage;
use crate::smtp::{Body, Envelope, ForwardPath, Path, Peer, ReversePath, Transaction, Via};

pub fn newsletter(to: &[&str]) -> Transaction {
    message_from("news@example.com", to)
}

pub fn receipt(to: &[&str]) -> Transaction {
    message_from("noreply@example.com", to)
}

/// A newsletter with a request header of its own.
pub fn claiming(header: &str, to: &[&str]) -> Transaction {
    let mut transaction = newsletter(to);
    let content = transaction.content.bytes();
    let claiming = [format!("{header}\r\n").as_bytes(), content].concat();
    transaction.content = RawMessage::new(claiming.into());
    transaction
}

/// Mail from `from`; what no other stream of the example takes falls to `unmatched`, which
/// only observes.
pub fn message_from(from: &str, to: &[&str]) -> Transaction {
    let path = |address: &str| Path::new(address, Mailbox::parse(address).unwrap());
    let content = format!("From: <{from}>\r\nSubject: Soles\r\n\r\nNew soles, from 49.\r\n");
    Transaction {
        id: TransactionId::from_bytes([9; 16]),
        peer: Peer {
            ip: "127.0.0.1".parse().unwrap(),
            helo: "shop.example.com".to_owned(),
            via: Via::default(),
            listener: "main".to_owned(),
            client: "shop".to_owned(),
        },
        envelope: Envelope {
            reverse_path: ReversePath::Path(path("bounce@example.com")),
            forward_paths: to.iter().map(|address| ForwardPath::Path(path(address))).collect(),
            body: Body::SevenBit,
            smtputf8: false,
        },
        content: RawMessage::new(content.into_bytes().into()),
        received_at: Timestamp::parse("2026-11-23T10:00:00Z").unwrap(),
    }
}
