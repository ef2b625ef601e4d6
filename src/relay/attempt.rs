//! The bookkeeping of one attempt: what became of each recipient, and what of that is durable.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ports::{Answer, Clock, Journal, OutcomeRow, Records, Settlement, StoreError, Upstream};
use super::sending::{CopyDone, Flight, Schedule, Step, send_notice};
use super::{Inner, report};
use crate::base::Timestamp;
use crate::pipeline::{
    self, Dispatch, Ending, Fate, FateKey, Frame, LedgerEntry, NoticePath, Outcome, PlannedCopy,
    Settled, replies,
};
use crate::smtp::{Reply, ReplyClass};
use crate::telemetry::{StoreOperation, events};

/// Accepted copies are made durable at the latest after this long…
const SETTLE_AFTER: Duration = Duration::from_millis(200);
/// …or when this many wait. Together they bound the duplicate window of a crash.
const SETTLE_COUNT: usize = 50;
/// A settlement the store did not take is tried again after this, doubling up to 64 times it…
const SETTLE_RETRY_FIRST: Duration = Duration::from_millis(250);
/// …so often: some ten minutes in all, as long as claims last.
const SETTLE_RETRIES: u32 = 45;

/// One attempt to relay one message.
pub(super) struct Attempt {
    pub(super) frame: Arc<Frame>,
    pub(super) endings: Vec<Ending>,
    /// Whose copy rests on a permit: only that is a use of a permission.
    permitted: Vec<bool>,
    first_deferred: Vec<Option<Timestamp>>,
    fresh: Vec<(usize, Settled)>,
    fresh_since: Option<Instant>,
}

impl Attempt {
    /// An attempt whose recipients stand as `endings` says before anything is sent.
    pub(super) fn new(frame: Arc<Frame>, endings: Vec<Ending>, fates: &[LedgerEntry]) -> Self {
        let first_deferred = (0..endings.len())
            .map(|index| fates.get(index).and_then(|entry| entry.first_deferred_at))
            .collect();
        let permitted = vec![false; endings.len()];
        Self { frame, endings, permitted, first_deferred, fresh: Vec::new(), fresh_since: None }
    }

    /// The same attempt, with what of it rests on permits.
    pub(super) fn permitted(mut self, permitted: Vec<bool>) -> Self {
        self.permitted = permitted;
        self
    }

    /// Takes note of a finished copy.
    pub(super) fn learn(&mut self, done: CopyDone, now: Timestamp) {
        for (index, outcome) in done.recipients.into_iter().zip(done.outcomes) {
            let outcome = self.expire(index, outcome, now);
            let settled = match &outcome {
                Outcome::Accepted(_) => Settled::Final(Fate::Accepted),
                Outcome::Deferred(_) => Settled::Deferred,
                Outcome::Refused(_) | Outcome::Failed(_) | Outcome::InDoubt => Settled::Released,
            };
            self.endings[index] = Ending::Tried(outcome);
            self.mark(index, settled);
        }
    }

    /// A recipient deferred for too long becomes refused, so that one that is stuck does not
    /// fail the others for ever.
    fn expire(&self, index: usize, outcome: Outcome, now: Timestamp) -> Outcome {
        let Outcome::Deferred(reply) = &outcome else { return outcome };
        let stuck_since = self.first_deferred.get(index).copied().flatten();
        let deferral_max = self.frame.deferral_max();
        match stuck_since {
            Some(since) if now.since(since) > deferral_max => {
                Outcome::Refused(replies::deferred_too_long(reply))
            }
            _ => outcome,
        }
    }

    fn mark(&mut self, index: usize, settled: Settled) {
        self.fresh.retain(|(known, _)| *known != index);
        self.fresh.push((index, settled));
        self.fresh_since.get_or_insert_with(Instant::now);
    }

    /// Takes note that recipients were named in an accepted notice.
    pub(super) fn notified(&mut self, recipients: &[usize], fate: Fate) {
        for index in recipients {
            self.endings[*index] = Ending::Notified;
            self.mark(*index, Settled::Final(fate));
        }
    }

    /// Takes note that recipients were not tried, so that their claims are released.
    pub(super) fn released(&mut self, recipients: &[usize]) {
        for index in recipients {
            self.mark(*index, Settled::Released);
        }
    }

    fn settle_at(&self) -> Option<Instant> {
        self.fresh_since.map(|since| since + SETTLE_AFTER)
    }

    fn is_settling_due(&self) -> bool {
        self.fresh.len() >= SETTLE_COUNT
            || self.settle_at().is_some_and(|due| due <= Instant::now())
    }

    /// What is not yet durable, as one settlement; nothing is fresh afterwards.
    pub(super) fn settlement(&mut self, now: Timestamp) -> Settlement {
        self.fresh_since = None;
        let fresh = std::mem::take(&mut self.fresh);
        let outcomes = fresh.iter().map(|(index, _)| self.outcome_row(*index)).collect();
        let fates = fresh.into_iter().map(|(index, settled)| (self.frame.fate_key(index), settled));
        Settlement {
            fingerprint: self.frame.fingerprint(),
            fates: fates.collect(),
            outcomes,
            closes: Vec::new(),
            at: now,
        }
    }

    fn outcome_row(&self, index: usize) -> OutcomeRow {
        let ending = &self.endings[index];
        let is_sent = matches!(ending, Ending::Tried(Outcome::Accepted(_)) | Ending::Accepted);
        // Mail sent without a permit keeps no consent alive.
        let is_permitted = self.permitted.get(index).copied().unwrap_or(false);
        OutcomeRow {
            decision: self.frame.decision(index),
            transaction: self.frame.transaction_id(),
            sent_to: self.frame.marketing_person(index).filter(|_| is_sent && is_permitted),
            payload: pipeline::outcome_payload(ending),
        }
    }

    /// The recipients the upstream refused for good in this attempt.
    fn refused(&self) -> Vec<usize> {
        let is_refused = |ending: &Ending| matches!(ending, Ending::Tried(Outcome::Refused(_)));
        (0..self.endings.len()).filter(|index| is_refused(&self.endings[*index])).collect()
    }

    /// Whether somebody was served and somebody refused, so that a notice must tell.
    fn needs_refusal_notice(&self, notice: NoticePath) -> bool {
        notice == NoticePath::Open
            && !self.refused().is_empty()
            && self.endings.iter().any(Ending::is_served)
    }

    /// The recipients the ledger may know of and to whom `told` is the last word; the others
    /// will come again.
    fn closed_by(&self, told: &[Reply]) -> Vec<FateKey> {
        let is_known = |index: usize| {
            // Who is denied was neither claimed nor settled; only an earlier deferral stands.
            let was_deferred = self.first_deferred.get(index).copied().flatten().is_some();
            was_deferred || !matches!(self.endings[index], Ending::Denied)
        };
        let is_final = |index: usize| {
            told.get(index).is_some_and(|reply| reply.class() != ReplyClass::Transient)
        };
        let closed = (0..self.endings.len()).filter(|index| is_known(*index) && is_final(*index));
        closed.map(|index| self.frame.fate_key(index)).collect()
    }

    fn is_everybody_served(&self) -> bool {
        self.endings.iter().all(Ending::is_served)
    }
}

/// Forgets the recipients of a transaction that got its final reply, and nothing else.
pub(super) fn closing(frame: &Frame, at: Timestamp) -> Settlement {
    Settlement {
        fingerprint: frame.fingerprint(),
        fates: Vec::new(),
        outcomes: Vec::new(),
        closes: frame.fate_keys().to_vec(),
        at,
    }
}

impl<S, U, C> Inner<S, U, C>
where
    S: Records + Journal,
    U: Upstream,
    C: Clock,
{
    /// Sends `copies`, settling as it goes. When the reply is due, what is still under way is
    /// awaited in the background and settled late.
    pub(super) async fn carry(
        self: &Arc<Self>,
        mut attempt: Attempt,
        copies: Vec<PlannedCopy>,
        schedule: &Schedule,
    ) -> Attempt {
        let mut flight = Flight::new(Arc::clone(&self.upstream), copies);
        loop {
            match flight.next(schedule, attempt.settle_at()).await {
                Step::Done(done) => {
                    self.count(&attempt, &done);
                    attempt.learn(done, self.clock.now());
                }
                Step::SettleDue => {}
                Step::Landed => return attempt,
                Step::ReplyDue => {
                    for done in flight.give_up_waiting() {
                        attempt.learn(done, self.clock.now());
                    }
                    self.leave_to_background(&attempt, flight);
                    return attempt;
                }
            }
            if attempt.is_settling_due() {
                self.settle_for(&attempt.frame.clone(), attempt.settlement(self.clock.now())).await;
            }
        }
    }

    fn count(&self, attempt: &Attempt, done: &CopyDone) {
        let transaction = attempt.frame.transaction_id();
        if let Some(took) = done.took {
            events::UpstreamTransactionFinished { transaction, took }.emit(&self.metrics);
        }
        for outcome in &done.outcomes {
            events::CopyFinished { transaction, outcome }.emit(&self.metrics);
        }
    }

    fn leave_to_background(self: &Arc<Self>, attempt: &Attempt, mut flight: Flight<U>) {
        let under_way = flight.under_way();
        if under_way.is_empty() {
            return;
        }
        let inner = Arc::clone(self);
        let mut late = Attempt::new(Arc::clone(&attempt.frame), attempt.endings.clone(), &[]);
        let keys = under_way.iter().map(|index| late.frame.fate_key(*index)).collect();
        let in_flight = self.in_flight.enter(keys);
        self.late.spawn(async move {
            let _in_flight = in_flight;
            while let Some(done) = flight.next_late().await {
                inner.count(&late, &done);
                late.learn(done, inner.clock.now());
                inner.settle(late.settlement(inner.clock.now())).await;
            }
        });
    }

    /// Notifies about recipients the upstream refused, if others got the message; then gives
    /// the reply, making durable first whatever the reply does not already settle.
    pub(super) async fn finish(
        &self,
        mut attempt: Attempt,
        notice: NoticePath,
        schedule: &Schedule,
    ) -> Answer {
        if attempt.needs_refusal_notice(notice) {
            // What was accepted must not wait for a notice that may take its time.
            let settlement = attempt.settlement(self.clock.now());
            self.settle_for(&attempt.frame, settlement).await;
            self.notify_refused(&mut attempt, schedule).await;
        }
        let reply = pipeline::conclude(&attempt.endings, None, attempt.frame.transaction_id());
        let mut settlement = attempt.settlement(self.clock.now());
        if attempt.is_everybody_served() {
            // Answered first, closed afterwards: nothing fallible stands between the
            // upstream's last 250 and ours (RFC 1047).
            settlement.closes = attempt.frame.fate_keys().to_vec();
            return Answer { replies: reply.into(), closing: Some(settlement) };
        }
        let closing = closing(&attempt.frame, settlement.at);
        self.settle_for(&attempt.frame, settlement).await;
        let is_final = reply.class() != ReplyClass::Transient;
        Answer { replies: reply.into(), closing: is_final.then_some(closing) }
    }

    /// Gives each recipient its own reply, over LMTP; `denials` holds the words for those denied.
    /// Nobody is notified: whoever got nothing is told so by name (promise P4).
    pub(super) async fn finish_each(
        &self,
        mut attempt: Attempt,
        denials: &[Option<Reply>],
    ) -> Answer {
        let told =
            pipeline::conclude_each(&attempt.endings, denials, attempt.frame.transaction_id());
        let replies = attempt.frame.replies(&told);
        let closes = attempt.closed_by(&told);
        let mut settlement = attempt.settlement(self.clock.now());
        if attempt.is_everybody_served() {
            settlement.closes = closes;
            return Answer { replies, closing: Some(settlement) };
        }
        let closing = Settlement { closes, ..closing(&attempt.frame, settlement.at) };
        self.settle_for(&attempt.frame, settlement).await;
        let closing = (!closing.closes.is_empty()).then_some(closing);
        Answer { replies, closing }
    }

    async fn notify_refused(&self, attempt: &mut Attempt, schedule: &Schedule) {
        let refused = attempt.refused();
        let planned = attempt.frame.refusal_notice(&attempt.endings, self.clock.now());
        let outcome = match planned {
            Some(dispatch) => self.notify(&attempt.frame, dispatch, schedule).await,
            None => return,
        };
        match outcome {
            Outcome::Accepted(_) => attempt.notified(&refused, Fate::Refused),
            // Refused for good: the 250 counts them instead (reply table).
            Outcome::Refused(_) => {}
            Outcome::Deferred(_) | Outcome::Failed(_) | Outcome::InDoubt => {
                for index in refused {
                    attempt.endings[index] = Ending::Tried(outcome.clone());
                }
            }
        }
    }

    /// Hands over a notice.
    pub(super) async fn notify(
        &self,
        frame: &Frame,
        notice: Dispatch,
        schedule: &Schedule,
    ) -> Outcome {
        let outcome = send_notice(&self.upstream, notice, schedule).await;
        report::notice(&self.metrics, frame, &outcome);
        outcome
    }

    /// Makes `settlement` durable; for service mail only if the store answers within the 50 ms
    /// that promise P5 grants it, however that may widen the duplicate window.
    async fn settle_for(&self, frame: &Frame, settlement: Settlement) {
        if !frame.is_service() {
            self.settle(settlement).await;
        } else if !settlement.fates.is_empty()
            && self.guard.brief(self.store.settle(settlement)).await.is_none()
        {
            report::store_skipped(&self.metrics, StoreOperation::Settle);
        }
    }

    /// Makes `settlement` durable, now or as soon as the store answers again.
    pub(super) async fn settle(&self, settlement: Settlement) {
        if settlement.fates.is_empty()
            && settlement.outcomes.is_empty()
            && settlement.closes.is_empty()
        {
            return;
        }
        if let Err(error) = self.store.settle(settlement.clone()).await {
            report::store_failed(&self.metrics, StoreOperation::Settle, &error);
            self.settle_later(settlement, &error);
        }
    }

    /// Goes on trying in the background: until then live claims make retries wait, so nothing
    /// is sent twice.
    fn settle_later(&self, mut settlement: Settlement, error: &StoreError) {
        if *error == StoreError::Timeout {
            // The store may yet carry it out; fates may be written twice, outcomes may not.
            settlement.outcomes.clear();
        }
        let store = Arc::clone(&self.store);
        self.late.spawn(async move {
            for attempt in 0..SETTLE_RETRIES {
                tokio::time::sleep(SETTLE_RETRY_FIRST * 2_u32.pow(attempt.min(6))).await;
                match store.settle(settlement.clone()).await {
                    Ok(()) => return,
                    Err(StoreError::Timeout) => settlement.outcomes.clear(),
                    Err(
                        StoreError::Unavailable(_) | StoreError::Overloaded | StoreError::Held(_),
                    ) => {}
                }
            }
        });
    }
}
