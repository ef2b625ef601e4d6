//! Sending planned copies: some at once, none started too late, every outcome reported.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Deadlines;
use super::ports::Upstream;
use crate::pipeline::{Dispatch, Outcome, PlannedCopy, UpstreamFault};

/// When to stop starting copies and when to stop waiting for them.
pub(super) struct Schedule {
    start_until: Instant,
    reply_at: Instant,
    client_gone: CancellationToken,
    copies_at_once: usize,
}

impl Schedule {
    /// The schedule of a transaction whose end-of-data came at `started`.
    pub(super) fn new(
        started: Instant,
        deadlines: &Deadlines,
        client_gone: CancellationToken,
    ) -> Self {
        let reply_at = started + deadlines.reply;
        Self {
            start_until: reply_at.checked_sub(deadlines.margin).unwrap_or(reply_at),
            reply_at,
            client_gone,
            copies_at_once: deadlines.copies_at_once.max(1),
        }
    }

    fn may_start(&self) -> bool {
        Instant::now() < self.start_until && !self.client_gone.is_cancelled()
    }
}

/// The outcome of one copy, for each of its recipients.
pub(super) struct CopyDone {
    /// Positions of the recipients within the message.
    pub(super) recipients: Vec<usize>,
    /// Their outcomes, in the same order.
    pub(super) outcomes: Vec<Outcome>,
    /// How long the upstream took; `None` if it was not asked.
    pub(super) took: Option<Duration>,
}

impl CopyDone {
    fn uniform(recipients: Vec<usize>, fault: UpstreamFault) -> Self {
        let outcomes = vec![Outcome::Failed(fault); recipients.len()];
        Self { recipients, outcomes, took: None }
    }
}

/// Copies under way. Dropping it would abandon replies: [`Flight::next`] must be drained,
/// here or in the background.
pub(super) struct Flight<U> {
    upstream: Arc<U>,
    waiting: std::vec::IntoIter<PlannedCopy>,
    running: JoinSet<CopyDone>,
    /// The only copy there is: it is sent by whoever waits for it, without a task of its own.
    alone: Option<Pin<Box<dyn Future<Output = CopyDone> + Send>>>,
    under_way: Vec<Vec<usize>>,
    copies: usize,
}

/// What happened next.
pub(super) enum Step {
    /// A copy was finished (or given up before it was started).
    Done(CopyDone),
    /// The moment asked for has come; copies are still under way.
    SettleDue,
    /// The reply is due; copies are still under way.
    ReplyDue,
    /// Nothing is left.
    Landed,
}

impl<U: Upstream> Flight<U> {
    /// A flight of `copies`, none started yet.
    pub(super) fn new(upstream: Arc<U>, copies: Vec<PlannedCopy>) -> Self {
        let (copies, waiting) = (copies.len(), copies.into_iter());
        let running = JoinSet::new();
        Self { upstream, waiting, running, alone: None, under_way: Vec::new(), copies }
    }

    /// Starts what may be started and waits for the next thing to happen, at the latest
    /// until `settle_at`.
    pub(super) async fn next(&mut self, schedule: &Schedule, settle_at: Option<Instant>) -> Step {
        while self.running.len() < schedule.copies_at_once {
            let Some(copy) = self.waiting.next() else { break };
            if !schedule.may_start() {
                return Step::Done(CopyDone::uniform(copy.recipients, UpstreamFault::NotStarted));
            }
            self.start(copy);
        }
        if self.running.is_empty() && self.alone.is_none() {
            return Step::Landed;
        }
        tokio::select! {
            biased;
            done = self.one_done() => self.landed(done),
            () = sleep_until(schedule.reply_at) => Step::ReplyDue,
            () = sleep_until(settle_at.unwrap_or(schedule.reply_at)) => Step::SettleDue,
        }
    }

    /// Waits for a copy under way after the reply was given; `None` when all have landed.
    pub(super) async fn next_late(&mut self) -> Option<CopyDone> {
        let done = self.one_done().await;
        match self.landed(done) {
            Step::Done(done) => Some(done),
            Step::SettleDue | Step::ReplyDue | Step::Landed => None,
        }
    }

    /// Gives up the copies that were not started.
    pub(super) fn give_up_waiting(&mut self) -> Vec<CopyDone> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.map(|copy| CopyDone::uniform(copy.recipients, UpstreamFault::NotStarted)).collect()
    }

    /// The recipients whose copies are under way.
    pub(super) fn under_way(&self) -> Vec<usize> {
        self.under_way.concat()
    }

    fn start(&mut self, copy: PlannedCopy) {
        self.under_way.push(copy.recipients.clone());
        let sending = send_copy(Arc::clone(&self.upstream), copy);
        if self.copies == 1 {
            self.alone = Some(Box::pin(sending));
        } else {
            self.running.spawn(sending);
        }
    }

    /// The next copy to be finished; may be given up and asked again.
    async fn one_done(&mut self) -> Option<Result<CopyDone, JoinError>> {
        let Some(sending) = &mut self.alone else { return self.running.join_next().await };
        let done = sending.await;
        self.alone = None;
        Some(Ok(done))
    }

    fn landed(&mut self, done: Option<Result<CopyDone, JoinError>>) -> Step {
        match done {
            Some(Ok(done)) => {
                self.under_way.retain(|recipients| *recipients != done.recipients);
                Step::Done(done)
            }
            // Only an aborted runtime gets here; the claims then expire by themselves.
            Some(Err(_)) | None => Step::Landed,
        }
    }
}

/// Sends one copy. Should the client panic, nobody knows how far the copy got: it is in doubt.
async fn send_copy<U: Upstream>(upstream: Arc<U>, copy: PlannedCopy) -> CopyDone {
    let PlannedCopy { recipients, dispatch } = copy;
    let began = Instant::now();
    let mut sending = pin!(upstream.dispatch(&dispatch));
    let outcomes = poll_fn(|context| {
        // After a panic it is not polled again, so nothing of it is seen half-changed.
        let polled = catch_unwind(AssertUnwindSafe(|| sending.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(vec![Outcome::InDoubt; recipients.len()]))
    });
    let outcomes = outcomes.await;
    CopyDone { recipients, outcomes, took: Some(began.elapsed()) }
}

/// Sends one notice; its single outcome, in doubt if it is not known when the reply is due.
pub(super) async fn send_notice<U: Upstream>(
    upstream: &Arc<U>,
    notice: Dispatch,
    schedule: &Schedule,
) -> Outcome {
    if !schedule.may_start() {
        return Outcome::Failed(UpstreamFault::NotStarted);
    }
    let upstream = Arc::clone(upstream);
    // A task of its own: it goes on if the reply cannot wait, and a panic in it is no answer.
    let task = tokio::spawn(async move { upstream.dispatch(&notice).await });
    match tokio::time::timeout_at(schedule.reply_at, task).await {
        Ok(Ok(outcomes)) => {
            outcomes.into_iter().next().unwrap_or(Outcome::Failed(UpstreamFault::Session))
        }
        Ok(Err(_)) | Err(_) => Outcome::InDoubt,
    }
}
