//! Rows outside the chains: those with checksums, scopes, imports and what waits for them.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use super::VerifyError;
use crate::base::BatchId;
use crate::store::import::BatchRow;
use crate::store::locator::SECTION;
use crate::store::registers::Registers;
use crate::store::row::row_sum;
use crate::store::scopes;
use crate::store::sources::{self, KEPT};

/// The tables whose last column is a checksum over the others, with what makes a row's key.
const SUMMED: [(&str, &str); 15] = [
    ("meta", "key"),
    ("head", "chain"),
    ("record", "lower(hex(person))"),
    ("sent", "lower(hex(person))"),
    ("batch", "id"),
    ("import_source", "batch"),
    ("recount", "lower(hex(person))"),
    ("pending", "evidence"),
    ("ledger", "lower(hex(fate_key))"),
    ("retained", "chain"),
    ("key_pair", "id"),
    ("kin", "lower(hex(person))"),
    ("register", "id"),
    ("succession", "id"),
    ("erased", "lower(hex(person))"),
];

/// What every store notes about itself when it is made.
const ORIGIN: [&str; 2] = ["created_at", "store"];

/// Checks all checksums and tells how many rows have one.
pub(super) fn check_sums(connection: &Connection) -> Result<u64, VerifyError> {
    let mut whole = 0;
    for (table, key) in SUMMED {
        let mut statement = connection.prepare(&format!("SELECT {key}, * FROM {table}"))?;
        let last = statement.column_count() - 1;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let columns: Vec<ValueRef<'_>> =
                (1..last).map(|column| row.get_ref(column)).collect::<Result<_, _>>()?;
            if row.get_ref(last)? != ValueRef::Blob(&row_sum(table, &columns)) {
                let key = shown(row)?;
                return Err(VerifyError::at(table, key, "its checksum does not match"));
            }
            whole += 1;
        }
    }
    let keys: Vec<String> = connection
        .prepare("SELECT key FROM meta ORDER BY key")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    // A store made by a visitor without keys remembers no keyring yet.
    if keys.iter().filter(|key| *key != "keyring").ne(&ORIGIN) {
        return Err(VerifyError::at("meta", keys.join(" "), "the keys are not those expected"));
    }
    Ok(whole)
}

fn shown(row: &Row<'_>) -> Result<String, VerifyError> {
    Ok(match row.get_ref(0)? {
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Null | ValueRef::Real(_) => "-".to_owned(),
    })
}

/// Checks each scope against the entry that gave it its number, and that none is missing.
pub(super) fn check_scopes(connection: &Connection) -> Result<u64, VerifyError> {
    let mut statement = connection.prepare(
        "SELECT scope.id, scope.kind, entity, name, body, journal.kind
         FROM scope LEFT JOIN payload USING (chain, seq) LEFT JOIN journal USING (chain, seq)",
    )?;
    let mut rows = statement.query([])?;
    let mut whole = 0;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (kind, entity): (String, String) = (row.get(1)?, row.get(2)?);
        let name: String = row.get(3)?;
        let (body, entry): (Option<Vec<u8>>, Option<String>) = (row.get(4)?, row.get(5)?);
        let expected = scopes::from_columns(&kind, &entity, &name)
            .map(|scope| scopes::entry_body(id, &scope).into_bytes());
        if expected.is_none() || body != expected || entry.as_deref() != Some("scope") {
            return Err(VerifyError::at("scope", id, "it is not what its journal entry says"));
        }
        whole += 1;
    }
    let missing = "SELECT count(*) FROM journal WHERE kind = 'scope'";
    let entries: i64 = connection.query_row(missing, [], |row| row.get(0))?;
    if u64::try_from(entries) != Ok(whole) {
        return Err(VerifyError::at("scope", "-", "a scope that was given a number is missing"));
    }
    Ok(whole)
}

/// Checks that each text hashes to what decisions call it, and that none is missing.
pub(super) fn check_sources(connection: &Connection) -> Result<(), VerifyError> {
    let mut statement = connection.prepare("SELECT hash, body FROM source")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        sources::read(&row.get::<_, Vec<u8>>(0)?, &row.get::<_, String>(1)?)?;
    }
    let journalled = "SELECT CAST(body AS TEXT) ->> 'hash' FROM journal
                      JOIN payload USING (chain, seq)
                      WHERE kind = 'config' AND CAST(body AS TEXT) ->> 'act' = ?1";
    let kept = "SELECT lower(hex(hash)) FROM source";
    for (here, there, what) in [
        (journalled, kept, "it is missing though the journal says that it is kept"),
        (kept, journalled, "no journal entry says that it is kept"),
    ] {
        let odd: Option<String> = connection
            .query_row(&format!("{here} EXCEPT {there} LIMIT 1"), [KEPT], |row| row.get(0))
            .optional()?;
        if let Some(hash) = odd {
            return Err(VerifyError::at("source", hash, what));
        }
    }
    Ok(())
}

/// Checks that the locator says of each complete section what its payloads say, and no more.
pub(super) fn check_locator(connection: &Connection) -> Result<(), VerifyError> {
    let told = format!(
        "SELECT chain, (place - 1) / {SECTION} AS section, word, min(place) AS seq FROM (
             SELECT chain, seq AS place, decision AS word FROM payload WHERE decision IS NOT NULL
             UNION ALL
             SELECT chain, seq, substr(txn, 1, 8) FROM payload WHERE txn IS NOT NULL
         ) JOIN head USING (chain)
         WHERE place <= head.seq / {SECTION} * {SECTION} GROUP BY 1, 2, 3"
    );
    let found = "SELECT chain, section, word, seq FROM locator";
    for (here, there) in [(told.as_str(), found), (found, told.as_str())] {
        let odd = format!("SELECT chain, section FROM (SELECT * FROM ({here}) EXCEPT {there})");
        let odd: Option<(String, i64)> =
            connection.query_row(&odd, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((chain, section)) = odd {
            let key = format!("{chain} {section}");
            return Err(VerifyError::at("locator", key, "it is not what the payloads say"));
        }
    }
    Ok(())
}

/// Checks each completed import against the entry that completed it.
pub(super) fn check_imports(connection: &Connection) -> Result<(), VerifyError> {
    let mut statement = connection.prepare("SELECT id FROM batch")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let batch = BatchId::parse(&id).map_err(|error| VerifyError::at("batch", &id, error))?;
        let Some(found) = BatchRow::read(connection, &batch)? else { continue };
        let body = found.entry_body(connection, &batch)?;
        if found.completed_at.is_some() && !is_journalled(connection, &body)? {
            return Err(VerifyError::at("batch", id, "no journal entry completed it like this"));
        }
    }
    check_no_import_lost(connection)
}

fn is_journalled(connection: &Connection, body: &str) -> Result<bool, VerifyError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM journal JOIN payload USING (chain, seq)
               WHERE kind = 'import' AND body = ?1)";
    Ok(connection.query_row(sql, [body.as_bytes()], |row| row.get(0))?)
}

fn check_no_import_lost(connection: &Connection) -> Result<(), VerifyError> {
    let mut statement = connection.prepare(
        "SELECT CAST(body AS TEXT) ->> 'batch' AS id
         FROM journal JOIN payload USING (chain, seq) WHERE kind = 'import'
         AND id IS NOT NULL AND id NOT IN (SELECT batch.id FROM batch)",
    )?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        None => Ok(()),
        Some(row) => {
            let what = "it is missing though the journal says that it was completed";
            Err(VerifyError::at("batch", row.get::<_, String>(0)?, what))
        }
    }
}

/// Checks each register against the entry that imported it, and its entries against both.
pub(super) fn check_registers(connection: &Connection) -> Result<(), VerifyError> {
    for register in Registers::read(connection)?.rows() {
        if !is_journalled(connection, &register.entry_body())? {
            let what = "no journal entry imported it like this";
            return Err(VerifyError::at("register", &register.id, what));
        }
        if !register.is_whole(connection)? {
            let what = "its entries are not those that were imported";
            return Err(VerifyError::at("listing", &register.id, what));
        }
    }
    let lost = "SELECT CAST(body AS TEXT) ->> 'register' AS id
                FROM journal JOIN payload USING (chain, seq) WHERE kind = 'import'
                AND id IS NOT NULL AND id NOT IN (SELECT register.id FROM register) LIMIT 1";
    let lost: Option<String> = connection.query_row(lost, [], |row| row.get(0)).optional()?;
    match lost {
        None => Ok(()),
        Some(id) => {
            let what = "it is missing though the journal says that it was imported";
            Err(VerifyError::at("register", id, what))
        }
    }
}

/// Evidence that does not count must wait for an import, and nothing else may wait.
pub(super) fn check_pending(connection: &Connection) -> Result<(), VerifyError> {
    let mut statement = connection.prepare(
        "SELECT coalesce(evidence.id, pending.evidence), evidence.id IS NOT NULL
         FROM evidence FULL JOIN pending ON pending.evidence = evidence.id
         LEFT JOIN (
             SELECT person, evidence, counts, max(version) FROM recount GROUP BY person, evidence
         ) AS last ON last.evidence = evidence.id
         WHERE evidence.id IS NULL OR CASE last.counts
             WHEN 0 THEN FALSE
             WHEN 1 THEN pending.evidence IS NOT NULL
             ELSE (evidence.version IS NULL) <> (pending.evidence IS NOT NULL) END LIMIT 1",
    )?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return check_waiting_for(connection) };
    let (id, has_evidence): (i64, bool) = (row.get(0)?, row.get(1)?);
    match has_evidence {
        true => Err(VerifyError::at("evidence", id, "it neither counts nor waits, or does both")),
        false => Err(VerifyError::at("pending", id, "there is no such evidence")),
    }
}

/// What waits must wait for an import there is.
fn check_waiting_for(connection: &Connection) -> Result<(), VerifyError> {
    let mut statement =
        connection.prepare("SELECT batch FROM pending EXCEPT SELECT id FROM batch LIMIT 1")?;
    let mut rows = statement.query([])?;
    match rows.next()? {
        None => Ok(()),
        Some(row) => {
            let batch: String = row.get(0)?;
            Err(VerifyError::at("batch", batch, "it is missing though evidence waits for it"))
        }
    }
}
