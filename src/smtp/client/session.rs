//! One connection to an upstream: greeting, then one job after the other.
//!
//! A connection whose dialogue went wrong in any way is never used again. Failures before the
//! final dot are ours to retry elsewhere; after it nobody knows (RFC 1047), and we say so.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use thiserror::Error;

use super::capabilities::Capabilities;
use super::exchange::{Derailed, Dot, Exchange, Move, Step};
use super::job::{Failure, Job, RecipientResult};
use crate::base::limits;
use crate::smtp::framing::{ReplyFault, ReplyReader};
use crate::smtp::reply::{Reply, ReplyClass};

/// The farewell; its reply need not be awaited.
pub const QUIT: &[u8] = b"QUIT\r\n";

/// Why a connection is of no use any more.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Fault {
    /// The banner, EHLO or HELO was not answered with yes.
    #[error("the upstream refused the session: {0}")]
    Refused(Reply),
    /// A 421.
    #[error("the upstream closes the session: {0}")]
    Closing(Reply),
    /// A reply that does not fit the command; 530 means it wants authentication.
    #[error("the upstream's reply does not fit: {0}")]
    Unfitting(Reply),
    /// Bytes came although nothing was asked.
    #[error("the upstream sent bytes nobody asked for")]
    Unasked,
    /// Bytes that are no reply.
    #[error(transparent)]
    Garbled(#[from] ReplyFault),
    /// The connection ended.
    #[error("the connection was lost")]
    Lost,
    /// A reply did not come in time.
    #[error("the upstream did not answer in time")]
    Timeout,
}

impl Fault {
    const fn failure(&self) -> Failure {
        match self {
            Self::Lost => Failure::Lost,
            Self::Timeout => Failure::Timeout,
            _ => Failure::Session,
        }
    }
}

/// What to write after 354.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// The job's mail data, dot-stuffed and ended.
    MailData,
    /// Nothing but the end of data: nobody was accepted.
    LoneDot,
}

/// What the session wants, or what it found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// These bytes written.
    Write(Vec<u8>),
    /// The content written, then [`Session::handle_content_written`] called.
    WriteContent(Content),
    /// The job is over; one result per recipient, in order.
    Finished(Vec<RecipientResult>),
    /// The connection closed; nothing more comes.
    Close(Fault),
}

#[derive(Debug)]
enum State {
    Banner,
    Ehlo,
    Helo,
    Idle,
    Busy(Box<Exchange>),
    /// The content goes out; no reply is due before its end.
    Writing(Box<Exchange>),
    Closed,
}

/// The client's side of one connection.
#[derive(Debug)]
pub struct Session {
    helo_name: String,
    state: State,
    replies: ReplyReader,
    capabilities: Capabilities,
    events: VecDeque<Event>,
    is_job_untouched: bool,
}

impl Session {
    /// A session that awaits the banner and will introduce itself as `helo_name`.
    pub fn new(helo_name: impl Into<String>) -> Self {
        Self {
            helo_name: helo_name.into(),
            state: State::Banner,
            replies: ReplyReader::default(),
            capabilities: Capabilities::default(),
            events: VecDeque::new(),
            is_job_untouched: true,
        }
    }

    /// Begins a job. One that needs what the upstream lacks is refused on the spot; one given
    /// to a session that is not idle fails.
    pub fn start(&mut self, job: Job) {
        self.is_job_untouched = true;
        if !self.is_idle() {
            let failed = RecipientResult::Failed(Failure::Session);
            self.events.push_back(Event::Finished(vec![failed; job.forward_paths.len()]));
            return;
        }
        if let Some(reply) = self.capabilities.refusal(&job) {
            let refused = RecipientResult::Refused(reply);
            self.events.push_back(Event::Finished(vec![refused; job.forward_paths.len()]));
            return;
        }
        self.continue_job(Box::new(Exchange::new(job, self.capabilities)));
    }

    /// Takes bytes from the upstream.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        while !input.is_empty() {
            if matches!(self.state, State::Closed) {
                return;
            }
            match self.replies.feed(&mut input) {
                Some(Ok(reply)) => self.handle_reply(&reply),
                Some(Err(fault)) => self.fail(Fault::Garbled(fault)),
                None => {}
            }
        }
        if self.is_idle() && self.replies.is_inside() {
            self.fail(Fault::Unasked);
        }
    }

    /// Tells that the content and its end were handed to the connection entirely.
    pub fn handle_content_written(&mut self) {
        match mem::replace(&mut self.state, State::Closed) {
            State::Writing(exchange) => self.state = State::Busy(exchange),
            other => self.state = other,
        }
    }

    /// Tells that the connection ended or failed.
    pub fn handle_lost(&mut self) {
        self.fail(Fault::Lost);
    }

    /// Tells that [`Session::poll_timeout`] has passed without a byte.
    pub fn handle_timeout(&mut self) {
        self.fail(Fault::Timeout);
    }

    /// The next thing to be done, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How long to wait now: for the next reply, or for a block of content to be taken.
    pub fn poll_timeout(&self) -> Duration {
        // RFC 5321 §4.5.3.2: the client's timeouts, by what is awaited.
        match &self.state {
            State::Banner | State::Ehlo | State::Helo | State::Idle | State::Closed => {
                limits::BANNER_WAIT
            }
            State::Writing(_) => limits::DATA_BLOCK_WAIT,
            State::Busy(exchange) => match exchange.awaited() {
                Some(Step::Mail | Step::Rset) | None => limits::MAIL_REPLY_WAIT,
                Some(Step::Rcpt(_)) => limits::RCPT_REPLY_WAIT,
                Some(Step::Data) => limits::DATA_REPLY_WAIT,
                Some(Step::Dot) => limits::FINAL_REPLY_WAIT,
            },
        }
    }

    /// Whether a job may be started.
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether no reply but a 421 came to the last job and none of its content went out, so
    /// that trying it on another connection repeats nothing.
    pub const fn is_job_untouched(&self) -> bool {
        self.is_job_untouched
    }

    /// What the upstream offers, once the session was idle.
    pub const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn handle_reply(&mut self, reply: &Reply) {
        if reply.code() == 421 {
            self.fail(Fault::Closing(reply.clone()));
            return;
        }
        let is_positive = reply.class() == ReplyClass::Positive;
        match mem::replace(&mut self.state, State::Closed) {
            State::Banner if is_positive => self.introduce("EHLO", State::Ehlo),
            State::Ehlo if is_positive => {
                self.capabilities = Capabilities::parse(reply);
                self.state = State::Idle;
            }
            // RFC 5321 §3.2: a server that refuses EHLO may still take HELO.
            State::Ehlo if reply.class() == ReplyClass::Permanent => {
                self.introduce("HELO", State::Helo);
            }
            State::Helo if is_positive => self.state = State::Idle,
            State::Busy(exchange) => self.handle_job_reply(exchange, reply),
            State::Writing(exchange) => {
                self.state = State::Writing(exchange);
                self.fail(Fault::Unfitting(reply.clone()));
            }
            State::Idle => {
                self.state = State::Idle;
                self.fail(Fault::Unasked);
            }
            refused @ (State::Banner | State::Ehlo | State::Helo) => {
                self.state = refused;
                self.fail(Fault::Refused(reply.clone()));
            }
            State::Closed => {}
        }
    }

    fn introduce(&mut self, verb: &str, next: State) {
        self.events.push_back(Event::Write(format!("{verb} {}\r\n", self.helo_name).into_bytes()));
        self.state = next;
    }

    fn handle_job_reply(&mut self, mut exchange: Box<Exchange>, reply: &Reply) {
        self.is_job_untouched = false;
        match exchange.handle_reply(reply) {
            Ok(Move::Continue) => self.continue_job(exchange),
            Ok(Move::SendContent) => {
                self.events.push_back(Event::WriteContent(Content::MailData));
                self.state = State::Writing(exchange);
            }
            Ok(Move::SendLoneDot) => {
                self.events.push_back(Event::WriteContent(Content::LoneDot));
                self.state = State::Writing(exchange);
            }
            Err(Derailed) => {
                self.state = State::Busy(exchange);
                self.fail(Fault::Unfitting(reply.clone()));
            }
        }
    }

    fn continue_job(&mut self, mut exchange: Box<Exchange>) {
        let commands = exchange.poll_commands();
        if !commands.is_empty() {
            self.events.push_back(Event::Write(commands));
        }
        match exchange.poll_results() {
            Some(results) => {
                self.events.push_back(Event::Finished(results));
                self.state = State::Idle;
            }
            None => self.state = State::Busy(exchange),
        }
    }

    fn fail(&mut self, fault: Fault) {
        let results = match mem::replace(&mut self.state, State::Closed) {
            State::Closed => return,
            State::Busy(mut exchange) => Some(match fault {
                // A 421 is a reply: whatever it answers, the final dot too, was not done.
                Fault::Closing(_) => exchange.fail(Failure::Session, Dot::NotTaken),
                _ => exchange.fail(fault.failure(), Dot::PerhapsTaken),
            }),
            State::Writing(mut exchange) => Some(exchange.fail(fault.failure(), Dot::NotTaken)),
            _ => None,
        };
        self.events.extend(results.map(Event::Finished));
        self.events.push_back(Event::Close(fault));
    }
}
