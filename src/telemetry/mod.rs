//! What operators see: logs and metrics, one struct per event.
//!
//! Each event's `emit` writes the log line and the metric together, so that the two never tell
//! different stories. Metric labels come only from closed enums, reason codes or configured
//! names; log lines carry decision ids and never personal data. Not here: the journal, which is
//! the proof. The text format is Prometheus exposition format 0.0.4.

mod catalogue;
mod events;
mod labels;
mod logging;
mod metrics;
mod residence;
#[cfg(test)]
mod tests;

pub use catalogue::{CATALOGUE, Entry, Kind};
pub use events::{
    ConnectionClosed, ConnectionOpened, ConnectionRefused, CopyFinished, FooterPlaced, JournalGap,
    RecipientDecided, StageFinished, StoreFailed, StoreObserved, TransactionAnswered,
    UnsubscribeHandled,
};
pub use labels::{
    ClassLabel, FooterOutcome, OutcomeLabel, ReplyLabel, Stage, StoreOperation, StoreState,
    UnsubscribeResult, VerdictLabel,
};
pub use logging::{LogFormat, LoggingError, init_logging};
pub use metrics::Metrics;
