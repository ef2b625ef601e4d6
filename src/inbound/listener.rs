//! Accepting connections until told to stop, and refusing those that get no session.
//!
//! It counts; who is admitted is `admission`'s business, what comes before a session `opening`'s,
//! and what is said on a connection `connection`'s.
//! RFC 5321 §3.1: whoever gets no service is told so by 554 instead of 220.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::Settings;
use super::admission::{self, Origin, Refusal};
use super::connection::Connection;
use super::logins::Logins;
use super::observer::Observer;
use super::opening::{self, Opened, Unopened};
use super::terms::Terms;
use crate::relay::ports::{Clock, Submissions};

/// Refused connections told why at once; more are closed without a word.
const REFUSALS_MAX: usize = 64;

/// Wait after a failed accept, so that a lack of file descriptors does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// One listener's parts: what it serves, for whom, and who watches.
#[derive(Debug)]
pub struct Listener<S, C, O> {
    /// Its settings. New connections use the newest; open ones go on if they still may.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Takes the messages.
    pub submissions: Arc<S>,
    /// Tells when they came.
    pub clock: Arc<C>,
    /// Watches connections.
    pub observer: Arc<O>,
    /// Finds out whether logins are true.
    pub logins: Arc<Logins>,
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
        let shared = Shared { listener: self, shutdown, tracker };
        let door =
            Arc::new(Door { shared: Arc::new(shared), open: Count::new(), refused: Count::new() });
        let shutdown = door.shared.shutdown.clone();
        while let Some(accepted) = shutdown.run_until_cancelled(socket.accept()).await {
            match accepted {
                Ok((stream, peer)) => {
                    Arc::clone(&door).let_in(stream, peer.ip().to_canonical());
                }
                Err(error) => wait_after(&error).await,
            }
        }
    }
}

/// What all connections of a listener share.
#[derive(Debug)]
pub struct Shared<S, C, O> {
    pub listener: Listener<S, C, O>,
    pub shutdown: CancellationToken,
    pub tracker: TaskTracker,
}

/// One listener at work.
struct Door<S, C, O> {
    shared: Arc<Shared<S, C, O>>,
    open: Count,
    refused: Count,
}

impl<S: Submissions, C: Clock, O: Observer> Door<S, C, O> {
    /// Begins to serve a connection, within the listener's number of them.
    fn let_in(self: Arc<Self>, stream: TcpStream, peer: IpAddr) {
        // Replies are small and waited for: Nagle's algorithm would add 40 ms to each.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let mut updates = self.shared.listener.settings.clone();
        let settings = Arc::clone(&updates.borrow_and_update());
        let is_stranger =
            !settings.is_proxy(peer) && admission::admit(&settings, Origin::direct(peer)).is_err();
        if is_stranger {
            // A stranger takes no client's place.
            return self.refuse(stream, peer, Refusal::UnknownClient, settings);
        }
        let Some(slot) = self.open.take(settings.connections_max) else {
            return self.refuse(stream, peer, Refusal::TooManyConnections, settings);
        };
        let tracker = self.shared.tracker.clone();
        tracker.spawn(async move {
            self.serve(stream, peer, updates, settings).await;
            drop(slot);
        });
    }

    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: IpAddr,
        updates: watch::Receiver<Arc<Settings>>,
        settings: Arc<Settings>,
    ) {
        let opening = opening::open(stream, peer, &settings);
        let observer = &self.shared.listener.observer;
        let name = settings.name.clone();
        match self.shared.shutdown.run_until_cancelled(opening).await {
            Some(Ok(Opened { stream, origin, admitted })) => {
                let _watch = Watch::new(observer.as_ref(), &name);
                let shared = Arc::clone(&self.shared);
                let terms = Terms::new(settings, updates, origin, admitted);
                Connection::new(shared, stream, terms).run().await;
            }
            Some(Err(Unopened::Refused(stream, ip, refusal))) => {
                Arc::clone(&self).refuse(stream, ip, refusal, settings);
            }
            Some(Err(Unopened::Handshake(ip, fault))) => {
                observer.handshake_failed(&name, ip, fault);
            }
            Some(Err(Unopened::Header(fault))) => {
                observer.proxy_header_refused(&name, peer, fault);
            }
            // The server stops, and no session had begun.
            None => {}
        }
    }

    fn refuse(
        self: Arc<Self>,
        stream: TcpStream,
        ip: IpAddr,
        refusal: Refusal,
        settings: Arc<Settings>,
    ) {
        let listener = settings.name.as_str();
        self.shared.listener.observer.connection_refused(listener, ip, refusal);
        if let Some(slot) = self.refused.take(REFUSALS_MAX) {
            self.shared.tracker.spawn(async move {
                opening::refuse(stream, refusal, &settings).await;
                drop(slot);
            });
        }
    }
}

/// How many there are of something whose bound may change while they are.
struct Count(Arc<AtomicUsize>);

/// One of them, until dropped.
struct Slot(Arc<AtomicUsize>);

impl Count {
    fn new() -> Self {
        Self(Arc::default())
    }

    /// One more, if there are fewer than `max`.
    fn take(&self, max: usize) -> Option<Slot> {
        let more = |count: usize| (count < max).then_some(count + 1);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Slot(Arc::clone(&self.0)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells the observer of an opened connection, and of its end even if the task panics.
struct Watch<'a, O: Observer> {
    observer: &'a O,
    listener: &'a str,
}

impl<'a, O: Observer> Watch<'a, O> {
    fn new(observer: &'a O, listener: &'a str) -> Self {
        observer.connection_opened(listener);
        Self { observer, listener }
    }
}

impl<O: Observer> Drop for Watch<'_, O> {
    fn drop(&mut self) {
        self.observer.connection_closed(self.listener);
    }
}

async fn wait_after(error: &io::Error) {
    debug!(%error, "accept failed");
    tokio::time::sleep(ACCEPT_RETRY).await;
}
