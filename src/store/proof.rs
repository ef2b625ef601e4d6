//! One decision with everything it rests on, for somebody who has neither store nor program.
//!
//! The manual's page on proofs says how each value is checked; a checker in another language
//! stands in `tests/proofs/`. What is gathered here is what the journal commits to, word for
//! word, and nothing that cannot be checked.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::checkpoint::{self, Checkpoint};
use super::fault::Fault;
use super::locator::{self, Sought, Span};
use super::sources;
use crate::base::{DecisionId, Digest, StoreId};
use crate::pipeline::{DecisionRecord, SourceText};

/// What every proof calls itself.
const FORMAT: &str = "consentry proof v1";

/// Everything about one decision.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Proof {
    format: &'static str,
    store: StoreId,
    decision: Stated,
    outcomes: Vec<Stated>,
    evidence: Vec<StatedEvidence>,
    sources: Vec<StatedSource>,
    segments: Vec<Segment>,
}

/// A payload, in the form its entry commits to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Stated {
    chain: String,
    seq: i64,
    salt: Hex,
    decision: Option<i64>,
    transaction: Option<Hex>,
    person: Option<Hex>,
    version: Option<i64>,
    body: String,
}

/// A piece of evidence, in the form its entry commits to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct StatedEvidence {
    chain: String,
    seq: i64,
    id: i64,
    person: Hex,
    identity: Hex,
    salt: Hex,
    body: String,
}

/// A text and the hash by which the decision names it.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct StatedSource {
    hash: Digest,
    text: SourceText,
}

/// Consecutive entries of a chain, up to one that a checkpoint covers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Segment {
    chain: String,
    first: i64,
    prev: Hex,
    entries: Vec<Link>,
    checkpoint: Checkpoint,
}

/// What an entry's hash covers beside its chain, number and predecessor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Link {
    kind: String,
    at: i64,
    digest: Hex,
}

/// Bytes that are shown in hex.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Hex(Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// Why there is no proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoProof {
    /// Nothing is recorded under the decision's id, or its payload was deleted.
    Unknown,
    /// A chain has no checkpoint yet behind an entry that is needed.
    Unsigned(String),
    /// A text the decision names was not kept.
    SourceMissing(Digest),
}

/// Gathers the proof of decision `id`.
pub(super) fn gather(
    connection: &Connection,
    id: DecisionId,
) -> Result<Result<Proof, NoProof>, Fault> {
    let mut stated = stated(connection, id)?;
    let Some(first) = stated.iter().position(|(kind, _)| kind != "outcome") else {
        return Ok(Err(NoProof::Unknown));
    };
    let (_, decision) = stated.remove(first);
    let outcomes: Vec<Stated> = stated.into_iter().map(|(_, row)| row).collect();
    let record: DecisionRecord = serde_json::from_str(&decision.body).map_err(|error| {
        Fault::row("payload", format!("{} {}", decision.chain, decision.seq), error)
    })?;
    let evidence = evidence(connection, &record)?;
    let sources = match named_sources(connection, &record)? {
        Ok(sources) => sources,
        Err(missing) => return Ok(Err(NoProof::SourceMissing(missing))),
    };
    let mut places: BTreeSet<(String, i64)> = BTreeSet::new();
    places.insert((decision.chain.clone(), decision.seq));
    places.extend(outcomes.iter().map(|row| (row.chain.clone(), row.seq)));
    places.extend(evidence.iter().map(|row| (row.chain.clone(), row.seq)));
    let segments = match segments(connection, places)? {
        Ok(segments) => segments,
        Err(chain) => return Ok(Err(NoProof::Unsigned(chain))),
    };
    let store = checkpoint::store_id(connection)?;
    Ok(Ok(Proof { format: FORMAT, store, decision, outcomes, evidence, sources, segments }))
}

/// All payloads that speak of decision `id`, oldest first, with their entries' kinds.
fn stated(connection: &Connection, id: DecisionId) -> Result<Vec<(String, Stated)>, Fault> {
    let sought = Sought::Decision(id);
    let mut statement = connection.prepare_cached(
        "SELECT kind, payload.chain, payload.seq, salt, decision, txn, person, version, body
         FROM payload CROSS JOIN journal USING (chain, seq)
         WHERE payload.chain = ?1 AND payload.seq BETWEEN ?2 AND ?3 AND decision = ?4",
    )?;
    let read = |row: &Row<'_>| {
        let body: Vec<u8> = row.get(8)?;
        let stated = Stated {
            chain: row.get(1)?,
            seq: row.get(2)?,
            salt: Hex(row.get(3)?),
            decision: row.get(4)?,
            transaction: row.get::<_, Option<_>>(5)?.map(Hex),
            person: row.get::<_, Option<_>>(6)?.map(Hex),
            version: row.get(7)?,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        Ok((row.get::<_, String>(0)?, stated))
    };
    let mut found = Vec::new();
    for Span { chain, first, last } in locator::spans(connection, sought)? {
        for row in statement.query_map((chain, first, last, sought), read)? {
            found.push(row?);
        }
    }
    found.sort_by_key(|(_, row)| row.seq);
    Ok(found)
}

fn evidence(
    connection: &Connection,
    record: &DecisionRecord,
) -> Result<Vec<StatedEvidence>, Fault> {
    let verdicts = record.marketing.iter().flat_map(|m| &m.verdict.by_rule_set);
    let ids: BTreeSet<_> = verdicts.flat_map(|verdict| &verdict.evidence).collect();
    let mut statement = connection.prepare_cached(
        "SELECT chain, seq, id, person, identity, salt, body FROM evidence WHERE id = ?1",
    )?;
    let mut pieces = Vec::new();
    for id in ids {
        let piece = statement.query_row([super::row::to_sql_number(id.0)], |row| {
            Ok(StatedEvidence {
                chain: row.get(0)?,
                seq: row.get(1)?,
                id: row.get(2)?,
                person: Hex(row.get(3)?),
                identity: Hex(row.get(4)?),
                salt: Hex(row.get(5)?),
                body: row.get(6)?,
            })
        });
        pieces.push(piece.map_err(|error| Fault::row("evidence", id, error))?);
    }
    Ok(pieces)
}

/// The rule sets and the footer the decision names, or the first that was not kept.
fn named_sources(
    connection: &Connection,
    record: &DecisionRecord,
) -> Result<Result<Vec<StatedSource>, Digest>, Fault> {
    let marketing = record.marketing.as_ref();
    // A jurisdiction without a rule set is denied under an empty version and no text.
    let verdicts = marketing.into_iter().flat_map(|m| &m.verdict.by_rule_set);
    let sets = verdicts.filter(|v| !v.version.is_empty()).map(|verdict| verdict.hash);
    let hashes: BTreeSet<Digest> = sets.chain(marketing.and_then(|m| m.footer_hash)).collect();
    let mut found = Vec::new();
    for hash in hashes {
        match sources::find(connection, &hash)? {
            Some(text) => found.push(StatedSource { hash, text }),
            None => return Ok(Err(hash)),
        }
    }
    Ok(Ok(found))
}

/// Segments that hold all `places` and end where a checkpoint signs, or the chain that has none.
fn segments(
    connection: &Connection,
    places: BTreeSet<(String, i64)>,
) -> Result<Result<Vec<Segment>, String>, Fault> {
    let mut segments: Vec<(Segment, i64)> = Vec::new();
    for (chain, seq) in places {
        if segments.last().is_some_and(|(last, end)| last.chain == chain && seq <= *end) {
            continue;
        }
        let Some(checkpoint) = checkpoint::covering(connection, &chain, seq)? else {
            return Ok(Err(chain));
        };
        let end = super::row::to_sql_number(checkpoint.seq);
        segments.push((segment(connection, chain, (seq, end), checkpoint)?, end));
    }
    Ok(Ok(segments.into_iter().map(|(segment, _)| segment).collect()))
}

fn segment(
    connection: &Connection,
    chain: String,
    (first, last): (i64, i64),
    checkpoint: Checkpoint,
) -> Result<Segment, Fault> {
    let prev: Option<Vec<u8>> = connection
        .prepare_cached("SELECT prev FROM journal WHERE chain = ?1 AND seq = ?2")?
        .query_row((&chain, first), |row| row.get(0))
        .optional()?;
    let prev = prev.ok_or_else(|| Fault::row("journal", format!("{chain} {first}"), "missing"))?;
    let mut statement = connection.prepare_cached(
        "SELECT kind, at, digest FROM journal
         WHERE chain = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
    )?;
    let entries = statement.query_map((&chain, first, last), |row| {
        Ok(Link { kind: row.get(0)?, at: row.get(1)?, digest: Hex(row.get(2)?) })
    })?;
    let entries = entries.collect::<Result<_, _>>()?;
    Ok(Segment { chain, first, prev: Hex(prev), entries, checkpoint })
}
