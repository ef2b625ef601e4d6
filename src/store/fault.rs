//! What goes wrong inside the store, and how far each fault reaches.
//!
//! Outside, every fault is a [`StoreError`]; inside it matters whether one call, one transaction
//! or the whole connection is lost.

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::relay::ports::StoreError;

/// A fault inside the store.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// SQLite reported it.
    #[error("{0}")]
    Sql(#[from] rusqlite::Error),
    /// The database file is missing, replaced, locked by its node or not ours.
    #[error("{0}")]
    File(String),
    /// One row cannot be read.
    #[error("{table} {key}: {what}; run `consentry journal verify`")]
    Row {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// What is wrong with it.
        what: String,
    },
}

/// How much is lost with a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// One call: its neighbours in the transaction go on.
    Call,
    /// The transaction: nothing of it is durable, the connection stays.
    Transaction,
    /// The connection: it is closed and opened anew later.
    Connection,
}

impl Fault {
    /// A fault of one row.
    pub(super) fn row(table: &'static str, key: impl ToString, what: impl ToString) -> Self {
        Self::Row { table, key: key.to_string(), what: what.to_string() }
    }

    /// How much is lost.
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::File(_) => Reach::Connection,
            Self::Row { .. } => Reach::Call,
            Self::Sql(error) => error.sqlite_error_code().map_or(Reach::Call, reach_of),
        }
    }
}

fn reach_of(code: ErrorCode) -> Reach {
    match code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted
        | ErrorCode::DiskFull => Reach::Transaction,
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::InternalMalfunction => Reach::Connection,
        _ => Reach::Call,
    }
}

impl From<&Fault> for StoreError {
    fn from(fault: &Fault) -> Self {
        Self::Unavailable(fault.to_string())
    }
}
