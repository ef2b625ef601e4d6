//! The store's tests, and the bench they share: a folder, a clock that can be set, a gate that
//! holds the writer inside a transaction, and short ways to make evidence and decisions.

mod batching;
mod believing;
mod deciding;
mod failing;
mod importing;
mod keys;
mod locating;
mod officers;
mod reading;
mod registers;
mod retaining;
mod signing;
mod undoing;
mod watching;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::yield_now;

use super::job::Patience;
use super::{Health, IfMissing, Settings, Store};
use crate::base::{DecisionId, EntityId, Mailbox, NodeId, PersonKey, Timestamp, TransactionId};
use crate::eligibility::{DealingFact, Evidence, Fact, Level, ObjectionChannel, Provenance, Scope};
use crate::pipeline::{Beside, FateKey, Fingerprint, LedgerEntry, Settled};
use crate::relay::ports::{
    Clock, DecisionBatch, DecisionRow, OutcomeRow, Query, Records, Settlement,
};
use crate::smtp::{ForwardPath, Path, ReversePath};

/// How long anything may take that a test waits for.
pub(in crate::store) const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that goes on by a millisecond at each look, so that each transaction has its moment.
pub(in crate::store) struct BenchClock(AtomicI64);

impl Clock for BenchClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A folder for one database, and its clock.
pub(in crate::store) struct Bench {
    pub(in crate::store) folder: TempDir,
    pub(in crate::store) clock: Arc<BenchClock>,
}

impl Bench {
    pub(in crate::store) fn new() -> Self {
        let start = Timestamp::parse("2026-03-01T09:00:00Z").unwrap().as_millis();
        let clock = Arc::new(BenchClock(AtomicI64::new(start)));
        Self { folder: tempfile::tempdir().unwrap(), clock }
    }

    pub(in crate::store) fn path(&self) -> PathBuf {
        self.folder.path().join("evidence.db")
    }

    pub(in crate::store) fn settings(&self, node: &str) -> Settings {
        Settings {
            if_missing: IfMissing::Create,
            busy_timeout: Duration::from_millis(50),
            write_timeout: PATIENCE,
            read_timeout: PATIENCE,
            retry_min: Duration::from_millis(1),
            retry_max: Duration::from_millis(4),
            clock: Arc::<BenchClock>::clone(&self.clock),
            ..Settings::new(self.path(), NodeId::parse(node).unwrap())
        }
    }

    /// A usable store of node n1.
    pub(in crate::store) fn open(&self) -> Store {
        self.open_with(self.settings("n1"))
    }

    pub(in crate::store) fn open_with(&self, settings: Settings) -> Store {
        let store = Store::open(settings).unwrap();
        assert_eq!(store.health(), Health::Usable);
        store
    }

    /// A connection of somebody else.
    pub(in crate::store) fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    pub(in crate::store) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(in crate::store) fn pass(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(in crate::store) fn set_back(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        self.clock.0.fetch_sub(millis, Ordering::SeqCst);
    }

    pub(in crate::store) fn in_ten_minutes(&self) -> Timestamp {
        self.now().after(Duration::from_mins(10))
    }
}

/// Closes `store` and waits until its file is closed.
pub(in crate::store) async fn close(store: Store) {
    store.close(PATIENCE).await.unwrap();
}

/// Tries `attempt` until it tells a value; fails the test when that takes too long.
pub(in crate::store) async fn until<T, F: Future<Output = Option<T>>>(
    mut attempt: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(Instant::now() < deadline, "what was waited for did not come");
        yield_now().await;
    }
}

/// Holds the writer inside a transaction until it is dropped.
pub(in crate::store) struct Gate {
    is_entered: Arc<AtomicBool>,
    _release: SyncSender<()>,
}

impl Gate {
    /// Queues the gate; the writer comes to it in its turn.
    pub(in crate::store) async fn queue(store: &Store) -> Self {
        let is_entered = Arc::new(AtomicBool::new(false));
        let (release, released) = sync_channel::<()>(1);
        let waiting = store.shared().writes.waiting();
        tokio::spawn({
            let (store, is_entered) = (store.clone(), Arc::clone(&is_entered));
            async move {
                let hold = store.write(Patience::Regardless, move |_| {
                    is_entered.store(true, Ordering::SeqCst);
                    // Fails once the gate is dropped.
                    let _ = released.recv();
                    Ok(())
                });
                hold.await
            }
        });
        let gate = Self { is_entered, _release: release };
        until(async || {
            let is_queued = store.shared().writes.waiting() > waiting;
            (is_queued || gate.is_entered()).then_some(())
        })
        .await;
        gate
    }

    /// Queues the gate and waits until the writer stands in it.
    pub(in crate::store) async fn hold(store: &Store) -> Self {
        let gate = Self::queue(store).await;
        gate.entered().await;
        gate
    }

    pub(in crate::store) async fn entered(&self) {
        until(async || self.is_entered().then_some(())).await;
    }

    fn is_entered(&self) -> bool {
        self.is_entered.load(Ordering::SeqCst)
    }
}

/// Waits until `count` calls wait for the writer.
pub(in crate::store) async fn waiting(store: &Store, count: usize) {
    until(async || (store.shared().writes.waiting() == count).then_some(())).await;
}

pub(in crate::store) fn person(number: u8) -> PersonKey {
    PersonKey::from_bytes([number; 16])
}

pub(in crate::store) fn entity() -> EntityId {
    EntityId::parse("acme").unwrap()
}

pub(in crate::store) fn piece(at: &str, fact: Fact) -> Evidence {
    Evidence {
        at: Timestamp::parse(at).unwrap(),
        tag: None,
        fact,
        level: Level::Recipient,
        provenance: Provenance::default(),
    }
}

pub(in crate::store) fn objection(at: &str) -> Evidence {
    let scope = Scope::Entity(entity());
    piece(at, Fact::Objection { scope, channel: ObjectionChannel::OneClick })
}

pub(in crate::store) fn sale(at: &str) -> Evidence {
    let dealing = DealingFact {
        entity: entity(),
        topics: vec![],
        completed: Some(true),
        paid: Some(true),
        ended_at: None,
        collection_point: None,
    };
    piece(at, Fact::Sale(dealing))
}

pub(in crate::store) fn message(number: u8) -> Fingerprint {
    Fingerprint::of("test", &ReversePath::Null, &[number])
}

pub(in crate::store) fn fate_key(message: &Fingerprint, local_part: &str) -> FateKey {
    let address = format!("{local_part}@example.com");
    let mailbox = Mailbox::parse(&address).unwrap();
    FateKey::of(message, &ForwardPath::Path(Path::new(address, mailbox)))
}

pub(in crate::store) fn transaction(number: u8) -> TransactionId {
    TransactionId::from_bytes([number; 16])
}

/// A permit for `person(number)`, decided on `version`.
pub(in crate::store) fn permit(number: u8, version: u64) -> DecisionRow {
    DecisionRow { permit_version: Some(version), ..denial(number) }
}

/// A denial for `person(number)`.
pub(in crate::store) fn denial(number: u8) -> DecisionRow {
    DecisionRow {
        id: DecisionId::from_bits(u64::from(number) | 1 << 63),
        transaction: transaction(number),
        person: Some(person(number)),
        permit_version: None,
        beside: Beside::default(),
        payload: format!("{{\"recipient\":{number}}}").into_bytes(),
    }
}

pub(in crate::store) fn outcome(number: u8, sent_to: Option<PersonKey>) -> OutcomeRow {
    OutcomeRow {
        decision: denial(number).id,
        transaction: transaction(number),
        sent_to,
        payload: b"{\"outcome\":\"accepted\"}".to_vec(),
    }
}

/// One attempt that decides `decisions` and claims `claims` of message `number`.
pub(in crate::store) fn attempt(
    bench: &Bench,
    number: u8,
    decisions: Vec<DecisionRow>,
    claims: &[&str],
) -> DecisionBatch {
    let fingerprint = message(number);
    DecisionBatch {
        fingerprint,
        decisions,
        claims: claims.iter().map(|name| fate_key(&fingerprint, name)).collect(),
        claimed_until: bench.in_ten_minutes(),
    }
}

/// The settlement of some recipients of message `number`.
pub(in crate::store) fn settlement(
    bench: &Bench,
    number: u8,
    fates: &[(&str, Settled)],
) -> Settlement {
    let fingerprint = message(number);
    Settlement {
        fingerprint,
        fates: fates.iter().map(|(name, s)| (fate_key(&fingerprint, name), *s)).collect(),
        outcomes: vec![],
        closes: vec![],
        at: bench.now(),
    }
}

/// What the ledger of `store` knows about one recipient of message `number`.
pub(in crate::store) async fn ledger(store: &Store, number: u8, name: &str) -> LedgerEntry {
    let fates = vec![fate_key(&message(number), name)];
    let query = Query { persons: vec![], fates, scope: None };
    store.load(query).await.unwrap().fates[0]
}

/// The version of `person(number)`'s record.
pub(in crate::store) async fn version(store: &Store, number: u8) -> u64 {
    let query = Query { persons: vec![person(number).into()], fates: vec![], scope: None };
    store.load(query).await.unwrap().records[0].version
}
