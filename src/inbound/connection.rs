//! One client's connection: the stream moves bytes, the session understands them.
//!
//! While the relay works on a message the stream is watched, so that the relay learns when the
//! client goes; its answer is awaited to the end all the same, for fates must be settled.

use std::sync::Arc;

use aws_lc_rs::rand;
use tokio::select;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::listener::{Listener, Shared};
use super::observer::Observer;
use super::stream::Stream;
use super::terms::{Standing, Terms};
use crate::base::TransactionId;
use crate::relay::ports::{Answer, Clock, ReplyDelivery, Settlement, Submissions};
use crate::smtp::server::{Event, Login, Session, Submission};
use crate::smtp::{Peer, Transaction, catalogue};

/// Bytes kept unread behind a message; then the client's own buffers must do.
const PENDING_BYTES_MAX: usize = 64 * 1024;

/// One client's connection.
#[derive(Debug)]
pub struct Connection<S, C, O> {
    shared: Arc<Shared<S, C, O>>,
    stream: Stream,
    session: Session,
    terms: Terms,
    /// What to close once the reply is out.
    closing: Option<Settlement>,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    Continue,
    /// A handshake, then go on.
    Encrypt,
    /// Close after what was written is taken.
    Close,
    /// The peer is gone.
    Lost,
}

impl<S: Submissions, C: Clock, O: Observer> Connection<S, C, O> {
    pub fn new(shared: Arc<Shared<S, C, O>>, stream: Stream, terms: Terms) -> Self {
        let session = Session::new(Arc::clone(&terms.admitted().session), stream.channel());
        Self { shared, stream, session, terms, closing: None }
    }

    /// Serves the client until either side closes.
    pub async fn run(mut self) {
        loop {
            let flow = match self.session.poll_event() {
                Some(event) => self.handle_event(event).await,
                None => self.read().await,
            };
            match flow {
                Flow::Continue => {}
                Flow::Encrypt => match self.encrypt().await {
                    Some(encrypted) => self = encrypted,
                    None => return,
                },
                Flow::Close => return self.stream.close().await,
                Flow::Lost => return,
            }
        }
    }

    async fn handle_event(&mut self, event: Event) -> Flow {
        match event {
            Event::Write(bytes) => self.write(&bytes).await,
            Event::Submission(submission) => self.submit(submission).await,
            Event::StartTls => Flow::Encrypt,
            Event::Login(login) => self.log_in(&login).await,
            Event::Close => Flow::Close,
        }
    }

    async fn read(&mut self) -> Flow {
        let Self { shared, stream, session, terms, .. } = self;
        let is_told = shared.shutdown.is_cancelled();
        let idle_timeout = terms.settings.idle_timeout;
        let flow = select! {
            // What was changed before input came is known before that input is looked at.
            biased;
            () = shared.shutdown.cancelled(), if !is_told => Flow::Continue,
            () = terms.changed() => Flow::Continue,
            taken = timeout(idle_timeout, take_input(stream, session)) => {
                taken.unwrap_or_else(|_| {
                    session.handle_timeout();
                    Flow::Continue
                })
            }
        };
        self.pass_on_news();
        flow
    }

    /// Tells the session of a shutdown, and of a reload that leaves no room for it.
    fn pass_on_news(&mut self) {
        if self.shared.shutdown.is_cancelled() {
            self.session.handle_shutdown();
        }
        let standing = self.terms.renew();
        self.pass_on_standing(standing);
    }

    fn pass_on_standing(&mut self, standing: Standing) {
        match standing {
            Standing::Good => {}
            Standing::Outdated => self.session.handle_outdated(),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Flow {
        let idle_timeout = self.terms.settings.idle_timeout;
        let (flow, delivery) = match timeout(idle_timeout, self.stream.write(bytes)).await {
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

    /// The connection after a handshake; `None` if that failed.
    async fn encrypt(self) -> Option<Self> {
        let identity = self.terms.settings.tls.identity().cloned()?;
        // Nothing was read since the session asked for this: what comes now is the handshake,
        // or none.
        match self.stream.encrypt(&identity).await {
            Ok(stream) => {
                let mut encrypted = Self { stream, ..self };
                encrypted.session.handle_encrypted();
                let standing = encrypted.terms.start_over();
                encrypted.pass_on_standing(standing);
                Some(encrypted)
            }
            Err(fault) => {
                let (listener, ip) = (&self.terms.settings.name, self.terms.origin.client);
                self.shared.listener.observer.handshake_failed(listener, ip, fault);
                None
            }
        }
    }

    async fn log_in(&mut self, login: &Login) -> Flow {
        let Listener { logins, observer, .. } = &self.shared.listener;
        let listener = self.terms.settings.name.as_str();
        let checked = logins.check(&self.terms.settings, self.terms.origin.client, login).await;
        match checked {
            Ok(admitted) => {
                observer.login_accepted(listener, admitted.client());
                self.session.handle_login(Ok(Arc::clone(&admitted.session)));
                self.terms.prove(admitted);
            }
            Err(refusal) => {
                observer.login_refused(listener, self.terms.origin.client, refusal);
                self.session.handle_login(Err(refusal));
            }
        }
        self.pass_on_news();
        Flow::Continue
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
        self.pass_on_news();
        self.session.handle_answer(&replies);
        Flow::Continue
    }

    fn transaction(&self, submission: Submission) -> Option<Transaction> {
        let mut id = [0; 16];
        rand::fill(&mut id).ok()?;
        Some(Transaction {
            id: TransactionId::from_bytes(id),
            peer: Peer {
                ip: self.terms.origin.client,
                helo: submission.helo,
                via: submission.via,
                listener: self.terms.settings.name.clone(),
                client: self.terms.admitted().client().to_owned(),
            },
            envelope: submission.envelope,
            content: submission.content,
            received_at: self.shared.listener.clock.now(),
        })
    }

    /// Awaits the relay's answer, keeping an eye on the stream.
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
                flow = take_input(&mut self.stream, &mut self.session), if may_read => {
                    if flow == Flow::Lost {
                        client_gone.cancel();
                    }
                }
            }
        }
    }
}

/// Waits for input and hands it to the session.
async fn take_input(stream: &mut Stream, session: &mut Session) -> Flow {
    match stream.input(|bytes| session.handle_bytes(bytes)).await {
        Ok(0) | Err(_) => Flow::Lost,
        Ok(_) => Flow::Continue,
    }
}
