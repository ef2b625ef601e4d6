//! What a client session is told before it begins: its name, its demands, its password.
//!
//! Plain values; whether the way is trusted is the shell's finding, for only it sees the
//! socket. STARTTLS is RFC 3207, AUTH RFC 4954.

use crate::base::Redacted;

/// Whether the session asks for STARTTLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartTls {
    /// Never: encrypted already, or not wanted.
    Never,
    /// If it is offered; a refusal is no obstacle.
    IfOffered,
    /// Always; without it the session is of no use.
    Demanded,
}

/// Whether a password may be told to the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// Anybody may be listening, or be the other end.
    Exposed,
    /// Encrypted to a host that proved its name, or it never leaves this machine.
    Trusted,
}

/// Who we are at the upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// The user name; without NUL.
    pub username: String,
    /// The password; without NUL.
    pub password: Redacted<String>,
}

/// Everything a session must know before the banner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Introduction {
    /// The argument of EHLO.
    pub helo_name: String,
    /// What the connection is before any STARTTLS.
    pub channel: Channel,
    /// Whether to ask for STARTTLS.
    pub start_tls: StartTls,
    /// What to log in with, if at all.
    pub login: Option<Login>,
}

impl Introduction {
    /// The plainest one: a name, no encryption, no login.
    pub fn of(helo_name: impl Into<String>) -> Self {
        Self {
            helo_name: helo_name.into(),
            channel: Channel::Exposed,
            start_tls: StartTls::Never,
            login: None,
        }
    }
}
