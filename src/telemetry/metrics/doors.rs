//! Values about clients that connect, and people who opt out.

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use super::family::{self, PerLabel};
use crate::telemetry::catalogue::doors as entries;
use crate::telemetry::labels::{LoginLabel, RefusalLabel, UnsubscribeResult};

const OPT_OUT_BUCKETS: &[f64] =
    &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Debug)]
pub(in crate::telemetry) struct DoorMetrics {
    pub(in crate::telemetry) connections: IntGaugeVec,
    pub(in crate::telemetry) connections_opened: IntCounterVec,
    pub(in crate::telemetry) connections_refused: IntCounterVec,
    pub(in crate::telemetry) handshakes_failed: IntCounterVec,
    pub(in crate::telemetry) proxy_headers_refused: IntCounterVec,
    pub(in crate::telemetry) logins: IntCounterVec,
    pub(in crate::telemetry) certificate_expiry: IntGaugeVec,
    pub(in crate::telemetry) unsubscribes: PerLabel<UnsubscribeResult, IntCounter>,
    pub(in crate::telemetry) opt_out_seconds: Histogram,
}

impl DoorMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = |entry| family::counter_vec(registry, entry);
        Self {
            connections: family::gauge_vec(registry, &entries::CONNECTIONS),
            connections_opened: counters(&entries::CONNECTIONS_OPENED),
            connections_refused: counters(&entries::CONNECTIONS_REFUSED),
            handshakes_failed: counters(&entries::HANDSHAKES_FAILED),
            proxy_headers_refused: counters(&entries::PROXY_HEADERS_REFUSED),
            logins: counters(&entries::LOGINS),
            certificate_expiry: family::gauge_vec(registry, &entries::CERTIFICATE_EXPIRY),
            unsubscribes: PerLabel::new(&counters(&entries::UNSUBSCRIBES)),
            opt_out_seconds: family::histogram(
                registry,
                &entries::OPT_OUT_SECONDS,
                OPT_OUT_BUCKETS,
            ),
        }
    }

    /// Makes all series of `listener`, at zero.
    pub(in crate::telemetry) fn start_at_zero(&self, listener: &str) {
        self.connections.with_label_values(&[listener]);
        for counter in
            [&self.connections_opened, &self.handshakes_failed, &self.proxy_headers_refused]
        {
            counter.with_label_values(&[listener]);
        }
        for reason in RefusalLabel::ALL {
            self.connections_refused.with_label_values(&[listener, reason.as_str()]);
        }
        for result in LoginLabel::ALL {
            self.logins.with_label_values(&[listener, result.as_str()]);
        }
    }
}
