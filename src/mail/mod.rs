//! Message bytes and the spans within them (RFC 5322, RFC 2045 ff.).

pub mod html;
mod raw;

pub use raw::{MailData, RawMessage};
