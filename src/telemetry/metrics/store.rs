//! Values about the evidence store and the journal.

use prometheus::{Gauge, Histogram, IntCounter, IntGauge, Registry};

use super::family::{self, PerLabel};
use crate::telemetry::catalogue::store as entries;
use crate::telemetry::labels::{HoldCause, StoreFile, StoreOperation, TestimonyLabel};

const BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

#[derive(Debug)]
pub(in crate::telemetry) struct StoreMetrics {
    pub(in crate::telemetry) usable: IntGauge,
    pub(in crate::telemetry) call_seconds: PerLabel<StoreOperation, Histogram>,
    pub(in crate::telemetry) commit_seconds: Histogram,
    pub(in crate::telemetry) errors: PerLabel<StoreOperation, IntCounter>,
    pub(in crate::telemetry) bytes: PerLabel<StoreFile, IntGauge>,
    pub(in crate::telemetry) held: PerLabel<HoldCause, IntGauge>,
    pub(in crate::telemetry) journal_unsigned: IntGauge,
    pub(in crate::telemetry) testimonies: PerLabel<TestimonyLabel, IntCounter>,
    pub(in crate::telemetry) journal_gaps: IntCounter,
    pub(in crate::telemetry) journal_waiting: IntGauge,
    pub(in crate::telemetry) journal_lag: Gauge,
}

impl StoreMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let calls = family::histogram_vec(registry, &entries::STORE_CALL_SECONDS, BUCKETS);
        Self {
            usable: family::gauge(registry, &entries::STORE_USABLE),
            call_seconds: PerLabel::new(&calls),
            commit_seconds: family::histogram(registry, &entries::STORE_COMMIT_SECONDS, BUCKETS),
            errors: PerLabel::new(&family::counter_vec(registry, &entries::STORE_ERRORS)),
            bytes: PerLabel::new(&family::gauge_vec(registry, &entries::STORE_BYTES)),
            held: PerLabel::new(&family::gauge_vec(registry, &entries::MARKETING_HELD)),
            journal_unsigned: family::gauge(registry, &entries::JOURNAL_UNSIGNED),
            testimonies: PerLabel::new(&family::counter_vec(registry, &entries::TESTIMONIES)),
            journal_gaps: family::counter(registry, &entries::JOURNAL_GAPS),
            journal_waiting: family::gauge(registry, &entries::JOURNAL_WAITING),
            journal_lag: family::float_gauge(registry, &entries::JOURNAL_LAG),
        }
    }
}
