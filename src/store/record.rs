//! The rows that hold the folded records, one per person.
//!
//! The fold itself is `eligibility`'s; here it is kept, versioned and checked when read: a
//! damaged record is a fault, never a record with less in it.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::row::{from_sql_number, row_sum};
use crate::base::{EvidenceId, PersonKey, Timestamp};
use crate::eligibility::{Evidence, RecipientRecord};

/// One row of `record`, its body unread.
#[derive(Clone, Debug)]
pub(super) struct RecordRow {
    /// How many pieces were folded into it.
    pub(super) version: i64,
    /// The record as JSON.
    pub(super) body: String,
}

impl RecordRow {
    /// The row of `person`, or what stands for none.
    pub(super) fn read(connection: &Connection, person: &PersonKey) -> Result<Self, Fault> {
        match Self::find(connection, person)? {
            Some(row) => Ok(row),
            None => Self::none(),
        }
    }

    /// The row of `person`; `None` for none.
    pub(super) fn find(connection: &Connection, person: &PersonKey) -> Result<Option<Self>, Fault> {
        let row = connection
            .prepare_cached("SELECT version, body, sum FROM record WHERE person = ?1")?
            .query_row([person.as_bytes()], |row| {
                let read = Self { version: row.get(0)?, body: row.get(1)? };
                Ok((read, row.get::<_, Vec<u8>>(2)?))
            })
            .optional()?;
        let Some((row, sum)) = row else { return Ok(None) };
        if row.sum(person) != sum.as_slice() {
            return Err(Fault::row("record", person, "its checksum does not match"));
        }
        Ok(Some(row))
    }

    fn none() -> Result<Self, Fault> {
        let body = encode(&RecipientRecord::default())?;
        Ok(Self { version: 0, body })
    }

    /// The record in it.
    pub(super) fn record(&self, person: &PersonKey) -> Result<RecipientRecord, Fault> {
        serde_json::from_str(&self.body).map_err(|error| Fault::row("record", person, error))
    }

    fn sum(&self, person: &PersonKey) -> [u8; 16] {
        let columns = [
            ValueRef::Blob(person.as_bytes()),
            ValueRef::Integer(self.version),
            ValueRef::Text(self.body.as_bytes()),
        ];
        row_sum("record", &columns)
    }

    fn write(&self, connection: &Connection, person: &PersonKey) -> Result<(), Fault> {
        connection
            .prepare_cached(
                "INSERT INTO record (person, version, body, sum) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (person) DO UPDATE SET version = excluded.version,
                 body = excluded.body, sum = excluded.sum",
            )?
            .execute((person.as_bytes(), self.version, &self.body, self.sum(person)))?;
        Ok(())
    }
}

/// A record as it is kept.
pub(super) fn encode(record: &RecipientRecord) -> Result<String, Fault> {
    serde_json::to_string(record).map_err(|error| Fault::row("record", "(new)", error))
}

/// The version of `person`'s record; 0 for none.
pub(super) fn version(connection: &Connection, person: &PersonKey) -> Result<i64, Fault> {
    let version = connection
        .prepare_cached("SELECT version FROM record WHERE person = ?1")?
        .query_row([person.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(version.unwrap_or(0))
}

/// Folds one piece of evidence into its person's record and numbers it with the new version.
pub(super) fn fold(
    connection: &Connection,
    person: &PersonKey,
    id: i64,
    evidence: &Evidence,
) -> Result<(), Fault> {
    let version = add(connection, person, id, evidence)?;
    connection
        .prepare_cached("UPDATE evidence SET version = ?2 WHERE id = ?1")?
        .execute((id, version))?;
    Ok(())
}

/// Adds one piece to its person's record; the new version.
pub(super) fn add(
    connection: &Connection,
    person: &PersonKey,
    id: i64,
    evidence: &Evidence,
) -> Result<i64, Fault> {
    let mut row = RecordRow::read(connection, person)?;
    let mut record = row.record(person)?;
    record.apply(EvidenceId(from_sql_number(id)?), evidence);
    row.version += 1;
    row.body = encode(&record)?;
    row.write(connection, person)?;
    Ok(row.version)
}

/// Puts another fold in the place of a person's record, `steps` versions later; the new version.
pub(super) fn replace(
    connection: &Connection,
    person: &PersonKey,
    record: &RecipientRecord,
    steps: i64,
) -> Result<i64, Fault> {
    let mut row = RecordRow::read(connection, person)?;
    row.version += steps;
    row.body = encode(record)?;
    row.write(connection, person)?;
    Ok(row.version)
}

/// When marketing was last sent to `person`.
pub(super) fn last_sent_at(
    connection: &Connection,
    person: &PersonKey,
) -> Result<Option<Timestamp>, Fault> {
    let row: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT at, sum FROM sent WHERE person = ?1")?
        .query_row([person.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((at, sum)) = row else { return Ok(None) };
    if sum_of_sent(person, at) != sum.as_slice() {
        return Err(Fault::row("sent", person, "its checksum does not match"));
    }
    Ok(Some(Timestamp::from_millis(at)))
}

/// Moves a person's last marketing forward, never back.
pub(super) fn mark_sent(
    connection: &Connection,
    person: &PersonKey,
    at: Timestamp,
) -> Result<(), Fault> {
    let at = at.as_millis();
    connection
        .prepare_cached(
            "INSERT INTO sent (person, at, sum) VALUES (?1, ?2, ?3)
             ON CONFLICT (person) DO UPDATE SET at = excluded.at, sum = excluded.sum
             WHERE excluded.at > sent.at",
        )?
        .execute((person.as_bytes(), at, sum_of_sent(person, at)))?;
    Ok(())
}

fn sum_of_sent(person: &PersonKey, at: i64) -> [u8; 16] {
    row_sum("sent", &[ValueRef::Blob(person.as_bytes()), ValueRef::Integer(at)])
}
