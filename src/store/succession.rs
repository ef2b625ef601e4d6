//! Which legal person followed which: an officer's act, read with every person's record.
//!
//! What passes from one to the other is `eligibility`'s. Nothing is kept in memory: what an
//! officer records holds for the next message (promise P2).

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::handle::Store;
use super::job::Patience;
use super::journal::{EntryKind, Payload, Writing};
use super::row::{from_sql_number, row_sum};
use crate::base::Timestamp;
use crate::eligibility::{Succession, Successions};
use crate::relay::ports::StoreError;

/// One row: something that was recorded, or that something no longer is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Told {
    /// A row that was recorded by mistake.
    Withdrawal {
        /// Its number.
        withdraws: i64,
    },
    /// One legal person followed another.
    Succession(Succession),
}

/// A succession as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SuccessionRow {
    /// Its number.
    pub id: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub succession: Succession,
    /// Whether it was withdrawn.
    pub is_withdrawn: bool,
}

struct Row {
    id: i64,
    recorded_at: i64,
    told: Told,
}

/// What holds now.
pub(super) fn history(connection: &Connection) -> Result<Successions, Fault> {
    let standing = all(connection)?.into_iter().filter(|row| !row.is_withdrawn);
    Ok(Successions::new(standing.map(|row| row.succession).collect()))
}

fn all(connection: &Connection) -> Result<Vec<SuccessionRow>, Fault> {
    let rows = rows(connection)?;
    let withdrawn: Vec<i64> = rows
        .iter()
        .filter_map(|row| match row.told {
            Told::Withdrawal { withdraws } => Some(withdraws),
            Told::Succession(_) => None,
        })
        .collect();
    let listed = |row: Row| match row.told {
        Told::Withdrawal { .. } => None,
        Told::Succession(succession) => Some(from_sql_number(row.id).map(|id| SuccessionRow {
            id,
            recorded_at: Timestamp::from_millis(row.recorded_at),
            succession,
            is_withdrawn: withdrawn.contains(&row.id),
        })),
    };
    rows.into_iter().filter_map(listed).collect()
}

fn rows(connection: &Connection) -> Result<Vec<Row>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, chain, succession.seq, body, sum, coalesce(at, 0)
         FROM succession LEFT JOIN journal USING (chain, seq) ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, chain, seq): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (body, sum): (String, Vec<u8>) = (row.get(3)?, row.get(4)?);
        if sum_of(id, &chain, seq, &body) != sum.as_slice() {
            return Err(Fault::row("succession", id, "its checksum does not match"));
        }
        let told = serde_json::from_str(&body).map_err(|e| Fault::row("succession", id, e))?;
        found.push(Row { id, recorded_at: row.get(5)?, told });
    }
    Ok(found)
}

fn append(writing: &mut Writing<'_>, told: &Told, officer: &[u8]) -> Result<i64, Fault> {
    let fault = |error| Fault::row("succession", "(new)", error);
    let body = serde_json::to_string(told).map_err(fault)?;
    let officer: serde_json::Value = serde_json::from_slice(officer).map_err(fault)?;
    // The row's text stands in the entry as it is, so that they can be compared.
    let entry = format!(r#"{{"act":"succession","succession":{body},"officer":{officer}}}"#);
    let payload = Payload { body: entry.as_bytes(), ..Payload::default() };
    let seq = writing.enter_payload(EntryKind::Operator, writing.now(), &payload)?;
    let connection = writing.connection();
    let id: i64 =
        connection
            .query_row("SELECT coalesce(max(id), 0) + 1 FROM succession", [], |row| row.get(0))?;
    let chain = writing.writer().node.as_str();
    connection
        .prepare_cached(
            "INSERT INTO succession (id, chain, seq, body, sum) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((id, chain, seq, &body, sum_of(id, chain, seq, &body)))?;
    Ok(id)
}

fn sum_of(id: i64, chain: &str, seq: i64, body: &str) -> [u8; 16] {
    let columns = [
        ValueRef::Integer(id),
        ValueRef::Text(chain.as_bytes()),
        ValueRef::Integer(seq),
        ValueRef::Text(body.as_bytes()),
    ];
    row_sum("succession", &columns)
}

impl Store {
    /// Records that one legal person followed another, with the officer's act (JSON); the
    /// number it was given.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written; then nothing was.
    pub async fn succeed(
        &self,
        succession: Succession,
        officer: Vec<u8>,
    ) -> Result<u64, StoreError> {
        self.write(Patience::Regardless, move |writing| {
            from_sql_number(append(writing, &Told::Succession(succession), &officer)?)
        })
        .await
    }

    /// Takes back the succession numbered `id`, with the officer's act; `false` if none stands
    /// under that number.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written; then nothing was.
    pub async fn withdraw_succession(&self, id: u64, officer: Vec<u8>) -> Result<bool, StoreError> {
        self.write(Patience::Regardless, move |writing| {
            let stands = |row: &SuccessionRow| row.id == id && !row.is_withdrawn;
            if !all(writing.connection())?.iter().any(stands) {
                return Ok(false);
            }
            let withdraws = i64::try_from(id).unwrap_or(i64::MAX);
            append(writing, &Told::Withdrawal { withdraws }, &officer).map(|_| true)
        })
        .await
    }

    /// Everything recorded about successions, in its order.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn successions(&self) -> Result<Vec<SuccessionRow>, StoreError> {
        self.read(all).await
    }
}
