//! The SMTP dialogue, sans-IO (RFC 5321 and its extensions).
//!
//! Envelope, commands, replies and framing, and the two sessions made of them: [`server`] for the
//! clients' side, [`client`] for the upstream's. Bytes go in, bytes and questions come out; there
//! is no socket, clock or log here.

pub mod catalogue;
pub mod client;
mod command;
#[cfg(test)]
mod dialogue_tests;
mod envelope;
mod framing;
mod path;
mod reply;
pub mod server;
mod trace;
mod via;

pub use command::{Announced, Auth, Command, CommandFault, Extensions, Mail, Mechanism};
pub use envelope::{Body, Envelope, ForwardPath, Path, Peer, ReversePath, Transaction};
pub use framing::{
    BareLf, DataFault, DataReader, LineFault, LineKind, LineReader, ReplyFault, ReplyReader,
    StuffedData,
};
pub use reply::{Replies, Reply, ReplyClass, Status};
pub use via::{Dialect, Via};
