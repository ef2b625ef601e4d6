//! Events of clients that connect, and of people who opt out.

use std::net::IpAddr;
use std::time::Duration;

use tracing::{debug, error, info, trace};

use crate::base::{DecisionId, Timestamp};
use crate::telemetry::account::milliseconds;
use crate::telemetry::labels::{LoginLabel, RefusalLabel, UnsubscribeResult};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::personal::{ClientIp, PersonalData};

/// An address as the log may show it.
fn shown(ip: IpAddr) -> ClientIp {
    ClientIp { ip, personal_data: PersonalData::current() }
}

/// A listener takes connections from now on.
#[derive(Clone, Copy, Debug)]
pub struct ListenerOpened<'a> {
    /// Its configured name.
    pub listener: &'a str,
}

impl ListenerOpened<'_> {
    /// Makes its series, at zero, so that an alarm on their rate sees the first event.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.doors.start_at_zero(self.listener);
        debug!(listener = self.listener, "listener opened");
    }
}

/// A client connected and got a session.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionOpened<'a> {
    /// The listener's configured name.
    pub listener: &'a str,
}

impl ConnectionOpened<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.doors.connections.with_label_values(&[self.listener]).inc();
        metrics.doors.connections_opened.with_label_values(&[self.listener]).inc();
        trace!(listener = self.listener, "connection opened");
    }
}

/// A connection that was opened ended.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionClosed<'a> {
    /// The listener's configured name.
    pub listener: &'a str,
}

impl ConnectionClosed<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.doors.connections.with_label_values(&[self.listener]).dec();
        trace!(listener = self.listener, "connection closed");
    }
}

/// A connection was turned away; it never counts as open.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionRefused<'a> {
    /// The listener's configured name.
    pub listener: &'a str,
    /// Where it came from, for the log.
    pub ip: IpAddr,
    /// Why.
    pub reason: RefusalLabel,
}

impl ConnectionRefused<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (listener, reason) = (self.listener, self.reason.as_str());
        metrics.doors.connections_refused.with_label_values(&[listener, reason]).inc();
        info!(listener, client_ip = %shown(self.ip), reason, "connection refused");
    }
}

/// A TLS handshake with a client failed.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeFailed<'a> {
    /// The listener's configured name.
    pub listener: &'a str,
    /// Where the client is, for the log.
    pub ip: IpAddr,
    /// What went wrong, for the log.
    pub fault: &'static str,
}

impl HandshakeFailed<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.doors.handshakes_failed.with_label_values(&[self.listener]).inc();
        let (listener, fault) = (self.listener, self.fault);
        info!(listener, client_ip = %shown(self.ip), fault, "TLS handshake failed");
    }
}

/// A connection brought no valid PROXY protocol header where one is demanded.
#[derive(Clone, Copy, Debug)]
pub struct ProxyHeaderRefused<'a> {
    /// The listener's configured name.
    pub listener: &'a str,
    /// Where the proxy is, for the log.
    pub ip: IpAddr,
    /// What went wrong, for the log.
    pub fault: &'static str,
}

impl ProxyHeaderRefused<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.doors.proxy_headers_refused.with_label_values(&[self.listener]).inc();
        let (listener, fault) = (self.listener, self.fault);
        info!(listener, client_ip = %shown(self.ip), fault, "PROXY header refused");
    }
}

/// A client said who it is, and was or was not believed. The user name is not logged: people
/// type passwords there.
#[derive(Clone, Copy, Debug)]
pub struct LoginChecked<'a> {
    /// The listener's configured name.
    pub listener: &'a str,
    /// Where the client is, for the log; left out of what is no news.
    pub ip: Option<IpAddr>,
    /// What became of it.
    pub result: LoginLabel,
}

impl LoginChecked<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (listener, result) = (self.listener, self.result.as_str());
        metrics.doors.logins.with_label_values(&[listener, result]).inc();
        let client_ip = self.ip.map(|ip| shown(ip).to_string());
        match self.result {
            LoginLabel::Accepted => debug!(listener, result, "login checked"),
            LoginLabel::Invalid | LoginLabel::TooMany => {
                info!(listener, client_ip, result, "login checked");
            }
            LoginLabel::Unavailable => error!(listener, client_ip, result, "login checked"),
        }
    }
}

/// A certificate was read and is in use.
#[derive(Clone, Copy, Debug)]
pub struct CertificateSeen<'a> {
    /// What it is for: the configured name of a listener, or `upstream`.
    pub role: &'a str,
    /// When it expires.
    pub not_after: Timestamp,
}

impl CertificateSeen<'_> {
    /// Shows when it expires.
    pub fn emit(&self, metrics: &Metrics) {
        let expiry = metrics.doors.certificate_expiry.with_label_values(&[self.role]);
        expiry.set(self.not_after.as_millis() / 1000);
        info!(role = self.role, not_after = %self.not_after, "certificate in use");
    }
}

/// A POST to an unsubscribe address was handled.
#[derive(Clone, Copy, Debug)]
pub struct UnsubscribeHandled {
    /// The decision whose message carried the token, if it opened.
    pub decision: Option<DecisionId>,
    /// What became of it.
    pub result: UnsubscribeResult,
    /// The time since the request arrived.
    pub took: Duration,
}

impl UnsubscribeHandled {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.doors.unsubscribes.of(self.result).inc();
        let (result, took_ms) = (self.result.as_str(), milliseconds(self.took));
        let decision = self.decision.map(tracing::field::display);
        match self.result {
            UnsubscribeResult::Recorded => {
                metrics.doors.opt_out_seconds.observe(self.took.as_secs_f64());
                info!(result, decision, took_ms, "unsubscribe handled");
            }
            UnsubscribeResult::BadSeal
            | UnsubscribeResult::Malformed
            | UnsubscribeResult::WrongPurpose
            | UnsubscribeResult::TooLarge
            | UnsubscribeResult::Incomplete => {
                debug!(result, decision, took_ms, "unsubscribe handled");
            }
            UnsubscribeResult::UnknownKey
            | UnsubscribeResult::UnknownVersion
            | UnsubscribeResult::UnknownScope
            | UnsubscribeResult::StoreFailed
            | UnsubscribeResult::StoreTimeout => {
                error!(result, decision, took_ms, "unsubscribe handled");
            }
        }
    }
}
