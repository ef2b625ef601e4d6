//! One client's session: framing, order of replies, errors counted, closing.
//!
//! The replies to a pipelined group leave as one write (RFC 2920 §3.2). While a submission
//! awaits its answer, input is kept and not interpreted.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::login::{Login, LoginRefusal};
use super::settings::Settings;
use super::states::{self, Receiving, State};
use crate::base::limits;
use crate::mail::RawMessage;
use crate::smtp::catalogue::{self, Entry};
use crate::smtp::command::Command;
use crate::smtp::envelope::Envelope;
use crate::smtp::framing::{DataFault, LineFault, LineReader};
use crate::smtp::reply::{Reply, ReplyClass};
use crate::smtp::{Via, trace};

/// A complete message, waiting for its reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submission {
    /// Everything said before DATA.
    pub envelope: Envelope,
    /// What the client said in EHLO or HELO.
    pub helo: String,
    /// How it talked to us.
    pub via: Via,
    /// The mail data.
    pub content: RawMessage,
}

/// What the connection under a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// Bytes in clear.
    Plain,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
}

/// What the session wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// These bytes written.
    Write(Vec<u8>),
    /// An answer to this, by [`Session::handle_answer`].
    Submission(Submission),
    /// A TLS handshake once everything before was written, then
    /// [`Session::handle_encrypted`]; if it fails, the connection closed.
    StartTls,
    /// Whether this is true, by [`Session::handle_login`].
    Login(Login),
    /// The connection closed, after everything before was written.
    Close,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    state: State,
    lines: LineReader,
    replies: Vec<u8>,
    events: VecDeque<Event>,
    errors: usize,
    is_shutting_down: bool,
    is_outdated: bool,
    channel: Channel,
}

impl Session {
    /// A session that begins with the greeting.
    pub fn new(settings: Arc<Settings>, channel: Channel) -> Self {
        let greeting = catalogue::READY.reply_with(&[settings.hostname.as_str()]);
        Self {
            settings,
            state: State::Connected,
            lines: LineReader::default(),
            replies: Vec::new(),
            events: VecDeque::from([Event::Write(greeting.encode())]),
            errors: 0,
            is_shutting_down: false,
            is_outdated: false,
            channel,
        }
    }

    /// Takes bytes from the client.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        while !input.is_empty() {
            match &mut self.state {
                State::Closed => return,
                State::Answering { pending, .. } => {
                    pending.extend_from_slice(input);
                    break;
                }
                State::Receiving(receiving) => {
                    if let Some(result) = receiving.reader.feed(&mut input) {
                        self.handle_end_of_data(result);
                    }
                }
                State::Connected | State::Ready(_) | State::Open(_) => {
                    match self.lines.feed(&mut input) {
                        Some(Ok(line)) => self.handle_line(&line),
                        Some(Err(fault)) => self.push(&line_entry(fault).reply()),
                        None => {}
                    }
                }
            }
            self.close_if_due();
        }
        self.flush();
    }

    /// Takes the reply to the last submission, then the input kept meanwhile.
    pub fn handle_answer(&mut self, reply: &Reply) {
        let (hello, pending) = match mem::replace(&mut self.state, State::Closed) {
            State::Answering { hello, pending } => (hello, pending),
            other => {
                self.state = other;
                return;
            }
        };
        self.replies.extend_from_slice(&reply.encode());
        // RFC 5321 §3.8: a 421 is followed by closing, whoever thought of it.
        if reply.code() == catalogue::SHUTTING_DOWN.code {
            self.close();
            return;
        }
        self.state = State::Ready(hello);
        self.errors = 0;
        self.close_if_due();
        self.flush();
        self.handle_bytes(&pending);
    }

    /// Tells that the client was silent for too long. While a submission awaits its answer
    /// the silence is ours, and nothing happens.
    pub fn handle_timeout(&mut self) {
        if !matches!(self.state, State::Closed | State::Answering { .. }) {
            self.close_with(&catalogue::IDLE);
        }
    }

    /// Tells that the server stops: 421 at once between transactions, else after the reply to
    /// the open one.
    pub fn handle_shutdown(&mut self) {
        self.is_shutting_down = true;
        self.close_if_due();
    }

    /// Tells that the handshake asked for by [`Event::StartTls`] is done: the client begins
    /// anew, and nothing it said before counts (RFC 3207 §4.2).
    pub fn handle_encrypted(&mut self) {
        self.channel = Channel::Tls;
    }

    /// Takes the answer to the last [`Event::Login`]: the settings of the client it names.
    pub fn handle_login(&mut self, result: Result<Arc<Settings>, LoginRefusal>) {
        if let Ok(settings) = result {
            self.settings = settings;
        }
    }

    /// Tells that the configuration this session was opened under is gone: 421 at once between
    /// transactions, else after the reply to the open one.
    pub fn handle_outdated(&mut self) {
        self.is_outdated = true;
        self.close_if_due();
    }

    /// The next thing to be done, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes kept until the answer comes; whoever feeds the session bounds them by not reading.
    pub fn pending_bytes(&self) -> usize {
        match &self.state {
            State::Answering { pending, .. } => pending.len(),
            _ => 0,
        }
    }

    fn handle_line(&mut self, line: &[u8]) {
        match Command::parse(line, self.settings.extensions()) {
            Ok(command) => {
                let state = mem::replace(&mut self.state, State::Closed);
                let (state, reply) = state.handle(command, &self.settings);
                let quits = matches!(state, State::Closed);
                self.state = state;
                self.push(&reply);
                if quits {
                    self.close();
                }
            }
            Err(fault) => self.push(&fault.entry().reply()),
        }
    }

    fn handle_end_of_data(&mut self, result: Result<RawMessage, DataFault>) {
        let State::Receiving(receiving) = mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        let Receiving { hello, envelope, .. } = receiving;
        match result {
            Ok(content) if is_looping(&content) => {
                self.state = State::Ready(hello);
                self.push(&states::looping());
            }
            Ok(content) => {
                self.flush();
                let helo = hello.name.clone();
                let is_encrypted = self.channel == Channel::Tls;
                let via = Via { dialect: hello.dialect, is_encrypted, is_authenticated: false };
                let submission = Submission { envelope, helo, via, content };
                self.events.push_back(Event::Submission(submission));
                self.state = State::Answering { hello, pending: Vec::new() };
            }
            Err(DataFault::TooLarge) => {
                self.state = State::Ready(hello);
                self.push(&states::too_large(&self.settings));
            }
            // What follows might be the second half of a smuggled message: read no further.
            Err(DataFault::BareCr) => self.close_with(&catalogue::CONTENT_BARE_CR),
            Err(DataFault::BareLf) => self.close_with(&catalogue::CONTENT_BARE_LF),
            Err(DataFault::Nul) => self.close_with(&catalogue::CONTENT_NUL),
        }
    }

    fn push(&mut self, reply: &Reply) {
        self.replies.extend_from_slice(&reply.encode());
        if reply.class() == ReplyClass::Permanent {
            self.errors += 1;
            if self.errors >= self.settings.errors_max {
                self.close_with(&catalogue::TOO_MANY_ERRORS);
            }
        }
    }

    fn close_if_due(&mut self) {
        if !self.state.is_between_transactions() {
            return;
        }
        if self.is_shutting_down {
            self.close_with(&catalogue::SHUTTING_DOWN);
        } else if self.is_outdated {
            self.close_with(&catalogue::CLIENT_GONE);
        }
    }

    fn close_with(&mut self, entry: &Entry) {
        let reply = entry.reply_with(&[self.settings.hostname.as_str()]);
        self.replies.extend_from_slice(&reply.encode());
        self.close();
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.flush();
        self.events.push_back(Event::Close);
    }

    fn flush(&mut self) {
        if !self.replies.is_empty() {
            self.events.push_back(Event::Write(mem::take(&mut self.replies)));
        }
    }
}

fn is_looping(content: &RawMessage) -> bool {
    trace::received_fields(content.bytes()) > limits::RECEIVED_FIELDS_MAX
}

fn line_entry(fault: LineFault) -> &'static Entry {
    match fault {
        LineFault::TooLong => &catalogue::LINE_TOO_LONG,
        LineFault::BareCr => &catalogue::LINE_BARE_CR,
        LineFault::BareLf => &catalogue::LINE_BARE_LF,
        LineFault::Nul => &catalogue::LINE_NUL,
    }
}
