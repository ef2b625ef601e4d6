//! The client's side of the dialogue, sans-IO: jobs in, commands and results out.
//!
//! [`Session`] greets the upstream, has the way encrypted, logs in and learns what it offers
//! ([`Capabilities`]); an `Exchange` walks one [`Job`] through MAIL, RCPT, DATA and the final dot.
//! It never retries and never downgrades: what the upstream does not offer is refused here with
//! the reply that says so.

mod capabilities;
mod exchange;
mod fault;
mod greeting;
mod introduction;
mod job;
mod session;
#[cfg(test)]
mod tests;

pub use capabilities::Capabilities;
pub use fault::Fault;
pub use introduction::{Channel, Introduction, Login, StartTls};
pub use job::{Failure, Job, OnDeferred, RecipientResult};
pub use session::{Content, Event, QUIT, Session};
