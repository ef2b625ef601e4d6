//! The marketing lane: nothing leaves before its permit is durable (promise P1), and a record
//! that changed since it was read makes us decide again (promise P2).

use std::sync::Arc;

use super::Inner;
use super::attempt::Attempt;
use super::ports::{
    Answer, Clock, DecisionBatch, Journal, Query, RecordError, Records, Settlement, Snapshot,
    Upstream,
};
use super::sending::{Schedule, send_notice};
use crate::pipeline::{
    Course, Fate, Judgement, MarketingDraft, NoticePath, Outcome, PlanError, ReadRecord,
    RecordedPlan, replies,
};
use crate::smtp::Reply;
use crate::telemetry::events;

/// How often a changed record is decided on again before the client is asked to come back.
const DECISIONS_MAX: usize = 3;

impl<S, U, C> Inner<S, U, C>
where
    S: Records + Journal,
    U: Upstream,
    C: Clock,
{
    /// Decides for each recipient and relays copies to those who may be sent to.
    pub(super) async fn relay_marketing(
        self: &Arc<Self>,
        draft: MarketingDraft,
        schedule: Schedule,
    ) -> Answer {
        let mut notice = draft.frame.notice_path();
        for _ in 0..DECISIONS_MAX {
            let snapshot = match self.load(&draft).await {
                Ok(snapshot) => snapshot,
                Err(reply) => return self.deferred(&draft, reply),
            };
            let judgement = draft.judge(&read_records(&snapshot), &snapshot.fates);
            let course = judgement.course(notice);
            if course == Course::Wait {
                return self.deferred(&draft, replies::attempt_under_way());
            }
            let plan = match draft.plan(&judgement, course, snapshot.scope_id, self.clock.now()) {
                Ok(plan) => plan,
                Err(PlanError::Notice(_)) => {
                    // A notice that cannot be written is answered like one nobody takes.
                    notice = NoticePath::Closed;
                    continue;
                }
                Err(PlanError::NoScope | PlanError::Slots) => {
                    return self.deferred(&draft, replies::store_unavailable());
                }
            };
            let batch = self.batch(&draft, &judgement, plan.claims());
            match self.store.record(batch).await {
                Ok(receipt) => {
                    events::Judged::of(&draft, &judgement).emit(&self.metrics);
                    let recorded = plan.recorded(receipt);
                    return self.carry_out(&draft, judgement, recorded, &schedule).await;
                }
                Err(RecordError::Conflict) => {
                    events::DecidedAgain { stream: draft.frame.stream_id() }.emit(&self.metrics);
                }
                Err(RecordError::Claimed) => {
                    return self.deferred(&draft, replies::attempt_under_way());
                }
                Err(RecordError::Store(error)) => {
                    events::StoreFailed { operation: "record", error: &error }.emit(&self.metrics);
                    return self.deferred(&draft, replies::store_unavailable());
                }
            }
        }
        self.deferred(&draft, replies::contended())
    }

    async fn load(&self, draft: &MarketingDraft) -> Result<Snapshot, Reply> {
        let query = Query {
            persons: draft.persons(),
            fates: draft.frame.fate_keys().to_vec(),
            scope: Some(draft.scope().clone()),
        };
        self.store.load(query).await.map_err(|error| {
            events::StoreFailed { operation: "load", error: &error }.emit(&self.metrics);
            replies::store_unavailable()
        })
    }

    fn deferred(&self, draft: &MarketingDraft, reply: Reply) -> Answer {
        events::MarketingDeferred { frame: &draft.frame, reply: &reply }.emit(&self.metrics);
        Answer { reply, closing: None }
    }

    fn batch(
        &self,
        draft: &MarketingDraft,
        judgement: &Judgement,
        claimed: &[usize],
    ) -> DecisionBatch {
        let grace = std::time::Duration::from_mins(10);
        DecisionBatch {
            fingerprint: draft.frame.fingerprint(),
            decisions: judgement.rulings().iter().flatten().map(|r| row(draft, r)).collect(),
            claims: claimed.iter().map(|index| draft.frame.fate_key(*index)).collect(),
            claimed_until: self.clock.now().after(self.deadlines.reply + grace),
        }
    }

    async fn carry_out(
        self: &Arc<Self>,
        draft: &MarketingDraft,
        judgement: Judgement,
        plan: RecordedPlan,
        schedule: &Schedule,
    ) -> Answer {
        let frame = Arc::clone(&draft.frame);
        let mut notice_path = frame.notice_path();
        let mut attempt = Attempt::new(frame, judgement.endings(), judgement.fates());
        if plan.course() == Course::Refuse {
            return self.refused(&judgement, judgement.denial());
        }
        if let Some((notice, denied)) = plan.notice() {
            match send_notice(&*self.upstream, notice).await {
                Outcome::Accepted(_) => {
                    attempt.notified(denied, Fate::Notified);
                    self.settle(attempt.settlement(self.clock.now())).await;
                }
                Outcome::Refused(_) if !judgement.was_sent() => {
                    // Nobody can be told, so the mode acts as `reject`.
                    attempt.released(plan.claims());
                    self.settle(attempt.settlement(self.clock.now())).await;
                    return self.refused(&judgement, judgement.denial());
                }
                Outcome::Refused(_) => notice_path = NoticePath::Closed,
                Outcome::Deferred(_) | Outcome::Failed(_) | Outcome::InDoubt => {
                    attempt.released(plan.claims());
                    self.settle(attempt.settlement(self.clock.now())).await;
                    return self.deferred(draft, replies::notice_deferred());
                }
            }
        }
        let attempt = self.carry(attempt, plan.into_copies(), schedule).await;
        self.finish(attempt, notice_path, None).await
    }

    /// 550 for everybody. Older ledger entries of the message go once the reply is written.
    fn refused(&self, judgement: &Judgement, denial: Reply) -> Answer {
        let closing = judgement.has_ledger_entries().then(|| Settlement {
            fingerprint: judgement.fingerprint(),
            fates: Vec::new(),
            outcomes: Vec::new(),
            closes: true,
            at: self.clock.now(),
        });
        Answer { reply: denial, closing }
    }
}

fn read_records(snapshot: &Snapshot) -> Vec<ReadRecord<'_>> {
    let read = |versioned: &'_ VersionedRecord| ReadRecord {
        version: versioned.version,
        record: &versioned.record,
        last_marketing_sent_at: versioned.last_marketing_sent_at,
    };
    snapshot.records.iter().map(read).collect()
}

/// The journal row of one ruling: permits are conditional on the record's version.
pub(super) fn row(draft: &MarketingDraft, ruling: &Ruling) -> DecisionRow {
    let record = draft.decision_record(ruling);
    let is_conditional = matches!(ruling.authority, Some(Authority::Permitted(_)));
    DecisionRow {
        id: ruling.decision,
        transaction: draft.frame.transaction_id(),
        person: Some(draft.person_of(ruling)),
        permit_version: is_conditional.then_some(ruling.record_version),
        payload: record.encode(),
    }
}
