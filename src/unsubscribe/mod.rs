//! What an unsubscribe link carries: the token, what it names and how it is sealed.
//!
//! Pure: sealing and opening need the keyring and nothing else; the initialisation vector is
//! computed, not drawn. Not here: what an opened token leads to (that is the HTTP module's and
//! the store's business), and the texts around a link. The link's use as a one-click address
//! is RFC 8058.

mod token;

pub use token::{
    Claims, OpenError, Purpose, ScopeId, ScopeKind, TOKEN_CHARS, Token, open, seal, unsubscribe_url,
};
