//! Verifies a store: every chain, digest, fold and checksum, and says where it breaks.
//!
//! Reads one snapshot on a connection of its own and blocks meanwhile: for the command line, not
//! for a runtime's worker. It proves that nothing was changed inside the chains; what was cut
//! off an end together with everything about it shows only against a checkpoint kept elsewhere.

mod against;
mod chain;
mod fold;
mod officers;
mod rows;
mod undone;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use thiserror::Error;

pub use against::{Compared, verify_against};

use super::connect;
use super::fault::Fault;
use super::schema::{self, Emptiness};
use crate::base::{Digest, Timestamp};

/// What was found whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerifyReport {
    /// The chains, by node.
    pub chains: Vec<ChainReport>,
    /// Payloads whose digest matches.
    pub payloads: u64,
    /// Payloads that were deleted, and whose deletion is journalled.
    pub deleted: u64,
    /// Pieces of evidence whose digest matches.
    pub evidence: u64,
    /// Records that equal the fold of their evidence.
    pub records: u64,
    /// Scopes that match the entry that gave them their number.
    pub scopes: u64,
    /// Other rows whose checksum matches.
    pub rows: u64,
}

/// One chain found whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainReport {
    /// The node it belongs to.
    pub node: String,
    /// How many entries it has.
    pub entries: u64,
    /// The hash of its last entry.
    pub head: Digest,
}

/// Where a store is broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Break {
    /// The table, or `file` for what SQLite itself finds.
    pub table: String,
    /// The row.
    pub key: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}, row {}: {}", self.table, self.key, self.what)
    }
}

/// Why a store was not found whole.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum VerifyError {
    /// It is broken there.
    #[error("the store is broken: {0}")]
    Broken(Break),
    /// It could not be read to the end, so nothing is known.
    #[error("the store cannot be verified: {0}")]
    Unreadable(String),
}

impl VerifyError {
    fn at(table: &str, key: impl ToString, what: impl ToString) -> Self {
        let (key, what) = (key.to_string(), what.to_string());
        Self::Broken(Break { table: table.to_owned(), key, what })
    }
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Row { table, key, what } => Self::at(table, key, what),
            Fault::Sql(error) => Self::from(error),
            Fault::File(what) => Self::Unreadable(what),
        }
    }
}

impl From<rusqlite::Error> for VerifyError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::at("file", "-", error),
            Some(_) | None => Self::Unreadable(error.to_string()),
        }
    }
}

/// Verifies the store at `path`.
///
/// # Errors
/// [`VerifyError::Broken`] names the first broken place; [`VerifyError::Unreadable`] means that
/// nothing is known.
pub fn verify(path: &Path, busy_timeout: Duration) -> Result<VerifyReport, VerifyError> {
    let mut connection = connect::connect(path)?;
    // Whoever looks must not change: the log is not copied into the file on closing.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(busy_timeout)?;
    check_file(&connection)?;
    connect::set_up_reader(&connection, busy_timeout)?;
    let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    check_tables(&snapshot)?;
    let mut report = VerifyReport { rows: rows::check_sums(&snapshot)?, ..Default::default() };
    report.chains = chain::check_chains(&snapshot)?;
    report.payloads = chain::check_payloads(&snapshot)?;
    report.deleted = chain::check_deleted(&snapshot)?;
    report.evidence = chain::check_evidence(&snapshot)?;
    report.records = fold::check_records(&snapshot)?;
    report.scopes = rows::check_scopes(&snapshot)?;
    rows::check_sources(&snapshot)?;
    rows::check_locator(&snapshot)?;
    rows::check_imports(&snapshot)?;
    rows::check_pending(&snapshot)?;
    undone::check_recounts(&snapshot)?;
    rows::check_registers(&snapshot)?;
    officers::check_officers(&snapshot)?;
    Ok(report)
}

/// What SQLite itself finds: pages, indexes, column types, constraints.
fn check_file(connection: &Connection) -> Result<(), VerifyError> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    match found.as_str() {
        "ok" => Ok(()),
        what => Err(VerifyError::at("file", "-", what)),
    }
}

/// The tables must be exactly those that the built-in migrations make.
fn check_tables(connection: &Connection) -> Result<(), VerifyError> {
    let mut model = Connection::open_in_memory()?;
    schema::migrate(&mut model, Emptiness::Fillable, Timestamp::default())?;
    let (expected, found) = (table_texts(&model)?, table_texts(connection)?);
    for (name, text) in &expected {
        if !found.iter().any(|(other, found)| other == name && found == text) {
            return Err(VerifyError::at("sqlite_schema", name, "it is missing or was changed"));
        }
    }
    match found.iter().find(|(name, _)| !expected.iter().any(|(other, _)| other == name)) {
        Some((name, _)) => Err(VerifyError::at("sqlite_schema", name, "it does not belong there")),
        None => check_migrations(connection, &model),
    }
}

fn check_migrations(connection: &Connection, model: &Connection) -> Result<(), VerifyError> {
    let read = |connection: &Connection| -> Result<Vec<(i64, String, Vec<u8>)>, VerifyError> {
        let mut statement =
            connection.prepare("SELECT version, name, checksum FROM migration ORDER BY version")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let (expected, found) = (read(model)?, read(connection)?);
    if expected == found {
        return Ok(());
    }
    let odd = found.iter().find(|row| !expected.contains(row)).map_or(0, |row| row.0);
    Err(VerifyError::at("migration", odd, "the steps are not those built in"))
}

fn table_texts(connection: &Connection) -> Result<Vec<(String, Option<String>)>, VerifyError> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
