//! Making and registering metrics of the catalogue, and series looked up once.
//!
//! A look-up by label values hashes and locks; where all labels are closed sets, the series are
//! kept side by side instead, and reading one is an index.

use std::marker::PhantomData;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use crate::telemetry::catalogue::Entry;
use crate::telemetry::labels::Label;

/// Registers `metric` and hands it back.
pub(super) fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<C>,
) -> C {
    let metric = metric.expect("names and labels of the catalogue are valid: a test builds all");
    registry
        .register(Box::new(metric.clone()))
        .expect("names of the catalogue are unique: a test builds all");
    metric
}

pub(super) fn counter(registry: &Registry, entry: &Entry) -> IntCounter {
    registered(registry, IntCounter::new(entry.name, entry.help))
}

pub(super) fn counter_vec(registry: &Registry, entry: &Entry) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(entry.name, entry.help), entry.labels))
}

pub(super) fn gauge(registry: &Registry, entry: &Entry) -> IntGauge {
    registered(registry, IntGauge::new(entry.name, entry.help))
}

pub(super) fn float_gauge(registry: &Registry, entry: &Entry) -> Gauge {
    registered(registry, Gauge::new(entry.name, entry.help))
}

pub(super) fn gauge_vec(registry: &Registry, entry: &Entry) -> IntGaugeVec {
    registered(registry, IntGaugeVec::new(Opts::new(entry.name, entry.help), entry.labels))
}

pub(super) fn histogram(registry: &Registry, entry: &Entry, buckets: &[f64]) -> Histogram {
    registered(registry, Histogram::with_opts(histogram_options(entry, buckets)))
}

pub(super) fn histogram_vec(registry: &Registry, entry: &Entry, buckets: &[f64]) -> HistogramVec {
    let options = histogram_options(entry, buckets);
    registered(registry, HistogramVec::new(options, entry.labels))
}

fn histogram_options(entry: &Entry, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts::new(entry.name, entry.help).buckets(buckets.to_vec())
}

/// The series of a metric whose only label is a closed set.
#[derive(Debug)]
pub(in crate::telemetry) struct PerLabel<L, M> {
    series: Vec<M>,
    label: PhantomData<fn(L)>,
}

impl<L: Label, M> PerLabel<L, M> {
    /// All series of `family`, at zero.
    pub(super) fn new<B: MetricVecBuilder<M = M>>(family: &MetricVec<B>) -> Self
    where
        M: prometheus::core::Metric,
    {
        let series = L::ALL.iter().map(|label| family.with_label_values(&[label.as_str()]));
        Self { series: series.collect(), label: PhantomData }
    }

    /// The series of one value.
    pub(in crate::telemetry) fn of(&self, label: L) -> &M {
        &self.series[label.position()]
    }
}

/// The series of a counter with two labels, both closed sets.
#[derive(Debug)]
pub(in crate::telemetry) struct PerPair<A, B> {
    series: Vec<IntCounter>,
    labels: PhantomData<fn(A, B)>,
}

impl<A: Label, B: Label> PerPair<A, B> {
    /// All series of `family`, at zero.
    pub(super) fn new(family: &IntCounterVec) -> Self {
        let pairs = A::ALL.iter().flat_map(|a| B::ALL.iter().map(move |b| (a, b)));
        let series = pairs.map(|(a, b)| family.with_label_values(&[a.as_str(), b.as_str()]));
        Self { series: series.collect(), labels: PhantomData }
    }

    /// The series of one pair of values.
    pub(in crate::telemetry) fn of(&self, a: A, b: B) -> &IntCounter {
        &self.series[a.position() * B::ALL.len() + b.position()]
    }
}
