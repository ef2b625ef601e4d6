//! What the store can be asked about proofs: checkpoints, exports, proofs of single decisions.

use std::sync::Arc;

use super::checkpoint::{self, Checkpoint};
use super::export::{self, ExportedEntry};
use super::handle::Store;
use super::job::Patience;
use super::proof::{self, NoProof, Proof};
use super::retention::{self, Cutoffs, Place, Retained};
use super::row::from_sql_number;
use super::sources;
use crate::base::{DecisionId, Signer};
use crate::pipeline::SourceText;
use crate::relay::ports::StoreError;

/// How far this node's chain has come, and how much of it is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signed {
    /// Its last entry.
    pub head: u64,
    /// Its last checkpoint's own entry; 0 if it has none.
    pub last: u64,
}

impl Store {
    /// Signs the end of this node's chain and journals it; `None` for a chain without entries.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written.
    pub async fn checkpoint(&self, signer: Arc<Signer>) -> Result<Option<Checkpoint>, StoreError> {
        self.write(Patience::Regardless, move |writing| checkpoint::enter(writing, &signer)).await
    }

    /// How much of this node's chain is signed.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn signed(&self) -> Result<Signed, StoreError> {
        let node = self.settings().node.clone();
        self.read(move |connection| {
            let last = checkpoint::last_covered(connection, node.as_str())?;
            let head = connection
                .prepare_cached("SELECT coalesce(max(seq), 0) FROM head WHERE chain = ?1")?
                .query_row([node.as_str()], |row| row.get(0))?;
            Ok(Signed { head: from_sql_number(head)?, last })
        })
        .await
    }

    /// Keeps the texts decisions may name by hash.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be written.
    pub async fn keep_sources(&self, texts: Vec<SourceText>) -> Result<(), StoreError> {
        self.write(Patience::Regardless, move |writing| {
            texts.iter().try_for_each(|text| sources::keep(writing, text))
        })
        .await
    }

    /// Everything decision `id` rests on, or why it cannot be proven.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn prove(&self, id: DecisionId) -> Result<Result<Proof, NoProof>, StoreError> {
        self.read(move |connection| proof::gather(connection, id)).await
    }

    /// Deletes the payloads in this node's chain that are older than `cutoffs` say, in short
    /// transactions that each journal what they delete.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be deleted; what was deleted stays so.
    pub async fn retain(&self, cutoffs: Cutoffs) -> Result<Retained, StoreError> {
        let (mut place, mut retained) = (Some(Place::START), Retained::default());
        let run = self.settings().clock.now();
        while let Some(at) = place {
            let cutoffs = cutoffs.clone();
            let (next, step) = self
                .write(Patience::Regardless, move |writing| {
                    retention::advance(writing, &cutoffs, run, at)
                })
                .await?;
            place = next;
            retained = retained.plus(step);
        }
        Ok(retained)
    }

    /// What [`Store::retain`] would delete.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn rehearse_retention(&self, cutoffs: Cutoffs) -> Result<Retained, StoreError> {
        let (mut place, mut retained) = (Some(Place::START), Retained::default());
        while let Some(at) = place {
            let (cutoffs, node) = (cutoffs.clone(), self.settings().node.clone());
            let (next, step) = self
                .read(move |connection| {
                    retention::rehearse(connection, node.as_str(), &cutoffs, at)
                })
                .await?;
            place = next;
            retained = retained.plus(step);
        }
        Ok(retained)
    }

    /// The next entries of all chains behind `after`, at most `count`; `None` begins with the
    /// first, or with number `from` of each chain.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be read.
    pub async fn export(
        &self,
        after: Option<(String, u64)>,
        from: u64,
        count: u32,
    ) -> Result<Vec<ExportedEntry>, StoreError> {
        self.read(move |connection| export::page(connection, after, from, count)).await
    }
}
