//! The marketing lane: nothing leaves before its permit is durable (promise P1), and a record
//! that changed since it was read makes us decide again (promise P2).

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::Inner;
use super::attempt::{Attempt, closing};
use super::ports::{
    Answer, Clock, DecisionBatch, DecisionRow, Hold, Journal, Query, RecordError, Records,
    Snapshot, StoreError, Upstream, VersionedRecord,
};
use super::report::{self, Trail};
use super::sending::Schedule;
use crate::base::Digest;
use crate::eligibility::Successions;
use crate::pipeline::{
    Beside, Course, Fate, Judgement, MarketingDraft, NoticePath, Outcome, Plan, PlanError,
    ReadRecord, RecordedPlan, Ruling, replies,
};
use crate::smtp::{Dialect, Reply};
use crate::telemetry::{DeferCause, Metrics, Stage, StoreOperation};

/// How often a changed record is decided on again before the client is asked to come back.
const DECISIONS_MAX: usize = 3;

/// Decisions that are durable, and what is sent because of them.
struct Recorded {
    judgement: Judgement,
    plan: RecordedPlan,
}

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
        trail: &mut Trail<'_>,
    ) -> Answer {
        trail.prepared(&draft);
        if draft.is_observed() {
            return self.relay_observed(draft, schedule, trail).await;
        }
        let mut notice = draft.frame.notice_path();
        for _ in 0..DECISIONS_MAX {
            let began = Instant::now();
            let snapshot = match self.load(&draft).await {
                Ok(snapshot) => snapshot,
                Err(reply) => return deferred(&draft, reply, DeferCause::StoreUnavailable, trail),
            };
            trail.stage(&draft.frame, Stage::Load, began);
            let began = Instant::now();
            let judgement = draft.judge(&read_records(&snapshot), &snapshot.fates);
            trail.stage(&draft.frame, Stage::Decide, began);
            let course = judgement.course(notice);
            if course == Course::Wait {
                let reply = replies::attempt_under_way();
                return deferred(&draft, reply, DeferCause::AttemptUnderWay, trail);
            }
            let began = Instant::now();
            let plan = match draft.plan(&judgement, course, snapshot.scope_id, self.clock.now()) {
                Ok(plan) => plan,
                Err(PlanError::Notice(_)) => {
                    // A notice that cannot be written is answered like one nobody takes.
                    notice = NoticePath::Closed;
                    continue;
                }
                Err(PlanError::NoScope | PlanError::Slots) => {
                    let reply = replies::store_unavailable();
                    return deferred(&draft, reply, DeferCause::StoreUnavailable, trail);
                }
            };
            trail.stage(&draft.frame, Stage::Render, began);
            let began = Instant::now();
            let digests = digests_of(&plan).await;
            let batch = self.batch(&draft, &judgement, &plan, &digests);
            match self.store.record(batch).await {
                Ok(receipt) => {
                    trail.stage(&draft.frame, Stage::Record, began);
                    trail.judged(&draft, &judgement);
                    let recorded = Recorded { plan: plan.recorded(receipt), judgement };
                    return self.carry_out(&draft, recorded, &schedule, trail).await;
                }
                // Somebody's record changed: decide again on what it says now (promise P2).
                Err(RecordError::Conflict) => {}
                Err(RecordError::Claimed) => {
                    let reply = replies::attempt_under_way();
                    return deferred(&draft, reply, DeferCause::AttemptUnderWay, trail);
                }
                Err(RecordError::Store(error)) => {
                    let (reply, cause) = not_recorded(&self.metrics, &error);
                    return deferred(&draft, reply, cause, trail);
                }
            }
        }
        deferred(&draft, replies::contended(), DeferCause::RecordContended, trail)
    }

    async fn load(&self, draft: &MarketingDraft) -> Result<Snapshot, Reply> {
        let query = Query {
            persons: draft.persons(),
            fates: draft.frame.fate_keys().to_vec(),
            scope: Some(draft.scope().clone()),
        };
        self.store.load(query).await.map_err(|error| {
            report::store_failed(&self.metrics, StoreOperation::Load, &error);
            replies::store_unavailable()
        })
    }

    fn batch(
        &self,
        draft: &MarketingDraft,
        judgement: &Judgement,
        plan: &Plan,
        copies: &BTreeMap<usize, Digest>,
    ) -> DecisionBatch {
        let grace = std::time::Duration::from_mins(10);
        let rulings = judgement.rulings().iter().enumerate();
        let decisions = rulings.filter_map(|(index, ruling)| {
            ruling.as_ref().map(|ruling| row(draft, ruling, copies.get(&index).copied()))
        });
        DecisionBatch {
            fingerprint: draft.frame.fingerprint(),
            decisions: decisions.collect(),
            claims: plan.claims().iter().map(|index| draft.frame.fate_key(*index)).collect(),
            claimed_until: self.clock.now().after(self.deadlines.reply + grace),
        }
    }

    async fn carry_out(
        self: &Arc<Self>,
        draft: &MarketingDraft,
        recorded: Recorded,
        schedule: &Schedule,
        trail: &mut Trail<'_>,
    ) -> Answer {
        let Recorded { judgement, plan } = recorded;
        let began = Instant::now();
        let frame = Arc::clone(&draft.frame);
        let mut notice_path = frame.notice_path();
        let mut attempt = Attempt::new(frame, judgement.endings(), judgement.fates())
            .permitted(judgement.permitted());
        if plan.course() == Course::Refuse {
            return self.refused(draft, &judgement);
        }
        if let Some((notice, denied)) = plan.notice() {
            match self.notify(&attempt.frame, notice.clone(), schedule).await {
                Outcome::Accepted(_) => {
                    attempt.notified(denied, Fate::Notified);
                    self.settle(attempt.settlement(self.clock.now())).await;
                }
                Outcome::Refused(_) if !judgement.was_sent() => {
                    // Nobody can be told, so the mode acts as `reject`.
                    attempt.released(plan.claims());
                    self.settle(attempt.settlement(self.clock.now())).await;
                    return self.refused(draft, &judgement);
                }
                Outcome::Refused(_) => notice_path = NoticePath::Closed,
                Outcome::Deferred(_) | Outcome::Failed(_) | Outcome::InDoubt => {
                    attempt.released(plan.claims());
                    self.settle(attempt.settlement(self.clock.now())).await;
                    let reply = replies::notice_deferred();
                    return deferred(draft, reply, DeferCause::NoticeDeferred, trail);
                }
            }
        }
        let attempt = self.carry(attempt, plan.into_copies(), schedule).await;
        trail.sent(&draft.frame, &attempt.endings, began);
        self.bear_witness(&draft.frame, &attempt.endings);
        match attempt.frame.dialect() {
            Dialect::Lmtp => self.finish_each(attempt, &judgement.denials()).await,
            Dialect::Smtp | Dialect::Esmtp => self.finish(attempt, notice_path, schedule).await,
        }
    }

    /// 550 for everybody. Older ledger entries of the message go once the reply is written.
    fn refused(&self, draft: &MarketingDraft, judgement: &Judgement) -> Answer {
        let closing =
            judgement.has_ledger_entries().then(|| closing(&draft.frame, self.clock.now()));
        Answer { replies: judgement.denial().into(), closing }
    }
}

/// What a client is told when decisions could not be made durable.
fn not_recorded(metrics: &Metrics, error: &StoreError) -> (Reply, DeferCause) {
    match error {
        StoreError::Held(Hold::Restored) => (replies::held_restored(), DeferCause::HeldRestore),
        StoreError::Held(Hold::ClockBack | Hold::ClockBeforeBuild) => {
            (replies::held_by_clock(), DeferCause::HeldClock)
        }
        StoreError::Unavailable(_) | StoreError::Timeout | StoreError::Overloaded => {
            report::store_failed(metrics, StoreOperation::Record, error);
            (replies::store_unavailable(), DeferCause::StoreUnavailable)
        }
    }
}

/// 451: nobody new is sent to in this attempt.
fn deferred(
    draft: &MarketingDraft,
    reply: Reply,
    cause: DeferCause,
    trail: &mut Trail<'_>,
) -> Answer {
    trail.deferred(draft, cause);
    Answer::open(reply)
}

/// SHA-256 of each copy, by the recipient's position. Others get their turn between large ones.
async fn digests_of(plan: &Plan) -> BTreeMap<usize, Digest> {
    const AT_ONCE_BYTES: usize = 1 << 20;
    let mut digests = BTreeMap::new();
    let mut bytes = 0;
    for (mail, recipients) in plan.mails() {
        let digest = mail.digest();
        digests.extend(recipients.iter().map(|index| (*index, digest)));
        bytes += mail.len();
        if bytes >= AT_ONCE_BYTES {
            bytes = 0;
            tokio::task::yield_now().await;
        }
    }
    digests
}

pub(super) fn read_records(snapshot: &Snapshot) -> Vec<ReadRecord<'_>> {
    let read = |versioned| read_record(versioned, &snapshot.history);
    snapshot.records.iter().map(read).collect()
}

fn read_record<'s>(versioned: &'s VersionedRecord, history: &'s Successions) -> ReadRecord<'s> {
    ReadRecord {
        version: versioned.version,
        record: &versioned.record,
        last_marketing_sent_at: versioned.last_marketing_sent_at,
        domain: versioned.domain.as_ref(),
        registers: &versioned.registers,
        beside: &versioned.beside,
        history,
    }
}

/// The journal row of one ruling: permits are conditional on the record's version. It names the
/// digest of the copy, if one leaves.
pub(super) fn row(draft: &MarketingDraft, ruling: &Ruling, copy: Option<Digest>) -> DecisionRow {
    let record = draft.decision_record(ruling, copy);
    // Promise P2: whatever is sent, the record must still say what was read; only a stream that
    // merely observes sends regardless.
    let is_conditional = ruling.authority.is_some() && !draft.is_observed();
    DecisionRow {
        id: ruling.decision,
        transaction: draft.frame.transaction_id(),
        person: draft.person_of(ruling),
        permit_version: is_conditional.then_some(ruling.record_version),
        beside: match is_conditional {
            true => ruling.beside.clone(),
            false => Beside::default(),
        },
        payload: record.encode(),
    }
}
