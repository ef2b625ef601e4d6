//! The copy of service mail: what came, with our Received on top (promises P5, P6).
//!
//! The request fields of ours are removed; they are addressed to us and to nobody else. All
//! other bytes leave as they came, whatever the structure looks like.

use bytes::Bytes;

use super::fields::own_fields;
use super::policy::ReceivedValue;
use crate::mail::{Edit, Edits, MailData, Message};

/// The one copy for all recipients.
pub fn relay_copy(message: &Message, received: &ReceivedValue) -> MailData {
    let top = Edit { range: 0..0, with: Bytes::from(received.field()) };
    let removed = own_fields(message).map(|range| Edit { range, with: Bytes::new() });
    let edits = std::iter::once(top).chain(removed).collect();
    let edits = Edits::new(edits, message.raw().len())
        .expect("the spans of header fields lie within the message and never overlap");
    edits.apply(message.raw().bytes(), Bytes::clone)
}
