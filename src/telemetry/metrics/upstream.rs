//! Values about the outbound MTA.

use prometheus::{Histogram, IntCounter, IntGauge, Registry};

use super::family::{self, PerLabel, PerPair};
use crate::telemetry::catalogue::upstream as entries;
use crate::telemetry::labels::{
    FaultLabel, OutcomeLabel, SubjectLabel, UpstreamConnectionFault, UpstreamReplyLabel,
};

const BUCKETS: &[f64] =
    &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0];

#[derive(Debug)]
pub(in crate::telemetry) struct UpstreamMetrics {
    pub(in crate::telemetry) outcomes: PerLabel<OutcomeLabel, IntCounter>,
    pub(in crate::telemetry) replies: PerPair<UpstreamReplyLabel, SubjectLabel>,
    pub(in crate::telemetry) failures: PerLabel<FaultLabel, IntCounter>,
    pub(in crate::telemetry) transaction_seconds: Histogram,
    pub(in crate::telemetry) connections_failed: PerLabel<UpstreamConnectionFault, IntCounter>,
    pub(in crate::telemetry) in_doubt: IntCounter,
    pub(in crate::telemetry) notices: PerLabel<OutcomeLabel, IntCounter>,
    pub(in crate::telemetry) never_retried: IntGauge,
}

impl UpstreamMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = |entry| family::counter_vec(registry, entry);
        Self {
            outcomes: PerLabel::new(&counters(&entries::UPSTREAM_OUTCOMES)),
            replies: PerPair::new(&counters(&entries::UPSTREAM_REPLIES)),
            failures: PerLabel::new(&counters(&entries::UPSTREAM_FAILURES)),
            transaction_seconds: family::histogram(registry, &entries::UPSTREAM_SECONDS, BUCKETS),
            connections_failed: PerLabel::new(&counters(&entries::UPSTREAM_CONNECTIONS_FAILED)),
            in_doubt: family::counter(registry, &entries::IN_DOUBT),
            notices: PerLabel::new(&counters(&entries::NOTICES)),
            never_retried: family::gauge(registry, &entries::NEVER_RETRIED),
        }
    }
}
