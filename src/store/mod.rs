//! The evidence store on SQLite: evidence, records, journal, ledger and scope numbers.
//!
//! It implements the relay's ports and serves the command line. SQLite runs on the store's own
//! threads only; every call ends in bounded time and no error turns into permission (promise
//! P7). It decides nothing: what a record permits is `eligibility`'s.

mod calls;
mod connect;
mod decisions;
mod door;
mod evidence;
mod fault;
mod handle;
mod import;
mod imports_calls;
mod job;
mod journal;
mod keyring;
mod kin;
mod ledger;
mod locator;
mod lock;
mod lookup;
mod pace;
mod queue;
mod reader;
mod record;
mod recount;
mod registers;
mod row;
mod schema;
mod scopes;
mod settings;
mod shared;
mod snapshot;
mod staging;
mod undo;
mod upgrade;
mod verify;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

pub use calls::Act;
pub use handle::{Health, Store};
pub use import::Imported;
pub use imports_calls::{Difference, ImportRow, MergeError};
pub use journal::EntryKind;
pub use keyring::Resting;
pub use ledger::LEDGER_LIFE;
pub use lookup::{Counts, StoredDecision, StoredOutcome};
pub use registers::{RegisterImport, RegisterRow};
pub use settings::{IfMissing, Role, Settings};
pub use staging::{Staged, Staging, StagingError};
pub use undo::Reach;
pub use verify::{Break, ChainReport, VerifyError, VerifyReport, verify};
