//! Appending evidence: the row, its journal entry and the new fold, in one transaction.
//!
//! Evidence is never changed. The same piece told twice is kept once, so that an import can be
//! repeated.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::import;
use super::journal::{EntryKind, Writing};
use super::recount::Standing;
use super::row::{fresh_salt, row_digest};
use super::{kin, record, recount};
use crate::base::{BatchId, Digest, EntityId, PersonKey, PersonKeys};
use crate::eligibility::{Evidence, Fact};

/// Whether a piece was new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Appended {
    /// It was written.
    Fresh,
    /// It was there already.
    Known,
}

/// When a piece counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counting<'a> {
    /// From this transaction on.
    AtOnce,
    /// Once the import it belongs to is complete.
    OnceComplete(&'a BatchId),
}

/// The columns of an evidence row its journal entry commits to.
#[derive(Clone, Copy, Debug)]
pub(super) struct EvidenceColumns<'a> {
    /// Its number.
    pub(super) id: i64,
    /// The person's key.
    pub(super) person: &'a [u8],
    /// What makes it the same as another.
    pub(super) identity: &'a [u8],
    /// Random bytes.
    pub(super) salt: &'a [u8],
    /// The evidence as JSON.
    pub(super) body: &'a str,
}

impl EvidenceColumns<'_> {
    /// What the journal entry commits to.
    pub(super) fn digest(&self) -> Digest {
        row_digest(
            "evidence v1",
            &[
                ValueRef::Blob(self.salt),
                ValueRef::Integer(self.id),
                ValueRef::Blob(self.person),
                ValueRef::Blob(self.identity),
                ValueRef::Text(self.body.as_bytes()),
            ],
        )
    }
}

/// Appends one piece about a person known under every live key: permissions under the newest
/// alone, what protects under all of them.
pub(super) fn append_for(
    writing: &mut Writing<'_>,
    keys: &PersonKeys,
    evidence: &Evidence,
    counting: Counting<'_>,
) -> Result<Appended, Fault> {
    if !keys.older.is_empty() {
        kin::join_siblings(writing, keys)?;
    }
    if evidence.fact.is_protective() {
        for older in &keys.older {
            append_one(writing, older, evidence, counting)?;
        }
    }
    append(writing, &keys.newest, evidence, counting)
}

/// Appends one piece about `person`; an objection also to every other row of theirs.
pub(super) fn append(
    writing: &mut Writing<'_>,
    person: &PersonKey,
    evidence: &Evidence,
    counting: Counting<'_>,
) -> Result<Appended, Fault> {
    if kin::is_for_all(&evidence.fact) {
        for other in kin::of(writing.connection(), person)? {
            append_one(writing, &other, evidence, counting)?;
        }
    }
    append_one(writing, person, evidence, counting)
}

/// The number of the last piece written.
pub(super) fn last_id(connection: &Connection) -> Result<i64, Fault> {
    let mut statement = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM evidence")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Appends one piece to the row of `person` alone.
pub(super) fn append_one(
    writing: &mut Writing<'_>,
    person: &PersonKey,
    evidence: &Evidence,
    counting: Counting<'_>,
) -> Result<Appended, Fault> {
    let identity = identity_of(evidence)?;
    let connection = writing.connection();
    let known: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT id, version FROM evidence WHERE person = ?1 AND identity = ?2")?
        .query_row((person.as_bytes(), identity), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let known = match known {
        Some((id, version)) => Some((id, recount::standing(connection, person, id, version)?)),
        None => None,
    };
    match (known, counting) {
        // What the person had erased does not come back with the next import.
        (None, _) if is_erased(connection, person, evidence)? => Ok(Appended::Known),
        (None, _) => {
            let id = insert(writing, person, evidence, identity)?;
            match counting {
                Counting::AtOnce => record::fold(writing.connection(), person, id, evidence)?,
                Counting::OnceComplete(batch) => import::hold(writing.connection(), id, batch)?,
            }
            Ok(Appended::Fresh)
        }
        (Some((id, standing)), _) if standing.counts() => {
            // Told by two imports, an objection is neither's to take back.
            if evidence.fact.is_protective()
                && is_another_telling(connection, id, &standing, evidence)?
            {
                recount::retell(connection, person, id, None)?;
            }
            Ok(Appended::Known)
        }
        // Left over from an import that broke off or was undone: it counts with whoever tells it
        // again.
        (Some((id, _)), Counting::OnceComplete(batch)) => {
            import::hold(connection, id, batch)?;
            Ok(Appended::Known)
        }
        (Some((id, _)), Counting::AtOnce) => {
            import::release(connection, id)?;
            let batch = evidence.provenance.batch.as_ref();
            recount::retell(connection, person, id, batch)?;
            Ok(Appended::Known)
        }
    }
}

/// Whether the import `evidence` comes with is another than the one that told piece `id` so far.
fn is_another_telling(
    connection: &Connection,
    id: i64,
    standing: &Standing,
    evidence: &Evidence,
) -> Result<bool, Fault> {
    let batch = evidence.provenance.batch.as_ref();
    match standing {
        Standing::Retold(None) => Ok(false),
        Standing::Retold(teller) => Ok(teller.as_ref() != batch),
        Standing::AsTold | Standing::Waits | Standing::Undone => {
            let first: Option<String> = connection
                .prepare_cached("SELECT body ->> '$.provenance.batch' FROM evidence WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            Ok(first.is_some() && first.as_deref() != batch.map(BatchId::as_str))
        }
    }
}

/// Whether an erasure covers the piece: all legal persons it speaks of erased what is dated up to
/// a later day (GDPR art. 17).
fn is_erased(
    connection: &Connection,
    person: &PersonKey,
    evidence: &Evidence,
) -> Result<bool, Fault> {
    let entities = evidence.fact.entities();
    if evidence.fact.is_protective() || entities.is_empty() {
        return Ok(false);
    }
    let Some(row) = record::RecordRow::find(connection, person)? else { return Ok(false) };
    let record = row.record(person)?;
    let erased = |entity: &EntityId| {
        record.entries().iter().any(|entry| match &entry.fact {
            Fact::Erasure { entity: named } => named == entity && evidence.at <= entry.at,
            _ => false,
        })
    };
    Ok(entities.into_iter().all(erased))
}

/// Whether a piece is there and counts.
pub(super) fn is_known(
    connection: &Connection,
    person: &PersonKey,
    evidence: &Evidence,
) -> Result<bool, Fault> {
    let found: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT id, version FROM evidence WHERE person = ?1 AND identity = ?2")?
        .query_row((person.as_bytes(), identity_of(evidence)?), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match found {
        Some((id, version)) => Ok(recount::standing(connection, person, id, version)?.counts()),
        None => Ok(false),
    }
}

fn insert(
    writing: &mut Writing<'_>,
    person: &PersonKey,
    evidence: &Evidence,
    identity: [u8; 16],
) -> Result<i64, Fault> {
    let connection = writing.connection();
    // Rows are never deleted, so the highest number is always the last one given.
    let id = last_id(connection)? + 1;
    let body = serde_json::to_string(evidence).map_err(|e| Fault::row("evidence", id, e))?;
    let salt = fresh_salt()?;
    let columns = EvidenceColumns {
        id,
        person: person.as_bytes(),
        identity: &identity,
        salt: &salt,
        body: &body,
    };
    let seq = writing.enter(EntryKind::Evidence, writing.now(), &columns.digest())?;
    connection
        .prepare_cached(
            "INSERT INTO evidence (id, person, identity, salt, chain, seq, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            id,
            columns.person,
            columns.identity,
            columns.salt,
            writing.writer().node.as_str(),
            seq,
            &body,
        ))?;
    Ok(id)
}

/// What makes two pieces about one person the same: fact, moment, address, weight, and what
/// could prove it. Who wrote it down, when and in which import does not count.
fn identity_of(evidence: &Evidence) -> Result<[u8; 16], Fault> {
    let provenance = &evidence.provenance;
    let telling = (
        &evidence.fact,
        evidence.at,
        evidence.tag,
        evidence.level,
        &provenance.source,
        &provenance.reference,
        &provenance.ip,
    );
    let text = serde_json::to_vec(&telling).map_err(|e| Fault::row("evidence", "(new)", e))?;
    Ok(Digest::of_parts(&[b"evidence identity v1", &text]).short())
}
