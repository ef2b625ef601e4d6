//! What the command line asks of the store about imports: merge, compare, list, undo, export.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use thiserror::Error;

use super::evidence;
use super::fault::Fault;
use super::handle::Store;
use super::import::{self, BatchRow, Folding, Imported};
use super::job::Patience;
use super::pace::Pace;
use super::record::{self, RecordRow};
use super::row::from_sql_number;
use super::staging::{Staged, Staging, StagingError};
use super::undo::{self, Begun, Page, Reach};
use crate::base::{BatchId, PersonKey, PersonKeys, Timestamp};
use crate::eligibility::{Evidence, RecipientRecord};
use crate::relay::ports::StoreError;

/// Why an import stopped.
#[derive(Debug, Error)]
pub enum MergeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The staging file.
    #[error(transparent)]
    Staging(#[from] StagingError),
}

/// What an import would change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// Pieces about people the store has never heard of.
    pub new: u64,
    /// New pieces about people it knows.
    pub changed: u64,
    /// Pieces that are there already and count.
    pub known: u64,
}

/// An import as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportRow {
    /// Its id.
    pub batch: BatchId,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it was complete; none for one that broke off or is under way.
    pub completed_at: Option<Timestamp>,
    /// Pieces that were new.
    pub fresh: u64,
    /// Pieces that were there already.
    pub known: u64,
    /// Pieces of it that were undone.
    pub undone: u64,
    /// Where it came from, as JSON.
    pub about: Option<String>,
}

impl Store {
    /// Merges what was staged, objections first, in short transactions; permissions count
    /// together at the end. `about` is kept with the import and in the journal. `watch` is told
    /// how many pieces are written.
    ///
    /// # Errors
    /// [`MergeError`]; nothing imported permits anything then, and importing again goes on.
    pub async fn merge(
        &self,
        staging: &Staging,
        batch: &BatchId,
        about: serde_json::Value,
        mut watch: impl FnMut(u64),
    ) -> Result<Imported, MergeError> {
        self.batch_write(batch, move |writing, batch| {
            import::open(writing, batch)?;
            import::describe(writing.connection(), batch, &about.to_string())
        })
        .await?;
        let (mut imported, mut written, mut pace) = (Imported::default(), 0, Pace::new());
        for kind in [Staged::Protective, Staged::Permissive] {
            let mut after = 0;
            loop {
                let (chunk, last) = staging.chunk(kind, after, pace.pieces())?;
                if chunk.is_empty() {
                    break;
                }
                after = last;
                written += chunk.len() as u64;
                let (appended, took) = self
                    .batch_write(batch, move |writing, batch| {
                        timed(|| import::append_chunk(writing, batch, &chunk))
                    })
                    .await?;
                imported = imported.plus(appended);
                pace.learn(took);
                watch(written);
            }
        }
        self.batch_write(batch, move |writing, batch| import::complete(writing, batch, imported))
            .await?;
        self.fold_all().await?;
        Ok(imported)
    }

    /// Folds whatever complete imports have brought.
    async fn fold_all(&self) -> Result<(), StoreError> {
        let mut pace = Pace::new();
        loop {
            let pieces = pace.pieces();
            let (folding, took) = self
                .write(Patience::Regardless, move |writing| {
                    timed(|| import::fold_some(writing.connection(), pieces))
                })
                .await?;
            if folding == Folding::Finished {
                return Ok(());
            }
            pace.learn(took);
        }
    }

    async fn batch_write<T: Send + 'static>(
        &self,
        batch: &BatchId,
        work: impl FnOnce(&mut super::journal::Writing<'_>, &BatchId) -> Result<T, Fault>
        + Send
        + 'static,
    ) -> Result<T, StoreError> {
        let batch = batch.clone();
        self.write(Patience::Regardless, move |writing| work(writing, &batch)).await
    }

    /// What these pieces would change.
    ///
    /// # Errors
    /// [`StoreError`] if the store could not be read.
    pub async fn compare(
        &self,
        pieces: Vec<(PersonKeys, Evidence)>,
    ) -> Result<Difference, StoreError> {
        self.read(move |connection| {
            let mut difference = Difference::default();
            for (keys, piece) in &pieces {
                let person = &keys.newest;
                if evidence::is_known(connection, person, piece)? {
                    difference.known += 1;
                } else if record::version(connection, person)? > 0 {
                    difference.changed += 1;
                } else {
                    difference.new += 1;
                }
            }
            Ok(difference)
        })
        .await
    }

    /// Every import, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the store could not be read.
    pub async fn imports(&self) -> Result<Vec<ImportRow>, StoreError> {
        self.read(list).await
    }

    /// Undoes an import; tells how many pieces no longer count, or `None` if there is no such
    /// import. `about` is the officer's act and is journalled before anything changes.
    ///
    /// # Errors
    /// [`StoreError`]; undoing again goes on.
    pub async fn undo_import(
        &self,
        batch: &BatchId,
        reach: Reach,
        about: serde_json::Value,
        mut watch: impl FnMut(u64),
    ) -> Result<Option<u64>, StoreError> {
        let begun = self
            .batch_write(batch, move |writing, batch| undo::begin(writing, batch, &about))
            .await?;
        if begun == Begun::NoSuchImport {
            return Ok(None);
        }
        self.fold_all().await?;
        let (mut undone, mut pace, mut after) = (0, Pace::new(), Some(0));
        while let Some(from) = after {
            let asked = batch.clone();
            let Page { pieces, next } =
                self.read(move |connection| undo::page(connection, &asked, from)).await?;
            after = next;
            let mut rest = pieces.as_slice();
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at(pace.pieces().min(rest.len()));
                rest = others;
                let chunk = chunk.to_vec();
                let (taken, took) = self
                    .batch_write(batch, move |writing, batch| {
                        timed(|| undo::take_out(writing, batch, &chunk, reach))
                    })
                    .await?;
                undone += taken;
                pace.learn(took);
                watch(undone);
            }
        }
        self.batch_write(batch, move |writing, batch| undo::finish(writing, batch, undone)).await?;
        Ok(Some(undone))
    }

    /// Up to `limit` records behind `after`, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`] if the store could not be read.
    pub async fn records_after(
        &self,
        after: Option<PersonKey>,
        limit: usize,
    ) -> Result<Vec<(PersonKey, RecipientRecord)>, StoreError> {
        self.read(move |connection| records_after(connection, after, limit)).await
    }
}

/// Does `work` and tells how long it took.
fn timed<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<(T, Duration), Fault> {
    let began = Instant::now();
    let done = work()?;
    Ok((done, began.elapsed()))
}

fn records_after(
    connection: &Connection,
    after: Option<PersonKey>,
    limit: usize,
) -> Result<Vec<(PersonKey, RecipientRecord)>, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.map(|key| key.as_bytes().to_vec()).unwrap_or_default();
    let persons: Vec<PersonKey> = connection
        .prepare_cached("SELECT person FROM record WHERE person > ?1 ORDER BY person LIMIT ?2")?
        .query_map((after, limit), |row| Ok(PersonKey::from_bytes(row.get(0)?)))?
        .collect::<Result<_, _>>()?;
    let read =
        |person: PersonKey| Ok((person, RecordRow::read(connection, &person)?.record(&person)?));
    persons.into_iter().map(read).collect()
}

fn list(connection: &Connection) -> Result<Vec<ImportRow>, Fault> {
    let ids: Vec<String> = connection
        .prepare_cached("SELECT id FROM batch ORDER BY opened_at, id")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut undone = std::collections::BTreeMap::new();
    let mut statement = connection
        .prepare_cached("SELECT batch, count(*) FROM recount WHERE counts = 0 GROUP BY batch")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        undone.insert(row.get::<_, String>(0)?, from_sql_number(row.get(1)?)?);
    }
    let row = |id: String| {
        let batch = BatchId::parse(&id).map_err(|error| Fault::row("batch", &id, error))?;
        let found = BatchRow::read(connection, &batch)?;
        let found = found.ok_or_else(|| Fault::row("batch", &id, "it vanished"))?;
        Ok(ImportRow {
            about: import::description(connection, &batch)?,
            opened_at: Timestamp::from_millis(found.opened_at),
            completed_at: found.completed_at.map(Timestamp::from_millis),
            fresh: from_sql_number(found.fresh)?,
            known: from_sql_number(found.known)?,
            undone: undone.get(&id).copied().unwrap_or(0),
            batch,
        })
    };
    ids.into_iter().map(row).collect()
}
