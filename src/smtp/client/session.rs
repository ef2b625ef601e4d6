//! One connection to an upstream: greeting, then one job after the other.
//!
//! A connection whose dialogue went wrong in any way is never used again. Failures before the
//! final dot are ours to retry elsewhere; after it nobody knows (RFC 1047), and we say so.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::capabilities::Capabilities;
use super::exchange::{Derailed, Dot, Exchange, Move, Step};
use super::fault::Fault;
use super::greeting::{Greeting, Progress};
use super::introduction::{Channel, Introduction};
use super::job::{Failure, Job, RecipientResult};
use crate::base::limits;
use crate::smtp::framing::ReplyReader;
use crate::smtp::reply::Reply;

/// The farewell; its reply need not be awaited.
pub const QUIT: &[u8] = b"QUIT\r\n";

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
    /// TLS begun on the connection, then [`Session::handle_tls_started`] called.
    StartTls,
    /// The job is over; one result per recipient, in order.
    Finished(Vec<RecipientResult>),
    /// The connection closed; nothing more comes.
    Close(Fault),
}

#[derive(Debug)]
enum State {
    Greeting(Box<Greeting>),
    Idle,
    Busy(Box<Exchange>),
    /// The content goes out; no reply is due before its end.
    Writing(Box<Exchange>),
    Closed,
}

/// The client's side of one connection.
#[derive(Debug)]
pub struct Session {
    state: State,
    replies: ReplyReader,
    capabilities: Capabilities,
    events: VecDeque<Event>,
    is_job_untouched: bool,
}

impl Session {
    /// A session that awaits the banner.
    pub fn new(introduction: Introduction) -> Self {
        Self {
            state: State::Greeting(Box::new(Greeting::new(introduction))),
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
            match &self.state {
                State::Closed => return,
                // RFC 3207 §6: what comes in clear must not be taken for what comes under TLS.
                State::Greeting(greeting) if greeting.is_handshaking() => {
                    return self.fail(Fault::Injected);
                }
                State::Greeting(_) | State::Idle | State::Busy(_) | State::Writing(_) => {}
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

    /// Tells that TLS has begun, and whether the other end may now be told a password.
    pub fn handle_tls_started(&mut self, channel: Channel) {
        match mem::replace(&mut self.state, State::Closed) {
            State::Greeting(greeting) if greeting.is_handshaking() => {
                self.progress(greeting.resume(channel));
            }
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
            State::Greeting(_) | State::Idle | State::Closed => limits::BANNER_WAIT,
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
        if reply.code() == 421 && !self.is_logging_in() {
            self.fail(Fault::Closing(reply.clone()));
            return;
        }
        match mem::replace(&mut self.state, State::Closed) {
            State::Greeting(greeting) => match greeting.handle_reply(reply) {
                Ok(progress) => self.progress(progress),
                Err(fault) => self.close(None, fault),
            },
            State::Busy(exchange) => self.handle_job_reply(exchange, reply),
            State::Writing(exchange) => {
                self.state = State::Writing(exchange);
                self.fail(Fault::Unfitting(reply.clone()));
            }
            State::Idle => {
                self.state = State::Idle;
                self.fail(Fault::Unasked);
            }
            State::Closed => {}
        }
    }

    fn progress(&mut self, progress: Progress) {
        match progress {
            Progress::Write(greeting, bytes) => {
                self.events.push_back(Event::Write(bytes));
                self.state = State::Greeting(Box::new(greeting));
            }
            Progress::Handshake(greeting) => {
                self.events.push_back(Event::StartTls);
                self.state = State::Greeting(Box::new(greeting));
            }
            Progress::Ready(capabilities) => {
                self.capabilities = capabilities;
                self.state = State::Idle;
            }
        }
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
            State::Greeting(_) | State::Idle => None,
        };
        self.close(results, fault);
    }

    fn close(&mut self, results: Option<Vec<RecipientResult>>, fault: Fault) {
        // A handshake asked for and not begun is not wanted any more.
        self.events.retain(|event| *event != Event::StartTls);
        self.events.extend(results.map(Event::Finished));
        self.events.push_back(Event::Close(fault));
    }

    /// Whether the reply that comes is one to our credentials, so that a 421 refuses them:
    /// providers answer so when they were offered wrong ones too often.
    fn is_logging_in(&self) -> bool {
        matches!(&self.state, State::Greeting(greeting) if greeting.is_logging_in())
    }
}
