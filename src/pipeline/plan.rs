//! What will be sent, fixed before it is recorded and sendable only after.
//!
//! The types carry promise P1: copies come out of a [`RecordedPlan`], a recorded plan out of a
//! [`Receipt`], and a receipt out of the store's durable commit.

use super::dispatch::Dispatch;
use super::receipt::Receipt;
use super::reply_table::Course;
use crate::mail::MailData;

/// One upstream transaction of a message, and whose it is.
#[derive(Clone, Debug)]
pub struct PlannedCopy {
    /// Positions of its recipients within the message.
    pub recipients: Vec<usize>,
    /// What to hand to the upstream.
    pub dispatch: Dispatch,
}

/// The notice of a plan and whom it names.
#[derive(Clone, Debug)]
pub(super) struct PlannedNotice {
    pub(super) dispatch: Dispatch,
    pub(super) denied: Vec<usize>,
}

/// What one attempt would send. It cannot be sent: it is not recorded.
#[derive(Debug)]
pub struct Plan {
    pub(super) course: Course,
    pub(super) notice: Option<PlannedNotice>,
    pub(super) copies: Vec<PlannedCopy>,
    pub(super) claims: Vec<usize>,
}

impl Plan {
    /// The recipients this attempt will send to or notify about.
    pub fn claims(&self) -> &[usize] {
        &self.claims
    }

    /// What would be sent, with the recipients' positions.
    pub fn mails(&self) -> impl Iterator<Item = (&MailData, &[usize])> {
        self.copies.iter().map(|copy| (copy.dispatch.data(), copy.recipients.as_slice()))
    }

    /// The same plan, now that its decisions and claims are durable.
    pub fn recorded(self, _receipt: Receipt) -> RecordedPlan {
        RecordedPlan { plan: self }
    }
}

/// A plan whose decisions are durable: it may be sent.
#[derive(Debug)]
pub struct RecordedPlan {
    plan: Plan,
}

impl RecordedPlan {
    /// What to do.
    pub const fn course(&self) -> Course {
        self.plan.course
    }

    /// The notice to send before the copies, and the recipients it names.
    pub fn notice(&self) -> Option<(&Dispatch, &[usize])> {
        self.plan.notice.as_ref().map(|notice| (&notice.dispatch, notice.denied.as_slice()))
    }

    /// The recipients this attempt claimed.
    pub fn claims(&self) -> &[usize] {
        &self.plan.claims
    }

    /// The copies.
    pub fn into_copies(self) -> Vec<PlannedCopy> {
        self.plan.copies
    }
}
