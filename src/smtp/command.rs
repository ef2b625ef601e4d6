//! Commands: what a client says, read from raw bytes (RFC 5321 §4.1.1).
//!
//! Parsing knows the extensions that were announced and nothing of the session: whether a
//! command comes at the right time is `server`'s business.

use super::catalogue::{self, Entry};
use super::envelope::{Body, ForwardPath, ReversePath};
use super::path::{self, PathFault};
use super::server::Protocol;
use crate::base::Redacted;
use crate::base::limits::DOMAIN_BYTES_MAX;

/// The optional extensions a server announces; PIPELINING, SIZE and ENHANCEDSTATUSCODES always
/// are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extensions {
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531), which needs 8BITMIME to be announced too.
    pub smtputf8: bool,
}

/// What a server understands at some point of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Announced {
    /// The optional extensions.
    pub extensions: Extensions,
    /// Which greeting is the right one.
    pub protocol: Protocol,
    /// STARTTLS, be it the time for it or not.
    pub starttls: bool,
    /// AUTH, be it the time for it or not.
    pub auth: bool,
    /// Whether all commands but a few are refused until TLS is on (RFC 3207 §4).
    pub waits_for_tls: bool,
}

/// How a client says who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Two prompts, never standardised and used everywhere.
    Login,
}

/// The arguments of AUTH.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Auth {
    /// How the client says who it is.
    pub mechanism: Mechanism,
    /// The initial response as written, in base64.
    pub initial: Option<Redacted<Vec<u8>>>,
}

/// The arguments of MAIL. `AUTH=` is not kept: no client is trusted to speak for others, and
/// then it counts as `<>` (RFC 4954 §5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// The reverse-path.
    pub reverse_path: ReversePath,
    /// `SIZE=` (RFC 1870).
    pub size: Option<u64>,
    /// `BODY=` (RFC 6152).
    pub body: Body,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
}

/// One command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// EHLO and the client's name.
    Ehlo(String),
    /// HELO and the client's name.
    Helo(String),
    /// LHLO and the client's name (RFC 2033).
    Lhlo(String),
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH (RFC 4954).
    Auth(Auth),
    /// MAIL.
    Mail(Mail),
    /// RCPT and its forward-path.
    Rcpt(ForwardPath),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP; its argument is ignored.
    Noop,
    /// VRFY; its argument is not looked up.
    Vrfy,
    /// HELP; its argument is ignored.
    Help,
    /// QUIT.
    Quit,
}

/// Why a line is no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandFault {
    /// The verb is unknown.
    Unknown,
    /// The verb is known and not offered.
    NotImplemented,
    /// EHLO or HELO where LHLO is spoken.
    LhloNeeded,
    /// A command that must wait for TLS.
    TlsNeeded,
    /// A greeting without a usable name.
    HelloSyntax,
    /// AUTH without a mechanism, or with too many words.
    AuthSyntax,
    /// A mechanism that is not offered.
    MechanismUnknown,
    /// MAIL without `FROM:<…>`.
    MailSyntax,
    /// RCPT without `TO:<…>`.
    RcptSyntax,
    /// The reverse-path is no address.
    BadSender,
    /// The forward-path is no address.
    BadRecipient,
    /// A non-ASCII reverse-path without SMTPUTF8.
    Smtputf8Needed,
    /// A parameter is malformed.
    ParameterSyntax,
    /// A parameter came twice.
    ParameterTwice,
    /// A parameter is not known or not announced.
    ParameterUnknown,
    /// An argument where none is allowed.
    ArgumentUnexpected,
    /// No argument where one is needed.
    ArgumentMissing,
}

impl CommandFault {
    /// The reply it gets.
    pub fn entry(self) -> &'static Entry {
        match self {
            Self::Unknown => &catalogue::COMMAND_UNKNOWN,
            Self::NotImplemented => &catalogue::COMMAND_NOT_IMPLEMENTED,
            Self::LhloNeeded => &catalogue::LHLO_NEEDED,
            Self::TlsNeeded => &catalogue::STARTTLS_NEEDED,
            Self::HelloSyntax => &catalogue::HELLO_SYNTAX,
            Self::AuthSyntax => &catalogue::AUTH_SYNTAX,
            Self::MechanismUnknown => &catalogue::MECHANISM_UNKNOWN,
            Self::MailSyntax => &catalogue::MAIL_SYNTAX,
            Self::RcptSyntax => &catalogue::RCPT_SYNTAX,
            Self::BadSender => &catalogue::BAD_SENDER,
            Self::BadRecipient => &catalogue::BAD_RECIPIENT,
            Self::Smtputf8Needed => &catalogue::SMTPUTF8_NEEDED,
            Self::ParameterSyntax => &catalogue::PARAMETER_SYNTAX,
            Self::ParameterTwice => &catalogue::PARAMETER_TWICE,
            Self::ParameterUnknown => &catalogue::PARAMETER_UNKNOWN,
            Self::ArgumentUnexpected => &catalogue::ARGUMENT_UNEXPECTED,
            Self::ArgumentMissing => &catalogue::ARGUMENT_MISSING,
        }
    }
}

impl Command {
    /// Reads one line without its CRLF, as a server that `announced` so much does.
    ///
    /// # Errors
    /// [`CommandFault`]; see [`CommandFault::entry`] for the reply.
    pub fn parse(line: &[u8], announced: Announced) -> Result<Self, CommandFault> {
        let line = line.trim_ascii_end();
        let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
        let (verb, rest) = line.split_at(end);
        let rest = rest.trim_ascii_start();
        let verb = verb.to_ascii_uppercase();
        if announced.waits_for_tls && !PERMITTED_BEFORE_TLS.contains(&verb.as_slice()) {
            return Err(CommandFault::TlsNeeded);
        }
        let is_lmtp = announced.protocol == Protocol::Lmtp;
        match verb.as_slice() {
            b"LHLO" if is_lmtp => parse_hello(rest).map(Self::Lhlo),
            b"EHLO" | b"HELO" if is_lmtp => Err(CommandFault::LhloNeeded),
            b"EHLO" => parse_hello(rest).map(Self::Ehlo),
            b"HELO" => parse_hello(rest).map(Self::Helo),
            b"STARTTLS" if announced.starttls => alone(Self::StartTls, rest),
            b"AUTH" if announced.auth => parse_auth(rest).map(Self::Auth),
            b"MAIL" => parse_mail(rest, announced).map(Self::Mail),
            b"RCPT" => parse_rcpt(rest).map(Self::Rcpt),
            b"DATA" => alone(Self::Data, rest),
            b"RSET" => alone(Self::Rset, rest),
            b"QUIT" => alone(Self::Quit, rest),
            b"NOOP" => Ok(Self::Noop),
            b"HELP" => Ok(Self::Help),
            // RFC 5321 §4.1.1.6: VRFY must say whom.
            b"VRFY" if rest.is_empty() => Err(CommandFault::ArgumentMissing),
            b"VRFY" => Ok(Self::Vrfy),
            b"EXPN" | b"TURN" | b"SEND" | b"SOML" | b"SAML" | b"ETRN" | b"AUTH" | b"STARTTLS"
            | b"BDAT" => Err(CommandFault::NotImplemented),
            _ => Err(CommandFault::Unknown),
        }
    }
}

/// RFC 3207 §4: EHLO, NOOP, STARTTLS and QUIT; RSET and HELP do no harm either.
const PERMITTED_BEFORE_TLS: &[&[u8]] =
    &[b"EHLO", b"HELO", b"LHLO", b"NOOP", b"RSET", b"HELP", b"QUIT", b"STARTTLS"];

fn alone(command: Command, rest: &[u8]) -> Result<Command, CommandFault> {
    if rest.is_empty() { Ok(command) } else { Err(CommandFault::ArgumentUnexpected) }
}

fn parse_hello(rest: &[u8]) -> Result<String, CommandFault> {
    // Note: RFC 5321 §4.1.4 forbids refusing a name for not being the client's; many clients
    // send what is no host name at all. It only has to be one printable word.
    let is_word = !rest.is_empty() && rest.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(rest) {
        Ok(name) if is_word && name.len() <= DOMAIN_BYTES_MAX => Ok(name.to_owned()),
        _ => Err(CommandFault::HelloSyntax),
    }
}

fn parse_auth(rest: &[u8]) -> Result<Auth, CommandFault> {
    let mut words = rest.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let mechanism = words.next().ok_or(CommandFault::AuthSyntax)?;
    let initial = words.next().map(|word| Redacted::new(word.to_vec()));
    if words.next().is_some() {
        return Err(CommandFault::AuthSyntax);
    }
    let mechanism = match mechanism.to_ascii_uppercase().as_slice() {
        b"PLAIN" => Mechanism::Plain,
        b"LOGIN" => Mechanism::Login,
        _ => return Err(CommandFault::MechanismUnknown),
    };
    Ok(Auth { mechanism, initial })
}

fn parse_mail(rest: &[u8], announced: Announced) -> Result<Mail, CommandFault> {
    let path = after_keyword(rest, b"FROM:").ok_or(CommandFault::MailSyntax)?;
    let (reverse_path, rest) = path::parse_reverse_path(path).map_err(|fault| match fault {
        PathFault::NoBrackets => CommandFault::MailSyntax,
        PathFault::NoAddress => CommandFault::BadSender,
    })?;
    let extensions = announced.extensions;
    let mut mail = Mail { reverse_path, size: None, body: Body::SevenBit, smtputf8: false };
    for (keyword, value) in parse_parameters(rest)? {
        match (keyword.as_slice(), value) {
            (b"SIZE", Some(value)) => mail.size = Some(parse_size(value)?),
            (b"SIZE", None) => return Err(CommandFault::ParameterSyntax),
            (b"BODY", Some(value)) if extensions.eight_bit_mime => mail.body = parse_body(value)?,
            (b"BODY", None) if extensions.eight_bit_mime => {
                return Err(CommandFault::ParameterSyntax);
            }
            (b"AUTH", Some(value)) if announced.auth && is_xtext(value) => {}
            (b"AUTH", _) if announced.auth => return Err(CommandFault::ParameterSyntax),
            (b"SMTPUTF8", None) if extensions.smtputf8 => mail.smtputf8 = true,
            (b"SMTPUTF8", Some(_)) if extensions.smtputf8 => {
                return Err(CommandFault::ParameterSyntax);
            }
            _ => return Err(CommandFault::ParameterUnknown),
        }
    }
    // RFC 6531 §3.5: an address may be non-ASCII only in a message that asked for it.
    if !mail.smtputf8 && !mail.reverse_path.written().is_ascii() {
        return Err(CommandFault::Smtputf8Needed);
    }
    Ok(mail)
}

fn parse_rcpt(rest: &[u8]) -> Result<ForwardPath, CommandFault> {
    let path = after_keyword(rest, b"TO:").ok_or(CommandFault::RcptSyntax)?;
    let (forward_path, rest) = path::parse_forward_path(path).map_err(|fault| match fault {
        PathFault::NoBrackets => CommandFault::RcptSyntax,
        PathFault::NoAddress => CommandFault::BadRecipient,
    })?;
    // No announced extension gives RCPT a parameter.
    if parse_parameters(rest)?.is_empty() {
        return Ok(forward_path);
    }
    Err(CommandFault::ParameterUnknown)
}

/// What follows `keyword`, which is taken in any case. Note: RFC 5321 §3.3 forbids spaces after
/// the colon; common mailers send them and common servers take them.
fn after_keyword<'a>(rest: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let (start, path) = rest.split_at_checked(keyword.len())?;
    start.eq_ignore_ascii_case(keyword).then(|| path.trim_ascii_start())
}

type Parameter<'a> = (Vec<u8>, Option<&'a [u8]>);

/// RFC 5321 §4.1.2 `Mail-parameters`: each preceded by a space, keywords in upper case here.
fn parse_parameters(rest: &[u8]) -> Result<Vec<Parameter<'_>>, CommandFault> {
    if !rest.is_empty() && !rest.starts_with(b" ") {
        return Err(CommandFault::ParameterSyntax);
    }
    let mut parameters: Vec<Parameter<'_>> = Vec::new();
    for word in rest.split(|&b| b == b' ').filter(|word| !word.is_empty()) {
        let at = memchr::memchr(b'=', word);
        let (keyword, value) = match at {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        let is_keyword = keyword.first().is_some_and(u8::is_ascii_alphanumeric)
            && keyword.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
        let is_value = value.is_none_or(|value| {
            !value.is_empty() && !value.iter().any(|b| *b == b'=' || b.is_ascii_control())
        });
        if !is_keyword || !is_value {
            return Err(CommandFault::ParameterSyntax);
        }
        let keyword = keyword.to_ascii_uppercase();
        if parameters.iter().any(|(known, _)| *known == keyword) {
            return Err(CommandFault::ParameterTwice);
        }
        parameters.push((keyword, value));
    }
    Ok(parameters)
}

fn parse_size(value: &[u8]) -> Result<u64, CommandFault> {
    // RFC 1870 §4: 1 to 20 digits; what exceeds 64 bits is certainly too large.
    if value.len() > 20 || !value.iter().all(u8::is_ascii_digit) {
        return Err(CommandFault::ParameterSyntax);
    }
    let text = std::str::from_utf8(value).map_err(|_| CommandFault::ParameterSyntax)?;
    Ok(text.parse().unwrap_or(u64::MAX))
}

/// RFC 3461 §4: printable ASCII, `+` only before two upper-case hexadecimal digits. No `=` gets
/// here.
fn is_xtext(value: &[u8]) -> bool {
    let is_hex = |b: &u8| b.is_ascii_digit() || (b'A'..=b'F').contains(b);
    let mut pieces = value.split(|&b| b == b'+');
    value.iter().all(u8::is_ascii_graphic)
        && pieces.next().is_some()
        && pieces.all(|piece| piece.len() >= 2 && piece[..2].iter().all(is_hex))
}

fn parse_body(value: &[u8]) -> Result<Body, CommandFault> {
    match value.to_ascii_uppercase().as_slice() {
        b"7BIT" => Ok(Body::SevenBit),
        b"8BITMIME" => Ok(Body::EightBitMime),
        _ => Err(CommandFault::ParameterUnknown),
    }
}

#[cfg(test)]
mod tests;
