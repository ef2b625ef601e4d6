//! Message bytes and the spans within them (RFC 5322, RFC 2045 ff.).

mod raw;

pub use raw::{MailData, RawMessage};
