//! Finds what a chain says about a decision or a transaction, without an index over all of it.
//!
//! Their ids are random: an index over them would write a page of its own for each message. So
//! the journal is indexed in sections of 4096 entries, each written in one go and never again,
//! and what follows the last section is read through. A look-up asks every section, which takes
//! milliseconds for ten million entries and is nothing that mail waits for.

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, OptionalExtension, ToSql};

use super::fault::Fault;
use crate::base::{DecisionId, TransactionId};

/// Entries per section. Note: migration 2 says this number too.
pub(super) const SECTION: i64 = 4096;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sought {
    /// All about one decision.
    Decision(DecisionId),
    /// All about one transaction.
    Transaction(TransactionId),
}

impl Sought {
    /// The column of `payload` that holds it.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::Transaction(_) => "txn",
        }
    }

    /// The value in that column.
    pub(super) fn value(self) -> Value {
        match self {
            Self::Decision(id) => Value::Integer(id.bits().cast_signed()),
            Self::Transaction(id) => Value::Blob(id.as_bytes().to_vec()),
        }
    }

    /// What the locator calls it; another may be called the same.
    fn word(self) -> Value {
        match self {
            Self::Decision(_) => self.value(),
            Self::Transaction(id) => Value::Blob(id.as_bytes()[..8].to_vec()),
        }
    }
}

impl ToSql for Sought {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(ToSqlOutput::Owned(self.value()))
    }
}

/// Consecutive entries of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Span {
    /// The chain.
    pub(super) chain: String,
    /// The first entry's number.
    pub(super) first: i64,
    /// The last entry's number.
    pub(super) last: i64,
}

/// The only entries that can speak of `sought`.
pub(super) fn spans(connection: &Connection, sought: Sought) -> Result<Vec<Span>, Fault> {
    let heads: Vec<(String, i64)> = connection
        .prepare_cached("SELECT chain, seq FROM head ORDER BY chain")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let word = sought.word();
    let mut probe = connection.prepare_cached(
        "SELECT seq FROM locator WHERE chain = ?1 AND section = ?2 AND word = ?3",
    )?;
    let mut spans = Vec::new();
    for (chain, head) in heads {
        let complete = head / SECTION;
        for section in 0..complete {
            let first = probe.query_row((&chain, section, &word), |row| row.get(0)).optional()?;
            if let Some(first) = first {
                spans.push(Span { chain: chain.clone(), first, last: (section + 1) * SECTION });
            }
        }
        spans.push(Span { chain, first: complete * SECTION + 1, last: head });
    }
    Ok(spans)
}

/// Writes the sections that are complete now that `chain` has grown from `before` to `now`.
pub(super) fn extend(
    connection: &Connection,
    chain: &str,
    before: i64,
    now: i64,
) -> Result<(), Fault> {
    for section in before / SECTION..now / SECTION {
        connection
            .prepare_cached(
                "INSERT INTO locator (chain, section, word, seq)
                 SELECT ?1, ?2, word, min(seq) FROM (
                     SELECT seq, decision AS word FROM payload
                     WHERE chain = ?1 AND seq BETWEEN ?3 AND ?4 AND decision IS NOT NULL
                     UNION ALL
                     SELECT seq, substr(txn, 1, 8) FROM payload
                     WHERE chain = ?1 AND seq BETWEEN ?3 AND ?4 AND txn IS NOT NULL
                 ) GROUP BY word",
            )?
            .execute((chain, section, section * SECTION + 1, (section + 1) * SECTION))?;
    }
    Ok(())
}

/// Writes the complete sections that hold entries `first` to `last` anew, after payloads in them
/// were deleted.
pub(super) fn renew(
    connection: &Connection,
    chain: &str,
    first: i64,
    last: i64,
) -> Result<(), Fault> {
    let head: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM head WHERE chain = ?1")?
        .query_row([chain], |row| row.get(0))?;
    // What the transaction completes is written at its end.
    for section in (first - 1) / SECTION..=((last - 1) / SECTION).min(head / SECTION - 1) {
        connection
            .prepare_cached("DELETE FROM locator WHERE chain = ?1 AND section = ?2")?
            .execute((chain, section))?;
        extend(connection, chain, section * SECTION, (section + 1) * SECTION)?;
    }
    Ok(())
}
