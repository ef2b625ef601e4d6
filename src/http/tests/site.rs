//! A public site on a free loopback port, over a store whose mood a test chooses.
//!
//! Router, server, keyring, metrics and sockets are the real ones; only the store and the clock
//! are fakes. Each site has its own runtime and ends with it.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::client::{Answer, one_click};
use crate::base::{
    BrandId, DecisionId, EntityId, KeyId, Keyring, MasterKey, PersonKey, Timestamp, TopicId,
};
use crate::eligibility::{Evidence, Scope};
use crate::http::public::{self, PublicState, SenderNames, Settings};
use crate::http::{ConnectionLimits, serve};
use crate::relay::ports::{Clock, Evidences, StoreError};
use crate::telemetry::Metrics;
use crate::unsubscribe::{Claims, Purpose, ScopeId, ScopeKind, seal};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);
pub(super) const ENTITY_SCOPE: u64 = 1;
pub(super) const BRAND_SCOPE: u64 = 2;
pub(super) const TOPIC_SCOPE: u64 = 3;

/// How a fake store behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mood {
    Fine,
    /// Every call fails.
    Away,
    /// Reading scopes is fine, appending fails.
    ReadOnly,
    /// No call ever returns.
    Silent,
    /// Appending panics.
    Broken,
    /// Reading scopes waits until the gate opens.
    Gated,
}

pub(super) struct FakeStore {
    pub mood: Mutex<Mood>,
    pub gate: Notify,
    pub appended: Mutex<Vec<(PersonKey, Evidence)>>,
    told: mpsc::SyncSender<()>,
    heard: Mutex<mpsc::Receiver<()>>,
}

impl FakeStore {
    pub(super) fn new(mood: Mood) -> Arc<Self> {
        let (told, heard) = mpsc::sync_channel(1024);
        Arc::new(Self {
            mood: Mutex::new(mood),
            gate: Notify::new(),
            appended: Mutex::default(),
            told,
            heard: Mutex::new(heard),
        })
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Waits until one more piece of evidence was appended.
    pub(super) fn await_append(&self) {
        self.heard.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap();
    }

    pub(super) fn evidence(&self) -> Vec<(PersonKey, Evidence)> {
        self.appended.lock().unwrap().clone()
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }
}

pub(super) fn entity() -> EntityId {
    EntityId::parse("acme").unwrap()
}

impl Evidences for FakeStore {
    async fn scope(&self, id: u64) -> Result<Option<Scope>, StoreError> {
        match self.mood() {
            Mood::Away => return Err(StoreError::Unavailable("test".to_owned())),
            Mood::Silent => pending().await,
            Mood::Gated => self.gate.notified().await,
            Mood::Fine | Mood::ReadOnly | Mood::Broken => {}
        }
        Ok(match id {
            ENTITY_SCOPE => Some(Scope::Entity(entity())),
            BRAND_SCOPE => Some(Scope::Brand(entity(), BrandId::parse("boots").unwrap())),
            TOPIC_SCOPE => Some(Scope::Topic(entity(), TopicId::parse("footwear").unwrap())),
            _ => None,
        })
    }

    async fn append(&self, person: PersonKey, evidence: Evidence) -> Result<(), StoreError> {
        match self.mood() {
            Mood::Away | Mood::ReadOnly => return Err(StoreError::Timeout),
            Mood::Silent => pending().await,
            Mood::Broken => panic!("a store that panics"),
            Mood::Fine | Mood::Gated => {}
        }
        self.appended.lock().unwrap().push((person, evidence));
        self.told.send(()).unwrap();
        Ok(())
    }

    fn is_usable(&self) -> bool {
        self.mood() != Mood::Away
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A running public site.
pub(super) struct Site {
    pub address: SocketAddr,
    pub store: Arc<FakeStore>,
    pub metrics: Arc<Metrics>,
    shutdown: CancellationToken,
    _runtime: Runtime,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Site {
    pub(super) fn new() -> Self {
        Self::with(Mood::Fine, ConnectionLimits::default())
    }

    pub(super) fn in_mood(mood: Mood) -> Self {
        Self::with(mood, ConnectionLimits::default())
    }

    pub(super) fn with(mood: Mood, limits: ConnectionLimits) -> Self {
        let store = FakeStore::new(mood);
        let metrics = Arc::new(Metrics::new("test"));
        // A silent store is waited for in vain, any other is given all the time it may need.
        let store_wait = Duration::from_millis(if mood == Mood::Silent { 30 } else { 20_000 });
        let settings = Settings {
            keyring: Arc::new(keyring()),
            names: names(),
            trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
            store_wait,
        };
        let state = PublicState::new(
            watch::channel(Arc::new(settings)).1,
            Arc::clone(&store),
            Arc::new(FixedClock),
            Arc::clone(&metrics),
        );
        let shutdown = CancellationToken::new();
        let (runtime, address, _) = start(public::router(state), limits, &shutdown);
        Self { address, store, metrics, shutdown, _runtime: runtime }
    }

    pub(super) fn one_click(&self, path: &str) -> Answer {
        one_click(self.address, path)
    }

    /// The count of one result in the metrics.
    #[track_caller]
    pub(super) fn check_count(&self, result: &str, expected: u64) {
        let line = format!("consentry_unsubscribes_total{{result=\"{result}\"}} {expected}");
        let text = self.metrics.render();
        assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
    }
}

/// Runs `router` on a free port with a runtime of its own; the last part tells when it ended.
pub(super) fn start(
    router: axum::Router,
    limits: ConnectionLimits,
    shutdown: &CancellationToken,
) -> (Runtime, SocketAddr, mpsc::Receiver<()>) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = shutdown.clone();
    let (ended, end) = mpsc::channel();
    runtime.spawn(async move {
        serve(listener, router, limits, shutdown).await.unwrap();
        ended.send(()).ok();
    });
    (runtime, address, end)
}

pub(super) fn keyring() -> Keyring {
    Keyring::new(MasterKey::new(KeyId(1), [1; 32]), vec![MasterKey::new(KeyId(2), [2; 32])])
}

fn names() -> SenderNames {
    let entities = BTreeMap::from([(entity(), "Acme & <Sons> Ltd".to_owned())]);
    let brands = BTreeMap::from([(BrandId::parse("boots").unwrap(), "Boots by Acme".to_owned())]);
    SenderNames { entities, brands }
}

pub(super) fn claims(scope_kind: ScopeKind, scope: u64) -> Claims {
    Claims {
        person: PersonKey::from_bytes([0x42; 16]),
        scope_kind,
        scope_id: ScopeId::new(scope).unwrap(),
        decision: DecisionId::from_bits(77),
    }
}

/// The path of a genuine token for all marketing of the entity.
pub(super) fn genuine() -> String {
    path_for(ScopeKind::Entity, ENTITY_SCOPE)
}

pub(super) fn path_for(kind: ScopeKind, scope: u64) -> String {
    format!("/u/{}", seal(&keyring(), Purpose::Unsubscribe, &claims(kind, scope)))
}

/// The path of a token of the right shape whose seal does not hold.
pub(super) fn invented() -> String {
    format!("/u/EQE{}", "A".repeat(56))
}
