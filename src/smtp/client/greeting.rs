//! From the banner to the first job: EHLO, STARTTLS, EHLO again, AUTH.
//!
//! What was learnt before encryption is forgotten (RFC 3207 §4.2), a password goes only where
//! the channel is trusted, and nothing demanded is ever done without. A state is consumed by
//! the reply it awaited.

use data_encoding::BASE64;

use super::capabilities::Capabilities;
use super::fault::Fault;
use super::introduction::{Channel, Introduction, Login, StartTls};
use crate::smtp::reply::{Reply, ReplyClass};

/// Octets of a command line with an initial response at most.
const AUTH_LINE_BYTES_MAX: usize = 512;

/// What a reply leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Write these bytes and go on.
    Write(Greeting, Vec<u8>),
    /// Begin TLS, then call [`Greeting::resume`].
    Handshake(Greeting),
    /// Jobs may come.
    Ready(Capabilities),
}

/// The reply that is awaited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Awaited {
    Banner,
    Ehlo,
    Helo,
    StartTls,
    /// None: the handshake is under way.
    Nothing,
    /// The challenge, when the response is too long for the command line.
    PlainChallenge,
    UsernameChallenge,
    PasswordChallenge,
    LoginResult,
}

/// The state of a connection that has not come to its first job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Greeting {
    introduction: Introduction,
    capabilities: Capabilities,
    awaited: Awaited,
}

impl Greeting {
    pub fn new(introduction: Introduction) -> Self {
        Self { introduction, capabilities: Capabilities::default(), awaited: Awaited::Banner }
    }

    /// Whether TLS is being begun, so that no byte may come in clear.
    pub fn is_handshaking(&self) -> bool {
        self.awaited == Awaited::Nothing
    }

    /// Whether our credentials are being judged.
    pub fn is_logging_in(&self) -> bool {
        match self.awaited {
            Awaited::PlainChallenge
            | Awaited::UsernameChallenge
            | Awaited::PasswordChallenge
            | Awaited::LoginResult => true,
            Awaited::Banner
            | Awaited::Ehlo
            | Awaited::Helo
            | Awaited::StartTls
            | Awaited::Nothing => false,
        }
    }

    /// Goes on under TLS.
    pub fn resume(mut self, channel: Channel) -> Progress {
        // RFC 3207 §4.2: what was said before is forgotten, and EHLO comes again.
        self.capabilities = Capabilities::default();
        self.introduction.start_tls = StartTls::Never;
        self.introduction.channel = channel;
        self.introduce("EHLO", Awaited::Ehlo)
    }

    /// Takes the awaited reply; a 421 only while logging in.
    pub fn handle_reply(mut self, reply: &Reply) -> Result<Progress, Fault> {
        let (awaited, class) = (self.awaited, reply.class());
        match (awaited, class) {
            (Awaited::Banner, ReplyClass::Positive) => Ok(self.introduce("EHLO", Awaited::Ehlo)),
            (Awaited::Ehlo, ReplyClass::Positive) => {
                self.capabilities = Capabilities::parse(reply);
                self.encrypt_or_log_in()
            }
            // RFC 5321 §3.2: a server that refuses EHLO may still take HELO.
            (Awaited::Ehlo, ReplyClass::Permanent) => Ok(self.introduce("HELO", Awaited::Helo)),
            (Awaited::Helo, ReplyClass::Positive) => self.encrypt_or_log_in(),
            (Awaited::Banner | Awaited::Ehlo | Awaited::Helo, _) => {
                Err(Fault::Refused(reply.clone()))
            }
            (Awaited::StartTls, ReplyClass::Positive) => {
                self.awaited = Awaited::Nothing;
                Ok(Progress::Handshake(self))
            }
            (Awaited::StartTls, ReplyClass::Transient | ReplyClass::Permanent) => {
                match self.introduction.start_tls {
                    StartTls::Demanded => Err(Fault::TlsRefused(reply.clone())),
                    StartTls::IfOffered | StartTls::Never => self.log_in(),
                }
            }
            (Awaited::StartTls, ReplyClass::Intermediate) => Err(Fault::Unfitting(reply.clone())),
            (Awaited::Nothing, _) => Err(Fault::Injected),
            (Awaited::LoginResult, ReplyClass::Positive) => Ok(Progress::Ready(self.capabilities)),
            (Awaited::LoginResult, _) => Err(refused_login(reply)),
            (
                Awaited::PlainChallenge | Awaited::UsernameChallenge | Awaited::PasswordChallenge,
                ReplyClass::Intermediate,
            ) => Ok(self.respond()),
            (
                Awaited::PlainChallenge | Awaited::UsernameChallenge | Awaited::PasswordChallenge,
                _,
            ) => Err(refused_login(reply)),
        }
    }

    fn encrypt_or_log_in(self) -> Result<Progress, Fault> {
        match (self.introduction.start_tls, self.capabilities.start_tls) {
            (StartTls::IfOffered | StartTls::Demanded, true) => {
                Ok(self.send("STARTTLS".to_owned(), Awaited::StartTls))
            }
            (StartTls::Demanded, false) => Err(Fault::TlsNotOffered),
            (StartTls::IfOffered, false) | (StartTls::Never, _) => self.log_in(),
        }
    }

    fn log_in(self) -> Result<Progress, Fault> {
        let Some(login) = &self.introduction.login else {
            return Ok(Progress::Ready(self.capabilities));
        };
        match self.introduction.channel {
            Channel::Exposed => return Err(Fault::LoginExposed),
            Channel::Trusted => {}
        }
        if self.capabilities.auth_plain {
            let line = format!("AUTH PLAIN {}", plain_response(login));
            // RFC 4954 §4: a longer response waits for the challenge.
            if line.len() + 2 > AUTH_LINE_BYTES_MAX {
                return Ok(self.send("AUTH PLAIN".to_owned(), Awaited::PlainChallenge));
            }
            return Ok(self.send(line, Awaited::LoginResult));
        }
        if self.capabilities.auth_login {
            return Ok(self.send("AUTH LOGIN".to_owned(), Awaited::UsernameChallenge));
        }
        Err(Fault::LoginNotOffered)
    }

    /// Answers a challenge. Its text is not read: LOGIN has no standard, and servers differ.
    fn respond(self) -> Progress {
        let login = self.introduction.login.as_ref().expect("challenges come to logins only");
        match self.awaited {
            Awaited::UsernameChallenge => {
                let username = BASE64.encode(login.username.as_bytes());
                self.send(username, Awaited::PasswordChallenge)
            }
            Awaited::PasswordChallenge => {
                let password = BASE64.encode(login.password.expose().as_bytes());
                self.send(password, Awaited::LoginResult)
            }
            _ => {
                let response = plain_response(login);
                self.send(response, Awaited::LoginResult)
            }
        }
    }

    fn introduce(self, verb: &str, awaited: Awaited) -> Progress {
        let line = format!("{verb} {}", self.introduction.helo_name);
        self.send(line, awaited)
    }

    fn send(mut self, mut line: String, awaited: Awaited) -> Progress {
        line.push_str("\r\n");
        self.awaited = awaited;
        Progress::Write(self, line.into_bytes())
    }
}

/// RFC 4616 §2: no authorization identity, the user name, the password.
fn plain_response(login: &Login) -> String {
    BASE64.encode(format!("\0{}\0{}", login.username, login.password.expose()).as_bytes())
}

/// RFC 4954 §6: 535, 534 and 454 say so; whatever says no to AUTH means the same to us.
fn refused_login(reply: &Reply) -> Fault {
    match reply.class() {
        ReplyClass::Transient | ReplyClass::Permanent => Fault::LoginRefused(reply.clone()),
        ReplyClass::Positive | ReplyClass::Intermediate => Fault::Unfitting(reply.clone()),
    }
}
