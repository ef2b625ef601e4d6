//! Events of what is handed to the outbound MTA. Its texts are not logged: they quote addresses.

use std::time::Duration;

use tracing::{debug, error, trace, warn};

use crate::base::TransactionId;
use crate::pipeline::Outcome;
use crate::smtp::Reply;
use crate::telemetry::labels::{
    FaultLabel, OutcomeLabel, SubjectLabel, UpstreamConnectionFault, UpstreamReplyLabel,
};
use crate::telemetry::metrics::Metrics;

/// The upstream's answer about one recipient is known, or known to be unknown.
#[derive(Clone, Copy, Debug)]
pub struct CopyFinished<'a> {
    /// The transaction.
    pub transaction: TransactionId,
    /// The outcome.
    pub outcome: &'a Outcome,
}

impl CopyFinished<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (transaction, label) = (self.transaction, OutcomeLabel::of(self.outcome));
        metrics.upstream.outcomes.of(label).inc();
        let outcome = label.as_str();
        match self.outcome {
            Outcome::Accepted(reply) | Outcome::Refused(reply) | Outcome::Deferred(reply) => {
                count(metrics, reply);
                debug!(%transaction, outcome, reply = reply.code(), "copy finished");
            }
            Outcome::Failed(fault) => {
                metrics.upstream.failures.of(FaultLabel::of(*fault)).inc();
                debug!(%transaction, outcome, fault = fault.as_str(), "copy finished");
            }
            Outcome::InDoubt => {
                metrics.upstream.in_doubt.inc();
                error!(%transaction, outcome, "copy finished");
            }
        }
    }
}

fn count(metrics: &Metrics, reply: &Reply) {
    let (code, subject) = (UpstreamReplyLabel::of(reply), SubjectLabel::of(reply));
    metrics.upstream.replies.of(code, subject).inc();
}

/// One transaction with the upstream ended.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamTransactionFinished {
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// How long it took, waiting for a connection included.
    pub took: Duration,
}

impl UpstreamTransactionFinished {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.upstream.transaction_seconds.observe(self.took.as_secs_f64());
        let transaction = self.transaction;
        trace!(%transaction, took = ?self.took, "upstream transaction ended");
    }
}

/// A notice about denied or refused recipients was handed over, or was not.
#[derive(Clone, Copy, Debug)]
pub struct NoticeFinished<'a> {
    /// The transaction it is about.
    pub transaction: TransactionId,
    /// The outcome.
    pub outcome: &'a Outcome,
}

impl NoticeFinished<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (transaction, label) = (self.transaction, OutcomeLabel::of(self.outcome));
        metrics.upstream.notices.of(label).inc();
        let outcome = label.as_str();
        match self.outcome {
            Outcome::Accepted(_) => debug!(%transaction, outcome, "notice finished"),
            Outcome::Refused(reply) => {
                warn!(%transaction, outcome, reply = reply.code(), "notice finished");
            }
            Outcome::Deferred(_) | Outcome::Failed(_) | Outcome::InDoubt => {
                debug!(%transaction, outcome, "notice finished");
            }
        }
    }
}

/// A connection to the upstream could not be used.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamConnectionFailed {
    /// What went wrong.
    pub kind: UpstreamConnectionFault,
}

impl UpstreamConnectionFailed {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.upstream.connections_failed.of(self.kind).inc();
        debug!(kind = self.kind.as_str(), "upstream connection failed");
    }
}

/// Somebody looked how many deferred recipients were never tried again.
#[derive(Clone, Copy, Debug)]
pub struct NeverRetried {
    /// How many.
    pub recipients: u64,
}

impl NeverRetried {
    /// Shows it, and logs it if there are more than before.
    pub fn emit(&self, metrics: &Metrics) {
        let recipients = i64::try_from(self.recipients).unwrap_or(i64::MAX);
        let before = metrics.upstream.never_retried.get();
        metrics.upstream.never_retried.set(recipients);
        if recipients > before {
            warn!(recipients, "deferred recipients were never tried again by their mailer");
        }
    }
}
