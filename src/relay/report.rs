//! What the relay tells telemetry: one function per thing that happened.

use tokio::time::Instant;

use super::attempt::Attempt;
use super::ports::StoreError;
use crate::classify::MessageClass;
use crate::eligibility::Reason;
use crate::pipeline::{Authority, Frame, Judgement, MarketingDraft, Refused, Ruling};
use crate::rewrite;
use crate::smtp::Reply;
use crate::telemetry::{
    ClassLabel, FooterOutcome, Metrics, Stage, StoreOperation, VerdictLabel, events,
};

/// A client was answered.
pub(super) fn answered(metrics: &Metrics, frame: &Frame, class: MessageClass, reply: &Reply) {
    let stream = frame.stream_id();
    let transaction = frame.transaction_id();
    let class = label(class);
    events::TransactionAnswered { transaction, stream, class, reply }.emit(metrics);
}

/// A message was refused before anybody was looked up.
pub(super) fn refused(metrics: &Metrics, refused: &Refused) {
    for index in 0..refused.frame.recipients() {
        events::RecipientDecided {
            decision: refused.frame.decision(index),
            stream: refused.frame.stream_id(),
            class: label(refused.class),
            verdict: VerdictLabel::Deny,
            reason: Some(refused.reason),
        }
        .emit(metrics);
    }
    answered(metrics, &refused.frame, refused.class, &refused.reply);
}

/// Every recipient of a marketing message was decided on.
pub(super) fn judged(metrics: &Metrics, draft: &MarketingDraft, judgement: &Judgement) {
    each(metrics, draft, judgement, |ruling| match &ruling.authority {
        Some(Authority::Permitted(_)) => VerdictLabel::Permit,
        Some(Authority::NotMarketing) => VerdictLabel::Service,
        Some(Authority::Observed) => VerdictLabel::ObservedDeny,
        None => VerdictLabel::Deny,
    });
}

/// Every recipient of an observed message was decided on, without effect.
pub(super) fn observed(metrics: &Metrics, draft: &MarketingDraft, judgement: &Judgement) {
    each(metrics, draft, judgement, |ruling| match ruling.verdict.is_denial() {
        true => VerdictLabel::ObservedDeny,
        false => VerdictLabel::ObservedPermit,
    });
}

fn each(
    metrics: &Metrics,
    draft: &MarketingDraft,
    judgement: &Judgement,
    verdict: impl Fn(&Ruling) -> VerdictLabel,
) {
    for ruling in judgement.rulings().iter().flatten() {
        events::RecipientDecided {
            decision: ruling.decision,
            stream: draft.frame.stream_id(),
            class: label(draft.class()),
            verdict: verdict(ruling),
            reason: ruling.reason().map(Reason::code),
        }
        .emit(metrics);
    }
}

/// Marketing was put off; nobody was decided on.
pub(super) fn deferred(metrics: &Metrics, draft: &MarketingDraft) {
    for index in 0..draft.frame.recipients() {
        events::RecipientDecided {
            decision: draft.frame.decision(index),
            stream: draft.frame.stream_id(),
            class: label(draft.class()),
            verdict: VerdictLabel::Defer,
            reason: None,
        }
        .emit(metrics);
    }
}

/// A service message was tried for its recipients.
pub(super) fn served(metrics: &Metrics, attempt: &Attempt) {
    for ending in &attempt.endings {
        events::RecipientDecided {
            // One journal row speaks for the whole message.
            decision: attempt.frame.decision(0),
            stream: attempt.frame.stream_id(),
            class: ClassLabel::Service,
            verdict: if ending.is_served() { VerdictLabel::Service } else { VerdictLabel::Defer },
            reason: None,
        }
        .emit(metrics);
    }
}

/// A marketing message was prepared.
pub(super) fn prepared(metrics: &Metrics, draft: &MarketingDraft) {
    let (outcome, reason) = match draft.prepared().outcome() {
        rewrite::Outcome::Edited { .. } => (FooterOutcome::Edited, None),
        rewrite::Outcome::HeadersOnly { reason } => {
            (FooterOutcome::HeadersOnly, Some(reason.as_str()))
        }
    };
    let transaction = draft.frame.transaction_id();
    events::FooterPlaced { transaction, outcome, reason }.emit(metrics);
}

/// A stage of a transaction ended.
pub(super) fn stage(metrics: &Metrics, frame: &Frame, stage: Stage, began: Instant) {
    let transaction = frame.transaction_id();
    events::StageFinished { transaction, stage, took: began.elapsed() }.emit(metrics);
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

const fn label(class: MessageClass) -> ClassLabel {
    match class {
        MessageClass::Service => ClassLabel::Service,
        MessageClass::Marketing => ClassLabel::Marketing,
        MessageClass::Depends => ClassLabel::Depends,
    }
}
