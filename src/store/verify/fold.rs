//! Refolds every record from its evidence and compares bytes and version.

use rusqlite::{Connection, OptionalExtension, Row};

use super::VerifyError;
use crate::base::{EvidenceId, PersonKey};
use crate::eligibility::RecipientRecord;
use crate::store::record::{RecordRow, encode};
use crate::store::recount;
use crate::store::row::from_sql_number;

/// Checks each record, and that nobody with counted evidence lacks one.
pub(super) fn check_records(connection: &Connection) -> Result<u64, VerifyError> {
    check_versions(connection)?;
    check_sent(connection)?;
    let mut persons = connection.prepare("SELECT person FROM record")?;
    let mut rows = persons.query([])?;
    let mut whole = 0;
    while let Some(row) = rows.next()? {
        check_record(connection, &person_in(row, "record")?)?;
        whole += 1;
    }
    let orphan = "SELECT person FROM evidence WHERE version IS NOT NULL
                  UNION SELECT person FROM recount UNION SELECT person FROM erased EXCEPT SELECT person FROM record LIMIT 1";
    let mut orphans = connection.prepare(orphan)?;
    let mut rows = orphans.query([])?;
    match rows.next()? {
        None => Ok(whole),
        Some(row) => {
            let person = person_in(row, "evidence")?;
            Err(VerifyError::at("record", person, "it is missing though there is evidence"))
        }
    }
}

/// Each person's counted evidence, and each change of what counts, must be numbered 1, 2, 3 …
/// without holes.
fn check_versions(connection: &Connection) -> Result<(), VerifyError> {
    let odd = "SELECT person FROM (
                   SELECT person, version FROM evidence WHERE version IS NOT NULL
                   UNION ALL SELECT person, version FROM recount
                   UNION ALL SELECT person, version FROM erased
               ) GROUP BY person
               HAVING min(version) <> 1 OR max(version) <> count(*)
               OR count(DISTINCT version) <> count(*) LIMIT 1";
    let mut statement = connection.prepare(odd)?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        None => Ok(()),
        Some(row) => {
            let person = person_in(row, "evidence")?;
            Err(VerifyError::at("evidence", person, "the versions of this person have a hole"))
        }
    }
}

fn check_record(connection: &Connection, person: &PersonKey) -> Result<(), VerifyError> {
    let row = RecordRow::read(connection, person)?;
    let mut record = RecipientRecord::default();
    for (id, standing, evidence) in recount::pieces(connection, person)? {
        if standing.counts() {
            record.apply(EvidenceId(from_sql_number(id)?), &evidence);
        }
    }
    let version: i64 = connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM evidence WHERE person = ?1 AND version IS NOT NULL)
             + (SELECT count(*) FROM recount WHERE person = ?1)
             + (SELECT count(*) FROM erased WHERE person = ?1)",
        )?
        .query_row([person.as_bytes()], |row| row.get(0))?;
    if row.version != version {
        let what = format!("its version is {}, its evidence makes {version}", row.version);
        return Err(VerifyError::at("record", person, what));
    }
    if row.body != encode(&record)? {
        return Err(VerifyError::at("record", person, "it is not the fold of its evidence"));
    }
    Ok(())
}

/// The last marketing of each person must be the last outcome that says so.
fn check_sent(connection: &Connection) -> Result<(), VerifyError> {
    // Where retention deleted what was told, its entry still tells when.
    let odd = "SELECT person FROM (
                   SELECT person, max(at) AS at FROM payload JOIN journal USING (chain, seq)
                   WHERE kind = 'outcome' AND person IS NOT NULL GROUP BY person
               ) AS told FULL JOIN sent USING (person)
               WHERE told.at IS NOT sent.at AND (
                   sent.at IS NULL OR coalesce(told.at, 0) > sent.at OR sent.at NOT IN (
                       SELECT journal.at FROM journal LEFT JOIN payload USING (chain, seq)
                       WHERE kind = 'outcome' AND payload.seq IS NULL
                   )
               ) LIMIT 1";
    let odd = connection.query_row(odd, [], |row| Ok(person_in(row, "sent"))).optional()?;
    match odd {
        None => Ok(()),
        Some(person) => {
            let what = "its last marketing is not the last one journalled";
            Err(VerifyError::at("sent", person?, what))
        }
    }
}

fn person_in(row: &Row<'_>, table: &str) -> Result<PersonKey, VerifyError> {
    let bytes: Vec<u8> = row.get(0)?;
    match <[u8; 16]>::try_from(bytes.as_slice()) {
        Ok(bytes) => Ok(PersonKey::from_bytes(bytes)),
        Err(_) => Err(VerifyError::at(table, "-", "a person's key does not have 16 bytes")),
    }
}
