//! The values behind the catalogue, in a registry of their own.
//!
//! Not the crate's global registry: two relays in one process (as in `demo` and tests) must not
//! share counters. Series with closed labels start at zero, so that an alarm on their rate sees
//! the first event. Only events change values.

use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::catalogue::{self, Entry};
use super::labels::{OutcomeLabel, Stage, StoreOperation, UnsubscribeResult};
use super::residence::resident_bytes;

const STAGE_BUCKETS: &[f64] =
    &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];

/// All metrics of one running relay.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub(super) transactions: IntCounterVec,
    pub(super) recipients: IntCounterVec,
    pub(super) footers: IntCounterVec,
    pub(super) upstream_outcomes: IntCounterVec,
    pub(super) in_doubt: IntCounter,
    pub(super) connections: IntGauge,
    pub(super) connections_refused: IntCounter,
    pub(super) store_errors: IntCounterVec,
    pub(super) store_usable: IntGauge,
    pub(super) journal_gaps: IntCounter,
    pub(super) unsubscribes: IntCounterVec,
    pub(super) stage_seconds: HistogramVec,
    resident_memory: IntGauge,
}

impl Metrics {
    /// All metrics, at zero; `version` is the program's.
    pub fn new(version: &str) -> Self {
        let registry = Registry::new();
        let build = registered(&registry, gauge_vec(&catalogue::BUILD));
        build.with_label_values(&[version]).set(1);
        let metrics = Self {
            transactions: registered(&registry, counter_vec(&catalogue::TRANSACTIONS)),
            recipients: registered(&registry, counter_vec(&catalogue::RECIPIENTS)),
            footers: registered(&registry, counter_vec(&catalogue::FOOTERS)),
            upstream_outcomes: registered(&registry, counter_vec(&catalogue::UPSTREAM_OUTCOMES)),
            in_doubt: registered(&registry, counter(&catalogue::IN_DOUBT)),
            connections: registered(&registry, gauge(&catalogue::CONNECTIONS)),
            connections_refused: registered(&registry, counter(&catalogue::CONNECTIONS_REFUSED)),
            store_errors: registered(&registry, counter_vec(&catalogue::STORE_ERRORS)),
            store_usable: registered(&registry, gauge(&catalogue::STORE_USABLE)),
            journal_gaps: registered(&registry, counter(&catalogue::JOURNAL_GAPS)),
            unsubscribes: registered(&registry, counter_vec(&catalogue::UNSUBSCRIBES)),
            stage_seconds: registered(&registry, histogram_vec(&catalogue::STAGE_SECONDS)),
            resident_memory: registered(&registry, gauge(&catalogue::RESIDENT_MEMORY)),
            registry,
        };
        metrics.start_at_zero();
        metrics
    }

    /// The text of `/metrics`, exposition format 0.0.4.
    pub fn render(&self) -> String {
        if let Some(bytes) = resident_bytes() {
            self.resident_memory.set(bytes);
        }
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("gathered families have names and values, and a string takes any length")
    }

    #[cfg(test)]
    pub(super) fn gather(&self) -> Vec<prometheus::proto::MetricFamily> {
        self.registry.gather()
    }

    fn start_at_zero(&self) {
        for label in OutcomeLabel::ALL {
            self.upstream_outcomes.with_label_values(&[label.as_str()]);
        }
        for label in StoreOperation::ALL {
            self.store_errors.with_label_values(&[label.as_str()]);
        }
        for label in UnsubscribeResult::ALL {
            self.unsubscribes.with_label_values(&[label.as_str()]);
        }
        for label in Stage::ALL {
            self.stage_seconds.with_label_values(&[label.as_str()]);
        }
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<C>,
) -> C {
    let metric = metric.expect("names and labels of the catalogue are valid: a test builds all");
    registry
        .register(Box::new(metric.clone()))
        .expect("names of the catalogue are unique: a test builds all");
    metric
}

fn counter(entry: &Entry) -> prometheus::Result<IntCounter> {
    IntCounter::new(entry.name, entry.help)
}

fn counter_vec(entry: &Entry) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(entry.name, entry.help), entry.labels)
}

fn gauge(entry: &Entry) -> prometheus::Result<IntGauge> {
    IntGauge::new(entry.name, entry.help)
}

fn gauge_vec(entry: &Entry) -> prometheus::Result<IntGaugeVec> {
    IntGaugeVec::new(Opts::new(entry.name, entry.help), entry.labels)
}

fn histogram_vec(entry: &Entry) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::new(entry.name, entry.help).buckets(STAGE_BUCKETS.to_vec());
    HistogramVec::new(options, entry.labels)
}
