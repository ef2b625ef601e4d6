//! Values about messages and their recipients.

use std::collections::BTreeSet;
use std::sync::Mutex;

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::family::{self, PerLabel};
use crate::base::StreamId;
use crate::telemetry::catalogue::mail as entries;
use crate::telemetry::labels::{ClassLabel, Stage};

const STAGE_BUCKETS: &[f64] =
    &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];
const TRANSACTION_BUCKETS: &[f64] =
    &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0];

#[derive(Debug)]
pub(in crate::telemetry) struct MailMetrics {
    pub(in crate::telemetry) transactions: IntCounterVec,
    pub(in crate::telemetry) transaction_seconds: PerLabel<ClassLabel, Histogram>,
    pub(in crate::telemetry) stage_seconds: PerLabel<Stage, Histogram>,
    pub(in crate::telemetry) recipients: IntCounterVec,
    pub(in crate::telemetry) footers: IntCounterVec,
    pub(in crate::telemetry) received_bytes: IntCounter,
    pub(in crate::telemetry) in_flight_bytes: IntGauge,
    stream_lease: IntGaugeVec,
    leases_shown: Mutex<BTreeSet<StreamId>>,
}

impl MailMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let transaction_seconds =
            family::histogram_vec(registry, &entries::TRANSACTION_SECONDS, TRANSACTION_BUCKETS);
        let stage_seconds = family::histogram_vec(registry, &entries::STAGE_SECONDS, STAGE_BUCKETS);
        Self {
            transactions: family::counter_vec(registry, &entries::TRANSACTIONS),
            transaction_seconds: PerLabel::new(&transaction_seconds),
            stage_seconds: PerLabel::new(&stage_seconds),
            recipients: family::counter_vec(registry, &entries::RECIPIENTS),
            footers: family::counter_vec(registry, &entries::FOOTERS),
            received_bytes: family::counter(registry, &entries::RECEIVED_BYTES),
            in_flight_bytes: family::gauge(registry, &entries::IN_FLIGHT_BYTES),
            stream_lease: family::gauge_vec(registry, &entries::STREAM_LEASE),
            leases_shown: Mutex::default(),
        }
    }

    /// Shows exactly `leases`, in seconds; what is gone since the last time is taken away
    /// without ever hiding what stays.
    pub(in crate::telemetry) fn show_leases<'a>(
        &self,
        leases: impl Iterator<Item = (&'a StreamId, i64)>,
    ) {
        let mut shown = self.leases_shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut gone = std::mem::take(&mut *shown);
        for (stream, seconds) in leases {
            self.stream_lease.with_label_values(&[stream.as_str()]).set(seconds);
            gone.remove(stream);
            shown.insert(stream.clone());
        }
        for stream in gone {
            // Only a series never shown is not there to be removed.
            let _ = self.stream_lease.remove_label_values(&[stream.as_str()]);
        }
    }
}
