//! The order of things for one transaction, as values: plan, reply and explanation.

mod dispatch;
mod ledger;
mod receipt;

pub use dispatch::{Dispatch, OnDeferredRecipient, Outcome, UpstreamFault};
pub use ledger::{Fate, FateKey, Fingerprint, LedgerEntry, Settled};
pub use receipt::Receipt;
