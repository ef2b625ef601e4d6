//! Events of the evidence store and the journal.

use std::error::Error;
use std::time::Duration;

use tracing::{error, info, trace, warn};

use crate::base::TransactionId;
use crate::telemetry::labels::{HoldCause, StoreFile, StoreOperation, StoreState, TestimonyLabel};
use crate::telemetry::metrics::Metrics;

/// A call of the store ended, or nobody waits for it any more.
#[derive(Clone, Copy, Debug)]
pub struct StoreCalled {
    /// What was asked of it.
    pub operation: StoreOperation,
    /// How long its caller waited.
    pub took: Duration,
}

impl StoreCalled {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.store.call_seconds.of(self.operation).observe(self.took.as_secs_f64());
        trace!(operation = self.operation.as_str(), took = ?self.took, "store called");
    }
}

/// The store's writer finished one transaction.
#[derive(Clone, Copy, Debug)]
pub struct StoreCommitted {
    /// How long it took, the flush to disk included.
    pub took: Duration,
}

impl StoreCommitted {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.store.commit_seconds.observe(self.took.as_secs_f64());
        trace!(took = ?self.took, "store committed");
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
        metrics.store.errors.of(self.operation).inc();
        warn!(operation = self.operation.as_str(), error = self.error, "store call failed");
    }
}

/// An accepted message brought evidence along.
#[derive(Clone, Copy, Debug)]
pub struct TestimonyHeard<'a> {
    /// The transaction.
    pub transaction: TransactionId,
    /// What became of it.
    pub outcome: TestimonyLabel,
    /// Why it was not recorded; must not name a person.
    pub reason: Option<&'a str>,
}

impl TestimonyHeard<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.store.testimonies.of(self.outcome).inc();
        match (self.outcome, self.reason) {
            (TestimonyLabel::Recorded, _) => {
                trace!(transaction = %self.transaction, "evidence by mail recorded");
            }
            (TestimonyLabel::Refused | TestimonyLabel::Lost, reason) => warn!(
                transaction = %self.transaction,
                outcome = self.outcome.as_str(),
                reason = reason.unwrap_or_default(),
                "evidence by mail not recorded"
            ),
        }
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
        let before = metrics.store.usable.get();
        metrics.store.usable.set(seen);
        if seen == before {
            return;
        }
        match self.state {
            StoreState::Usable => info!("the store is usable"),
            StoreState::Unusable => error!("the store is not usable: marketing is deferred"),
        }
    }
}

/// Somebody looked whether the store may be believed.
#[derive(Clone, Copy, Debug)]
pub struct HoldObserved<'a> {
    /// What holds marketing back, if anything.
    pub cause: Option<HoldCause>,
    /// Why, in words.
    pub why: &'a str,
}

impl HoldObserved<'_> {
    /// Shows it, and logs it if it is another cause than before.
    pub fn emit(&self, metrics: &Metrics) {
        let mut is_news = false;
        for &cause in HoldCause::ALL {
            let gauge = metrics.store.held.of(cause);
            let seen = i64::from(self.cause == Some(cause));
            is_news |= gauge.get() != seen;
            gauge.set(seen);
        }
        match (is_news, self.cause) {
            (false, _) => {}
            (true, None) => info!("marketing is no longer held"),
            (true, Some(cause)) => {
                error!(cause = cause.as_str(), why = self.why, "marketing is held");
            }
        }
    }
}

/// Somebody looked how much of the journal is signed.
#[derive(Clone, Copy, Debug)]
pub struct JournalUnsigned {
    /// Entries behind the last checkpoint.
    pub entries: u64,
}

impl JournalUnsigned {
    /// Shows it.
    pub fn emit(&self, metrics: &Metrics) {
        let entries = i64::try_from(self.entries).unwrap_or(i64::MAX);
        metrics.store.journal_unsigned.set(entries);
        trace!(entries, "journal looked at");
    }
}

/// Somebody looked how large a file of the store is.
#[derive(Clone, Copy, Debug)]
pub struct StoreMeasured {
    /// The file.
    pub file: StoreFile,
    /// Its bytes.
    pub bytes: u64,
}

impl StoreMeasured {
    /// Shows it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.store.bytes.of(self.file).set(i64::try_from(self.bytes).unwrap_or(i64::MAX));
        trace!(file = self.file.as_str(), bytes = self.bytes, "store measured");
    }
}

/// Somebody looked how many journal rows about service mail wait to be written.
#[derive(Clone, Copy, Debug)]
pub struct JournalObserved {
    /// How many.
    pub rows: usize,
    /// How long the oldest has waited.
    pub oldest: Option<Duration>,
}

impl JournalObserved {
    /// Shows it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.store.journal_waiting.set(i64::try_from(self.rows).unwrap_or(i64::MAX));
        metrics.store.journal_lag.set(self.oldest.unwrap_or_default().as_secs_f64());
        trace!(rows = self.rows, oldest = ?self.oldest, "journal observed");
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
        metrics.store.journal_gaps.inc_by(self.rows);
        warn!(rows = self.rows, "journal rows lost");
    }
}
