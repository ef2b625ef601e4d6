//! What the relay tells telemetry: one method per thing that happened to a transaction.
//!
//! A trail follows one transaction from end-of-data to its reply; what it gathers becomes the
//! one line of its end. It decides nothing.

use tokio::time::Instant;

use super::ports::StoreError;
use crate::base::DecisionId;
use crate::classify::MessageClass;
use crate::eligibility::Reason;
use crate::pipeline::{
    Authority, Ending, Frame, Judgement, MarketingDraft, Outcome, Refused, Ruling,
};
use crate::rewrite;
use crate::smtp::Reply;
use crate::telemetry::{
    Account, ClassLabel, DeferCause, EnforceLabel, FooterOutcome, Metrics, ModeLabel, Stage,
    StoreOperation, VerdictLabel, events,
};

/// What one transaction leaves behind for telemetry.
pub(super) struct Trail<'a> {
    metrics: &'a Metrics,
    started: Instant,
    account: Account,
}

impl<'a> Trail<'a> {
    /// The trail of a transaction whose end-of-data came at `started`.
    pub(super) fn new(metrics: &'a Metrics, started: Instant) -> Self {
        Self { metrics, started, account: Account::new(metrics) }
    }

    /// A client is about to be answered.
    pub(super) fn answered(self, frame: &Frame, class: MessageClass, reply: &Reply) {
        events::TransactionFinished {
            transaction: frame.transaction(),
            stream: frame.stream_id(),
            class: ClassLabel::of(class),
            mode: ModeLabel::of(frame.mode()),
            enforce: EnforceLabel::of(frame.enforcement()),
            decisions: frame.journalled_decisions(),
            reply,
            took: self.started.elapsed(),
            account: &self.account,
        }
        .emit(self.metrics);
    }

    /// A message was refused before anybody was looked up.
    pub(super) fn refused(&mut self, refused: &Refused) {
        let (frame, class) = (&refused.frame, ClassLabel::of(refused.class));
        for index in 0..frame.recipients() {
            let decision = frame.decision(index);
            self.decided(frame, class, decision, (VerdictLabel::Deny, Some(refused.reason)));
        }
        if let Some(reason) = refused.unedited {
            let (transaction, outcome) = (frame.transaction_id(), FooterOutcome::Rejected);
            let reason = Some(reason);
            events::FooterPlaced { transaction, outcome, reason }.emit(self.metrics);
        }
    }

    /// Every recipient of a marketing message was decided on.
    pub(super) fn judged(&mut self, draft: &MarketingDraft, judgement: &Judgement) {
        self.each(draft, judgement, |ruling| match &ruling.authority {
            Some(Authority::Permitted(_)) => VerdictLabel::Permit,
            Some(Authority::NotMarketing) => VerdictLabel::Service,
            Some(Authority::Observed) => VerdictLabel::ObservedDeny,
            None => VerdictLabel::Deny,
        });
    }

    /// Every recipient of an observed message was decided on, without effect.
    pub(super) fn observed(&mut self, draft: &MarketingDraft, judgement: &Judgement) {
        self.each(draft, judgement, |ruling| match ruling.verdict.is_denial() {
            true => VerdictLabel::ObservedDeny,
            false => VerdictLabel::ObservedPermit,
        });
    }

    fn each(
        &mut self,
        draft: &MarketingDraft,
        judgement: &Judgement,
        verdict: impl Fn(&Ruling) -> VerdictLabel,
    ) {
        let class = ClassLabel::of(draft.class());
        for ruling in judgement.rulings().iter().flatten() {
            let decided = (verdict(ruling), ruling.reason().map(Reason::code));
            self.decided(&draft.frame, class, ruling.decision, decided);
        }
    }

    /// Marketing was put off: whatever was decided, nobody new is sent to.
    pub(super) fn deferred(&mut self, draft: &MarketingDraft, cause: DeferCause) {
        let (frame, class) = (&draft.frame, ClassLabel::of(draft.class()));
        let decided = (VerdictLabel::Defer, Some(cause.as_str()));
        for index in 0..frame.recipients() {
            self.decided(frame, class, frame.decision(index), decided);
        }
        self.account.deferred(u64::try_from(frame.recipients()).unwrap_or(u64::MAX), cause);
    }

    /// A service message was tried for its recipients.
    pub(super) fn served(&mut self, frame: &Frame, endings: &[Ending]) {
        for ending in endings {
            let verdict =
                if ending.is_served() { VerdictLabel::Service } else { VerdictLabel::Defer };
            // One journal row speaks for the whole message.
            self.decided(frame, ClassLabel::Service, frame.decision(0), (verdict, None));
        }
    }

    fn decided(
        &mut self,
        frame: &Frame,
        class: ClassLabel,
        decision: DecisionId,
        (verdict, reason): (VerdictLabel, Option<&'static str>),
    ) {
        let (stream, mode) = (frame.stream_id(), ModeLabel::of(frame.mode()));
        events::RecipientDecided { decision, stream, class, mode, verdict, reason }
            .emit(self.metrics);
        self.account.decided(verdict, reason);
    }

    /// A marketing message was prepared.
    pub(super) fn prepared(&self, draft: &MarketingDraft) {
        let (outcome, reason) = match draft.prepared().outcome() {
            _ if draft.is_observed() => (FooterOutcome::Untouched, None),
            rewrite::Outcome::Edited { .. } => (FooterOutcome::Edited, None),
            rewrite::Outcome::HeadersOnly { reason } => {
                (FooterOutcome::HeadersOnly, Some(reason.as_str()))
            }
        };
        let transaction = draft.frame.transaction_id();
        events::FooterPlaced { transaction, outcome, reason }.emit(self.metrics);
    }

    /// A stage of a transaction ended.
    pub(super) fn stage(&mut self, frame: &Frame, stage: Stage, began: Instant) {
        let (transaction, took) = (frame.transaction_id(), began.elapsed());
        events::StageFinished { transaction, stage, took }.emit(self.metrics);
        self.account.spent(stage, took);
    }

    /// Copies were handed over, as far as the reply could wait for them.
    pub(super) fn sent(&mut self, frame: &Frame, endings: &[Ending], began: Instant) {
        self.stage(frame, Stage::Send, began);
        for ending in endings {
            if let Ending::Tried(outcome) = ending {
                self.account.answered(outcome);
            }
        }
    }
}

/// A notice was handed over, or was not.
pub(super) fn notice(metrics: &Metrics, frame: &Frame, outcome: &Outcome) {
    let transaction = frame.transaction_id();
    events::NoticeFinished { transaction, outcome }.emit(metrics);
}

/// The store failed.
pub(super) fn store_failed(metrics: &Metrics, operation: StoreOperation, error: &StoreError) {
    events::StoreFailed { operation, error }.emit(metrics);
}

/// The store was not waited for.
pub(super) fn store_skipped(metrics: &Metrics, operation: StoreOperation) {
    let error = StoreError::Timeout;
    events::StoreFailed { operation, error: &error }.emit(metrics);
}
