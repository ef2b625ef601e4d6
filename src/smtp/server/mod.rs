//! The server's side of the dialogue, sans-IO: bytes in, replies and submissions out.
//!
//! [`Session`] frames the input and keeps order; `states` says what each command does in each
//! state. It neither decides about mail nor knows sockets: a complete message leaves as
//! [`Event::Submission`] and its reply comes back through [`Session::handle_answer`].

mod login;
mod session;
mod settings;
mod states;
#[cfg(test)]
mod tests;

pub use login::{Login, LoginRefusal, Mechanism};
pub use session::{Channel, Event, Session, Submission};
pub use settings::{Admission, AuthOffer, Protocol, Settings, TlsOffer};
