//! The upstream: sockets under the SMTP client session, reused and bounded.
//!
//! [`Pool`] is what the relay knows as `Upstream`: one transaction in, one outcome per recipient
//! out. It decides nothing about mail and keeps no queue; a copy that cannot be handed over now
//! is told so, and the client retries.

mod connection;
mod outcome;
mod pool;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use connection::OpenError;
pub use pool::Pool;

use crate::base::limits;

/// The settings of the connections to one upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Host and port, resolved anew for each connection.
    pub address: String,
    /// The name this host introduces itself with.
    pub helo_name: String,
    /// Connections at once; who comes later waits.
    pub connections_max: usize,
    /// How long an unused connection is kept.
    pub idle_max: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// No reply is awaited longer, even where RFC 5321 §4.5.3.2 grants more.
    pub reply_wait_max: Duration,
}

impl Settings {
    /// The defaults for the upstream at `address`.
    pub fn new(address: impl Into<String>, helo_name: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            helo_name: helo_name.into(),
            connections_max: 20,
            idle_max: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            reply_wait_max: limits::FINAL_REPLY_WAIT,
        }
    }
}
