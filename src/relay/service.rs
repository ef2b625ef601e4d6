//! The service lane: one copy for all recipients, and never a wait for the store (promise P5).

use std::sync::Arc;

use tokio::time::Instant;

use super::Inner;
use super::attempt::{Attempt, closing};
use super::ports::{Answer, Clock, DecisionRow, Journal, Query, Records, Upstream};
use super::report::{self, Trail};
use super::sending::Schedule;
use crate::pipeline::{
    Beside, DecisionRecord, Ending, Fate, Frame, LedgerEntry, OnDeferredRecipient, Outcome,
    ServiceDraft, UpstreamFault, conclude, replies,
};
use crate::smtp::{Dialect, ReplyClass};
use crate::telemetry::StoreOperation;

impl<S, U, C> Inner<S, U, C>
where
    S: Records + Journal,
    U: Upstream,
    C: Clock,
{
    /// Relays a service message unchanged but for the stated exceptions of promise P6.
    pub(super) async fn relay_service(
        self: &Arc<Self>,
        draft: ServiceDraft,
        schedule: Schedule,
        trail: &mut Trail<'_>,
    ) -> Answer {
        let frame = Arc::clone(&draft.frame);
        let total = frame.recipients();
        if self.in_flight.holds(frame.fate_keys()) {
            // A copy from an earlier attempt still waits for its reply.
            return Answer::open(replies::attempt_under_way());
        }
        let fates = self.fates_in_brief(&draft).await;
        let knows_fates = fates.is_some();
        let fates = fates.unwrap_or_default();
        if !draft.is_observed() {
            self.store.note(row(&frame, &draft.decision_record()));
        }
        let endings: Vec<Ending> = (0..total).map(|index| standing(fates.get(index))).collect();
        let remaining: Vec<usize> =
            (0..total).filter(|i| matches!(endings[*i], Ending::Tried(_))).collect();
        let dialect = frame.dialect();
        let on_deferred = match total > 1 && !knows_fates && dialect != Dialect::Lmtp {
            // Nobody could remember who got it: all or nobody.
            true => OnDeferredRecipient::Abort,
            false => OnDeferredRecipient::SendToOthers,
        };
        let copies = draft.copy(&remaining, on_deferred).into_iter().collect();
        let attempt = Attempt::new(Arc::clone(&frame), endings, &fates);
        let began = Instant::now();
        let attempt = self.carry(attempt, copies, &schedule).await;
        trail.sent(&frame, &attempt.endings, began);
        self.bear_witness(&frame, &attempt.endings);
        if !draft.is_observed() {
            trail.served(&frame, &attempt.endings);
        }
        if total == 1 {
            // One outcome, one reply: only a copy that lands late needs the ledger.
            let reply = conclude(&attempt.endings, None, frame.transaction_id());
            let known = fates.iter().any(|entry| *entry != LedgerEntry::default());
            let is_closed = known && reply.class() != ReplyClass::Transient;
            let closing = is_closed.then(|| closing(&frame, self.clock.now()));
            return Answer { replies: reply.into(), closing };
        }
        match dialect {
            Dialect::Lmtp => self.finish_each(attempt, &[]).await,
            Dialect::Smtp | Dialect::Esmtp => {
                self.finish(attempt, frame.notice_path(), &schedule).await
            }
        }
    }

    async fn fates_in_brief(&self, draft: &ServiceDraft) -> Option<Vec<LedgerEntry>> {
        let fates = draft.frame.fate_keys().to_vec();
        let query = Query { persons: Vec::new(), fates, scope: None };
        let snapshot = self.guard.brief(self.store.load(query)).await;
        if snapshot.is_none() {
            report::store_skipped(&self.metrics, StoreOperation::Load);
        }
        snapshot.map(|snapshot| snapshot.fates)
    }
}

fn standing(entry: Option<&LedgerEntry>) -> Ending {
    match entry.and_then(|entry| entry.fate) {
        Some(Fate::Accepted) => Ending::Accepted,
        Some(Fate::Refused | Fate::Notified) => Ending::Notified,
        None => Ending::Tried(Outcome::Failed(UpstreamFault::NotStarted)),
    }
}

/// One row per message; nobody's permission is asked, so no person is named.
pub(super) fn row(frame: &Frame, record: &DecisionRecord) -> DecisionRow {
    DecisionRow {
        id: frame.decision(0),
        transaction: frame.transaction_id(),
        person: None,
        permit_version: None,
        beside: Beside::default(),
        payload: record.encode(),
    }
}
