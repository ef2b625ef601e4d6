//! Accepting connections until told to stop, and refusing those that get no session.
//!
//! It counts and admits; what is said on a connection is `connection`'s business.
//! RFC 5321 §3.1: whoever gets no service is told so by 554 instead of 220.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::Settings;
use super::admission::{self, Observer, Refusal};
use super::connection::{self, Connection, Shared};
use crate::relay::ports::{Clock, Submissions};

/// Refused connections told why at once; more are closed without a word.
const REFUSALS_MAX: usize = 64;

/// Wait after a failed accept, so that a lack of file descriptors does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// One listener's parts: what it serves, for whom, and who watches.
#[derive(Debug)]
pub struct Listener<S, C, O> {
    /// Its settings.
    pub settings: Arc<Settings>,
    /// Takes the messages.
    pub submissions: Arc<S>,
    /// Tells when they came.
    pub clock: Arc<C>,
    /// Watches connections.
    pub observer: Arc<O>,
}

impl<S: Submissions, C: Clock, O: Observer> Listener<S, C, O> {
    /// Accepts connections on `socket` until `shutdown`. Their tasks are `tracker`'s: once it
    /// is closed and waited for, every submission was answered.
    pub async fn serve(
        self,
        socket: TcpListener,
        shutdown: CancellationToken,
        tracker: TaskTracker,
    ) {
        let slots = Arc::new(Semaphore::new(self.settings.connections_max));
        let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
        let shared = Arc::new(Shared { listener: self, shutdown, tracker });
        while let Some(accepted) = shared.shutdown.run_until_cancelled(socket.accept()).await {
            match accepted {
                Ok((stream, peer)) => match admitted(&shared, &slots, stream, peer) {
                    Ok((connection, slot)) => {
                        shared.tracker.spawn(run(connection, slot, Arc::clone(&shared)));
                    }
                    Err((stream, refusal)) => refuse(&shared, &refusals, stream, refusal),
                },
                Err(error) => wait_after(&error).await,
            }
        }
    }
}

type Admitted<S, C, O> = (Connection<S, C, O>, OwnedSemaphorePermit);

fn admitted<S: Submissions, C: Clock, O: Observer>(
    shared: &Arc<Shared<S, C, O>>,
    slots: &Arc<Semaphore>,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<Admitted<S, C, O>, (TcpStream, Refusal)> {
    let client = match admission::admit(&shared.listener.settings, peer.ip()) {
        Ok(client) => client.clone(),
        Err(refusal) => return Err((stream, refusal)),
    };
    let Ok(slot) = Arc::clone(slots).try_acquire_owned() else {
        return Err((stream, Refusal::TooManyConnections));
    };
    let ip = peer.ip().to_canonical();
    Ok((Connection::new(Arc::clone(shared), stream, ip, &client), slot))
}

async fn run<S: Submissions, C: Clock, O: Observer>(
    connection: Connection<S, C, O>,
    slot: OwnedSemaphorePermit,
    shared: Arc<Shared<S, C, O>>,
) {
    let _watch = Watch::new(&shared.listener);
    connection.run().await;
    drop(slot);
}

/// Tells the observer of an opened connection, and of its end even if the task panics.
struct Watch<'a, S, C, O: Observer>(&'a Listener<S, C, O>);

impl<'a, S, C, O: Observer> Watch<'a, S, C, O> {
    fn new(listener: &'a Listener<S, C, O>) -> Self {
        listener.observer.connection_opened(&listener.settings.name);
        Self(listener)
    }
}

impl<S, C, O: Observer> Drop for Watch<'_, S, C, O> {
    fn drop(&mut self) {
        self.0.observer.connection_closed(&self.0.settings.name);
    }
}

fn refuse<S: Submissions, C: Clock, O: Observer>(
    shared: &Arc<Shared<S, C, O>>,
    refusals: &Arc<Semaphore>,
    stream: TcpStream,
    refusal: Refusal,
) {
    let listener = &shared.listener;
    debug!(listener = listener.settings.name, refusal = refusal.as_str(), "connection refused");
    listener.observer.connection_refused(&listener.settings.name, refusal);
    if let Ok(slot) = Arc::clone(refusals).try_acquire_owned() {
        shared.tracker.spawn(async move {
            connection::refuse(stream, &refusal.reply()).await;
            drop(slot);
        });
    }
}

async fn wait_after(error: &io::Error) {
    debug!(%error, "accept failed");
    tokio::time::sleep(ACCEPT_RETRY).await;
}
