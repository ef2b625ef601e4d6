//! The store as its callers hold it: a cheap handle whose calls all end in bounded time.
//!
//! No call touches SQLite on the caller's thread; a hung disk hangs the store's own threads and
//! nobody else.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fault::Fault;
use super::job::{Patience, ReadCall, WriteCall};
use super::journal::Writing;
use super::queue::Refused;
use super::settings::Settings;
use super::shared::{READERS, Shared, lock};
use super::{reader, writer};
use crate::relay::ports::StoreError;

/// Whether a store answers at present.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// It answers.
    Usable,
    /// It does not, for the reason given; it keeps trying.
    Degraded(String),
}

/// The evidence store. Clones share it; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.writes.close();
        self.shared.reads.close();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("settings", self.settings()).finish_non_exhaustive()
    }
}

impl Store {
    /// Starts the store's threads and waits, for a bounded time, for their first attempts to
    /// open the file. Whatever is wrong with the file, the store starts: degraded, and trying
    /// again until it succeeds; [`Store::health`] tells.
    ///
    /// Blocks up to the busy timeout plus a second, so call it before serving begins.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only if the system gives no threads or no random numbers.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        let patience = settings.busy_timeout + Duration::from_secs(1);
        let shared = Arc::new(Shared::new(settings).map_err(|fault| StoreError::from(&fault))?);
        let inner = Inner { shared: Arc::clone(&shared), writer: Mutex::default() };
        let (tried, first_try) = sync_channel(1);
        let writer = start("store-write".to_owned(), {
            let shared = Arc::clone(&shared);
            move || writer::run(&shared, &tried)
        })?;
        *lock(&inner.writer) = Some(writer);
        // The file may take longer than that; then the store starts degraded.
        let _ = first_try.recv_timeout(patience);
        let (tried, first_tries) = sync_channel(READERS);
        for number in 0..READERS {
            let reader = start(format!("store-read-{number}"), {
                let (shared, tried) = (Arc::clone(&shared), tried.clone());
                move || reader::run(&shared, number, &tried)
            })?;
            lock(&shared.readers).push(reader);
        }
        for _ in 0..READERS {
            let _ = first_tries.recv_timeout(patience);
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether the store answers at present, and why not.
    pub fn health(&self) -> Health {
        let shared = self.shared();
        if !shared.writer_lamp.is_well() {
            return Health::Degraded(shared.writer_lamp.reason());
        }
        match shared.reader_lamps.iter().any(|lamp| lamp.is_well()) {
            true => Health::Usable,
            false => Health::Degraded(shared.reader_lamps[0].reason()),
        }
    }

    /// The settings it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.shared().settings
    }

    /// Takes nothing more in, finishes what waits and closes the file.
    ///
    /// # Errors
    /// [`StoreError::Timeout`] if that takes longer than `patience`; it then goes on by itself.
    pub async fn close(&self, patience: Duration) -> Result<(), StoreError> {
        self.shared().writes.close();
        self.shared().reads.close();
        let Some(writer) = lock(&self.inner.writer).take() else { return Ok(()) };
        // The writer is the last to end. If it panicked, it has ended too.
        let joined = tokio::task::spawn_blocking(move || writer.join());
        match timeout(patience, joined).await {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Timeout),
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// Has `work` done in a transaction and returns after it was committed.
    pub(super) async fn write<T, W>(&self, patience: Patience, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Writing<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let shared = self.shared();
        if !shared.writer_lamp.is_open() {
            shared.writes.wake();
            return Err(StoreError::Unavailable(shared.writer_lamp.reason()));
        }
        let (reply, answer) = oneshot::channel();
        let call = WriteCall::new(work, reply, patience);
        shared.writes.push(Box::new(call), patience.linger()).map_err(refused)?;
        wait(answer, shared.settings.write_timeout).await
    }

    /// Has `query` answered from a snapshot begun after this call.
    pub(super) async fn read<T, R>(&self, query: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let shared = self.shared();
        if !shared.reader_lamps.iter().any(|lamp| lamp.is_open()) {
            shared.reads.wake();
            return Err(StoreError::Unavailable(shared.reader_lamps[0].reason()));
        }
        let (reply, answer) = oneshot::channel();
        let call = Box::new(ReadCall::new(query, reply));
        shared.reads.push(call, Duration::ZERO).map_err(refused)?;
        wait(answer, shared.settings.read_timeout).await
    }
}

fn start(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    Builder::new()
        .name(name)
        .spawn(run)
        .map_err(|error| StoreError::Unavailable(format!("the system gives no thread: {error}")))
}

async fn wait<T>(
    answer: oneshot::Receiver<Result<T, StoreError>>,
    patience: Duration,
) -> Result<T, StoreError> {
    match timeout(patience, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(StoreError::Unavailable("its thread dropped the call".to_owned())),
        Err(_) => Err(StoreError::Timeout),
    }
}

fn refused(refused: Refused) -> StoreError {
    match refused {
        Refused::Full => StoreError::Overloaded,
        Refused::Closed => StoreError::Unavailable("it was closed".to_owned()),
    }
}
