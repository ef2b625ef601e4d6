//! Erasing what one legal person holds about somebody (GDPR art. 17).
//!
//! Goes: evidence that could serve that entity, and what was decided and sent for it. Stays: the
//! objections, and the erasure itself, which is one, under the keyed hash; the entries of the
//! journal, which tell nothing without what they committed to. An entry says what went before
//! anything goes, so that the store still verifies.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::erasure::{self, Erasure};
use super::evidence::{self, Counting};
use super::fault::Fault;
use super::handle::Store;
use super::job::Patience;
use super::journal::Writing;
use super::lookup::StoredDecision;
use super::row::{from_sql_number, row_sum};
use super::{kin, recount};
use crate::base::{Digest, EntityId, NodeId, PersonKey, PersonKeys, Timestamp};
use crate::eligibility::{Evidence, Fact, Level, Provenance};
use crate::pipeline::DecisionRecord;
use crate::relay::ports::StoreError;

/// Payloads deleted by one transaction.
const CHUNK: usize = 1024;

/// What was erased: the proof for whoever asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Erased {
    /// When.
    pub at: Timestamp,
    /// Pieces of evidence that are gone.
    pub evidence: u64,
    /// Decisions and outcomes that are gone.
    pub payloads: u64,
    /// Rows of the person, of linked addresses and older keys too, in which was looked.
    pub rows: u64,
    /// The chain in which it is journalled.
    pub chain: NodeId,
    /// The entry that says so.
    pub entry: u64,
    /// SHA-256 over the digests the journal keeps of what is gone, in their order.
    pub digest: Digest,
}

/// A piece that goes, and the versions of the record it took.
struct Gone {
    person: PersonKey,
    id: i64,
    chain: String,
    seq: i64,
    digest: Vec<u8>,
}

impl Store {
    /// Erases what `entity` holds about somebody known under every live key, in all linked
    /// rows. `officer` is the act as JSON. What is decided later stays.
    ///
    /// # Errors
    /// [`StoreError`] if it broke off; erase again to go on.
    pub async fn erase(
        &self,
        keys: PersonKeys,
        entity: EntityId,
        officer: serde_json::Value,
    ) -> Result<Erased, StoreError> {
        let (about, act) = (entity.clone(), officer.clone());
        let (mut erased, rows) = self
            .write(Patience::Regardless, move |writing| {
                overwriting(writing, |writing| erase_evidence(writing, &keys, &about, act))
            })
            .await?;
        let decisions = self.decisions_about(rows).await?;
        let until = erased.at;
        let gone = decisions.into_iter().filter(|one| one.at <= until && serves(one, &entity));
        let gone: Vec<StoredDecision> = gone.collect();
        for chunk in gone.chunks(CHUNK) {
            let (chunk, act) = (chunk.to_vec(), officer.clone());
            let (count, digest) = self
                .write(Patience::Regardless, move |writing| {
                    overwriting(writing, |w| erase_decisions(w, &chunk, until, act))
                })
                .await?;
            erased.payloads += count;
            erased.digest = Digest::of_parts(&[erased.digest.as_bytes(), digest.as_bytes()]);
        }
        Ok(erased)
    }
}

/// Lets SQLite overwrite with zeros what `work` deletes.
fn overwriting<T>(
    writing: &mut Writing<'_>,
    work: impl FnOnce(&mut Writing<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let set = |connection: &Connection, is_on: bool| {
        connection.pragma_update_and_check(None, "secure_delete", is_on, |_| Ok(()))
    };
    set(writing.connection(), true)?;
    let done = work(writing);
    set(writing.connection(), false)?;
    done
}

/// Whether a decision was made for `entity`.
fn serves(decision: &StoredDecision, entity: &EntityId) -> bool {
    serde_json::from_slice::<DecisionRecord>(&decision.payload)
        .ok()
        .and_then(|record| record.marketing)
        .is_some_and(|marketing| marketing.entity == *entity)
}

fn erase_evidence(
    writing: &mut Writing<'_>,
    keys: &PersonKeys,
    entity: &EntityId,
    officer: serde_json::Value,
) -> Result<(Erased, Vec<PersonKey>), Fault> {
    let at = writing.now();
    let fact = Fact::Erasure { entity: entity.clone() };
    let source = Some("erasure_request".to_owned());
    let provenance = Provenance { recorded_at: at, source, ..Provenance::default() };
    // The person asked for it: nothing weaker than their own later act lifts it.
    let piece = Evidence { at, tag: None, fact, level: Level::Recipient, provenance };
    evidence::append_for(writing, keys, &piece, Counting::AtOnce)?;
    let mut rows: Vec<PersonKey> = keys.iter().collect();
    rows.extend(kin::of(writing.connection(), &keys.newest)?);
    rows.sort_unstable();
    rows.dedup();
    let mut gone = Vec::new();
    for row in &rows {
        collect(writing.connection(), row, &piece, &mut gone)?;
    }
    gone.sort_by(|a, b| (&a.chain, a.seq).cmp(&(&b.chain, b.seq)));
    let mut erasure = erasure_by(officer, at);
    for piece in &gone {
        erasure.add_evidence(&piece.chain, piece.seq);
    }
    let digests: Vec<&[u8]> = gone.iter().map(|piece| piece.digest.as_slice()).collect();
    let digest = Digest::of_parts(&digests);
    erasure::enter(writing, &erasure)?;
    for piece in &gone {
        delete(writing.connection(), piece)?;
    }
    let erased = Erased {
        at,
        evidence: gone.len() as u64,
        payloads: 0,
        rows: rows.len() as u64,
        chain: writing.writer().node.clone(),
        entry: from_sql_number(writing.head().seq)?,
        digest,
    };
    Ok((erased, rows))
}

fn erasure_by(officer: serde_json::Value, at: Timestamp) -> Erasure {
    let why = "a data subject's request".to_owned();
    Erasure { why, run: at, act: Some(officer), ..Erasure::default() }
}

/// The pieces of one row that could serve the entity `erasure` is about, and no other.
fn collect(
    connection: &Connection,
    person: &PersonKey,
    erasure: &Evidence,
    gone: &mut Vec<Gone>,
) -> Result<(), Fault> {
    let named = erasure.fact.entities();
    let mut place = connection.prepare_cached(
        "SELECT chain, seq, digest FROM evidence JOIN journal USING (chain, seq) WHERE id = ?1",
    )?;
    for (id, _, piece) in recount::pieces(connection, person)? {
        let entities = piece.fact.entities();
        let is_theirs = !entities.is_empty() && entities.iter().all(|one| named.contains(one));
        if piece.fact.is_protective() || piece.at > erasure.at || !is_theirs {
            continue;
        }
        gone.push(place.query_row([id], |row| {
            let (chain, seq, digest) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Gone { person: *person, id, chain, seq, digest })
        })?);
    }
    Ok(())
}

/// Deletes one piece; the versions it took are noted, so that the others have no holes.
fn delete(connection: &Connection, piece: &Gone) -> Result<(), Fault> {
    let versions: Vec<i64> = connection
        .prepare_cached(
            "SELECT version FROM evidence WHERE id = ?1 AND version IS NOT NULL
             UNION ALL SELECT version FROM recount WHERE person = ?2 AND evidence = ?1",
        )?
        .query_map((piece.id, piece.person.as_bytes()), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut note = connection.prepare_cached(
        "INSERT INTO erased (person, version, evidence, sum) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for version in versions {
        let columns = [
            ValueRef::Blob(piece.person.as_bytes()),
            ValueRef::Integer(version),
            ValueRef::Integer(piece.id),
        ];
        let sum = row_sum("erased", &columns);
        note.execute((piece.person.as_bytes(), version, piece.id, sum))?;
    }
    for table in ["pending", "recount"] {
        let sql = format!("DELETE FROM {table} WHERE evidence = ?1");
        connection.prepare_cached(&sql)?.execute([piece.id])?;
    }
    connection.prepare_cached("DELETE FROM evidence WHERE id = ?1")?.execute([piece.id])?;
    Ok(())
}

fn erase_decisions(
    writing: &mut Writing<'_>,
    decisions: &[StoredDecision],
    at: Timestamp,
    officer: serde_json::Value,
) -> Result<(u64, Digest), Fault> {
    let mut places: Vec<(String, i64)> = Vec::new();
    for decision in decisions {
        let decided = (decision.node.to_string(), decision.seq);
        let told = decision.outcomes.iter().map(|one| (one.node.to_string(), one.seq));
        for (chain, seq) in std::iter::once(decided).chain(told) {
            places.push((chain, i64::try_from(seq).unwrap_or(i64::MAX)));
        }
    }
    places.sort();
    places.dedup();
    let mut erasure = erasure_by(officer, at);
    let mut digests: Vec<Vec<u8>> = Vec::new();
    let mut committed = writing
        .connection()
        .prepare_cached("SELECT digest FROM journal WHERE chain = ?1 AND seq = ?2")?;
    for (chain, seq) in &places {
        erasure.add(chain, *seq);
        digests.push(committed.query_row((chain, seq), |row| row.get(0))?);
    }
    erasure::enter(writing, &erasure)?;
    let digests: Vec<&[u8]> = digests.iter().map(Vec::as_slice).collect();
    Ok((places.len() as u64, Digest::of_parts(&digests)))
}
