//! What there is to see at a listener; telemetry hangs itself in here.
//!
//! Everything told is a name from the configuration, a value of a closed set, or an address for
//! the log: no user name or text of a stranger can become a label.

use std::net::IpAddr;

use super::admission::Refusal;
use super::proxy::ProxyFault;
use crate::smtp::server::LoginRefusal;

/// Why a TLS handshake failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HandshakeFault {
    /// It took too long.
    TooSlow,
    /// The client went.
    Gone,
    /// No common version or cipher suite: it is older than TLS 1.2, perhaps.
    Incompatible,
    /// What it sent is not TLS.
    Garbled,
    /// The client gave up: it does not trust our certificate, perhaps.
    RefusedByPeer,
    /// Anything else.
    Other,
}

impl HandshakeFault {
    /// Every value.
    pub const ALL: &'static [Self] = &[
        Self::TooSlow,
        Self::Gone,
        Self::Incompatible,
        Self::Garbled,
        Self::RefusedByPeer,
        Self::Other,
    ];

    /// A label for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooSlow => "too_slow",
            Self::Gone => "gone",
            Self::Incompatible => "incompatible",
            Self::Garbled => "garbled",
            Self::RefusedByPeer => "refused_by_peer",
            Self::Other => "other",
        }
    }
}

/// Watching connections come and go.
pub trait Observer: Send + Sync + 'static {
    /// A client got a session.
    fn connection_opened(&self, listener: &str);
    /// A session ended.
    fn connection_closed(&self, listener: &str);
    /// A connection from `ip` was closed without a session.
    fn connection_refused(&self, listener: &str, ip: IpAddr, refusal: Refusal);
    /// A TLS handshake with `ip` failed, and the connection was closed.
    fn handshake_failed(&self, listener: &str, ip: IpAddr, fault: HandshakeFault);
    /// The proxy at `ip` did not say whom it speaks for, and the connection was closed.
    fn proxy_header_refused(&self, listener: &str, ip: IpAddr, fault: ProxyFault);
    /// A client proved to be `client`.
    fn login_accepted(&self, listener: &str, client: &str);
    /// A client at `ip` was not believed.
    fn login_refused(&self, listener: &str, ip: IpAddr, refusal: LoginRefusal);
}

/// Nobody watches.
impl Observer for () {
    fn connection_opened(&self, _: &str) {}
    fn connection_closed(&self, _: &str) {}
    fn connection_refused(&self, _: &str, _: IpAddr, _: Refusal) {}
    fn handshake_failed(&self, _: &str, _: IpAddr, _: HandshakeFault) {}
    fn proxy_header_refused(&self, _: &str, _: IpAddr, _: ProxyFault) {}
    fn login_accepted(&self, _: &str, _: &str) {}
    fn login_refused(&self, _: &str, _: IpAddr, _: LoginRefusal) {}
}
