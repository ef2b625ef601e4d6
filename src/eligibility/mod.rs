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
mod fact;
pub mod import;
mod jurisdictions;
pub mod netsuite;
mod policy;
mod reason;
mod record;
mod relationship;
pub mod rules;
mod succession;
pub mod suppressions;
mod verdict;

pub use basis::Basis;
pub use case::{
    BulkCounts, Case, Class, Form, Identity, MessageFacts, Purpose, Reading, RecipientFacts,
    RegisterFacts, UnsubscribeForm, Validity,
};
pub use decide::decide;
pub use draft::{DraftError, DraftScope, EvidenceDraft};

pub use evidence::{Evidence, Level, Provenance};
pub use explain::explain;
pub use fact::{
    AddressKind, CollectionChannel, CollectionFact, ConsentFact, Fact, Mechanism, ObjectionChannel,
    ReferralFact, Scope, SubjectKind,
};
pub use jurisdictions::{Places, governing, jurisdictions};
pub use policy::{CollectionPoint, Policy, Similarities};
pub use reason::Reason;
pub use record::{Entry, ObjectionForm, RecipientRecord};
pub use relationship::{DealingFact, RelationshipKind};
pub use rules::{RuleBook, RuleError, RuleSet};
pub use succession::{Deal, Succession, Successions};
pub use verdict::{Denial, Limb, Outcome, Permit, Report, RuleSetVerdict, Ruling, Verdict};
