//! One client's connection: the socket moves bytes, the session understands them.
//!
//! While the relay works on a message the socket is watched, so that the relay learns when the
//! client goes; its answer is awaited to the end all the same, for fates must be settled.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error};

use super::ClientNetwork;
use super::admission::Observer;
use super::listener::Listener;
use crate::base::TransactionId;
use crate::relay::ports::{Answer, Clock, ReplyDelivery, Settlement, Submissions};
use crate::smtp::server::{Channel, Event, Session, Submission};
use crate::smtp::{Peer, Reply, Transaction, catalogue};

/// Bytes read at once, on the stack: an idle connection holds no buffer.
const READ_BYTES: usize = 32 * 1024;

/// Bytes kept unread behind a message; then the client's own buffers must do.
const PENDING_BYTES_MAX: usize = 64 * 1024;

/// How long a closing connection is drained, and how much of it.
const DRAIN_WAIT: Duration = Duration::from_secs(1);
const DRAIN_BYTES_MAX: usize = 256 * 1024;

/// What all connections of a listener share.
#[derive(Debug)]
pub struct Shared<S, C, O> {
    pub listener: Listener<S, C, O>,
    pub shutdown: CancellationToken,
    pub tracker: TaskTracker,
}

/// One client's connection.
#[derive(Debug)]
pub struct Connection<S, C, O> {
    shared: Arc<Shared<S, C, O>>,
    stream: TcpStream,
    session: Session,
    ip: IpAddr,
    client: String,
    /// What to close once the reply is out.
    closing: Option<Settlement>,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    Continue,
    /// Close after what was written is taken.
    Close,
    /// The peer is gone.
    Lost,
}

impl<S: Submissions, C: Clock, O: Observer> Connection<S, C, O> {
    pub fn new(
        shared: Arc<Shared<S, C, O>>,
        stream: TcpStream,
        ip: IpAddr,
        client: &ClientNetwork,
    ) -> Self {
        // Replies are small and waited for: Nagle's algorithm would add 40 ms to each.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let session = Session::new(Arc::clone(&client.session), Channel::Plain);
        Self { shared, stream, session, ip, client: client.client.clone(), closing: None }
    }

    /// Serves the client until either side closes.
    pub async fn run(mut self) {
        let mut flow = Flow::Continue;
        while flow == Flow::Continue {
            flow = match self.session.poll_event() {
                Some(event) => self.handle_event(event).await,
                None => self.read().await,
            };
        }
        if flow == Flow::Close {
            drain(self.stream).await;
        }
    }

    async fn handle_event(&mut self, event: Event) -> Flow {
        match event {
            Event::Write(bytes) => self.write(&bytes).await,
            Event::Submission(submission) => self.submit(submission).await,
            // Neither is offered by these settings.
            Event::StartTls | Event::Login(_) | Event::Close => Flow::Close,
        }
    }

    async fn read(&mut self) -> Flow {
        let shutdown = &self.shared.shutdown;
        let is_told = shutdown.is_cancelled();
        let idle_timeout = self.shared.listener.settings.idle_timeout;
        let flow = select! {
            ready = timeout(idle_timeout, self.stream.readable()) => match ready {
                Ok(_) => self.take_input(),
                Err(_) => {
                    self.session.handle_timeout();
                    Flow::Continue
                }
            },
            () = shutdown.cancelled(), if !is_told => Flow::Continue,
        };
        self.pass_on_shutdown();
        flow
    }

    fn take_input(&mut self) -> Flow {
        let mut bytes = [0; READ_BYTES];
        match self.stream.try_read(&mut bytes) {
            Ok(0) => Flow::Lost,
            Ok(length) => {
                self.session.handle_bytes(&bytes[..length]);
                Flow::Continue
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Flow::Continue,
            Err(_) => Flow::Lost,
        }
    }

    fn pass_on_shutdown(&mut self) {
        if self.shared.shutdown.is_cancelled() {
            self.session.handle_shutdown();
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Flow {
        let idle_timeout = self.shared.listener.settings.idle_timeout;
        let (flow, delivery) = match timeout(idle_timeout, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => (Flow::Continue, ReplyDelivery::Written),
            Ok(Err(_)) | Err(_) => (Flow::Lost, ReplyDelivery::Lost),
        };
        self.close_message(delivery).await;
        flow
    }

    async fn close_message(&mut self, delivery: ReplyDelivery) {
        if let Some(closing) = self.closing.take() {
            self.shared.listener.submissions.answered(closing, delivery).await;
        }
    }

    async fn submit(&mut self, submission: Submission) -> Flow {
        let Some(transaction) = self.transaction(submission) else {
            self.session.handle_answer(&catalogue::INTERNAL_ERROR.reply().into());
            return Flow::Continue;
        };
        let client_gone = CancellationToken::new();
        let Answer { replies, closing } = self.answer(transaction, &client_gone).await;
        self.closing = closing;
        if client_gone.is_cancelled() {
            // The kernel may still take bytes for a peer that is gone: that is no delivery.
            self.close_message(ReplyDelivery::Lost).await;
            return Flow::Lost;
        }
        self.pass_on_shutdown();
        self.session.handle_answer(&replies);
        Flow::Continue
    }

    fn transaction(&self, submission: Submission) -> Option<Transaction> {
        let mut id = [0; 16];
        rand::fill(&mut id).ok()?;
        let listener = &self.shared.listener;
        Some(Transaction {
            id: TransactionId::from_bytes(id),
            peer: Peer {
                ip: self.ip,
                helo: submission.helo,
                via: submission.via,
                listener: listener.settings.name.clone(),
                client: self.client.clone(),
            },
            envelope: submission.envelope,
            content: submission.content,
            received_at: listener.clock.now(),
        })
    }

    /// Awaits the relay's answer, keeping an eye on the socket.
    async fn answer(
        &mut self,
        transaction: Transaction,
        client_gone: &CancellationToken,
    ) -> Answer {
        let submissions = Arc::clone(&self.shared.listener.submissions);
        let token = client_gone.clone();
        // A task of its own: a panic in there must cost this message only.
        let work = async move { submissions.submit(transaction, token).await };
        let mut task = self.shared.tracker.spawn(work);
        loop {
            let may_read =
                !client_gone.is_cancelled() && self.session.pending_bytes() < PENDING_BYTES_MAX;
            select! {
                done = &mut task => return done.unwrap_or_else(|failure| {
                    error!(%failure, "a submission failed");
                    Answer::open(catalogue::INTERNAL_ERROR.reply())
                }),
                _ = self.stream.readable(), if may_read => {
                    if self.take_input() == Flow::Lost {
                        client_gone.cancel();
                    }
                }
            }
        }
    }
}

/// Tells a client without session why, and closes.
pub async fn refuse(mut stream: TcpStream, reply: &Reply) {
    if let Ok(Ok(())) = timeout(DRAIN_WAIT, stream.write_all(&reply.encode())).await {
        drain(stream).await;
    }
}

/// Closes so that the last reply arrives: unread input would make the kernel reset the
/// connection and throw our reply away (RFC 1122 §4.2.2.13).
async fn drain(mut stream: TcpStream) {
    let work = async {
        stream.shutdown().await?;
        let mut rest = (&mut stream).take(u64::try_from(DRAIN_BYTES_MAX).unwrap_or(u64::MAX));
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // Whatever fails here, the client has gone or will not stop: the socket is closed anyway.
    let _ = timeout(DRAIN_WAIT, work).await;
}
