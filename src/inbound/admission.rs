//! Who may connect: networks in the order of the configuration, the first match counts.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::smtp::server;

/// One network and the session its clients get.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The network.
    pub network: IpNet,
    /// The position of its `[[client]]` in the configuration.
    pub client: usize,
    /// The settings of its sessions.
    pub session: Arc<server::Settings>,
}

/// The first entry whose network holds `ip`; nobody else is let in (promise P8).
pub(super) fn admit(admitted: &[Admitted], ip: IpAddr) -> Option<&Admitted> {
    // An IPv4 client of a dual-stack socket shows up as ::ffff:a.b.c.d.
    let ip = ip.to_canonical();
    admitted.iter().find(|entry| entry.network.contains(&ip))
}
