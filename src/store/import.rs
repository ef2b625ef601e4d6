//! Imports: many pieces of evidence in several transactions, counting as one.
//!
//! Protective pieces count as soon as they are written. Permissions are written first and folded
//! only once the import is marked complete: an import that breaks off has permitted nothing.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::evidence::{self, Appended, Counting};
use super::fault::Fault;
use super::journal::{EntryKind, Payload, Writing};
use super::record;
use super::recount::{self, Standing};
use super::row::{from_sql_number, nullable, row_sum, to_sql_number};
use crate::base::{BatchId, PersonKey, PersonKeys, Timestamp};
use crate::eligibility::Evidence;

/// Pieces per transaction, so that one stays near 20 ms and the relay's commits get through.
pub(super) const CHUNK_PIECES: usize = 256;

/// How many pieces of an import were new.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Written now.
    pub fresh: u64,
    /// There already.
    pub known: u64,
}

impl Imported {
    fn count(&mut self, appended: Appended) {
        match appended {
            Appended::Fresh => self.fresh += 1,
            Appended::Known => self.known += 1,
        }
    }

    /// Both counts together with `other`'s.
    #[must_use]
    pub(super) const fn plus(self, other: Self) -> Self {
        Self { fresh: self.fresh + other.fresh, known: self.known + other.known }
    }
}

/// Opens an import, or opens it again: from now on its permissions wait for [`complete`].
pub(super) fn open(writing: &Writing<'_>, batch: &BatchId) -> Result<(), Fault> {
    let connection = writing.connection();
    let mut row = BatchRow::read(connection, batch)?
        .unwrap_or(BatchRow { opened_at: writing.now().as_millis(), ..BatchRow::default() });
    row.completed_at = None;
    row.write(connection, batch)
}

/// Appends one chunk.
pub(super) fn append_chunk(
    writing: &mut Writing<'_>,
    batch: &BatchId,
    pieces: &[(PersonKeys, Evidence)],
) -> Result<Imported, Fault> {
    let mut imported = Imported::default();
    not_undone(writing.connection(), batch)?;
    for (keys, piece) in pieces {
        let counting = match piece.fact.is_protective() {
            true => Counting::AtOnce,
            false => Counting::OnceComplete(batch),
        };
        imported.count(evidence::append_for(writing, keys, piece, counting)?);
    }
    Ok(imported)
}

/// What `opened_at` says of an import that was undone before its end.
const UNDONE: i64 = -1;

/// Keeps an import that has not come to its end from ever doing so.
pub(super) fn forbid(connection: &Connection, batch: &BatchId) -> Result<(), Fault> {
    match BatchRow::read(connection, batch)? {
        None => Ok(()),
        Some(row) => BatchRow { opened_at: UNDONE, ..row }.write(connection, batch),
    }
}

fn not_undone(connection: &Connection, batch: &BatchId) -> Result<(), Fault> {
    match BatchRow::read(connection, batch)? {
        Some(row) if row.opened_at == UNDONE => {
            Err(Fault::row("batch", batch, "the import was undone while it ran"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Marks an import complete; its permissions count as soon as they are folded.
pub(super) fn complete(
    writing: &mut Writing<'_>,
    batch: &BatchId,
    imported: Imported,
) -> Result<(), Fault> {
    let connection = writing.connection();
    let mut row = BatchRow::read(connection, batch)?
        .ok_or_else(|| Fault::row("batch", batch, "it was never opened"))?;
    not_undone(connection, batch)?;
    row.completed_at = Some(writing.now().as_millis());
    row.fresh += to_sql_number(imported.fresh);
    row.known += to_sql_number(imported.known);
    let body = row.entry_body(connection, batch)?;
    writing.enter_payload(
        EntryKind::Import,
        writing.now(),
        &Payload { body: body.as_bytes(), ..Payload::default() },
    )?;
    row.write(connection, batch)
}

/// Folds up to one chunk of permissions whose import is complete, and tells whether more wait.
pub(super) fn fold_complete(connection: &Connection) -> Result<Folding, Fault> {
    fold_some(connection, CHUNK_PIECES)
}

/// [`fold_complete`] for up to `limit` pieces.
pub(super) fn fold_some(connection: &Connection, limit: usize) -> Result<Folding, Fault> {
    let ready: Vec<i64> = connection
        .prepare_cached(
            "SELECT evidence FROM pending JOIN batch ON batch.id = pending.batch
             WHERE batch.completed_at IS NOT NULL ORDER BY evidence LIMIT ?1",
        )?
        .query_map([to_sql_number(limit as u64)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &ready {
        fold_held(connection, *id)?;
    }
    Ok(if ready.len() < limit { Folding::Finished } else { Folding::MoreWait })
}

/// Whether permissions of complete imports are still waiting to be folded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Folding {
    /// None.
    Finished,
    /// Some may.
    MoreWait,
}

/// Lets a piece wait for `batch`, and no longer for another import that broke off.
pub(super) fn hold(connection: &Connection, id: i64, batch: &BatchId) -> Result<(), Fault> {
    let columns = [ValueRef::Integer(id), ValueRef::Text(batch.as_str().as_bytes())];
    connection
        .prepare_cached(
            "INSERT INTO pending (evidence, batch, sum) VALUES (?1, ?2, ?3)
             ON CONFLICT (evidence) DO UPDATE SET batch = excluded.batch, sum = excluded.sum",
        )?
        .execute((id, batch.as_str(), row_sum("pending", &columns)))?;
    Ok(())
}

/// Folds a waiting piece: by its first telling, or by another if it is a later import's now or
/// was undone meanwhile.
fn fold_held(connection: &Connection, id: i64) -> Result<(), Fault> {
    let (person, version, body, batch): ([u8; 16], Option<i64>, String, String) = connection
        .prepare_cached(
            "SELECT person, version, body, batch FROM evidence JOIN pending ON evidence = id
             WHERE id = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let person = PersonKey::from_bytes(person);
    let piece: Evidence =
        serde_json::from_str(&body).map_err(|error| Fault::row("evidence", id, error))?;
    let batch = BatchId::parse(&batch).map_err(|error| Fault::row("pending", id, error))?;
    let is_first = piece.provenance.batch.as_ref() == Some(&batch);
    match recount::standing(connection, &person, id, version)? {
        Standing::Waits if is_first => record::fold(connection, &person, id, &piece)?,
        Standing::Waits | Standing::Undone => {
            recount::retell(connection, &person, id, Some(&batch))?;
        }
        Standing::AsTold | Standing::Retold(_) => {}
    }
    release(connection, id)
}

/// Lets a piece wait no longer.
pub(super) fn release(connection: &Connection, id: i64) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM pending WHERE evidence = ?1")?.execute([id])?;
    Ok(())
}

/// Keeps where an import came from, as JSON; to be told once.
pub(super) fn describe(connection: &Connection, batch: &BatchId, about: &str) -> Result<(), Fault> {
    let columns = [ValueRef::Text(batch.as_str().as_bytes()), ValueRef::Text(about.as_bytes())];
    let sum = row_sum("import_source", &columns);
    connection
        .prepare_cached("INSERT INTO import_source (batch, about, sum) VALUES (?1, ?2, ?3)")?
        .execute((batch.as_str(), about, sum))?;
    Ok(())
}

/// Where an import came from, if that was told.
pub(super) fn description(
    connection: &Connection,
    batch: &BatchId,
) -> Result<Option<String>, Fault> {
    let about = connection
        .prepare_cached("SELECT about FROM import_source WHERE batch = ?1")?
        .query_row([batch.as_str()], |row| row.get(0))
        .optional()?;
    Ok(about)
}

/// One row of `batch`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BatchRow {
    pub(super) opened_at: i64,
    pub(super) completed_at: Option<i64>,
    pub(super) fresh: i64,
    pub(super) known: i64,
}

impl BatchRow {
    /// The row of `batch`.
    pub(super) fn read(connection: &Connection, batch: &BatchId) -> Result<Option<Self>, Fault> {
        let row = connection
            .prepare_cached(
                "SELECT opened_at, completed_at, fresh, known FROM batch WHERE id = ?1",
            )?
            .query_row([batch.as_str()], |row| {
                Ok(Self {
                    opened_at: row.get(0)?,
                    completed_at: row.get(1)?,
                    fresh: row.get(2)?,
                    known: row.get(3)?,
                })
            })
            .optional()?;
        Ok(row)
    }

    /// The payload of the entry that marks it complete.
    pub(super) fn entry_body(
        &self,
        connection: &Connection,
        batch: &BatchId,
    ) -> Result<String, Fault> {
        let mut body = serde_json::json!({
            "batch": batch,
            "completed_at": self.completed_at.map(Timestamp::from_millis),
            "fresh": from_sql_number(self.fresh).unwrap_or(0),
            "known": from_sql_number(self.known).unwrap_or(0),
            "opened_at": Timestamp::from_millis(self.opened_at),
        });
        if let Some(about) = description(connection, batch)? {
            body["about"] = serde_json::from_str(&about)
                .map_err(|error| Fault::row("import_source", batch, error))?;
        }
        Ok(body.to_string())
    }

    fn write(&self, connection: &Connection, batch: &BatchId) -> Result<(), Fault> {
        let columns = [
            ValueRef::Text(batch.as_str().as_bytes()),
            ValueRef::Integer(self.opened_at),
            nullable(self.completed_at, ValueRef::Integer),
            ValueRef::Integer(self.fresh),
            ValueRef::Integer(self.known),
        ];
        connection
            .prepare_cached(
                "INSERT INTO batch (id, opened_at, completed_at, fresh, known, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET opened_at = excluded.opened_at,
                 completed_at = excluded.completed_at,
                 fresh = excluded.fresh, known = excluded.known, sum = excluded.sum",
            )?
            .execute((
                batch.as_str(),
                self.opened_at,
                self.completed_at,
                self.fresh,
                self.known,
                row_sum("batch", &columns),
            ))?;
        Ok(())
    }
}
