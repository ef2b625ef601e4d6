//! The order of things for one transaction, as values: plan, reply and explanation.
//!
//! classify → prepare → decide → render → reply. Pure: the relay brings what must be read and
//! carries out what is planned here.

mod dispatch;
mod ledger;
mod modes;
pub mod notice;
mod receipt;
pub mod replies;
mod reply_table;
mod stream;
mod trace;

pub use dispatch::{Dispatch, OnDeferredRecipient, Outcome, UpstreamFault};
pub use ledger::{Fate, FateKey, Fingerprint, LedgerEntry, Settled};
pub use modes::{Disclose, Enforce, Lease, Mode, NoticeTo};
pub use receipt::Receipt;
pub use reply_table::{Course, Ending, NoticePath, Standing, conclude, course};
pub use stream::{Matcher, Sighting};
pub use trace::received_field;
