//! What listeners and the upstream tell, as events: each fault gets its label here.
//!
//! Neither side knows the other; the matches are exhaustive, so that a new fault cannot go
//! uncounted.

use std::net::IpAddr;
use std::sync::Arc;

use crate::inbound::{HandshakeFault, Observer, ProxyFault, Refusal};
use crate::outbound::{Observed, OpenFault};
use crate::smtp::server::LoginRefusal;
use crate::telemetry::{LoginLabel, Metrics, RefusalLabel, UpstreamConnectionFault, events};

/// Counts what happens at the listeners.
pub(super) struct Counting {
    /// Where.
    pub(super) metrics: Arc<Metrics>,
}

impl Observer for Counting {
    fn connection_opened(&self, listener: &str) {
        events::ConnectionOpened { listener }.emit(&self.metrics);
    }

    fn connection_closed(&self, listener: &str) {
        events::ConnectionClosed { listener }.emit(&self.metrics);
    }

    fn connection_refused(&self, listener: &str, ip: IpAddr, refusal: Refusal) {
        let reason = match refusal {
            Refusal::UnknownClient => RefusalLabel::UnknownClient,
            Refusal::TooManyConnections => RefusalLabel::TooManyConnections,
        };
        events::ConnectionRefused { listener, ip, reason }.emit(&self.metrics);
    }

    fn handshake_failed(&self, listener: &str, ip: IpAddr, fault: HandshakeFault) {
        let fault = fault.as_str();
        events::HandshakeFailed { listener, ip, fault }.emit(&self.metrics);
    }

    fn proxy_header_refused(&self, listener: &str, ip: IpAddr, fault: ProxyFault) {
        let fault = fault.as_str();
        events::ProxyHeaderRefused { listener, ip, fault }.emit(&self.metrics);
    }

    fn login_accepted(&self, listener: &str, _: &str) {
        events::LoginChecked { listener, ip: None, result: LoginLabel::Accepted }
            .emit(&self.metrics);
    }

    fn login_refused(&self, listener: &str, ip: IpAddr, refusal: LoginRefusal) {
        let result = LoginLabel::of(Err(refusal));
        events::LoginChecked { listener, ip: Some(ip), result }.emit(&self.metrics);
    }
}

/// Counts connections to the upstream that could not be opened.
pub(super) fn upstream(metrics: Arc<Metrics>) -> impl Fn(Observed) + Send + Sync + 'static {
    move |observed| {
        let kind = match observed {
            Observed::Opened(_) => return,
            Observed::Failed(OpenFault::Connect) => UpstreamConnectionFault::Connect,
            Observed::Failed(OpenFault::Timeout) => UpstreamConnectionFault::Timeout,
            Observed::Failed(OpenFault::Tls) => UpstreamConnectionFault::Tls,
            Observed::Failed(OpenFault::Certificate) => UpstreamConnectionFault::Certificate,
            Observed::Failed(OpenFault::Login) => UpstreamConnectionFault::Authentication,
            Observed::Failed(OpenFault::Session) => UpstreamConnectionFault::Session,
        };
        events::UpstreamConnectionFailed { kind }.emit(&metrics);
    }
}
