//! What a client says of itself in AUTH, and why it is not believed (RFC 4954, RFC 4616).
//!
//! Here are words only: whether a password is right is found out by whoever drives the session.

use std::fmt;

use crate::base::Redacted;

/// How the client said who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Two prompts, never standardised and used everywhere.
    Login,
}

/// What a client says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// How it was said.
    pub mechanism: Mechanism,
    /// The user name (RFC 4616: the authentication identity).
    pub username: String,
    /// The password.
    pub password: Redacted<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// Why a login was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginRefusal {
    /// User name or password is wrong, or not for this address; which of them is not told.
    Invalid,
    /// Too many failures from there: not even looked at.
    TooMany,
    /// It could not be checked now.
    Unavailable,
}
