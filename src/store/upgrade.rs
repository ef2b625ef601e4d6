//! The parts of a migration that SQL cannot do: rows whose checksums must be computed anew.
//!
//! Damage is carried over as damage: a row whose old checksum did not match keeps one that does
//! not match, so that reading it stays an error.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::fault::Fault;
use super::record::{self, RecordRow};
use super::recount;
use super::row::{from_sql_number, row_sum};
use crate::base::{EvidenceId, PersonKey};
use crate::eligibility::RecipientRecord;

/// Migration 2: splits `record_old` into `record` and `sent`.
pub(super) fn narrow_records(connection: &Connection) -> Result<(), Fault> {
    let mut keep = connection
        .prepare("INSERT INTO record (person, version, body, sum) VALUES (?1, ?2, ?3, ?4)")?;
    let mut keep_sent =
        connection.prepare("INSERT INTO sent (person, at, sum) VALUES (?1, ?2, ?3)")?;
    let mut old = connection
        .prepare("SELECT person, version, last_marketing_sent_at, body, sum FROM record_old")?;
    let mut rows = old.query([])?;
    while let Some(row) = rows.next()? {
        let (person, version) = (row.get_ref(0)?, row.get_ref(1)?);
        let (at, body) = (row.get_ref(2)?, row.get_ref(3)?);
        let old_sum: Vec<u8> = row.get(4)?;
        let is_whole = old_sum == row_sum("record", &[person, version, at, body]);
        let sum = |table: &str, columns: &[ValueRef<'_>]| match is_whole {
            true => row_sum(table, columns).to_vec(),
            false => old_sum.clone(),
        };
        let record_sum = sum("record", &[person, version, body]);
        let key: Vec<u8> = row.get(0)?;
        keep.execute((&key, row.get::<_, i64>(1)?, row.get::<_, String>(3)?, record_sum))?;
        if at != ValueRef::Null {
            let sent_sum = sum("sent", &[person, at]);
            keep_sent.execute((&key, row.get::<_, i64>(2)?, sent_sum))?;
        }
    }
    drop(rows);
    drop(old);
    connection.execute_batch("DROP TABLE record_old")?;
    Ok(())
}

/// Migration 7: folds every record anew from its evidence, at the version it has.
pub(super) fn refold_records(connection: &Connection) -> Result<(), Fault> {
    let mut statement = connection.prepare("SELECT person FROM record")?;
    let persons = statement.query_map([], |row| row.get(0))?;
    let persons: Vec<[u8; 16]> = persons.collect::<Result<_, _>>()?;
    for person in persons.into_iter().map(PersonKey::from_bytes) {
        // Damage stays where it is: reading it is an error before and after.
        let (Ok(_), Ok(pieces)) =
            (RecordRow::read(connection, &person), recount::pieces(connection, &person))
        else {
            continue;
        };
        let mut folded = RecipientRecord::default();
        for (id, _, evidence) in pieces.iter().filter(|(_, standing, _)| standing.counts()) {
            folded.apply(EvidenceId(from_sql_number(*id)?), evidence);
        }
        record::replace(connection, &person, &folded, 0)?;
    }
    Ok(())
}
