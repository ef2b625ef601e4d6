//! Undoing an import: its permissions no longer count, its objections stay unless told otherwise.
//!
//! Nothing is deleted. The act is journalled before anything changes; what breaks off is finished
//! by undoing again.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::import;
use super::journal::{EntryKind, Payload, Writing};
use super::recount::{self, Standing};
use super::row::{from_sql_number, to_sql_number};
use crate::base::{BatchId, PersonKey};
use crate::eligibility::Evidence;

/// Pieces of evidence looked at by one read.
const WINDOW: u64 = 2048;

/// Which pieces of an import are undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Those that may permit something; objections, complaints and bounces stay.
    Permissions,
    /// All.
    Everything,
}

/// Some pieces of an import that may have to be undone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Page {
    /// The pieces.
    pub(super) pieces: Vec<(PersonKey, i64)>,
    /// The number behind which to go on; none at the end.
    pub(super) next: Option<u64>,
}

/// Journals the act. `about` is the officer's act as JSON.
pub(super) fn begin(
    writing: &mut Writing<'_>,
    batch: &BatchId,
    about: &serde_json::Value,
) -> Result<Begun, Fault> {
    let completed_at: Option<Option<i64>> = writing
        .connection()
        .prepare_cached("SELECT completed_at FROM batch WHERE id = ?1")?
        .query_row([batch.as_str()], |row| row.get(0))
        .optional()?;
    let Some(completed_at) = completed_at else { return Ok(Begun::NoSuchImport) };
    enter(writing, &serde_json::json!({ "batch": batch, "begins": about }))?;
    if completed_at.is_none() {
        // Should it still be running somewhere, it must not come to its end.
        import::forbid(writing.connection(), batch)?;
    }
    Ok(if completed_at.is_some() { Begun::Complete } else { Begun::BrokenOff })
}

/// What there is to undo.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begun {
    /// Nothing: no import has this id.
    NoSuchImport,
    /// A whole import.
    Complete,
    /// One that broke off: its permissions never counted.
    BrokenOff,
}

/// Journals that it is done.
pub(super) fn finish(writing: &mut Writing<'_>, batch: &BatchId, undone: u64) -> Result<(), Fault> {
    enter(writing, &serde_json::json!({ "batch": batch, "undone": undone }))
}

fn enter(writing: &mut Writing<'_>, body: &serde_json::Value) -> Result<(), Fault> {
    let body = body.to_string();
    let payload = Payload { body: body.as_bytes(), ..Payload::default() };
    writing.enter_payload(EntryKind::Undo, writing.now(), &payload)?;
    Ok(())
}

/// The pieces `batch` told behind number `after`, within a window.
pub(super) fn page(connection: &Connection, batch: &BatchId, after: u64) -> Result<Page, Fault> {
    let last: i64 =
        connection.query_row("SELECT coalesce(max(id), 0) FROM evidence", [], |row| row.get(0))?;
    let until = after.saturating_add(WINDOW);
    let mut statement = connection.prepare_cached(
        "SELECT person, id FROM evidence WHERE id > ?1 AND id <= ?2
         AND (body ->> '$.provenance.batch' = ?3 OR EXISTS (
             SELECT 1 FROM recount WHERE recount.person = evidence.person
             AND recount.evidence = evidence.id AND recount.batch = ?3))",
    )?;
    let span = (to_sql_number(after), to_sql_number(until), batch.as_str());
    let rows = statement
        .query_map(span, |row| Ok((PersonKey::from_bytes(row.get(0)?), row.get::<_, i64>(1)?)))?;
    let pieces = rows.collect::<Result<_, _>>()?;
    Ok(Page { pieces, next: (until < from_sql_number(last)?).then_some(until) })
}

/// Undoes those of `candidates` that count by `batch`; tells how many.
pub(super) fn take_out(
    writing: &Writing<'_>,
    batch: &BatchId,
    candidates: &[(PersonKey, i64)],
    reach: Reach,
) -> Result<u64, Fault> {
    let connection = writing.connection();
    let mut by_person: BTreeMap<PersonKey, Vec<i64>> = BTreeMap::new();
    for (person, id) in candidates {
        if is_undone_with(connection, person, *id, (batch, reach))? {
            by_person.entry(*person).or_default().push(*id);
        }
    }
    let mut undone = 0;
    for (person, ids) in by_person {
        recount::take_out(connection, &person, &ids, Some(batch))?;
        undone += ids.len() as u64;
    }
    Ok(undone)
}

fn is_undone_with(
    connection: &Connection,
    person: &PersonKey,
    id: i64,
    (batch, reach): (&BatchId, Reach),
) -> Result<bool, Fault> {
    let (version, body): (Option<i64>, String) = connection
        .prepare_cached("SELECT version, body FROM evidence WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let piece: Evidence =
        serde_json::from_str(&body).map_err(|error| Fault::row("evidence", id, error))?;
    let teller = match recount::standing(connection, person, id, version)? {
        Standing::AsTold => piece.provenance.batch.clone(),
        Standing::Retold(batch) => batch,
        Standing::Waits | Standing::Undone => None,
    };
    let is_reached = reach == Reach::Everything || !piece.fact.is_protective();
    Ok(is_reached && teller.as_ref() == Some(batch))
}
