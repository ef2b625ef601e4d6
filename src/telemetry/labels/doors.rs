//! Labels of what comes in at the doors: refused connections, logins, opt-outs.

use super::labels;
use crate::smtp::server::LoginRefusal;

labels! {
    /// Why a connection got no session.
    RefusalLabel {
        /// No `[[client]]` covers its address.
        UnknownClient = "unknown_client",
        /// The listener is full.
        TooManyConnections = "too_many_connections",
    }

    /// What became of a login.
    LoginLabel {
        /// The client is who it says.
        Accepted = "accepted",
        /// User name or password is wrong, or not for this address.
        Invalid = "invalid",
        /// Too many failures from there: not even looked at.
        TooMany = "too_many",
        /// It could not be checked now.
        Unavailable = "unavailable",
    }

    /// What became of an unsubscribe request.
    UnsubscribeResult {
        /// The objection is durable.
        Recorded = "recorded",
        /// The seal did not hold: answered neutrally, nothing recorded.
        BadSeal = "bad_seal",
        /// Not a token.
        Malformed = "malformed",
        /// A token for another page.
        WrongPurpose = "wrong_purpose",
        /// The body was larger than any such request.
        TooLarge = "too_large",
        /// The body broke off or was malformed.
        Incomplete = "incomplete",
        /// The keyring lacks the token's key.
        UnknownKey = "unknown_key",
        /// The program is too old for the token.
        UnknownVersion = "unknown_version",
        /// The store does not know the scope the token names.
        UnknownScope = "unknown_scope",
        /// The store failed.
        StoreFailed = "store_failed",
        /// The store had not answered when the requester's patience ended.
        StoreTimeout = "store_timeout",
    }
}

impl LoginLabel {
    /// The label of a login's `result`.
    pub const fn of(result: Result<(), LoginRefusal>) -> Self {
        match result {
            Ok(()) => Self::Accepted,
            Err(LoginRefusal::Invalid) => Self::Invalid,
            Err(LoginRefusal::TooMany) => Self::TooMany,
            Err(LoginRefusal::Unavailable) => Self::Unavailable,
        }
    }
}
