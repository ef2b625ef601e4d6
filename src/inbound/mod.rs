//! The listeners: sockets under the SMTP server session, one task per connection.
//!
//! A client is known by its address or not served at all: there is no open relay. Complete
//! messages go to the relay through its `Submissions` port; nothing here decides about mail.

mod admission;
mod connection;
mod listener;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

pub use admission::{Observer, Refusal};
pub use listener::Listener;

use crate::base::limits;
use crate::smtp::server;

/// A network of clients and the session they get.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientNetwork {
    /// The addresses.
    pub network: IpNet,
    /// The name of the `[[client]]`.
    pub client: String,
    /// What its sessions may do.
    pub session: Arc<server::Settings>,
}

/// The settings of one listener.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Its name, for streams and logs.
    pub name: String,
    /// The name given to clients that are refused at once.
    pub hostname: String,
    /// The clients; the first network that holds an address counts.
    pub clients: Vec<ClientNetwork>,
    /// Connections at once.
    pub connections_max: usize,
    /// How long a client may be silent, or not take a reply.
    pub idle_timeout: Duration,
}

impl Settings {
    /// The defaults for the listener `name`, serving `clients`.
    pub fn new(
        name: impl Into<String>,
        hostname: impl Into<String>,
        clients: Vec<ClientNetwork>,
    ) -> Self {
        Self {
            name: name.into(),
            hostname: hostname.into(),
            clients,
            connections_max: 500,
            idle_timeout: limits::SERVER_COMMAND_WAIT,
        }
    }
}
