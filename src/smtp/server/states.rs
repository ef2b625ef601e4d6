//! The states of a server session and what each command does in each (RFC 5321 §4.1.4).
//!
//! A state is a value consumed by its handler, which gives back the next one; a command that
//! comes at the wrong time leaves it as it was. Framing, counting and closing are the session's.

use super::settings::Settings;
use crate::base::limits;
use crate::smtp::catalogue;
use crate::smtp::command::{Command, Mail};
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

/// Where a session stands.
#[derive(Debug)]
pub enum State {
    /// Nothing but the greeting was said.
    Connected,
    /// Introduced, no transaction open.
    Ready(Hello),
    /// A transaction is open.
    Open(OpenTransaction),
    /// Mail data are coming.
    Receiving(Receiving),
    /// A submission awaits its answer; what comes meanwhile is kept unread.
    Answering { hello: Hello, pending: Vec<u8> },
    /// Over.
    Closed,
}

impl State {
    /// Whether no transaction would be cut short by closing now.
    pub const fn is_between_transactions(&self) -> bool {
        matches!(self, Self::Connected | Self::Ready(_))
    }

    /// The state and the reply after `command`.
    pub fn handle(self, command: Command, settings: &Settings) -> (Self, Reply) {
        match command {
            Command::Ehlo(name) => hello(Hello { name, dialect: Dialect::Esmtp }, settings),
            Command::Helo(name) => hello(Hello { name, dialect: Dialect::Smtp }, settings),
            Command::Mail(mail) => self.handle_mail(mail, settings),
            Command::Rcpt(path) => match self {
                Self::Open(open) => open.handle_rcpt(path, settings),
                other => other.refuse_too_early(),
            },
            Command::Data => match self {
                Self::Open(open) => open.handle_data(settings),
                other => other.refuse_too_early(),
            },
            Command::Rset => (self.reset(), catalogue::RESET_OK.reply()),
            Command::Noop => (self, catalogue::NOTHING_DONE.reply()),
            // RFC 5321 §3.5.3, §7.3: 252 tells strangers nothing about who exists.
            Command::Vrfy => (self, catalogue::CANNOT_VERIFY.reply()),
            Command::Help => (self, catalogue::HELP.reply()),
            Command::Quit => {
                (Self::Closed, catalogue::GOODBYE.reply_with(&[settings.hostname.as_str()]))
            }
        }
    }

    fn handle_mail(self, mail: Mail, settings: &Settings) -> (Self, Reply) {
        let hello = match self {
            Self::Ready(hello) => hello,
            open @ Self::Open(_) => return (open, catalogue::NESTED_MAIL.reply()),
            other => return other.refuse_too_early(),
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

    fn refuse_too_early(self) -> (Self, Reply) {
        let wanted = if matches!(self, Self::Connected) { "EHLO" } else { "MAIL" };
        (self, catalogue::BAD_SEQUENCE.reply_with(&[wanted]))
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
            return (State::Open(self), catalogue::NO_RECIPIENTS.reply());
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
fn hello(hello: Hello, settings: &Settings) -> (State, Reply) {
    let first = catalogue::HELLO.reply_with(&[settings.hostname.as_str(), hello.name.as_str()]);
    if hello.dialect == Dialect::Smtp {
        return (State::Ready(hello), first);
    }
    let mut text = first.text();
    text.push_str("\nPIPELINING");
    if settings.extensions().eight_bit_mime {
        text.push_str("\n8BITMIME");
    }
    if settings.extensions().smtputf8 {
        text.push_str("\nSMTPUTF8");
    }
    text.push_str(&format!("\nSIZE {}\nENHANCEDSTATUSCODES", settings.message_bytes_max));
    (State::Ready(hello), Reply::new(first.code(), first.status(), &text))
}
