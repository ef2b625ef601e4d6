//! What the command line and the operations desk look up: decisions, evidence, counts.
//!
//! The relay's own read, which must be quick, is not here but in `snapshot`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};

use super::fault::Fault;
use super::journal::EntryKind;
use super::locator::{self, Sought, Span};
use super::record;
use super::row::{from_sql_number, to_sql_number};
use crate::base::{DecisionId, EvidenceId, NodeId, PersonKey, Timestamp, TransactionId};
use crate::eligibility::Evidence;

/// A decision, or a service message, as the journal has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredDecision {
    /// Its id.
    pub id: DecisionId,
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// The person it is about; `None` for service mail.
    pub person: Option<PersonKey>,
    /// For a permit: the record version it was decided on.
    pub permit_version: Option<u64>,
    /// Decision or service.
    pub kind: EntryKind,
    /// The chain it stands in.
    pub node: NodeId,
    /// Its number in the chain.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The explanation, as JSON.
    pub payload: Vec<u8>,
    /// What became of it, oldest first.
    pub outcomes: Vec<StoredOutcome>,
}

/// What became of a copy, as the journal has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredOutcome {
    /// The chain it stands in.
    pub node: NodeId,
    /// Its number in the chain.
    pub seq: u64,
    /// When it was learnt.
    pub at: Timestamp,
    /// The person sent to; `None` if nothing was sent.
    pub sent_to: Option<PersonKey>,
    /// What happened, as JSON.
    pub payload: Vec<u8>,
}

/// How much there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Persons with a record.
    pub persons: u64,
    /// Pieces of evidence.
    pub evidence: u64,
    /// Journal entries of all chains.
    pub entries: u64,
    /// Scopes with a number.
    pub scopes: u64,
    /// Recipients of messages still open.
    pub open_fates: u64,
}

/// The decision `id`.
pub(super) fn decision(
    connection: &Connection,
    id: DecisionId,
) -> Result<Option<StoredDecision>, Fault> {
    Ok(decisions(connection, Sought::Decision(id))?.into_iter().next())
}

/// All decisions of `transaction`, in the order they were recorded.
pub(super) fn transaction(
    connection: &Connection,
    transaction: TransactionId,
) -> Result<Vec<StoredDecision>, Fault> {
    decisions(connection, Sought::Transaction(transaction))
}

fn decisions(connection: &Connection, sought: Sought) -> Result<Vec<StoredDecision>, Fault> {
    let (mut decisions, mut outcomes) = (Vec::new(), BTreeMap::<i64, Vec<_>>::new());
    for row in entries(connection, sought)? {
        match EntryKind::parse(&row.kind) {
            Some(kind @ (EntryKind::Decision | EntryKind::Service)) => decisions.push((kind, row)),
            Some(EntryKind::Outcome) => {
                outcomes.entry(row.decision).or_default().push(row.outcome()?);
            }
            // Nothing else names a decision.
            Some(_) => {}
            None => return Err(Fault::row("journal", row.key(), "its kind is unknown")),
        }
    }
    let with_outcomes = |(kind, row): (EntryKind, EntryColumns)| {
        let outcomes = outcomes.get(&row.decision).cloned().unwrap_or_default();
        row.decided(kind, outcomes)
    };
    decisions.into_iter().map(with_outcomes).collect()
}

/// All entries that speak of `sought`, oldest first.
fn entries(connection: &Connection, sought: Sought) -> Result<Vec<EntryColumns>, Fault> {
    // The payloads are walked and their entries looked up, never the other way round.
    let sql = format!(
        "SELECT payload.chain, payload.seq, kind, at, decision, txn, person, version, body
         FROM payload CROSS JOIN journal USING (chain, seq)
         WHERE payload.chain = ?1 AND payload.seq BETWEEN ?2 AND ?3 AND {} = ?4",
        sought.column()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut entries: Vec<EntryColumns> = Vec::new();
    for Span { chain, first, last } in locator::spans(connection, sought)? {
        let found = statement.query_map((chain, first, last, sought), EntryColumns::from_row)?;
        for entry in found {
            entries.push(entry?);
        }
    }
    entries.sort_by_key(|entry| (entry.at, entry.seq));
    Ok(entries)
}

struct EntryColumns {
    node: String,
    seq: i64,
    kind: String,
    at: i64,
    decision: i64,
    transaction: [u8; 16],
    person: Option<[u8; 16]>,
    version: Option<i64>,
    payload: Vec<u8>,
}

impl EntryColumns {
    fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            node: row.get(0)?,
            seq: row.get(1)?,
            kind: row.get(2)?,
            at: row.get(3)?,
            decision: row.get(4)?,
            transaction: row.get(5)?,
            person: row.get(6)?,
            version: row.get(7)?,
            payload: row.get(8)?,
        })
    }

    fn key(&self) -> String {
        format!("{} {}", self.node, self.seq)
    }

    fn decided(
        self,
        kind: EntryKind,
        outcomes: Vec<StoredOutcome>,
    ) -> Result<StoredDecision, Fault> {
        let node = NodeId::parse(&self.node);
        Ok(StoredDecision {
            id: DecisionId::from_bits(self.decision.cast_unsigned()),
            transaction: TransactionId::from_bytes(self.transaction),
            person: self.person.map(PersonKey::from_bytes),
            permit_version: self.version.map(from_sql_number).transpose()?,
            kind,
            node: node.map_err(|error| Fault::row("journal", self.key(), error))?,
            seq: from_sql_number(self.seq)?,
            at: Timestamp::from_millis(self.at),
            payload: self.payload,
            outcomes,
        })
    }

    fn outcome(self) -> Result<StoredOutcome, Fault> {
        let node = NodeId::parse(&self.node);
        Ok(StoredOutcome {
            node: node.map_err(|error| Fault::row("journal", self.key(), error))?,
            seq: from_sql_number(self.seq)?,
            at: Timestamp::from_millis(self.at),
            sent_to: self.person.map(PersonKey::from_bytes),
            payload: self.payload,
        })
    }
}

/// All evidence about `person`, oldest number first.
pub(super) fn evidence_of(
    connection: &Connection,
    person: &PersonKey,
) -> Result<Vec<(EvidenceId, Evidence)>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT id, body FROM evidence WHERE person = ?1 ORDER BY id")?;
    let mut rows = statement.query([person.as_bytes()])?;
    let mut pieces = Vec::new();
    while let Some(row) = rows.next()? {
        let id = from_sql_number(row.get(0)?)?;
        let piece = serde_json::from_str(&row.get::<_, String>(1)?)
            .map_err(|error| Fault::row("evidence", id, error))?;
        pieces.push((EvidenceId(id), piece));
    }
    Ok(pieces)
}

/// The piece numbered `id`, whoever it is about.
pub(super) fn evidence(connection: &Connection, id: EvidenceId) -> Result<Option<Evidence>, Fault> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM evidence WHERE id = ?1")?
        .query_row([to_sql_number(id.0)], |row| row.get(0))
        .optional()?;
    let read = |body: String| serde_json::from_str(&body);
    body.map(read).transpose().map_err(|error| Fault::row("evidence", id, error))
}

/// When marketing was last sent to `person`.
pub(super) fn last_marketing_sent_at(
    connection: &Connection,
    person: &PersonKey,
) -> Result<Option<Timestamp>, Fault> {
    record::last_sent_at(connection, person)
}

/// Counts everything; walks whole tables, so not for every request.
pub(super) fn counts(connection: &Connection) -> Result<Counts, Fault> {
    let count = |table: &str| -> Result<u64, Fault> {
        let sql = format!("SELECT count(*) FROM {table}");
        from_sql_number(connection.query_row(&sql, [], |row| row.get(0))?)
    };
    Ok(Counts {
        persons: count("record")?,
        evidence: count("evidence")?,
        entries: count("journal")?,
        scopes: count("scope")?,
        open_fates: count("ledger")?,
    })
}
