//! Message bytes and the spans within them (RFC 5322, RFC 2045 ff.).
//!
//! [`RawMessage`] is what came, [`Message`] is where things stand in it, [`Edits`] is what
//! changes, [`MailData`] is what leaves. Nothing here rebuilds a message from its parts.

mod anomaly;
mod charset;
mod edits;
mod entity;
mod field;
pub mod html;
mod message;
mod mime_field;
mod opinion;
mod protection;
mod raw;
mod scan;
mod transfer;

#[cfg(test)]
mod scan_tests;

pub use anomaly::{Anomalies, Anomaly};
pub use charset::is_ascii_compatible;
pub use edits::{Edit, Edits, EditsError};
pub use entity::{Entity, EntityIndex};
pub use field::Field;
pub use message::Message;
pub use mime_field::{Disposition, MediaType, Parameter, TransferEncoding};
pub use opinion::{Opinion, PartView, is_safe_to_ask};
pub use protection::{Protection, has_inline_pgp};
pub use raw::{MailData, RawMessage};
pub use transfer::{DecodeRefusal, Decoded, decode};
