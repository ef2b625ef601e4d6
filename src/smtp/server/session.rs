//! One client's session: framing, order of replies, errors counted, closing.
//!
//! The replies to a pipelined group leave as one write (RFC 2920 §3.2). While a submission
//! awaits its answer, input is kept and not interpreted.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::context::{Context, Standing};
use super::login::Login;
use super::settings::{Protocol, Settings};
use super::states::{self, Output, Pending, Receiving, State};
use crate::base::limits;
use crate::mail::RawMessage;
use crate::smtp::catalogue::{self, Entry};
use crate::smtp::command::Command;
use crate::smtp::envelope::Envelope;
use crate::smtp::framing::{DataFault, LineFault, LineKind, LineReader};
use crate::smtp::reply::{Replies, Reply, ReplyClass};
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
    /// What holds for the client now.
    pub(super) settings: Arc<Settings>,
    /// What holds for whoever connects from its address.
    pub(super) anonymous: Arc<Settings>,
    pub(super) state: State,
    pub(super) lines: LineReader,
    replies: Vec<u8>,
    pub(super) events: VecDeque<Event>,
    errors: usize,
    pub(super) login_failures: usize,
    is_shutting_down: bool,
    is_outdated: bool,
    pub(super) channel: Channel,
    pub(super) standing: Standing,
}

impl Session {
    /// A session that begins with the greeting.
    pub fn new(settings: Arc<Settings>, channel: Channel) -> Self {
        let greeting = match settings.protocol {
            Protocol::Smtp => &catalogue::READY,
            Protocol::Lmtp => &catalogue::READY_LMTP,
        };
        let greeting = greeting.reply_with(&[settings.hostname.as_str()]);
        Self {
            anonymous: Arc::clone(&settings),
            settings,
            state: State::Connected,
            lines: LineReader::default(),
            replies: Vec::new(),
            events: VecDeque::from([Event::Write(greeting.encode())]),
            errors: 0,
            login_failures: 0,
            is_shutting_down: false,
            is_outdated: false,
            channel,
            standing: Standing::Anonymous,
        }
    }

    /// Takes bytes from the client.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let mut input = bytes;
        while !input.is_empty() {
            match &mut self.state {
                State::Closed => return,
                State::Answering { pending, .. } | State::LoggingIn { pending, .. } => {
                    pending.0.extend_from_slice(input);
                    break;
                }
                State::Handshaking => return self.close_with(&catalogue::BYTES_BEHIND_STARTTLS),
                State::Receiving(receiving) => {
                    if let Some(result) = receiving.reader.feed(&mut input) {
                        self.handle_end_of_data(result);
                    }
                }
                State::Challenged(..) => match self.lines.feed(&mut input, LineKind::Response) {
                    Some(Ok(line)) => self.handle_response(&line),
                    Some(Err(fault)) => self.end_exchange(line_entry(fault)),
                    None => {}
                },
                State::Connected | State::Ready(_) | State::Open(_) => {
                    match self.lines.feed(&mut input, LineKind::Command) {
                        Some(Ok(line)) => self.handle_line(&line, input),
                        Some(Err(fault)) => self.push(&line_entry(fault).reply()),
                        None => {}
                    }
                }
            }
            self.close_if_due();
        }
        self.flush();
    }

    /// Takes the replies to the last submission, then the input kept meanwhile.
    pub fn handle_answer(&mut self, replies: &Replies) {
        let (hello, pending, owed) = match mem::replace(&mut self.state, State::Closed) {
            State::Answering { hello, pending, owed } => (hello, pending, owed),
            other => {
                self.state = other;
                return;
            }
        };
        let replies = replies.owed(owed);
        self.replies.extend(replies.iter().flat_map(Reply::encode));
        // RFC 5321 §3.8: a 421 is followed by closing, whoever thought of it.
        if replies.iter().any(|reply| reply.code() == catalogue::SHUTTING_DOWN.code) {
            self.close();
            return;
        }
        self.state = State::Ready(hello);
        self.errors = 0;
        self.close_if_due();
        self.flush();
        self.handle_bytes(&pending.0);
    }

    /// Tells that the client was silent for too long. While a submission or a login awaits its
    /// answer the silence is ours, and nothing happens.
    pub fn handle_timeout(&mut self) {
        match self.state {
            State::Closed | State::Answering { .. } | State::LoggingIn { .. } => {}
            // A reply in clear would be nonsense amid a handshake.
            State::Handshaking => self.close(),
            State::Connected
            | State::Ready(_)
            | State::Challenged(..)
            | State::Open(_)
            | State::Receiving(_) => self.close_with(&catalogue::IDLE),
        }
    }

    /// Tells that the server stops: 421 at once between transactions, else after the reply to
    /// the open one.
    pub fn handle_shutdown(&mut self) {
        self.is_shutting_down = true;
        self.close_if_due();
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
            State::Answering { pending, .. } | State::LoggingIn { pending, .. } => pending.0.len(),
            State::Connected
            | State::Handshaking
            | State::Ready(_)
            | State::Challenged(..)
            | State::Open(_)
            | State::Receiving(_)
            | State::Closed => 0,
        }
    }

    fn context(&self) -> Context<'_> {
        let (channel, standing) = (self.channel, self.standing);
        Context { settings: &self.settings, channel, standing }
    }

    /// Takes one command line; `behind` is what came with it and is not yet read.
    fn handle_line(&mut self, line: &[u8], behind: &[u8]) {
        let command = match Command::parse(line, self.context().announced()) {
            Ok(command) => command,
            Err(fault) => return self.push(&fault.entry().reply()),
        };
        let state = mem::replace(&mut self.state, State::Closed);
        let (state, output) = state.handle(command, &self.context());
        let quits = matches!(state, State::Closed);
        self.state = state;
        match output {
            Output::Handshake(reply) => self.begin_handshake(&reply, behind),
            other => self.take(other),
        }
        if quits {
            self.close();
        }
    }

    fn handle_response(&mut self, line: &[u8]) {
        let (state, output) = mem::replace(&mut self.state, State::Closed).respond(line);
        self.state = state;
        self.take(output);
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Reply(reply) => self.push(&reply),
            Output::Handshake(reply) => self.begin_handshake(&reply, &[]),
            Output::Login(login) => self.ask_about(login),
            Output::InvalidLogin => self.refuse_login(),
        }
    }

    /// Ends an exchange whose response is no line.
    fn end_exchange(&mut self, entry: &Entry) {
        self.state = match mem::replace(&mut self.state, State::Closed) {
            State::Challenged(hello, _) => State::Ready(hello),
            other => other,
        };
        self.push(&entry.reply());
    }

    fn handle_end_of_data(&mut self, result: Result<RawMessage, DataFault>) {
        let State::Receiving(receiving) = mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        let Receiving { hello, envelope, .. } = receiving;
        let owed = hello.replies_owed(&envelope);
        match result {
            Ok(content) if is_looping(&content) => {
                self.state = State::Ready(hello);
                self.push_for_each(&states::looping(), owed);
            }
            Ok(content) => {
                self.flush();
                let helo = hello.name.clone();
                let via = self.context().via(hello.dialect);
                let submission = Submission { envelope, helo, via, content };
                self.events.push_back(Event::Submission(submission));
                self.state = State::Answering { hello, pending: Pending::default(), owed };
            }
            Err(DataFault::TooLarge) => {
                self.state = State::Ready(hello);
                self.push_for_each(&states::too_large(&self.settings), owed);
            }
            // What follows might be the second half of a smuggled message: read no further.
            Err(DataFault::BareCr) => self.end_with(&catalogue::CONTENT_BARE_CR, owed),
            Err(DataFault::BareLf) => self.end_with(&catalogue::CONTENT_BARE_LF, owed),
            Err(DataFault::Nul) => self.end_with(&catalogue::CONTENT_NUL, owed),
        }
    }

    /// Refuses a message with `owed` times the same reply, which is one error all the same.
    fn push_for_each(&mut self, reply: &Reply, owed: usize) {
        self.replies.extend(reply.encode().repeat(owed.saturating_sub(1)));
        self.push(reply);
    }

    fn end_with(&mut self, entry: &Entry, owed: usize) {
        self.replies.extend(entry.reply().encode().repeat(owed));
        self.close();
    }

    pub(super) fn push(&mut self, reply: &Reply) {
        self.replies.extend_from_slice(&reply.encode());
        if reply.class() == ReplyClass::Permanent {
            self.errors += 1;
            if self.errors >= self.settings.errors_max {
                self.close_with(&catalogue::TOO_MANY_ERRORS);
            }
        }
    }

    pub(super) fn close_if_due(&mut self) {
        if !self.state.is_between_transactions() {
            return;
        }
        if self.is_shutting_down {
            self.close_with(&catalogue::SHUTTING_DOWN);
        } else if self.is_outdated {
            self.close_with(&catalogue::CLIENT_GONE);
        }
    }

    pub(super) fn close_with(&mut self, entry: &Entry) {
        let reply = entry.reply_with(&[self.settings.hostname.as_str()]);
        self.replies.extend_from_slice(&reply.encode());
        self.close();
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.flush();
        self.events.push_back(Event::Close);
    }

    pub(super) fn flush(&mut self) {
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
        LineFault::AuthTooLong => &catalogue::AUTH_LINE_TOO_LONG,
        LineFault::BareCr => &catalogue::LINE_BARE_CR,
        LineFault::BareLf => &catalogue::LINE_BARE_LF,
        LineFault::Nul => &catalogue::LINE_NUL,
    }
}
