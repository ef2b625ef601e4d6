//! The listeners: sockets under the SMTP server session, one task per connection.
//!
//! A client is known by its address or by its password, or not served at all: there is no open
//! relay. Complete messages go to the relay through its `Submissions` port; nothing here decides
//! about mail.

mod admission;
mod connection;
mod failures;
mod listener;
mod logins;
mod observer;
mod opening;
mod proxy;
mod remembered;
mod stream;
mod terms;
#[cfg(test)]
mod tests;
mod tls;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

pub use admission::Refusal;
pub use listener::Listener;
pub use logins::Logins;
pub use observer::{HandshakeFault, Observer};
pub use proxy::ProxyFault;
pub use tls::{IdentityError, ServerIdentity};

use crate::base::{PasswordHash, limits};
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

/// A client that says who it is, and the session it gets then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credential {
    /// Its user name.
    pub username: String,
    /// Any of these; two while one is being replaced.
    pub passwords: Vec<PasswordHash>,
    /// Where it must come from; empty means anywhere.
    pub networks: Vec<IpNet>,
    /// The name of the `[[client]]`.
    pub client: String,
    /// What its sessions may do after AUTH.
    pub session: Arc<server::Settings>,
}

/// Whether and when a listener encrypts.
#[derive(Clone, Debug, Default)]
pub enum Tls {
    /// Never.
    #[default]
    Off,
    /// When the client asks (RFC 3207); the session settings say whether it must.
    StartTls(Arc<ServerIdentity>),
    /// From the first byte (RFC 8314 §3.3).
    Implicit(Arc<ServerIdentity>),
}

impl Tls {
    /// What is shown to clients, if it encrypts.
    pub fn identity(&self) -> Option<&Arc<ServerIdentity>> {
        match self {
            Self::Off => None,
            Self::StartTls(identity) | Self::Implicit(identity) => Some(identity),
        }
    }
}

/// The settings of one listener.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name, for streams and logs.
    pub name: String,
    /// The name given to clients that are refused at once.
    pub hostname: String,
    /// The clients known by address; the first network that holds one counts.
    pub clients: Vec<ClientNetwork>,
    /// The clients known by password.
    pub credentials: Vec<Credential>,
    /// The session of everybody else until AUTH; `None` gives them none.
    pub before_auth: Option<Arc<server::Settings>>,
    /// Whether AUTH is offered without TLS to clients on this machine.
    pub has_auth_without_tls: bool,
    /// Whether it encrypts.
    pub tls: Tls,
    /// Proxies that tell the client's address by the PROXY protocol, and must.
    pub proxies: Vec<IpNet>,
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
            credentials: Vec::new(),
            before_auth: None,
            has_auth_without_tls: false,
            tls: Tls::Off,
            proxies: Vec::new(),
            connections_max: 500,
            idle_timeout: limits::SERVER_COMMAND_WAIT,
        }
    }

    /// Whether connections from `peer` must begin with a PROXY header.
    fn is_proxy(&self, peer: IpAddr) -> bool {
        holds(&self.proxies, peer)
    }
}

/// Whether one of `networks` holds `ip`; IPv4 in IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
fn holds(networks: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    networks.iter().any(|network| network.contains(&ip))
}
