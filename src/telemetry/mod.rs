//! What operators see: logs and metrics, one struct per event.
//!
//! Each event's `emit` writes the log line and the metric together, so that the two never tell
//! different stories. Metric labels come only from closed enums, reason codes or configured
//! names; log lines carry decision ids, and addresses only masked unless the operator asks.
//! Not here: the journal, which is the proof. The text format is Prometheus exposition format
//! 0.0.4.

mod account;
mod catalogue;
#[cfg(test)]
pub(crate) mod company;
pub mod events;
mod labels;
mod logging;
mod metrics;
mod personal;
mod process;
mod queue_id;
mod reference;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use catalogue::{CATALOGUE, Entry, Group, Kind, entries};
pub use events::{
    CertificateSeen, ConnectionClosed, ConnectionOpened, ConnectionRefused, CopyFinished,
    FooterPlaced, HandshakeFailed, JournalGap, ListenerOpened, LoginChecked, ProxyHeaderRefused,
    RecipientDecided, ReloadFinished, StageFinished, StoreFailed, StoreObserved,
    TransactionFinished, UnsubscribeHandled, UpstreamConnectionFailed,
};
pub use labels::{
    ClassLabel, DeferCause, EnforceLabel, FaultLabel, FooterOutcome, HoldCause, Label, LoginLabel,
    ModeLabel, OutcomeLabel, RefusalLabel, ReloadResult, ReplyLabel, Stage, StoreFile,
    StoreOperation, StoreState, SubjectLabel, TestimonyLabel, UnsubscribeResult,
    UpstreamConnectionFault, UpstreamReplyLabel, VerdictLabel,
};
pub use logging::{LogControl, LogFormat, LogSettings, LoggingError, check_filter, init_logging};
pub use metrics::Metrics;
pub use personal::PersonalData;
pub use reference::reference_page;
