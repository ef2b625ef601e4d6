//! The events of a relay: each is a struct, and `emit` is the only way to log or count it.
//!
//! Log lines name decisions, transactions, streams and codes; addresses, person keys, client
//! addresses and message text never appear. Levels: error wakes somebody, warn wants a look
//! today, info is the daily record, debug and trace are for finding faults.

use std::error::Error;
use std::time::Duration;

use tracing::{debug, error, info, trace, warn};

use super::labels::{
    ClassLabel, FooterOutcome, OutcomeLabel, ReplyLabel, Stage, StoreOperation, StoreState,
    UnsubscribeResult, VerdictLabel,
};
use super::metrics::Metrics;
use crate::base::{DecisionId, StreamId, TransactionId};
use crate::pipeline::Outcome;
use crate::smtp::Reply;

/// The label for the absence of a reason.
const NO_REASON: &str = "none";

/// A client was answered after end-of-data.
#[derive(Clone, Copy, Debug)]
pub struct TransactionAnswered<'a> {
    /// The transaction.
    pub transaction: TransactionId,
    /// Its stream.
    pub stream: &'a StreamId,
    /// Its class.
    pub class: ClassLabel,
    /// The reply.
    pub reply: &'a Reply,
}

impl TransactionAnswered<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (class, reply) = (self.class.as_str(), ReplyLabel::of(self.reply).as_str());
        metrics.transactions.with_label_values(&[self.stream.as_str(), class, reply]).inc();
        info!(
            transaction = %self.transaction, stream = %self.stream, class,
            reply = self.reply.code(), "transaction answered"
        );
    }
}

/// One recipient was decided on.
#[derive(Clone, Copy, Debug)]
pub struct RecipientDecided<'a> {
    /// The decision.
    pub decision: DecisionId,
    /// The stream of the message.
    pub stream: &'a StreamId,
    /// The class of the message.
    pub class: ClassLabel,
    /// The verdict.
    pub verdict: VerdictLabel,
    /// The first reason code, if there is one.
    pub reason: Option<&'static str>,
}

impl RecipientDecided<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (class, verdict) = (self.class.as_str(), self.verdict.as_str());
        let reason = self.reason.unwrap_or(NO_REASON);
        let labels = [self.stream.as_str(), class, verdict, reason];
        metrics.recipients.with_label_values(&labels).inc();
        info!(
            decision = %self.decision, stream = %self.stream, class, verdict, reason,
            "recipient decided"
        );
    }
}

/// A message was prepared for its footers.
#[derive(Clone, Copy, Debug)]
pub struct FooterPlaced {
    /// The transaction.
    pub transaction: TransactionId,
    /// What was done.
    pub outcome: FooterOutcome,
    /// Why no more was done.
    pub reason: Option<&'static str>,
}

impl FooterPlaced {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (outcome, reason) = (self.outcome.as_str(), self.reason.unwrap_or(NO_REASON));
        metrics.footers.with_label_values(&[outcome, reason]).inc();
        debug!(transaction = %self.transaction, outcome, reason, "footer placed");
    }
}

/// The upstream's answer about one recipient is known, or known to be unknown.
#[derive(Clone, Copy, Debug)]
pub struct CopyFinished<'a> {
    /// The transaction.
    pub transaction: TransactionId,
    /// The outcome.
    pub outcome: &'a Outcome,
}

impl CopyFinished<'_> {
    /// Counts and logs it. The upstream's text is not logged: it often quotes the address.
    pub fn emit(&self, metrics: &Metrics) {
        let outcome = OutcomeLabel::of(self.outcome).as_str();
        metrics.upstream_outcomes.with_label_values(&[outcome]).inc();
        let transaction = self.transaction;
        match self.outcome {
            Outcome::Accepted(_) => debug!(%transaction, outcome, "copy finished"),
            Outcome::Refused(reply) | Outcome::Deferred(reply) => {
                info!(%transaction, outcome, reply = reply.code(), "copy finished");
            }
            Outcome::Failed(fault) => {
                warn!(%transaction, outcome, fault = fault.as_str(), "copy finished");
            }
            Outcome::InDoubt => {
                metrics.in_doubt.inc();
                error!(%transaction, outcome, "copy finished");
            }
        }
    }
}

/// A client connected.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionOpened;

impl ConnectionOpened {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.connections.inc();
        trace!("connection opened");
    }
}

/// A connection that was opened ended.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionClosed;

impl ConnectionClosed {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.connections.dec();
        trace!("connection closed");
    }
}

/// A connection was turned away; it never counts as open.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionRefused;

impl ConnectionRefused {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.connections_refused.inc();
        info!("connection refused");
    }
}

/// A call of the store failed.
#[derive(Clone, Copy, Debug)]
pub struct StoreFailed<'a> {
    /// What was asked of it.
    pub operation: StoreOperation,
    /// What it said; must not name a person.
    pub error: &'a (dyn Error + 'static),
}

impl StoreFailed<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let operation = self.operation.as_str();
        metrics.store_errors.with_label_values(&[operation]).inc();
        warn!(operation, error = self.error, "store call failed");
    }
}

/// Somebody looked whether the store answers.
#[derive(Clone, Copy, Debug)]
pub struct StoreObserved {
    /// What was seen.
    pub state: StoreState,
}

impl StoreObserved {
    /// Shows it, and logs it if it is another state than before; a new relay starts unusable.
    pub fn emit(&self, metrics: &Metrics) {
        let seen = i64::from(self.state == StoreState::Usable);
        let before = metrics.store_usable.get();
        metrics.store_usable.set(seen);
        if seen == before {
            return;
        }
        match self.state {
            StoreState::Usable => info!("the store is usable"),
            StoreState::Unusable => error!("the store is not usable: marketing is deferred"),
        }
    }
}

/// Journal rows about service mail were lost.
#[derive(Clone, Copy, Debug)]
pub struct JournalGap {
    /// How many.
    pub rows: u64,
}

impl JournalGap {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.journal_gaps.inc_by(self.rows);
        warn!(rows = self.rows, "journal rows lost");
    }
}

/// A POST to an unsubscribe address was handled.
#[derive(Clone, Copy, Debug)]
pub struct UnsubscribeHandled {
    /// The decision whose message carried the token, if it opened.
    pub decision: Option<DecisionId>,
    /// What became of it.
    pub result: UnsubscribeResult,
}

impl UnsubscribeHandled {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let result = self.result.as_str();
        metrics.unsubscribes.with_label_values(&[result]).inc();
        let decision = self.decision.map(|id| id.to_string());
        match self.result {
            UnsubscribeResult::Recorded => info!(result, decision, "unsubscribe handled"),
            UnsubscribeResult::BadSeal
            | UnsubscribeResult::Malformed
            | UnsubscribeResult::WrongPurpose
            | UnsubscribeResult::TooLarge
            | UnsubscribeResult::Incomplete => debug!(result, decision, "unsubscribe handled"),
            UnsubscribeResult::UnknownKey
            | UnsubscribeResult::UnknownVersion
            | UnsubscribeResult::UnknownScope
            | UnsubscribeResult::StoreFailed
            | UnsubscribeResult::StoreTimeout => error!(result, decision, "unsubscribe handled"),
        }
    }
}

/// A stage of a transaction ended.
#[derive(Clone, Copy, Debug)]
pub struct StageFinished {
    /// The transaction.
    pub transaction: TransactionId,
    /// The stage.
    pub stage: Stage,
    /// How long it took.
    pub took: Duration,
}

impl StageFinished {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let stage = self.stage.as_str();
        metrics.stage_seconds.with_label_values(&[stage]).observe(self.took.as_secs_f64());
        trace!(transaction = %self.transaction, stage, took = ?self.took, "stage finished");
    }
}
