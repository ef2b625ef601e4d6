//! Everything the store can be asked: the relay's ports, and what command line and desk need.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decisions::{self, Refusal};
use super::evidence::{self, Counting};
use super::fault::Fault;
use super::handle::{Health, Store};
use super::import::{self, CHUNK_PIECES, Folding, Imported};
use super::job::{LINGER, Patience};
use super::journal::{EntryKind, Payload, Writing};
use super::lookup::{self, Counts, StoredDecision};
use super::row::from_sql_number;
use super::{ledger, scopes, snapshot};
use crate::base::{
    BatchId, DecisionId, EvidenceId, PersonKey, PersonKeys, Timestamp, TransactionId,
};
use crate::eligibility::{Evidence, Scope};
use crate::pipeline::Receipt;
use crate::relay::ports::{
    DecisionBatch, DecisionRow, Evidences, Hold, Journal, Query, RecordError, Records, Settlement,
    Snapshot, StoreError,
};
use crate::telemetry::{Metrics, StoreOperation, events};

impl Records for Store {
    async fn load(&self, query: Query) -> Result<Snapshot, StoreError> {
        let _timing = self.timing(StoreOperation::Load);
        let writer = self.shared().writer.clone();
        let clock = self.settings().clock.clone();
        self.read(move |connection| snapshot::answer(connection, &query, &writer, clock.now()))
            .await
    }
}

impl Journal for Store {
    async fn record(&self, batch: DecisionBatch) -> Result<Receipt, RecordError> {
        let _timing = self.timing(StoreOperation::Record);
        let shared = Arc::clone(self.shared());
        let recorded = self
            .write(Patience::WhileAwaited, move |writing| {
                // Asked where nothing can come in between: the database may have been put back
                // while this waited.
                if let Some(hold) = shared.guard.hold_within(writing, &shared.settings) {
                    return Ok(Err(Refusal::Held(hold)));
                }
                let attempt = shared.next_attempt();
                if let Some(refusal) = decisions::record(writing, &batch, attempt)? {
                    return Ok(Err(refusal));
                }
                let head = from_sql_number(writing.head().seq)?;
                Ok(Ok((shared.lease(attempt, batch.claims), head)))
            })
            .await?;
        // The writer answers after its commit: the decisions are durable here (promise P1).
        match recorded {
            Ok((lease, head)) => {
                lease.accept();
                Ok(Receipt::committed(head))
            }
            Err(Refusal::Conflict) => Err(RecordError::Conflict),
            Err(Refusal::Claimed) => Err(RecordError::Claimed),
            Err(Refusal::Held(hold)) => Err(RecordError::Store(StoreError::Held(hold))),
        }
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        let _timing = self.timing(StoreOperation::Settle);
        let patience = match settlement.closes.is_empty() {
            // A reply waits for this, or a retry soon will.
            true => Patience::Regardless,
            // The final reply is written: nobody waits.
            false => Patience::Leisurely,
        };
        self.write(patience, move |writing| decisions::settle(writing, &settlement)).await
    }

    async fn witness(&self, person: PersonKey, evidence: Evidence) -> Result<(), StoreError> {
        self.append(person, evidence).await
    }

    fn note(&self, row: DecisionRow) {
        let Some(note) = self.shared().note(row) else { return };
        if self.shared().writer_lamp.is_open() {
            // A note that is refused counts itself as lost.
            let _ = self.shared().writes.push(Box::new(note), LINGER);
        }
    }
}

impl Evidences for Store {
    async fn scope(&self, id: u64) -> Result<Option<Scope>, StoreError> {
        let _timing = self.timing(StoreOperation::Scope);
        self.read(move |connection| scopes::name(connection, id)).await
    }

    async fn append(&self, person: PersonKey, evidence: Evidence) -> Result<(), StoreError> {
        let _timing = self.timing(StoreOperation::Append);
        self.write(Patience::Regardless, move |writing| {
            evidence::append(writing, &person, &evidence, Counting::AtOnce).map(|_| ())
        })
        .await
    }

    fn is_usable(&self) -> bool {
        self.health() == Health::Usable
    }

    fn hold(&self) -> Option<Hold> {
        Self::hold(self)
    }
}

impl Store {
    /// Appends the pieces of one import: protective ones first, counting at once; permissions
    /// count together once all are written. Repeating an import adds nothing twice.
    ///
    /// # Errors
    /// After an error nothing imported permits anything; import again to go on.
    pub async fn append_all(
        &self,
        pieces: Vec<(impl Into<PersonKeys> + Send, Evidence)>,
        batch: BatchId,
    ) -> Result<Imported, StoreError> {
        self.append_all_watched(pieces, batch, |_| {}).await
    }

    /// [`Store::append_all`] that tells `watch` after each chunk how many pieces are written.
    ///
    /// # Errors
    /// As [`Store::append_all`].
    pub async fn append_all_watched(
        &self,
        pieces: Vec<(impl Into<PersonKeys> + Send, Evidence)>,
        batch: BatchId,
        mut watch: impl FnMut(usize) + Send,
    ) -> Result<Imported, StoreError> {
        self.write_batch(batch.clone(), |writing, batch| import::open(writing, batch)).await?;
        let imported = self.append_chunks(pieces, &batch, &mut watch).await?;
        self.write_batch(batch, move |writing, batch| import::complete(writing, batch, imported))
            .await?;
        while self.fold_chunk().await? == Folding::MoreWait {}
        Ok(imported)
    }

    pub(super) async fn append_chunks(
        &self,
        pieces: Vec<(impl Into<PersonKeys> + Send, Evidence)>,
        batch: &BatchId,
        watch: &mut (impl FnMut(usize) + Send),
    ) -> Result<Imported, StoreError> {
        let (protective, others): (Vec<_>, Vec<_>) = pieces
            .into_iter()
            .map(|(person, piece)| (person.into(), in_batch(piece, batch)))
            .partition(|(_, piece)| piece.fact.is_protective());
        let mut rest = protective.into_iter().chain(others);
        let mut imported = Imported::default();
        let mut written = 0;
        loop {
            let chunk: Vec<_> = rest.by_ref().take(CHUNK_PIECES).collect();
            if chunk.is_empty() {
                return Ok(imported);
            }
            written += chunk.len();
            let appended = self.write_batch(batch.clone(), move |writing, batch| {
                import::append_chunk(writing, batch, &chunk)
            });
            imported = imported.plus(appended.await?);
            watch(written);
        }
    }

    async fn write_batch<T: Send + 'static>(
        &self,
        batch: BatchId,
        work: impl FnOnce(&mut Writing<'_>, &BatchId) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write(Patience::Regardless, move |writing| work(writing, &batch)).await
    }

    async fn fold_chunk(&self) -> Result<Folding, StoreError> {
        self.write(Patience::Regardless, |writing| import::fold_complete(writing.connection()))
            .await
    }

    /// Gives each of `scopes` its number, in their order; known ones keep theirs.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be written.
    pub async fn ensure_scopes(&self, scopes: Vec<Scope>) -> Result<Vec<u64>, StoreError> {
        self.write(Patience::Regardless, move |writing| {
            scopes.iter().map(|scope| scopes::ensure(writing, scope)).collect()
        })
        .await
    }

    /// Journals an act that is neither decision, outcome nor evidence, with a JSON payload, and
    /// tells its number.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written.
    pub async fn annotate(&self, act: Act, payload: Vec<u8>) -> Result<u64, StoreError> {
        self.write(Patience::Regardless, move |writing| {
            let payload = Payload { body: &payload, ..Payload::default() };
            from_sql_number(writing.enter_payload(act.kind(), writing.now(), &payload)?)
        })
        .await
    }

    /// Forgets recipients of messages untouched for [`super::LEDGER_LIFE`]; tells how many.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be removed.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write(Patience::Regardless, move |writing| ledger::sweep(writing.connection(), now))
            .await
    }

    /// How many recipients of open messages nobody has tried since `since`.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be counted.
    pub async fn never_retried(&self, since: Timestamp) -> Result<u64, StoreError> {
        self.read(move |connection| ledger::never_retried(connection, since)).await
    }

    /// The decision `id`, or the service message journalled under it.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<StoredDecision>, StoreError> {
        self.read(move |connection| lookup::decision(connection, id)).await
    }

    /// All decisions of a transaction, in the order they were recorded.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be read.
    pub async fn transaction(&self, id: TransactionId) -> Result<Vec<StoredDecision>, StoreError> {
        self.read(move |connection| lookup::transaction(connection, id)).await
    }

    /// All evidence about a person, oldest first; also what an unfinished import brought.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn evidence_of(
        &self,
        person: PersonKey,
    ) -> Result<Vec<(EvidenceId, Evidence)>, StoreError> {
        self.read(move |connection| lookup::evidence_of(connection, &person)).await
    }

    /// When marketing was last sent to a person.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn last_marketing_sent_at(
        &self,
        person: PersonKey,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |connection| lookup::last_marketing_sent_at(connection, &person)).await
    }

    /// Counts everything; walks whole tables, so not for every request.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(lookup::counts).await
    }

    /// Service messages whose journal row was lost since the start, for a metric.
    pub fn notes_lost_total(&self) -> u64 {
        self.shared().notes_lost_total()
    }

    /// Service messages whose journal row waits to be written, and how long the oldest has.
    pub fn notes_waiting(&self) -> (usize, Option<Duration>) {
        self.shared().notes_waiting()
    }

    /// Measures one call until what is returned is dropped.
    fn timing(&self, operation: StoreOperation) -> Timing<'_> {
        Timing { metrics: self.settings().metrics.as_deref(), operation, began: Instant::now() }
    }
}

/// Tells at its end how long a call took, also one whose caller gave up.
struct Timing<'a> {
    metrics: Option<&'a Metrics>,
    operation: StoreOperation,
    began: Instant,
}

impl Drop for Timing<'_> {
    fn drop(&mut self) {
        if let Some(metrics) = self.metrics {
            let (operation, took) = (self.operation, self.began.elapsed());
            events::StoreCalled { operation, took }.emit(metrics);
        }
    }
}

/// What else is worth a journal entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Act {
    /// The configuration a process runs with.
    Config,
    /// A rule set a process decides by.
    RuleSet,
    /// An operator's act.
    Operator,
    /// A signed state of the chain.
    Checkpoint,
}

impl Act {
    const fn kind(self) -> EntryKind {
        match self {
            Self::Config => EntryKind::Config,
            Self::RuleSet => EntryKind::RuleSet,
            Self::Operator => EntryKind::Operator,
            Self::Checkpoint => EntryKind::Checkpoint,
        }
    }
}

fn in_batch(mut piece: Evidence, batch: &BatchId) -> Evidence {
    piece.provenance.batch = Some(batch.clone());
    piece
}
