//! The traits the relay stands on: what it needs from store, upstream and clock.
//!
//! Plain data cross here, so that the simulation can drive the relay with fakes and the shell
//! modules never meet each other.

use std::future::Future;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::base::{AddressKeys, DecisionId, PersonKey, Timestamp, TransactionId};
use crate::eligibility::{Evidence, RecipientRecord, RegisterFacts, Scope, Successions};
use crate::pipeline::{
    Beside, Dispatch, FateKey, Fingerprint, LedgerEntry, Outcome, Receipt, Settled,
};
use crate::smtp::{Replies, Reply, Transaction};

/// Why the store did not answer. None of these ever turns into permission (promise P7).
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum StoreError {
    /// It cannot be opened, read or written now.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// It did not answer in time.
    #[error("the store did not answer in time")]
    Timeout,
    /// Too much is waiting for it already.
    #[error("the store's queue is full")]
    Overloaded,
    /// It answers, and permits nothing at present.
    #[error("the store permits nothing: {0}")]
    Held(Hold),
}

/// Why a store that answers permits nothing, until an operator has seen to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum Hold {
    /// It lacks what this node saw in it before: an old backup was put back.
    #[error("the database is older than this node remembers it")]
    Restored,
    /// The clock lies behind the journal.
    #[error("the clock is behind the journal")]
    ClockBack,
    /// The clock lies before the day the program was made.
    #[error("the clock is before the day this program was made")]
    ClockBeforeBuild,
}

/// Why decisions were not recorded.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RecordError {
    /// A record changed since it was read: decide again on a new reading.
    #[error("a record changed since it was read")]
    Conflict,
    /// Another attempt for one of the recipients is under way.
    #[error("another attempt for the same message is under way")]
    Claimed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A record and the version a permit must find unchanged; no row is version 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VersionedRecord {
    /// The version of the row under the newest key.
    pub version: u64,
    /// The fold of the evidence, under all live keys together.
    pub record: RecipientRecord,
    /// When the person was last sent marketing.
    pub last_marketing_sent_at: Option<Timestamp>,
    /// The fold of the evidence about the whole domain; `None` if there is none.
    pub domain: Option<RecipientRecord>,
    /// What the public registers say about the address.
    pub registers: RegisterFacts,
    /// The other rows this was read from; they too must be unchanged.
    pub beside: Beside,
}

/// What is read for one message, in one snapshot begun after end-of-data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// The persons whose records are wanted, by what their addresses are looked up by.
    pub persons: Vec<AddressKeys>,
    /// The recipients whose fates are wanted.
    pub fates: Vec<FateKey>,
    /// The scope the copies' tokens will name; its number is wanted.
    pub scope: Option<Scope>,
}

/// The answer to a [`Query`], in its order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// One per person.
    pub records: Vec<VersionedRecord>,
    /// One per fate key.
    pub fates: Vec<LedgerEntry>,
    /// The number of the queried scope, 40 bits.
    pub scope_id: Option<u64>,
    /// Which legal person became which.
    pub history: Successions,
}

/// One decision to be journalled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecisionRow {
    /// Its id.
    pub id: DecisionId,
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// The person it is about; `None` for service mail.
    pub person: Option<PersonKey>,
    /// For a permit: the version its record must still have.
    pub permit_version: Option<u64>,
    /// For a permit: the other rows it was decided on.
    pub beside: Beside,
    /// The explanation, as JSON.
    pub payload: Vec<u8>,
}

/// Everything one attempt makes durable before anything is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecisionBatch {
    /// The message.
    pub fingerprint: Fingerprint,
    /// The decisions.
    pub decisions: Vec<DecisionRow>,
    /// The recipients this attempt will send to or notify about.
    pub claims: Vec<FateKey>,
    /// Until when the claims hold if nothing settles them.
    pub claimed_until: Timestamp,
}

/// One outcome to be journalled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutcomeRow {
    /// The decision it follows.
    pub decision: DecisionId,
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// The person whose `last_marketing_sent_at` moves forward; `None` if nothing was sent.
    pub sent_to: Option<PersonKey>,
    /// What happened, as JSON.
    pub payload: Vec<u8>,
}

/// What one attempt learnt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// The message.
    pub fingerprint: Fingerprint,
    /// What became of each recipient tried.
    pub fates: Vec<(FateKey, Settled)>,
    /// The outcomes to journal.
    pub outcomes: Vec<OutcomeRow>,
    /// The recipients of a transaction whose final reply was written: their ledger entries go,
    /// and no others, for a mailer may send the same content in several transactions. Empty if
    /// the message stays open.
    pub closes: Vec<FateKey>,
    /// When this was learnt.
    pub at: Timestamp,
}

/// Reading records and fates.
pub trait Records: Send + Sync + 'static {
    /// Answers `query` from one snapshot begun after the call.
    fn load(&self, query: Query) -> impl Future<Output = Result<Snapshot, StoreError>> + Send;
}

/// Making decisions and outcomes durable.
pub trait Journal: Send + Sync + 'static {
    /// One durable, conditional append: all of `batch` or nothing.
    fn record(
        &self,
        batch: DecisionBatch,
    ) -> impl Future<Output = Result<Receipt, RecordError>> + Send;

    /// Makes outcomes and fates durable.
    fn settle(&self, settlement: Settlement)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Records what a message told of, after it was accepted.
    fn witness(
        &self,
        person: PersonKey,
        evidence: Evidence,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Journals a service message without waiting; a full queue is a counted gap (promise P5).
    fn note(&self, row: DecisionRow);
}

/// Handing copies to the outbound MTA.
pub trait Upstream: Send + Sync + 'static {
    /// Runs one upstream transaction and tells each recipient's outcome, in order.
    fn dispatch(&self, dispatch: &Dispatch) -> impl Future<Output = Vec<Outcome>> + Send;
}

/// What a client is told, and what becomes durable once it has been told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The reply after the final dot, or over LMTP one per recipient.
    pub replies: Replies,
    /// To be handed back through [`Submissions::answered`] once the reply was written or lost.
    pub closing: Option<Settlement>,
}

impl Answer {
    /// An answer that leaves the message open.
    pub fn open(reply: Reply) -> Self {
        Self { replies: Replies::All(reply), closing: None }
    }

    /// The reply that says most about the transaction.
    pub fn reply(&self) -> Reply {
        self.replies.summary()
    }
}

/// Whether a reply reached the client's socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyDelivery {
    /// Every byte was written.
    Written,
    /// The connection failed first: the client will retry, so the message stays open.
    Lost,
}

/// Taking complete transactions from the listeners.
pub trait Submissions: Send + Sync + 'static {
    /// Decides and sends one transaction. Must be awaited to its end even if the client goes
    /// away, which `client_gone` tells: copies in flight finish, none starts.
    fn submit(
        &self,
        transaction: Transaction,
        client_gone: CancellationToken,
    ) -> impl Future<Output = Answer> + Send;

    /// Closes a message after its reply was written, or keeps it open if the reply was lost.
    fn answered(
        &self,
        closing: Settlement,
        delivery: ReplyDelivery,
    ) -> impl Future<Output = ()> + Send;
}

/// Recording what people say on the public pages.
pub trait Evidences: Send + Sync + 'static {
    /// The scope numbered `id`, if the store knows it.
    fn scope(&self, id: u64) -> impl Future<Output = Result<Option<Scope>, StoreError>> + Send;

    /// Appends evidence about one person; durable when it returns.
    fn append(
        &self,
        person: PersonKey,
        evidence: Evidence,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether the store answers at present.
    fn is_usable(&self) -> bool;

    /// Why the store permits nothing at present though it answers.
    fn hold(&self) -> Option<Hold> {
        None
    }
}

/// Telling the time.
pub trait Clock: Send + Sync + 'static {
    /// This moment.
    fn now(&self) -> Timestamp;
}
