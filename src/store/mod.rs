//! The evidence store on SQLite: evidence, records, journal, ledger and scope numbers.
//!
//! It implements the relay's ports and serves the command line. SQLite runs on the store's own
//! threads only; every call ends in bounded time and no error turns into permission (promise
//! P7). It decides nothing: what a record permits is `eligibility`'s.

mod calls;
mod checkpoint;
mod connect;
mod decisions;
mod door;
mod erase;
mod erasure;
mod evidence;
mod export;
mod fault;
mod guard;
mod guard_calls;
mod handle;
mod high_water;
mod import;
mod imports_calls;
mod job;
mod journal;
mod keyring;
mod kin;
mod ledger;
mod lift;
mod locator;
mod lock;
mod lookup;
mod pace;
mod proof;
mod proof_calls;
mod queue;
mod reader;
mod record;
mod recount;
mod registers;
mod retention;
mod row;
mod schema;
mod scopes;
mod settings;
mod shared;
mod snapshot;
mod sources;
mod staging;
mod subject;
mod succession;
mod undo;
mod upgrade;
mod verify;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

pub use calls::Act;
pub use checkpoint::Checkpoint;
pub use erase::Erased;
pub use export::ExportedEntry;
pub use guard_calls::Accepted;
pub use handle::{Health, Store};
pub use import::Imported;
pub use imports_calls::{Difference, ImportRow, MergeError};
pub use journal::EntryKind;
pub use keyring::Resting;
pub use ledger::LEDGER_LIFE;
pub use lift::NotLifted;
pub use lookup::{Counts, StoredDecision, StoredOutcome};
pub use proof::{NoProof, Proof};
pub use proof_calls::Signed;
pub use registers::{RegisterImport, RegisterRow};
pub use retention::{Cutoffs, Retained};
pub use settings::{IfMissing, Role, Settings};
pub use staging::{Staged, Staging, StagingError};
pub use subject::{PieceStanding, SubjectPiece};
pub use succession::SuccessionRow;
pub use undo::Reach;
pub use verify::{Break, ChainReport, Compared, VerifyError, VerifyReport, verify, verify_against};
