//! The order of things for one transaction, as values: plan, reply and explanation.
//!
//! classify → prepare → decide → render → reply. Pure: the relay brings what must be read and
//! carries out what is planned here.

mod dispatch;
mod examine;
mod explain;
mod frame;
mod house;
mod judgement;
mod ledger;
mod marketing;
mod modes;
pub mod notice;
mod plan;
mod receipt;
mod record;
pub mod replies;
mod reply_table;
mod service;
mod source;
mod stream;
mod testimony;
mod trace;

/// Why a stream sends.
pub use crate::eligibility::Purpose;
pub use dispatch::{Dispatch, OnDeferredRecipient, Outcome, UpstreamFault};
pub use examine::{Lane, Refused, examine};
pub use explain::{ToldEvidence, ToldOutcome, explain};
pub use frame::Frame;
pub use house::{Client, House, Sender, Stream};
pub use judgement::{Authority, Judgement, Ruling};
pub use ledger::{Fate, FateKey, Fingerprint, LedgerEntry, Settled};
pub use marketing::{MarketingDraft, PlanError, ReadRecord};
pub use modes::{Disclose, Enforce, Lease, Mode, NoticeTo};
pub use plan::{Plan, PlannedCopy, RecordedPlan};
pub use receipt::Receipt;
pub use record::{
    Beside, ClassRecord, DecisionRecord, MarketingRecord, OutcomeRecord, RowVersion,
    outcome_payload,
};
pub use reply_table::{
    Course, Ending, NoticePath, Standing, conclude, conclude_each, course, course_for_each,
};
pub use service::ServiceDraft;
pub use source::SourceText;
pub use stream::{Matcher, Sighting};
pub use testimony::TestimonyError;
pub use trace::received_field;
