//! One transaction's way through the house: load, plan, record, send, reply, settle.
//!
//! The relay owns the order and nothing else: it knows the store, the upstream and the clock
//! only as traits (`ports`), takes no decision of law, and opens no socket. What is decided is
//! decided in `pipeline`; what is durable is made so behind `Journal`.

mod attempt;
mod guard;
mod in_flight;
mod marketing;
mod observing;
pub mod ports;
mod report;
mod sending;
mod service;
#[cfg(test)]
mod tests;
mod under_way;
mod witness;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::classify::MessageClass;
use crate::pipeline::{self, House, Lane};
use crate::smtp::Transaction;
use crate::telemetry::{Metrics, Stage, events};
use guard::StoreGuard;
use in_flight::InFlight;
use ports::{Answer, Clock, Journal, Records, ReplyDelivery, Settlement, Submissions, Upstream};
use report::Trail;
pub use under_way::LateTransaction;
use under_way::UnderWay;

/// How the relay spends its time.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// From end-of-data to the reply.
    pub reply: Duration,
    /// So long before the reply no new copy is started.
    pub margin: Duration,
    /// Copies of one message under way at once.
    pub copies_at_once: usize,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { reply: Duration::from_secs(50), margin: Duration::from_secs(15), copies_at_once: 8 }
    }
}

/// The relay over its ports. Cloning shares everything.
pub struct Relay<S, U, C> {
    inner: Arc<Inner<S, U, C>>,
}

struct Inner<S, U, C> {
    house: watch::Receiver<Arc<House>>,
    store: Arc<S>,
    upstream: Arc<U>,
    clock: C,
    metrics: Arc<Metrics>,
    deadlines: Deadlines,
    guard: StoreGuard,
    in_flight: InFlight,
    under_way: UnderWay,
    late: TaskTracker,
    witnesses: Arc<Semaphore>,
}

impl<S, U, C> Clone for Relay<S, U, C> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// What a relay is built from.
pub struct Parts<S, U, C> {
    /// The checked policy of the house; a transaction keeps the one it began with.
    pub house: watch::Receiver<Arc<House>>,
    /// The evidence store.
    pub store: Arc<S>,
    /// The outbound MTA.
    pub upstream: Arc<U>,
    /// The clock.
    pub clock: C,
    /// Where events are counted.
    pub metrics: Arc<Metrics>,
    /// How time is spent.
    pub deadlines: Deadlines,
    /// Copies still under way after their reply; a stop waits for them.
    pub late: TaskTracker,
}

impl<S, U, C> Relay<S, U, C>
where
    S: Records + Journal,
    U: Upstream,
    C: Clock,
{
    /// A relay over `parts`.
    pub fn new(parts: Parts<S, U, C>) -> Self {
        let Parts { house, store, upstream, clock, metrics, deadlines, late } = parts;
        let (guard, in_flight) = (StoreGuard::default(), InFlight::default());
        let under_way = UnderWay::default();
        Self {
            inner: Arc::new(Inner {
                house,
                store,
                upstream,
                clock,
                metrics,
                deadlines,
                guard,
                in_flight,
                under_way,
                late,
                witnesses: Arc::new(Semaphore::new(witness::WITNESSES_MAX)),
            }),
        }
    }
}

impl<S, U, C> Relay<S, U, C> {
    /// The transactions whose clients wait for a reply, the oldest first.
    pub fn under_way(&self) -> Vec<LateTransaction> {
        self.inner.under_way.list()
    }
}

impl<S, U, C> Submissions for Relay<S, U, C>
where
    S: Records + Journal,
    U: Upstream,
    C: Clock,
{
    async fn submit(&self, transaction: Transaction, client_gone: CancellationToken) -> Answer {
        let inner = Arc::clone(&self.inner);
        let started = tokio::time::Instant::now();
        let _entered = inner.under_way.enter(transaction.id, &transaction.peer.client);
        let house = Arc::clone(&inner.house.borrow());
        let schedule = sending::Schedule::new(started, &inner.deadlines, client_gone);
        let mut trail = Trail::new(&inner.metrics, started);
        let arrived = events::MessageArrived { bytes: transaction.content.bytes().len() };
        let _held = arrived.emit(&inner.metrics);
        let lane = pipeline::examine(&house, transaction);
        trail.stage(lane.frame(), Stage::Prepare, started);
        match lane {
            Lane::Refused(refused) => {
                inner.store.note(service::row(&refused.frame, &refused.decision_record()));
                trail.refused(&refused);
                trail.answered(&refused.frame, refused.class, &refused.reply);
                Answer::open(refused.reply)
            }
            Lane::Service(draft) => {
                let frame = Arc::clone(&draft.frame);
                let answer = inner.relay_service(draft, schedule, &mut trail).await;
                trail.answered(&frame, MessageClass::Service, &answer.reply());
                answer
            }
            Lane::Marketing(draft) => {
                let (frame, class) = (Arc::clone(&draft.frame), draft.class());
                let answer = inner.relay_marketing(*draft, schedule, &mut trail).await;
                trail.answered(&frame, class, &answer.reply());
                answer
            }
        }
    }

    async fn answered(&self, mut closing: Settlement, delivery: ReplyDelivery) {
        // A reply that never reached the client leaves the message open: the retry must find
        // the fates and be answered from them.
        if delivery == ReplyDelivery::Lost {
            closing.closes.clear();
        }
        // The client's next message, perhaps service mail, does not wait for this commit.
        let inner = Arc::clone(&self.inner);
        self.inner.late.spawn(async move { inner.settle(closing).await });
    }
}
