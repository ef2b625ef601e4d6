//! The server's side of the dialogue, sans-IO: bytes in, replies and submissions out.
//!
//! [`Session`] frames the input and keeps order; `states` says what each command does in each
//! state. It neither decides about mail nor knows sockets, keys or passwords: a complete message
//! leaves as [`Event::Submission`] and its reply comes back through [`Session::handle_answer`];
//! [`Event::StartTls`] and [`Event::Login`] are answered likewise.

mod context;
mod login;
mod securing;
mod session;
mod settings;
mod states;
#[cfg(test)]
mod tests;

pub use crate::smtp::command::Mechanism;
pub use login::{Login, LoginRefusal};
pub use session::{Channel, Event, Session, Submission};
pub use settings::{Admission, AuthOffer, Protocol, Settings, TlsOffer};
