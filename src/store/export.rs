//! The journal as lines for somebody else: each entry with its payload or evidence.
//!
//! A page at a time, so that a long journal needs no memory and holds no reader up.

use rusqlite::{Connection, Row};
use serde::Serialize;

use super::fault::Fault;
use super::row::to_sql_number;

/// One entry and what it commits to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ExportedEntry {
    /// The chain.
    pub chain: String,
    /// Its number in the chain.
    pub seq: u64,
    kind: String,
    at: i64,
    digest: String,
    prev: String,
    hash: String,
    /// What the entry commits to; absent if it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<ExportedPayload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<ExportedEvidence>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct ExportedPayload {
    salt: String,
    decision: Option<i64>,
    transaction: Option<String>,
    person: Option<String>,
    version: Option<i64>,
    body: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct ExportedEvidence {
    salt: String,
    id: i64,
    person: String,
    identity: String,
    body: String,
}

/// The next `count` entries behind `after`, none of a number below `from`.
pub(super) fn page(
    connection: &Connection,
    after: Option<(String, u64)>,
    from: u64,
    count: u32,
) -> Result<Vec<ExportedEntry>, Fault> {
    let (chain, seq) = after.unwrap_or_default();
    let mut statement = connection.prepare_cached(
        "SELECT journal.chain, journal.seq, kind, at, digest, prev, hash,
                payload.salt, decision, txn, payload.person, payload.version, payload.body,
                evidence.salt, id, evidence.person, identity, evidence.body
         FROM journal
         LEFT JOIN payload ON payload.chain = journal.chain AND payload.seq = journal.seq
         LEFT JOIN evidence ON evidence.chain = journal.chain AND evidence.seq = journal.seq
         WHERE (journal.chain, journal.seq) > (?1, ?2) AND journal.seq >= ?3
         ORDER BY journal.chain, journal.seq LIMIT ?4",
    )?;
    let bound = (chain, to_sql_number(seq), to_sql_number(from), count);
    let rows = statement.query_map(bound, entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn entry(row: &Row<'_>) -> Result<ExportedEntry, rusqlite::Error> {
    Ok(ExportedEntry {
        chain: row.get(0)?,
        seq: u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
        kind: row.get(2)?,
        at: row.get(3)?,
        digest: hex(row, 4)?.unwrap_or_default(),
        prev: hex(row, 5)?.unwrap_or_default(),
        hash: hex(row, 6)?.unwrap_or_default(),
        payload: payload(row)?,
        evidence: evidence(row)?,
    })
}

fn payload(row: &Row<'_>) -> Result<Option<ExportedPayload>, rusqlite::Error> {
    let Some(salt) = hex(row, 7)? else { return Ok(None) };
    let body: Vec<u8> = row.get(12)?;
    Ok(Some(ExportedPayload {
        salt,
        decision: row.get(8)?,
        transaction: hex(row, 9)?,
        person: hex(row, 10)?,
        version: row.get(11)?,
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}

fn evidence(row: &Row<'_>) -> Result<Option<ExportedEvidence>, rusqlite::Error> {
    let Some(salt) = hex(row, 13)? else { return Ok(None) };
    Ok(Some(ExportedEvidence {
        salt,
        id: row.get(14)?,
        person: hex(row, 15)?.unwrap_or_default(),
        identity: hex(row, 16)?.unwrap_or_default(),
        body: row.get(17)?,
    }))
}

fn hex(row: &Row<'_>, column: usize) -> Result<Option<String>, rusqlite::Error> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    Ok(bytes.map(|bytes| data_encoding::HEXLOWER.encode(&bytes)))
}
