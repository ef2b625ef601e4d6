//! What a client says of itself in AUTH, and why it is not believed (RFC 4954, RFC 4616).
//!
//! Here are words only: whether a password is right is found out by whoever drives the session.

use std::fmt;

use data_encoding::BASE64;

use crate::base::Redacted;
use crate::smtp::catalogue::{self, Entry};
use crate::smtp::command::{Auth, Mechanism};

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

/// What the next response of an exchange will be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exchange {
    /// The whole of PLAIN.
    Plain,
    /// The user name of LOGIN.
    Username,
    /// The password to this user name.
    Password(Redacted<Vec<u8>>),
}

/// What an exchange came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Another response is needed.
    Challenge(Exchange),
    /// All is said.
    Complete(Login),
    /// All is said, and it cannot be true.
    Invalid,
    /// It ended with this reply.
    Failed(&'static Entry),
}

impl Exchange {
    /// Begins with the AUTH command.
    pub fn begin(auth: &Auth) -> Progress {
        let exchange = match auth.mechanism {
            Mechanism::Plain => Self::Plain,
            Mechanism::Login => Self::Username,
        };
        let Some(initial) = &auth.initial else { return Progress::Challenge(exchange) };
        match initial.expose().as_slice() {
            // RFC 4954 §4: a single `=` is a response of no bytes.
            b"=" => exchange.take(Vec::new()),
            written => exchange.decode(written),
        }
    }

    /// Goes on with a response as the client wrote it.
    pub fn respond(self, line: &[u8]) -> Progress {
        match line {
            // RFC 4954 §4: the server must answer 501.
            b"*" => Progress::Failed(&catalogue::AUTH_CANCELLED),
            written => self.decode(written),
        }
    }

    /// What the client is asked, in base64.
    pub const fn challenge(&self) -> &'static str {
        match self {
            Self::Plain => "",
            // "Username:" and "Password:", which clients compare byte by byte.
            Self::Username => "VXNlcm5hbWU6",
            Self::Password(_) => "UGFzc3dvcmQ6",
        }
    }

    fn decode(self, written: &[u8]) -> Progress {
        match BASE64.decode(written) {
            Ok(response) => self.take(response),
            Err(_) => Progress::Failed(&catalogue::RESPONSE_NOT_BASE64),
        }
    }

    fn take(self, response: Vec<u8>) -> Progress {
        match self {
            Self::Plain => plain(&response),
            Self::Username => Progress::Challenge(Self::Password(Redacted::new(response))),
            Self::Password(username) => login(Mechanism::Login, username.expose(), &response),
        }
    }
}

/// RFC 4616 §2: `[authzid] NUL authcid NUL passwd`.
fn plain(response: &[u8]) -> Progress {
    let mut parts = response.split(|&b| b == 0);
    let (Some(authzid), Some(authcid), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Progress::Failed(&catalogue::RESPONSE_NOT_PLAIN);
    };
    // Nobody acts for others here; telling so apart from a wrong password would tell too much.
    if !authzid.is_empty() && authzid != authcid {
        return Progress::Invalid;
    }
    login(Mechanism::Plain, authcid, password)
}

fn login(mechanism: Mechanism, username: &[u8], password: &[u8]) -> Progress {
    // RFC 4616 §2: both are UTF-8 of at least one character, none of them NUL.
    let text = |bytes: &[u8]| match String::from_utf8(bytes.to_vec()) {
        Ok(text) if !text.is_empty() && !text.contains('\0') => Some(text),
        Ok(_) | Err(_) => None,
    };
    match (text(username), text(password)) {
        (Some(username), Some(password)) => {
            Progress::Complete(Login { mechanism, username, password: Redacted::new(password) })
        }
        (None, _) | (_, None) => Progress::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};

    use super::{Auth, BASE64, Exchange, Login, Mechanism, Progress, catalogue};
    use crate::base::Redacted;

    fn told(mechanism: Mechanism, username: &str, password: &str) -> Progress {
        let password = Redacted::new(password.to_owned());
        Progress::Complete(Login { mechanism, username: username.to_owned(), password })
    }

    #[track_caller]
    fn check_plain(message: &[u8], expected: &Progress) {
        let encoded = BASE64.encode(message);
        assert_eq!(Exchange::Plain.respond(encoded.as_bytes()), *expected, "{message:?}");
        let initial = Some(Redacted::new(encoded.into_bytes()));
        let auth = Auth { mechanism: Mechanism::Plain, initial };
        assert_eq!(Exchange::begin(&auth), *expected, "{message:?} as initial response");
    }

    #[track_caller]
    fn check_login(username: &[u8], password: &[u8], expected: &Progress) {
        let respond = |exchange: Exchange, bytes| exchange.respond(BASE64.encode(bytes).as_bytes());
        let Progress::Challenge(exchange) = respond(Exchange::Username, username) else {
            panic!("a password is asked for")
        };
        assert_eq!(respond(exchange, password), *expected, "{username:?} {password:?}");
    }

    #[test]
    fn reads_who_it_is_from_either_mechanism() {
        let kurt = told(Mechanism::Plain, "kurt", "pässword");
        check_plain("\0kurt\0pässword".as_bytes(), &kurt);
        check_plain("kurt\0kurt\0pässword".as_bytes(), &kurt);
        check_login(b"kurt", b"xipj3plmq", &told(Mechanism::Login, "kurt", "xipj3plmq"));
    }

    #[test]
    fn what_cannot_be_true_is_as_wrong_as_a_wrong_password() {
        check_plain(b"Ursel\0Kurt\0xipj3plmq", &Progress::Invalid);
        check_plain(b"\0\0xipj3plmq", &Progress::Invalid);
        check_plain(b"\0kurt\0", &Progress::Invalid);
        check_plain(b"\0kurt\0\xff", &Progress::Invalid);
        check_plain(b"\0\xff\0x", &Progress::Invalid);
        check_login(b"", b"x", &Progress::Invalid);
        check_login(b"kurt", b"", &Progress::Invalid);
        check_login(b"kurt", b"a\0b", &Progress::Invalid);
        check_login(b"ku\0rt", b"a", &Progress::Invalid);
    }

    #[test]
    fn p8_what_cannot_be_read_is_a_fault_of_its_own() {
        for message in [&b""[..], b"kurt", b"kurt\0x", b"\0kurt\0x\0"] {
            check_plain(message, &Progress::Failed(&catalogue::RESPONSE_NOT_PLAIN));
        }
        for written in [&b"="[..], b"AHg", b"AHg*", b" ", b"AHgAeB==", b"\xff\xff\xff\xff"] {
            let expected = Progress::Failed(&catalogue::RESPONSE_NOT_BASE64);
            assert_eq!(Exchange::Plain.respond(written), expected, "{written:?}");
        }
        let cancelled = Progress::Failed(&catalogue::AUTH_CANCELLED);
        assert_eq!(Exchange::Username.respond(b"*"), cancelled);
    }

    #[test]
    fn nothing_shows_a_password() {
        let login = told(Mechanism::Plain, "kurt", "xipj3plmq");
        let auth = Auth {
            mechanism: Mechanism::Plain,
            initial: Some(Redacted::new(b"xipj3plmq".to_vec())),
        };
        assert!(!format!("{login:?} {auth:?}").contains("xipj"), "{login:?} {auth:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn survives_any_response(line: Vec<u8>, message: Vec<u8>) {
            let encoded = BASE64.encode(&message).into_bytes();
            for written in [line, encoded] {
                let _ = Exchange::Plain.respond(&written);
                if let Progress::Challenge(next) = Exchange::Username.respond(&written) {
                    let _ = next.respond(&written);
                }
            }
        }
    }
}
