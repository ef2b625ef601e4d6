//! The tables' versions: SQL files built in, applied in order, each with its checksum kept.
//!
//! `user_version` says how far a file has come, `application_id` that it is ours. There is no way
//! back: an older program refuses a newer file.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::fault::Fault;
use super::row::{fresh_salt, row_sum};
use super::upgrade;
use crate::base::{Digest, Timestamp};

/// "Cons", written into the file's header (SQLite file format §1.3.17).
pub(super) const APPLICATION_ID: i32 = 0x436f_6e73;

/// One step of the tables.
pub(super) struct Migration {
    /// Its number; steps are applied in this order.
    pub(super) version: i32,
    /// Its file's name.
    pub(super) name: &'static str,
    /// Its text.
    pub(super) sql: &'static str,
    /// What must be done after it and cannot be said in SQL.
    pub(super) then: fn(&Connection) -> Result<(), Fault>,
}

impl Migration {
    /// What the file's text must still hash to.
    pub(super) fn checksum(&self) -> Digest {
        Digest::of(self.sql.as_bytes())
    }
}

/// All steps, oldest first.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_first",
        sql: include_str!("migrations/0001_first.sql"),
        then: |_| Ok(()),
    },
    Migration {
        version: 2,
        name: "0002_narrow",
        sql: include_str!("migrations/0002_narrow.sql"),
        then: upgrade::narrow_records,
    },
    Migration {
        version: 3,
        name: "0003_imports",
        sql: include_str!("migrations/0003_imports.sql"),
        then: |_| Ok(()),
    },
    Migration {
        version: 4,
        name: "0004_proofs",
        sql: include_str!("migrations/0004_proofs.sql"),
        then: |_| Ok(()),
    },
    Migration {
        version: 5,
        name: "0005_keys",
        sql: include_str!("migrations/0005_keys.sql"),
        then: |_| Ok(()),
    },
    Migration {
        version: 6,
        name: "0006_officers",
        sql: include_str!("migrations/0006_officers.sql"),
        then: |_| Ok(()),
    },
    Migration {
        version: 7,
        name: "0007_refold",
        sql: include_str!("migrations/0007_refold.sql"),
        then: upgrade::refold_records,
    },
];

/// The table that tells which steps were applied.
pub(super) const LEDGER_OF_MIGRATIONS: &str = "CREATE TABLE migration (
    version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL
) STRICT";

/// Whether an empty file may become a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Emptiness {
    /// It may.
    Fillable,
    /// It is a fault.
    Suspicious,
}

/// Whether a file with tables of `version` needs migrating; an empty one has none.
pub(super) fn is_behind(version: i32) -> bool {
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.version);
    0 < version && version < newest
}

/// Brings the tables to the newest version.
pub(super) fn migrate(
    connection: &mut Connection,
    emptiness: Emptiness,
    now: Timestamp,
) -> Result<(), Fault> {
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if check_ours(connection, emptiness)? == newest {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let current = check_ours(&transaction, emptiness)?;
    if current == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute_batch(LEDGER_OF_MIGRATIONS)?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > current) {
        transaction.execute_batch(migration.sql)?;
        (migration.then)(&transaction)?;
        transaction.execute(
            "INSERT INTO migration (version, name, checksum) VALUES (?1, ?2, ?3)",
            (migration.version, migration.name, migration.checksum().as_bytes()),
        )?;
    }
    if current == 0 {
        note_origin(&transaction, now)?;
    }
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    Ok(())
}

/// The version a file has, after checking that its steps are the ones built in.
pub(super) fn check_applied(connection: &Connection) -> Result<i32, Fault> {
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        return Ok(0);
    }
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let newest = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if id != APPLICATION_ID {
        return Err(Fault::File("the file is a database, but not Consentry's".to_owned()));
    }
    if version > newest {
        return Err(Fault::File(format!(
            "the file has tables of version {version}, this program knows {newest}; use the newer \
             program"
        )));
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version <= version) {
        let sql = "SELECT checksum FROM migration WHERE version = ?1";
        let checksum: Option<Vec<u8>> =
            connection.query_row(sql, [migration.version], |row| row.get(0)).optional()?;
        if checksum.as_deref() != Some(migration.checksum().as_bytes()) {
            return Err(Fault::row("migration", migration.version, "it is not the one built in"));
        }
    }
    Ok(version)
}

/// The version a file has, 0 for one that is empty and may be filled. Changes nothing.
pub(super) fn check_ours(connection: &Connection, emptiness: Emptiness) -> Result<i32, Fault> {
    let version = check_applied(connection)?;
    if version > 0 {
        return Ok(version);
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(Fault::File("the file is a database, but not Consentry's".to_owned()));
    }
    match emptiness {
        Emptiness::Fillable => Ok(0),
        Emptiness::Suspicious => Err(Fault::File("the database file is empty".to_owned())),
    }
}

fn note(connection: &Connection, key: &str, value: &[u8]) -> Result<(), Fault> {
    let sum = row_sum("meta", &[ValueRef::Text(key.as_bytes()), ValueRef::Blob(value)]);
    connection
        .execute("INSERT INTO meta (key, value, sum) VALUES (?1, ?2, ?3)", (key, value, sum))?;
    Ok(())
}

fn note_origin(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    let store = fresh_salt()?;
    let created = now.to_string();
    for (key, value) in [("store", store.as_slice()), ("created_at", created.as_bytes())] {
        note(connection, key, value)?;
    }
    Ok(())
}
