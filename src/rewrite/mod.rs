//! From a message to its copies, by splices only (promise P6).
//!
//! [`prepare()`] runs once per message, needs no permit, and says what form the copies will have;
//! rendering a copy puts one recipient's values between slices of the received bytes.
//! [`relay_copy()`] is for service mail, [`preview()`] for people. Nothing here parses a message to
//! write it anew, decodes an attachment, or changes a structure.

mod abridge;
mod fields;
mod footer;
mod insert;
mod leaves;
mod place;
mod policy;
mod prepare;
mod prepared;
mod present;
mod preview;
mod refusal;
mod relay_copy;
mod render;
mod second_opinion;
mod thin;
mod verify;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;

pub use footer::{
    BrandVoice, Footer, FooterError, FooterSource, FooterTemplates, LeafKind, Wording,
};
pub use policy::{
    Fallback, IncomingListUnsubscribe, LinkSample, MailtoSample, Policy, PolicyError,
    ReceivedValue, Resigning,
};
pub use prepare::prepare;
pub use prepared::{Footers, FormFacts, Outcome, Prepared, Slots, SlotsError};
pub use preview::{Preview, preview};
pub use refusal::{BodyRefusal, Check, Rejected};
pub use relay_copy::relay_copy;
pub use render::render;
