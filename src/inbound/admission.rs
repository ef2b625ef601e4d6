//! Who gets a session: clients by address, as many as the listener takes.
//!
//! What a client may do in its session stands in that session's settings; what its mail may
//! do is decided much later.

use std::net::IpAddr;

use super::{ClientNetwork, Settings};
use crate::smtp::{Reply, catalogue};

/// Why a connection got no session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// No `[[client]]` covers its address.
    UnknownClient,
    /// The listener is full.
    TooManyConnections,
}

impl Refusal {
    /// A label for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::TooManyConnections => "too_many_connections",
        }
    }

    pub(super) fn reply(self) -> Reply {
        match self {
            Self::UnknownClient => catalogue::CLIENT_NOT_ALLOWED.reply(),
            Self::TooManyConnections => catalogue::TOO_MANY_CONNECTIONS.reply(),
        }
    }
}

/// Watching connections come and go; telemetry hangs itself in here.
pub trait Observer: Send + Sync + 'static {
    /// A client got a session.
    fn connection_opened(&self, listener: &str);
    /// A session ended.
    fn connection_closed(&self, listener: &str);
    /// A connection was closed without a session.
    fn connection_refused(&self, listener: &str, refusal: Refusal);
}

/// Nobody watches.
impl Observer for () {
    fn connection_opened(&self, _: &str) {}
    fn connection_closed(&self, _: &str) {}
    fn connection_refused(&self, _: &str, _: Refusal) {}
}

/// The first network holding `ip`; IPv4 in IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
pub fn admit(settings: &Settings, ip: IpAddr) -> Result<&ClientNetwork, Refusal> {
    let ip = ip.to_canonical();
    let mut clients = settings.clients.iter();
    clients.find(|client| client.network.contains(&ip)).ok_or(Refusal::UnknownClient)
}
