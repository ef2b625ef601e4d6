//! A service message: one copy for everybody, as it came.

use std::sync::Arc;

use super::dispatch::{Dispatch, OnDeferredRecipient};
use super::frame::Frame;
use super::plan::PlannedCopy;
use super::record::{ClassRecord, DecisionRecord};
use super::trace::received_field;
use crate::classify::Classification;
use crate::rewrite;

/// A service message that was classified.
#[derive(Debug)]
pub struct ServiceDraft {
    /// Envelope, ids and ledger keys.
    pub frame: Arc<Frame>,
    classification: Classification,
    mode: Raw,
}

/// Why a message goes out as it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Raw {
    /// It is service mail.
    Service,
    /// Its stream only observes.
    Observed,
}

impl ServiceDraft {
    /// A draft for a message of class service, or one a stream only watches.
    pub(super) const fn new(frame: Arc<Frame>, classification: Classification, mode: Raw) -> Self {
        Self { frame, classification, mode }
    }

    /// Whether it is marketing of a stream that only observes, journalled by recipient.
    pub fn is_observed(&self) -> bool {
        self.mode == Raw::Observed
    }

    /// What the journal keeps: one row per message.
    pub fn decision_record(&self) -> DecisionRecord {
        DecisionRecord {
            decision: self.frame.decision(0),
            transaction: self.frame.transaction_id(),
            at: self.frame.transaction.received_at,
            stream: self.frame.stream_id().clone(),
            class: ClassRecord::of(&self.classification),
            marketing: None,
            refused: None,
            config: self.frame.house.config_digest,
        }
    }

    /// One copy for the recipients at `positions`; `None` if there are none.
    pub fn copy(
        &self,
        positions: &[usize],
        on_deferred: OnDeferredRecipient,
    ) -> Option<PlannedCopy> {
        if positions.is_empty() {
            return None;
        }
        let frame = &self.frame;
        let envelope = &frame.transaction.envelope;
        let received = received_field(&frame.transaction, &frame.house.hostname, frame.decision(0));
        let dispatch = Dispatch {
            reverse_path: envelope.reverse_path.clone(),
            forward_paths: positions.iter().map(|i| envelope.forward_paths[*i].clone()).collect(),
            body: envelope.body,
            smtputf8: envelope.smtputf8,
            data: rewrite::relay_copy(&frame.message, &received),
            on_deferred,
        };
        Some(PlannedCopy { recipients: positions.to_vec(), dispatch })
    }
}
