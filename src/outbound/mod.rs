//! The upstream: sockets under the SMTP client session, reused and bounded.
//!
//! [`Pool`] is what the relay knows as `Upstream`: one transaction in, one outcome per recipient
//! out. It decides nothing about mail and keeps no queue; a copy that cannot be handed over now
//! is told so, and the client retries. The way there is encrypted as [`Protection`] says.

mod connection;
mod generation;
mod login_gate;
mod open_error;
mod opening;
mod outcome;
mod pool;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod unproven;

use std::time::Duration;

pub use open_error::{OpenError, OpenFault, TlsFailure};
pub use opening::Encryption;
pub use pool::{Observed, Observer, Pool};
pub use tls::{Identity, Protection, Tls, TlsSettingsError, Trust};

use crate::base::limits;
use crate::smtp::client::Login;

/// The settings of the connections to one upstream.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host and port, resolved anew for each connection.
    pub address: String,
    /// The name this host introduces itself with.
    pub helo_name: String,
    /// Connections at once; who comes later waits.
    pub connections_max: usize,
    /// How long an unused connection is kept.
    pub idle_max: Duration,
    /// How long connecting may take, and the TLS handshake.
    pub connect_timeout: Duration,
    /// No reply is awaited longer, even where RFC 5321 §4.5.3.2 grants more.
    pub reply_wait_max: Duration,
    /// How the way there is encrypted.
    pub protection: Protection,
    /// Who we are there, if it asks.
    pub login: Option<Login>,
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
            protection: Protection::Off,
            login: None,
        }
    }
}
