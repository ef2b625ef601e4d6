//! One connection: bytes to the session, events from it, submissions to the relay.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::{Admitted, Parts};
use crate::base::TransactionId;
use crate::relay::ports::{Answer, Clock, ReplyDelivery, Submissions};
use crate::smtp::server::{Event, Session, Submission};
use crate::smtp::{Peer, Transaction, catalogue};

/// Bytes a client may send ahead while its message is being relayed.
const AHEAD_BYTES_MAX: usize = 64 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// Where a connection comes from.
pub(super) struct Arrival {
    pub(super) ip: IpAddr,
    pub(super) admitted: Admitted,
}

/// Whether the connection goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    HangUp,
}

struct Connection<'a, S, C> {
    stream: TcpStream,
    session: Session,
    arrival: Arrival,
    parts: &'a Arc<Parts<S, C>>,
    buffer: Vec<u8>,
}

/// Serves one connection to its end.
pub(super) async fn run<S: Submissions, C: Clock>(
    stream: TcpStream,
    arrival: Arrival,
    parts: &Arc<Parts<S, C>>,
) {
    // Without it, replies wait 40 ms for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no TCP_NODELAY");
    }
    let session = Session::new(Arc::clone(&arrival.admitted.session));
    let buffer = vec![0; READ_BYTES];
    let mut connection = Connection { stream, session, arrival, parts, buffer };
    let mut was_told = false;
    while connection.work_off().await == Next::GoOn {
        let shutdown = parts.shutdown.clone();
        let read = timeout(parts.settings.idle_max, connection.stream.read(&mut connection.buffer));
        tokio::select! {
            biased;
            () = shutdown.cancelled(), if !was_told => {
                was_told = true;
                connection.session.handle_shutdown();
            }
            read = read => match read {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(count)) => {
                    let bytes = &connection.buffer[..count];
                    connection.session.handle_bytes(bytes);
                }
                Err(_) => connection.session.handle_timeout(),
            },
        }
    }
}

impl<S: Submissions, C: Clock> Connection<'_, S, C> {
    /// Does what the session wants until it wants bytes.
    async fn work_off(&mut self) -> Next {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Write(bytes) => {
                    if self.write(&bytes).await == ReplyDelivery::Lost {
                        return Next::HangUp;
                    }
                }
                Event::Close => {
                    let _ = self.stream.shutdown().await;
                    return Next::HangUp;
                }
                Event::Submission(submission) => {
                    if self.submit(submission).await == Next::HangUp {
                        return Next::HangUp;
                    }
                }
            }
        }
        Next::GoOn
    }

    async fn write(&mut self, bytes: &[u8]) -> ReplyDelivery {
        let written = timeout(self.parts.settings.idle_max, self.stream.write_all(bytes)).await;
        match written {
            Ok(Ok(())) => ReplyDelivery::Written,
            Ok(Err(_)) | Err(_) => ReplyDelivery::Lost,
        }
    }

    /// Hands a message on, writes the reply, and tells whether the client got it.
    async fn submit(&mut self, submission: Submission) -> Next {
        let Some(transaction) = self.transaction(submission) else {
            self.session.handle_answer(&catalogue::INTERNAL_ERROR.reply());
            return Next::GoOn;
        };
        let gone = CancellationToken::new();
        let submissions = Arc::clone(&self.parts.submissions);
        let client_gone = gone.clone();
        // A task of its own: the relay finishes what it began even if this connection ends,
        // and a panic in it is answered, not spread.
        let mut relaying =
            tokio::spawn(async move { submissions.submit(transaction, client_gone).await });
        let answer = loop {
            let may_read = !gone.is_cancelled() && self.session.pending_bytes() < AHEAD_BYTES_MAX;
            tokio::select! {
                biased;
                answer = &mut relaying => break answer,
                read = self.stream.read(&mut self.buffer), if may_read => match read {
                    Ok(0) | Err(_) => gone.cancel(),
                    Ok(count) => self.session.handle_bytes(&self.buffer[..count]),
                },
            }
        };
        let answer = answer.unwrap_or_else(|error| {
            error!(%error, "a transaction ended abnormally");
            Answer { reply: catalogue::INTERNAL_ERROR.reply(), closing: None }
        });
        self.session.handle_answer(&answer.reply);
        // The reply is the first thing the session now wants written.
        let delivery = match self.session.poll_event() {
            Some(Event::Write(bytes)) => self.write(&bytes).await,
            Some(Event::Submission(_) | Event::Close) | None => ReplyDelivery::Lost,
        };
        if let Some(closing) = answer.closing {
            // The next transaction need not wait for this one's last commit.
            let submissions = Arc::clone(&self.parts.submissions);
            let answered = async move { submissions.answered(closing, delivery).await };
            self.parts.sessions.spawn(answered);
        }
        if delivery == ReplyDelivery::Lost || gone.is_cancelled() {
            return Next::HangUp;
        }
        Next::GoOn
    }

    fn transaction(&self, submission: Submission) -> Option<Transaction> {
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).ok()?;
        Some(Transaction {
            id: TransactionId::from_bytes(id),
            peer: Peer {
                ip: self.arrival.ip.to_canonical(),
                helo: submission.helo,
                is_esmtp: submission.is_esmtp,
                listener: self.parts.settings.listener.clone(),
                client: self.arrival.admitted.client,
            },
            envelope: submission.envelope,
            content: submission.content,
            received_at: self.parts.clock.now(),
        })
    }
}
