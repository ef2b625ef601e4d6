//! Units of work carried from asynchronous callers to the store's threads and back.
//!
//! A write is answered only after its transaction was committed; a read at once.

use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::fault::Fault;
use super::journal::Writing;
use crate::relay::ports::StoreError;

/// How long a write without a waiting client may wait for company. A commit costs a disk flush
/// and as much computing as ten rows, so it should not be made for one row alone. It adds to the
/// duplicate window of a crash, of which it is a small part.
pub(super) const LINGER: Duration = Duration::from_millis(10);

/// The answer to a call on its way back.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// One write waiting for the writer.
pub(super) trait WriteJob: Send {
    /// Whether nobody waits for it any more and it must not be done then.
    fn is_abandoned(&self) -> bool;

    /// Does the work inside the open transaction, once.
    fn perform(&mut self, writing: &mut Writing<'_>) -> Result<(), Fault>;

    /// Tells the caller, now that the transaction was committed or lost.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// One read waiting for a reader.
pub(super) trait ReadJob: Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Answers from the open snapshot; the fault, if any, is also returned.
    fn answer(self: Box<Self>, connection: &Connection) -> Result<(), Fault>;

    /// Tells the caller that there is no snapshot.
    fn refuse(self: Box<Self>, error: StoreError);
}

/// Whether a write is still done when its caller gave up before it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Patience {
    /// It is not: its caller has answered the client as if it never happened.
    WhileAwaited,
    /// It is: an objection or an outcome is a fact, whoever waits for it.
    Regardless,
    /// It is, and as nobody's reply waits for it, it may join the commit of something urgent.
    Leisurely,
}

impl Patience {
    /// How long a write may wait for another one's commit.
    pub(super) const fn linger(self) -> Duration {
        match self {
            Self::WhileAwaited | Self::Regardless => Duration::ZERO,
            Self::Leisurely => LINGER,
        }
    }
}

/// A write and the way back to its caller.
pub(super) struct WriteCall<W, T> {
    work: Option<W>,
    result: Option<Result<T, StoreError>>,
    reply: Reply<T>,
    patience: Patience,
}

impl<W, T> WriteCall<W, T> {
    /// A write that answers through `reply`.
    pub(super) const fn new(work: W, reply: Reply<T>, patience: Patience) -> Self {
        Self { work: Some(work), result: None, reply, patience }
    }
}

impl<W, T> WriteJob for WriteCall<W, T>
where
    W: FnOnce(&mut Writing<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    fn is_abandoned(&self) -> bool {
        self.patience == Patience::WhileAwaited && self.reply.is_closed()
    }

    fn perform(&mut self, writing: &mut Writing<'_>) -> Result<(), Fault> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let (result, passed_on) = match work(writing) {
            Ok(value) => (Ok(value), Ok(())),
            Err(fault) => (Err(StoreError::from(&fault)), Err(fault)),
        };
        self.result = Some(result);
        passed_on
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        let not_done = Err(StoreError::Timeout);
        // A caller that went away drops the value, which undoes what must be undone.
        let _ = reply.send(committed.and_then(|()| result.unwrap_or(not_done)));
    }
}

/// A read and the way back to its caller.
pub(super) struct ReadCall<R, T> {
    query: R,
    reply: Reply<T>,
}

impl<R, T> ReadCall<R, T> {
    /// A read that answers through `reply`.
    pub(super) const fn new(query: R, reply: Reply<T>) -> Self {
        Self { query, reply }
    }
}

impl<R, T> ReadJob for ReadCall<R, T>
where
    R: FnOnce(&Connection) -> Result<T, Fault> + Send,
    T: Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn answer(self: Box<Self>, connection: &Connection) -> Result<(), Fault> {
        let (answer, passed_on) = match (self.query)(connection) {
            Ok(value) => (Ok(value), Ok(())),
            Err(fault) => (Err(StoreError::from(&fault)), Err(fault)),
        };
        // Nobody waits any more: the answer is of no use to anybody else.
        let _ = self.reply.send(answer);
        passed_on
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}
