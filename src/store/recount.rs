//! Whether a piece of evidence counts, where that changed after it was first told.
//!
//! Evidence is append-only, and so is this: a row says that a piece no longer counts, because its
//! import was undone, or counts (again) by another telling. The last row holds.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::record;
use super::row::{from_sql_number, nullable, row_sum};
use crate::base::{BatchId, EvidenceId, PersonKey};
use crate::eligibility::{Evidence, RecipientRecord};

/// How a piece stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// It counts by its first telling.
    AsTold,
    /// It counts by another telling: of this import, or a direct one.
    Retold(Option<BatchId>),
    /// It waits for its import.
    Waits,
    /// It was undone.
    Undone,
}

impl Standing {
    /// Whether it counts.
    pub(super) const fn counts(&self) -> bool {
        matches!(self, Self::AsTold | Self::Retold(_))
    }
}

/// How the piece `id` with `version` in its own row stands.
pub(super) fn standing(
    connection: &Connection,
    person: &PersonKey,
    id: i64,
    version: Option<i64>,
) -> Result<Standing, Fault> {
    let last: Option<(bool, Option<String>)> = connection
        .prepare_cached(
            "SELECT counts, batch FROM recount WHERE person = ?1 AND evidence = ?2
             ORDER BY version DESC LIMIT 1",
        )?
        .query_row((person.as_bytes(), id), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match (last, version) {
        (Some((false, _)), _) => Standing::Undone,
        (Some((true, batch)), _) => {
            let batch = batch.as_deref().map(BatchId::parse).transpose();
            Standing::Retold(batch.map_err(|error| Fault::row("recount", person, error))?)
        }
        (None, Some(_)) => Standing::AsTold,
        (None, None) => Standing::Waits,
    })
}

/// Folds a piece that did not count by its first telling.
pub(super) fn retell(
    connection: &Connection,
    person: &PersonKey,
    id: i64,
    batch: Option<&BatchId>,
) -> Result<(), Fault> {
    let body: String = connection
        .prepare_cached("SELECT body FROM evidence WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    let evidence: Evidence =
        serde_json::from_str(&body).map_err(|error| Fault::row("evidence", id, error))?;
    let version = record::add(connection, person, id, &evidence)?;
    note(connection, person, version, &Turn { id, counts: 1, batch })
}

/// Takes pieces out of a person's record, each with a version of its own: those of `batch`, or one
/// that an officer lifts.
pub(super) fn take_out(
    connection: &Connection,
    person: &PersonKey,
    ids: &[i64],
    batch: Option<&BatchId>,
) -> Result<(), Fault> {
    let kept = pieces(connection, person)?;
    let mut record = RecipientRecord::default();
    for (id, _, evidence) in kept.iter().filter(|(id, s, _)| s.counts() && !ids.contains(id)) {
        record.apply(EvidenceId(from_sql_number(*id)?), evidence);
    }
    let steps = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let last = record::replace(connection, person, &record, steps)?;
    for (id, version) in ids.iter().zip(last - steps + 1..) {
        note(connection, person, version, &Turn { id: *id, counts: 0, batch })?;
    }
    Ok(())
}

/// All pieces about `person`, with how each stands.
pub(super) fn pieces(
    connection: &Connection,
    person: &PersonKey,
) -> Result<Vec<(i64, Standing, Evidence)>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT id, version, body FROM evidence WHERE person = ?1 ORDER BY id")?;
    let mut rows = statement.query([person.as_bytes()])?;
    let mut pieces = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let evidence: Evidence = serde_json::from_str(&row.get::<_, String>(2)?)
            .map_err(|error| Fault::row("evidence", id, error))?;
        pieces.push((id, standing(connection, person, id, row.get(1)?)?, evidence));
    }
    Ok(pieces)
}

struct Turn<'a> {
    id: i64,
    counts: i64,
    batch: Option<&'a BatchId>,
}

fn note(
    connection: &Connection,
    person: &PersonKey,
    version: i64,
    turn: &Turn<'_>,
) -> Result<(), Fault> {
    let batch = turn.batch.map(BatchId::as_str);
    let columns = [
        ValueRef::Blob(person.as_bytes()),
        ValueRef::Integer(version),
        ValueRef::Integer(turn.id),
        ValueRef::Integer(turn.counts),
        nullable(batch, |batch| ValueRef::Text(batch.as_bytes())),
    ];
    let sum = row_sum("recount", &columns);
    connection
        .prepare_cached(
            "INSERT INTO recount (person, version, evidence, counts, batch, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((person.as_bytes(), version, turn.id, turn.counts, batch, sum))?;
    Ok(())
}
