//! The states of a server session and what each command does in each (RFC 5321 §4.1.4).
//!
//! A state is a value consumed by its handler, which gives back the next one; a command that
//! comes at the wrong time leaves it as it was. Framing, counting and closing are the session's.

use std::fmt;

use super::context::Context;
use super::login::{Exchange, Login, Progress};
use super::session::Channel;
use super::settings::Settings;
use crate::base::limits;
use crate::smtp::catalogue;
use crate::smtp::command::{Auth, Command, Mail};
use crate::smtp::envelope::{Envelope, ForwardPath};
use crate::smtp::framing::DataReader;
use crate::smtp::reply::Reply;
use crate::smtp::via::Dialect;

/// Bytes reserved at most because a client announced them: a promise costs it nothing.
const RESERVED_BYTES_MAX: u64 = 1024 * 1024;

/// How the client introduced itself.
#[derive(Debug)]
pub struct Hello {
    pub name: String,
    pub dialect: Dialect,
}

/// Between MAIL and DATA.
#[derive(Debug)]
pub struct OpenTransaction {
    hello: Hello,
    envelope: Envelope,
    size: Option<u64>,
}

/// Between 354 and the end of the data.
#[derive(Debug)]
pub struct Receiving {
    pub hello: Hello,
    pub envelope: Envelope,
    pub reader: DataReader,
}

/// Bytes kept unread while an answer is awaited. Danger: there may be a password among them.
#[derive(Default)]
pub struct Pending(pub Vec<u8>);

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({} bytes)", self.0.len())
    }
}

/// Where a session stands.
#[derive(Debug)]
pub enum State {
    /// Nothing but the greeting was said.
    Connected,
    /// STARTTLS was accepted; nothing may come before the handshake.
    Handshaking,
    /// Introduced, no transaction open.
    Ready(Hello),
    /// A response to a challenge is awaited.
    Challenged(Hello, Exchange),
    /// A login awaits its answer; what comes meanwhile is kept unread.
    LoggingIn { hello: Hello, pending: Pending },
    /// A transaction is open.
    Open(OpenTransaction),
    /// Mail data are coming.
    Receiving(Receiving),
    /// A submission awaits its answer of so many replies; what comes meanwhile is kept unread.
    Answering { hello: Hello, pending: Pending, owed: usize },
    /// Over.
    Closed,
}

/// What a line of the client leads to.
#[derive(Debug)]
pub enum Output {
    /// This reply.
    Reply(Reply),
    /// The reply to STARTTLS, and the handshake.
    Handshake(Reply),
    /// The question whether this is true.
    Login(Login),
    /// The refusal of a login that cannot be true.
    InvalidLogin,
}

/// The next state, and what else follows.
pub type Turn = (State, Output);

impl State {
    /// Whether no transaction would be cut short by closing now.
    pub const fn is_between_transactions(&self) -> bool {
        matches!(self, Self::Connected | Self::Ready(_) | Self::Challenged(..))
    }

    /// What follows `command`.
    pub fn handle(self, command: Command, context: &Context<'_>) -> Turn {
        let settings = context.settings;
        let (state, reply) = match command {
            Command::StartTls => return self.handle_starttls(context),
            Command::Auth(auth) => return self.handle_auth(&auth, context),
            Command::Ehlo(name) => greet(Hello { name, dialect: Dialect::Esmtp }, context),
            Command::Helo(name) => greet(Hello { name, dialect: Dialect::Smtp }, context),
            Command::Lhlo(name) => greet(Hello { name, dialect: Dialect::Lmtp }, context),
            Command::Mail(mail) => self.handle_mail(mail, context),
            Command::Rcpt(path) => match self {
                Self::Open(open) => open.handle_rcpt(path, settings),
                other => other.refuse_too_early(context),
            },
            Command::Data => match self {
                Self::Open(open) => open.handle_data(settings),
                other => other.refuse_too_early(context),
            },
            Command::Rset => (self.reset(), catalogue::RESET_OK.reply()),
            Command::Noop => (self, catalogue::NOTHING_DONE.reply()),
            // RFC 5321 §3.5.3, §7.3: 252 tells strangers nothing about who exists.
            Command::Vrfy => (self, catalogue::CANNOT_VERIFY.reply()),
            Command::Help => (self, context.help()),
            Command::Quit => {
                (Self::Closed, catalogue::GOODBYE.reply_with(&[settings.hostname.as_str()]))
            }
        };
        (state, Output::Reply(reply))
    }

    fn handle_starttls(self, context: &Context<'_>) -> Turn {
        let (state, reply) = match self {
            _ if context.channel == Channel::Tls => (self, catalogue::TLS_ON_ALREADY.reply()),
            Self::Ready(_) => {
                let reply = catalogue::STARTTLS_READY.reply();
                return (Self::Handshaking, Output::Handshake(reply));
            }
            open @ Self::Open(_) => (open, catalogue::TRANSACTION_OPEN.reply()),
            other => other.refuse_too_early(context),
        };
        (state, Output::Reply(reply))
    }

    fn handle_auth(self, auth: &Auth, context: &Context<'_>) -> Turn {
        let (state, reply) = match self {
            Self::Ready(hello) if hello.dialect == Dialect::Smtp => {
                // Whoever said HELO was not told of AUTH.
                let reply = catalogue::BAD_SEQUENCE.reply_with(&[context.greeting()]);
                (Self::Ready(hello), reply)
            }
            open @ Self::Open(_) => (open, catalogue::TRANSACTION_OPEN.reply()),
            ready @ Self::Ready(_) if context.is_authenticated() => {
                (ready, catalogue::AUTHENTICATED_ALREADY.reply())
            }
            ready @ Self::Ready(_) if !context.offers_auth() => {
                (ready, catalogue::AUTH_NEEDS_TLS.reply())
            }
            Self::Ready(hello) => return hello.after(Exchange::begin(auth)),
            other => other.refuse_too_early(context),
        };
        (state, Output::Reply(reply))
    }

    /// What follows a response to a challenge.
    pub fn respond(self, line: &[u8]) -> Turn {
        match self {
            Self::Challenged(hello, exchange) => hello.after(exchange.respond(line)),
            // Only a challenge is responded to.
            other => (other, Output::Reply(catalogue::INTERNAL_ERROR.reply())),
        }
    }

    fn handle_mail(self, mail: Mail, context: &Context<'_>) -> (Self, Reply) {
        let settings = context.settings;
        let hello = match self {
            ready @ Self::Ready(_) if context.waits_for_auth() => {
                return (ready, catalogue::AUTH_NEEDED.reply());
            }
            Self::Ready(hello) => hello,
            open @ Self::Open(_) => return (open, catalogue::TRANSACTION_OPEN.reply()),
            other => return other.refuse_too_early(context),
        };
        let bytes_max = u64::try_from(settings.message_bytes_max).unwrap_or(u64::MAX);
        if mail.size.is_some_and(|size| size > bytes_max) {
            return (Self::Ready(hello), too_large(settings));
        }
        if let Some(domain) = settings.forbidden_domain(&mail.reverse_path) {
            let reply = catalogue::SENDER_NOT_ALLOWED.reply_with(&[domain.as_str()]);
            return (Self::Ready(hello), reply);
        }
        let envelope = Envelope {
            reverse_path: mail.reverse_path,
            forward_paths: Vec::new(),
            body: mail.body,
            smtputf8: mail.smtputf8,
        };
        let open = OpenTransaction { hello, envelope, size: mail.size };
        (Self::Open(open), catalogue::SENDER_OK.reply())
    }

    fn reset(self) -> Self {
        match self {
            Self::Open(open) => Self::Ready(open.hello),
            other => other,
        }
    }

    fn refuse_too_early(self, context: &Context<'_>) -> (Self, Reply) {
        let is_greeted = !matches!(self, Self::Connected);
        let wanted = if is_greeted { "MAIL" } else { context.greeting() };
        (self, catalogue::BAD_SEQUENCE.reply_with(&[wanted]))
    }
}

impl Hello {
    /// How many replies follow the mail data (RFC 2033 §4.2: one per recipient).
    pub const fn replies_owed(&self, envelope: &Envelope) -> usize {
        match self.dialect {
            Dialect::Lmtp => envelope.forward_paths.len(),
            Dialect::Smtp | Dialect::Esmtp => 1,
        }
    }

    /// What follows an exchange that came to `progress`.
    fn after(self, progress: Progress) -> Turn {
        match progress {
            Progress::Challenge(exchange) => {
                let reply = catalogue::CHALLENGE.reply_with(&[exchange.challenge()]);
                (State::Challenged(self, exchange), Output::Reply(reply))
            }
            Progress::Complete(login) => {
                let pending = Pending::default();
                (State::LoggingIn { hello: self, pending }, Output::Login(login))
            }
            Progress::Invalid => (State::Ready(self), Output::InvalidLogin),
            Progress::Failed(entry) => (State::Ready(self), Output::Reply(entry.reply())),
        }
    }
}

impl OpenTransaction {
    fn handle_rcpt(mut self, path: ForwardPath, settings: &Settings) -> (State, Reply) {
        let reply = if !self.envelope.smtputf8 && !path.written().is_ascii() {
            // RFC 6531 §3.5: SMTPUTF8 on MAIL speaks for all paths of the transaction.
            catalogue::SMTPUTF8_NEEDED.reply()
        } else if self.envelope.forward_paths.len() >= settings.recipients_max() {
            catalogue::TOO_MANY_RECIPIENTS.reply()
        } else {
            self.envelope.forward_paths.push(path);
            catalogue::RECIPIENT_OK.reply()
        };
        (State::Open(self), reply)
    }

    fn handle_data(self, settings: &Settings) -> (State, Reply) {
        if self.envelope.forward_paths.is_empty() {
            let reply = match self.hello.dialect {
                // RFC 2033 §4.2: nobody would be told anything else.
                Dialect::Lmtp => catalogue::BAD_SEQUENCE.reply_with(&["RCPT"]),
                Dialect::Smtp | Dialect::Esmtp => catalogue::NO_RECIPIENTS.reply(),
            };
            return (State::Open(self), reply);
        }
        let expected = self.size.unwrap_or(0).min(RESERVED_BYTES_MAX);
        let reader = DataReader::new(
            settings.message_bytes_max,
            usize::try_from(expected).unwrap_or(0),
            settings.bare_lf,
        );
        let receiving = Receiving { hello: self.hello, envelope: self.envelope, reader };
        (State::Receiving(receiving), catalogue::GO_AHEAD.reply())
    }
}

/// The reply to a message or an announced size beyond the limit.
pub fn too_large(settings: &Settings) -> Reply {
    catalogue::MESSAGE_TOO_LARGE.reply_with(&[&settings.message_bytes_max.to_string()])
}

/// The reply to a message that passed too many hosts.
pub fn looping() -> Reply {
    catalogue::LOOP.reply_with(&[&limits::RECEIVED_FIELDS_MAX.to_string()])
}

/// RFC 5321 §4.1.4: EHLO and HELO also reset an open transaction.
fn greet(hello: Hello, context: &Context<'_>) -> (State, Reply) {
    let names = [context.settings.hostname.as_str(), hello.name.as_str()];
    let first = catalogue::HELLO.reply_with(&names);
    let reply = match hello.dialect {
        Dialect::Smtp => first,
        Dialect::Esmtp | Dialect::Lmtp => context.hello(&first),
    };
    (State::Ready(hello), reply)
}
