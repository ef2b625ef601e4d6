//! The events of a relay: each is a struct, and `emit` is the only way to log or count it.
//!
//! Log lines name decisions, transactions, streams and codes; person keys and message text never
//! appear, addresses only as `personal` lets them. Levels: error wakes somebody, warn wants a
//! look today, info is the daily record, debug and trace are for finding faults.

mod doors;
mod mail;
mod process;
mod store;
mod upstream;

pub use doors::{
    CertificateSeen, ConnectionClosed, ConnectionOpened, ConnectionRefused, HandshakeFailed,
    ListenerOpened, LoginChecked, ProxyHeaderRefused, UnsubscribeHandled,
};
pub use mail::{
    FooterPlaced, HeldBytes, LeasesObserved, MessageArrived, RecipientDecided, StageFinished,
    TransactionFinished,
};
pub use process::ReloadFinished;
pub use store::{
    HoldObserved, JournalGap, JournalObserved, JournalUnsigned, StoreCalled, StoreCommitted,
    StoreFailed, StoreMeasured, StoreObserved, TestimonyHeard,
};
pub use upstream::{
    CopyFinished, NeverRetried, NoticeFinished, UpstreamConnectionFailed,
    UpstreamTransactionFinished,
};
