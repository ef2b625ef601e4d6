//! Who may lawfully be sent what: evidence, records, rule sets and the decision over them.

mod evidence;
mod record;

pub use evidence::{
    AddressKind, CollectionChannel, CollectionFact, ConsentFact, DealingFact, Evidence, Fact,
    Level, Mechanism, ObjectionChannel, Provenance, Scope, SubjectKind,
};
pub use record::RecipientRecord;
