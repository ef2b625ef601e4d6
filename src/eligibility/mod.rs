//! Who may lawfully be sent what: evidence, records, rule sets and the decision over them.
//!
//! Pure: a case and the rules go in, a verdict comes out; time is an argument and evidence is
//! the log. It reads no message (that is `classify`) and stores nothing.

mod basis;
mod calendar;
mod case;
pub mod casefile;
pub mod csv;
mod decide;
mod draft;
mod evidence;
mod explain;
pub mod import;
mod jurisdictions;
pub mod netsuite;
mod policy;
mod reason;
mod record;
pub mod rules;
pub mod suppressions;
mod verdict;

pub use basis::Basis;
pub use case::{
    Case, Class, Form, Identity, MessageFacts, Purpose, RecipientFacts, UnsubscribeForm, Validity,
};
pub use decide::decide;
pub use draft::{DraftError, DraftScope, EvidenceDraft};

pub use evidence::{
    AddressKind, CollectionChannel, CollectionFact, ConsentFact, DealingFact, Evidence, Fact,
    Level, Mechanism, ObjectionChannel, Provenance, Scope, SubjectKind,
};
pub use explain::explain;
pub use jurisdictions::{Places, governing, jurisdictions};
pub use policy::{CollectionPoint, Policy, Similarities};
pub use reason::Reason;
pub use record::{Entry, ObjectionForm, RecipientRecord};
pub use rules::{RuleBook, RuleError, RuleSet};
pub use verdict::{Denial, Limb, Outcome, Permit, Report, RuleSetVerdict, Ruling, Verdict};
