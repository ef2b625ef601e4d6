//! Everything held about one person: evidence and how it stands, decisions, linked addresses.
//!
//! The journal has no index by person: a walk through it in short reads costs seconds for
//! millions of entries, and nothing on the way of mail waits for it.

use rusqlite::Connection;

use super::fault::Fault;
use super::handle::Store;
use super::kin;
use super::lookup::{self, StoredDecision};
use super::recount::{self, Standing};
use super::row::{from_sql_number, to_sql_number};
use crate::base::{DecisionId, EvidenceId, PersonKey, PersonKeys};
use crate::eligibility::Evidence;
use crate::relay::ports::StoreError;

/// Entries of the journal looked at by one read.
const WINDOW: u64 = 65_536;

/// How a piece of evidence stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PieceStanding {
    /// It counts.
    Counts,
    /// It waits for its import to be complete.
    Waits,
    /// It was undone, or lifted.
    Undone,
}

/// A piece of evidence and how it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectPiece {
    /// Its number.
    pub id: EvidenceId,
    /// How it stands.
    pub standing: PieceStanding,
    /// What it says.
    pub evidence: Evidence,
}

/// The pieces in the rows of one address, each told once.
pub(super) fn pieces(
    connection: &Connection,
    rows: &PersonKeys,
) -> Result<Vec<SubjectPiece>, Fault> {
    let mut told: Vec<SubjectPiece> = Vec::new();
    for row in rows.iter() {
        for (id, standing, evidence) in recount::pieces(connection, &row)? {
            // What protects stands under each live key.
            if told.iter().any(|piece| piece.evidence == evidence) {
                continue;
            }
            let standing = match standing {
                Standing::AsTold | Standing::Retold(_) => PieceStanding::Counts,
                Standing::Waits => PieceStanding::Waits,
                Standing::Undone => PieceStanding::Undone,
            };
            told.push(SubjectPiece { id: EvidenceId(from_sql_number(id)?), standing, evidence });
        }
    }
    told.sort_by_key(|piece| (piece.evidence.at, piece.id));
    Ok(told)
}

/// The chains and how long they are.
fn heads(connection: &Connection) -> Result<Vec<(String, u64)>, Fault> {
    let mut statement = connection.prepare_cached("SELECT chain, seq FROM head ORDER BY chain")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(Fault::from).and_then(|(c, seq)| Ok((c, from_sql_number(seq)?))))
        .collect()
}

/// The decisions about `rows` in a window of a chain behind `after`.
fn window(
    connection: &Connection,
    chain: &str,
    after: u64,
    rows: &[PersonKey],
) -> Result<Vec<StoredDecision>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT decision FROM payload JOIN journal USING (chain, seq)
         WHERE chain = ?1 AND seq > ?2 AND seq <= ?3 AND kind = 'decision' AND person = ?4",
    )?;
    let (first, last) = (to_sql_number(after), to_sql_number(after.saturating_add(WINDOW)));
    let mut found = Vec::new();
    for row in rows {
        let ids: Vec<i64> = statement
            .query_map((chain, first, last, row.as_bytes()), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in ids {
            let id = DecisionId::from_bits(id.cast_unsigned());
            found.extend(lookup::decision(connection, id)?);
        }
    }
    Ok(found)
}

impl Store {
    /// The evidence about somebody known under every live key, oldest first, also what waits
    /// or was undone.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn subject_pieces(&self, rows: PersonKeys) -> Result<Vec<SubjectPiece>, StoreError> {
        self.read(move |connection| pieces(connection, &rows)).await
    }

    /// How many rows of other addresses are linked with somebody's.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn linked_rows(&self, rows: PersonKeys) -> Result<Vec<PersonKey>, StoreError> {
        self.read(move |connection| {
            let mut others = kin::of(connection, &rows.newest)?;
            others.retain(|other| rows.iter().all(|own| own != *other));
            Ok(others)
        })
        .await
    }

    /// All decisions about `rows` in all chains, in the order they were recorded.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be read.
    pub async fn decisions_about(
        &self,
        rows: Vec<PersonKey>,
    ) -> Result<Vec<StoredDecision>, StoreError> {
        let mut found = Vec::new();
        for (chain, last) in self.read(heads).await? {
            let mut after = 0;
            while after < last {
                let (chain, rows) = (chain.clone(), rows.clone());
                let read = move |connection: &Connection| window(connection, &chain, after, &rows);
                found.extend(self.read(read).await?);
                after = after.saturating_add(WINDOW);
            }
        }
        found.sort_by_key(|decision| (decision.at, decision.seq));
        Ok(found)
    }
}
