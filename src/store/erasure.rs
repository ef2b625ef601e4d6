//! Deleting payloads: an entry says first which ones may be missing from then on.
//!
//! The entries they belonged to stay, so the chain stays verifiable, and everybody sees that
//! something was deleted, when and why, but not what. Evidence goes only at a person's request.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::journal::{EntryKind, Payload, Writing};
use super::locator;
use crate::base::Timestamp;

/// What an erasure's entry says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Erasure {
    /// Why: `retention`, or what an operator gave.
    pub(super) why: String,
    /// The terms that were applied, by rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) terms: BTreeMap<String, String>,
    /// When the run began, to tell one run's entries from another's.
    pub(super) run: Timestamp,
    /// How many payloads.
    pub(super) payloads: u64,
    /// First and last numbers of the entries whose payloads are gone, by chain.
    pub(super) deleted: Spans,
    /// The same of evidence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) evidence: Spans,
    /// The officer's act, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) act: Option<serde_json::Value>,
}

/// First and last numbers of entries, by chain.
pub(super) type Spans = BTreeMap<String, Vec<(i64, i64)>>;

impl Erasure {
    /// Adds the payload of one entry; those of a chain are added in order.
    pub(super) fn add(&mut self, chain: &str, seq: i64) {
        self.payloads += 1;
        extend(&mut self.deleted, chain, seq);
    }

    /// Adds a piece of evidence by its entry; those of a chain are added in order.
    pub(super) fn add_evidence(&mut self, chain: &str, seq: i64) {
        extend(&mut self.evidence, chain, seq);
    }
}

fn extend(spans: &mut Spans, chain: &str, seq: i64) {
    let spans = spans.entry(chain.to_owned()).or_default();
    match spans.last_mut() {
        Some((_, last)) if *last + 1 == seq => *last = seq,
        _ => spans.push((seq, seq)),
    }
}

/// Whether `spans` hold an entry.
fn hold(spans: &Spans, chain: &str, seq: i64) -> bool {
    let spans = spans.get(chain).map_or(&[][..], Vec::as_slice);
    let behind = spans.partition_point(|(first, _)| *first <= seq);
    behind > 0 && seq <= spans[behind - 1].1
}

/// Whether payloads of `kind` may be deleted at all: what decisions rest on may not.
pub(super) const fn is_deletable(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Decision | EntryKind::Outcome | EntryKind::Service)
}

/// Enters `erasure` and deletes what it names.
pub(super) fn enter(writing: &mut Writing<'_>, erasure: &Erasure) -> Result<(), Fault> {
    let body = serde_json::to_vec(erasure).map_err(|e| Fault::row("payload", "(erasure)", e))?;
    let payload = Payload { body: &body, ..Payload::default() };
    writing.enter_payload(EntryKind::Erasure, writing.now(), &payload)?;
    let connection = writing.connection();
    let mut delete = connection
        .prepare_cached("DELETE FROM payload WHERE chain = ?1 AND seq BETWEEN ?2 AND ?3")?;
    for (chain, spans) in &erasure.deleted {
        for (first, last) in spans {
            delete.execute((chain, first, last))?;
        }
        let (first, last) = (spans.first().map_or(1, |s| s.0), spans.last().map_or(0, |s| s.1));
        locator::renew(connection, chain, first, last)?;
    }
    Ok(())
}

/// Everything the journal says was deleted.
pub(super) struct Erasures(Vec<Erasure>);

impl Erasures {
    /// Reads the entries that say so.
    pub(super) fn read(connection: &Connection) -> Result<Self, Fault> {
        let mut statement = connection.prepare(
            "SELECT payload.chain || ' ' || payload.seq, body
             FROM journal JOIN payload USING (chain, seq) WHERE kind = 'erasure'",
        )?;
        let mut rows = statement.query([])?;
        let mut erasures = Vec::new();
        while let Some(row) = rows.next()? {
            let (key, body): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let erasure =
                serde_json::from_slice(&body).map_err(|e| Fault::row("payload", key, e))?;
            erasures.push(erasure);
        }
        Ok(Self(erasures))
    }

    /// Whether the payload of an entry was deleted.
    pub(super) fn cover(&self, chain: &str, seq: i64) -> bool {
        self.0.iter().any(|erasure| hold(&erasure.deleted, chain, seq))
    }

    /// Whether the evidence of an entry was deleted.
    pub(super) fn cover_evidence(&self, chain: &str, seq: i64) -> bool {
        self.0.iter().any(|erasure| hold(&erasure.evidence, chain, seq))
    }
}

#[cfg(test)]
mod tests {
    use super::{Erasure, hold};

    #[test]
    fn neighbours_make_one_span_and_gaps_stay() {
        let mut erasure = Erasure::default();
        for seq in [2, 3, 4, 7, 9, 10] {
            erasure.add("n1", seq);
        }
        assert_eq!(erasure.deleted["n1"], [(2, 4), (7, 7), (9, 10)]);
        let covered: Vec<i64> = (1..=11).filter(|seq| hold(&erasure.deleted, "n1", *seq)).collect();
        assert_eq!(covered, [2, 3, 4, 7, 9, 10]);
        assert!(!hold(&erasure.deleted, "n2", 2));
    }
}
