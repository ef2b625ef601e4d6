//! The doors mailers come in by: sockets under the SMTP server session (RFC 5321 §3).
//!
//! A connection is admitted by its network, fed to a sans-IO session, and its complete
//! transactions are handed on through the relay's port. Nothing here decides about mail.

mod admission;
mod connection;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

pub use admission::Admitted;

use crate::relay::ports::{Clock, Submissions};
use crate::smtp::catalogue;

/// How one listener behaves.
#[derive(Debug)]
pub struct Settings {
    /// Its name, for streams and metrics.
    pub listener: String,
    /// Who may connect, in the order they are tried.
    pub admitted: Vec<Admitted>,
    /// Connections at once.
    pub connections_max: usize,
    /// How long a client may be silent (RFC 5321 §4.5.3.2.7: at least five minutes).
    pub idle_max: Duration,
}

/// Told about connections; whoever counts them listens here.
pub trait Observer: Send + Sync + 'static {
    /// A connection was admitted.
    fn opened(&self);
    /// A connection that was admitted ended.
    fn closed(&self);
    /// A connection was turned away.
    fn refused(&self);
}

/// What a listener works with.
pub struct Parts<S, C> {
    /// How it behaves.
    pub settings: Arc<Settings>,
    /// Where complete transactions go.
    pub submissions: Arc<S>,
    /// The clock.
    pub clock: Arc<C>,
    /// Who is told about connections.
    pub observer: Arc<dyn Observer>,
    /// Cancelled when no more connections are wanted.
    pub shutdown: CancellationToken,
    /// The connections, so that a stop can wait for them.
    pub sessions: TaskTracker,
}

/// Accepts connections until shutdown; each runs as a task of the tracker.
pub async fn serve<S: Submissions, C: Clock>(listener: TcpListener, parts: Parts<S, C>) {
    let parts = Arc::new(parts);
    let slots = Arc::new(Semaphore::new(parts.settings.connections_max));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = parts.shutdown.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: give connections time to end.
                debug!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(admitted) = admission::admit(&parts.settings.admitted, peer.ip()) else {
            parts.observer.refused();
            turn_away(stream, catalogue::CLIENT_NOT_ALLOWED.reply().encode());
            continue;
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            parts.observer.refused();
            turn_away(stream, catalogue::TOO_MANY_CONNECTIONS.reply().encode());
            continue;
        };
        let arrival = connection::Arrival { ip: peer.ip(), admitted: admitted.clone() };
        let parts_of_task = Arc::clone(&parts);
        parts.sessions.spawn(async move {
            parts_of_task.observer.opened();
            connection::run(stream, arrival, &parts_of_task).await;
            parts_of_task.observer.closed();
            drop(slot);
        });
    }
}

/// Says why and hangs up, without making the accepting loop wait.
fn turn_away(stream: TcpStream, reply: Vec<u8>) {
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = stream;
        let farewell = stream.write_all(&reply);
        let _ = tokio::time::timeout(Duration::from_secs(5), farewell).await;
    });
}
