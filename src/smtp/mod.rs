//! The SMTP dialogue, sans-IO (RFC 5321 and its extensions).

mod envelope;
mod reply;

pub use envelope::{Body, Envelope, ForwardPath, Path, Peer, ReversePath, Transaction};
pub use reply::{Reply, ReplyClass, Status};
