//! A store, an upstream and a clock in memory, and the house they serve.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::ports::{
    Clock, DecisionBatch, DecisionRow, Journal, Query, RecordError, Records, Settlement, Snapshot,
    StoreError, Upstream, VersionedRecord,
};
use crate::base::{
    EntityId, EvidenceId, KeyId, Keyring, Mailbox, MasterKey, PersonKey, Timestamp, TopicId,
};
use crate::config::Config;
use crate::daemon;
use crate::eligibility::{
    ConsentFact, Evidence, Fact, Level, Mechanism, ObjectionChannel, Provenance, Scope, Successions,
};
use crate::pipeline::{
    Dispatch, Fate, FateKey, House, LedgerEntry, OnDeferredRecipient, Outcome, Receipt, Settled,
    UpstreamFault,
};
use crate::smtp::Reply;

pub const NOTICES: &str = "mail-ops@example.com";

/// What happened, in order, across store and upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Recorded,
    Sent(String),
}

type Change = Box<dyn Fn() -> (PersonKey, Evidence) + Send>;

#[derive(Default)]
struct State {
    records: HashMap<PersonKey, VersionedRecord>,
    fates: HashMap<FateKey, LedgerEntry>,
    events: Vec<Event>,
    load_error: Option<StoreError>,
    record_error: Option<RecordError>,
    settlements_hang: bool,
    settlements_fail: usize,
    record_error_once: Option<(RecordError, Change)>,
    change_after_load: Option<(PersonKey, Evidence)>,
}

pub struct FakeStore(Mutex<State>);

fn keyring() -> Keyring {
    Keyring::new(MasterKey::new(KeyId(1), [3; 32]), Vec::new())
}

fn entity() -> EntityId {
    EntityId::parse("acme-ltd").unwrap()
}

fn person(address: &str) -> PersonKey {
    keyring().person_key(&Mailbox::parse(address).unwrap())
}

fn evidence(address: &str, at: &str, fact: Fact) -> Evidence {
    Evidence {
        at: Timestamp::parse(at).unwrap(),
        tag: Some(keyring().address_tag(&Mailbox::parse(address).unwrap())),
        fact,
        level: Level::Recipient,
        provenance: Provenance {
            reference: Some("form 7".to_owned()),
            ip: Some("192.0.2.1".to_owned()),
            ..Provenance::default()
        },
    }
}

/// The objection that arrives while a decision is made.
pub fn objection() -> (PersonKey, Evidence) {
    objection_of("consenter@example.org")
}

/// An objection of somebody.
pub fn objection_of(address: &str) -> (PersonKey, Evidence) {
    let fact =
        Fact::Objection { scope: Scope::Entity(entity()), channel: ObjectionChannel::OneClick };
    (person(address), evidence(address, "2026-11-01", fact))
}

impl FakeStore {
    /// A store that knows two people who consented.
    pub fn new() -> Self {
        let store = Self(Mutex::default());
        for address in ["consenter@example.org", "other@example.org"] {
            let fact = Fact::ConsentGiven(ConsentFact {
                entities: vec![entity()],
                topics: vec![TopicId::parse("footwear").unwrap()],
                mechanism: Some(Mechanism::Tick),
                wording_version: Some("newsletter-2".to_owned()),
                channel: Some("email".to_owned()),
                ..ConsentFact::default()
            });
            store.learn(person(address), &evidence(address, "2026-06-01", fact));
        }
        store
    }

    fn learn(&self, person: PersonKey, evidence: &Evidence) {
        let mut state = self.0.lock().unwrap();
        let record = state.records.entry(person).or_default();
        record.version += 1;
        record.record.apply(EvidenceId(record.version), evidence);
    }

    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().events.clone()
    }

    pub fn open_fates(&self) -> usize {
        self.0.lock().unwrap().fates.len()
    }

    pub fn refuse_loads(&self, error: StoreError) {
        self.0.lock().unwrap().load_error = Some(error);
    }

    /// Makes every deferral date from `since`.
    pub fn age_deferrals(&self, since: &str) {
        let since = Timestamp::parse(since).unwrap();
        for entry in self.0.lock().unwrap().fates.values_mut() {
            entry.first_deferred_at = entry.first_deferred_at.map(|_| since);
        }
    }

    /// Somebody's record changes right after the next reading.
    pub fn change_after_load(&self, change: (PersonKey, Evidence)) {
        self.0.lock().unwrap().change_after_load = Some(change);
    }

    pub fn fail_settlements(&self, times: usize) {
        self.0.lock().unwrap().settlements_fail = times;
    }

    pub fn claims(&self) -> usize {
        self.0.lock().unwrap().fates.values().filter(|entry| entry.is_claimed).count()
    }

    pub fn hang_settlements(&self) {
        self.0.lock().unwrap().settlements_hang = true;
    }

    pub fn refuse_records(&self, error: RecordError) {
        self.0.lock().unwrap().record_error = Some(error);
    }

    pub fn refuse_record_once(
        &self,
        error: RecordError,
        change: impl Fn() -> (PersonKey, Evidence) + Send + 'static,
    ) {
        self.0.lock().unwrap().record_error_once = Some((error, Box::new(change)));
    }
}

impl Records for FakeStore {
    async fn load(&self, query: Query) -> Result<Snapshot, StoreError> {
        let change = self.0.lock().unwrap().change_after_load.take();
        let snapshot = self.snapshot(query);
        if let Some((person, evidence)) = change {
            self.learn(person, &evidence);
        }
        snapshot
    }
}

impl FakeStore {
    fn snapshot(&self, query: Query) -> Result<Snapshot, StoreError> {
        let state = self.0.lock().unwrap();
        if let Some(error) = &state.load_error {
            return Err(error.clone());
        }
        let records =
            query.persons.iter().map(|keys| state.records.get(&keys.newest.person).cloned());
        let fates = query.fates.iter().map(|key| state.fates.get(key).copied());
        Ok(Snapshot {
            records: records.map(Option::unwrap_or_default).collect(),
            fates: fates.map(Option::unwrap_or_default).collect(),
            scope_id: query.scope.map(|_| 7),
            history: Successions::default(),
        })
    }
}

impl Journal for FakeStore {
    async fn witness(&self, person: PersonKey, evidence: Evidence) -> Result<(), StoreError> {
        self.learn(person, &evidence);
        Ok(())
    }

    async fn record(&self, batch: DecisionBatch) -> Result<Receipt, RecordError> {
        let once = self.0.lock().unwrap().record_error_once.take();
        if let Some((error, change)) = once {
            let (person, evidence) = change();
            self.learn(person, &evidence);
            return Err(error);
        }
        let mut state = self.0.lock().unwrap();
        if let Some(error) = &state.record_error {
            return Err(error.clone());
        }
        for row in &batch.decisions {
            let known = row.person.and_then(|p| state.records.get(&p)).map_or(0, |r| r.version);
            if row.permit_version.is_some_and(|version| version != known) {
                return Err(RecordError::Conflict);
            }
        }
        for key in batch.claims {
            state.fates.entry(key).or_default().is_claimed = true;
        }
        state.events.push(Event::Recorded);
        Ok(Receipt::committed(1))
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        {
            let mut state = self.0.lock().unwrap();
            if state.settlements_fail > 0 {
                state.settlements_fail -= 1;
                return Err(StoreError::Unavailable("asked to".to_owned()));
            }
        }
        let hangs = self.0.lock().unwrap().settlements_hang;
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut state = self.0.lock().unwrap();
        for (key, settled) in settlement.fates {
            let entry = state.fates.entry(key).or_default();
            entry.is_claimed = false;
            match settled {
                Settled::Final(fate) => entry.fate = Some(fate),
                Settled::Deferred => {
                    entry.first_deferred_at.get_or_insert(settlement.at);
                }
                Settled::Released => {}
            }
        }
        for key in settlement.closes {
            state.fates.remove(&key);
        }
        assert!(state.fates.values().all(|e| e.fate != Some(Fate::Refused) || !e.is_claimed));
        Ok(())
    }

    fn note(&self, _row: DecisionRow) {}
}

/// What the upstream does with a recipient.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    Accept,
    AcceptAfter(Duration),
    Defer,
    Refuse,
    Doubt,
}

pub struct FakeUpstream {
    store: Arc<FakeStore>,
    scripts: Mutex<HashMap<String, Script>>,
    attempts: Mutex<Vec<String>>,
    accepted: Mutex<Vec<String>>,
    last_data: Mutex<String>,
}

impl FakeUpstream {
    pub fn new(store: Arc<FakeStore>) -> Self {
        Self {
            store,
            scripts: Mutex::default(),
            attempts: Mutex::default(),
            accepted: Mutex::default(),
            last_data: Mutex::default(),
        }
    }

    pub fn script(&self, recipient: &str, script: Script) {
        self.scripts.lock().unwrap().insert(recipient.to_owned(), script);
    }

    pub fn copies_to(&self, recipient: &str) -> usize {
        self.accepted.lock().unwrap().iter().filter(|to| *to == recipient).count()
    }

    /// The mail data last dispatched.
    pub fn last_data(&self) -> String {
        self.last_data.lock().unwrap().clone()
    }

    pub fn attempts_for(&self, recipient: &str) -> usize {
        self.attempts.lock().unwrap().iter().filter(|to| *to == recipient).count()
    }

    fn is_any_deferred(&self, dispatch: &Dispatch) -> bool {
        let scripts = self.scripts.lock().unwrap();
        let mut recipients = dispatch.forward_paths().iter();
        recipients.any(|path| matches!(scripts.get(path.written()), Some(Script::Defer)))
    }

    async fn one(&self, recipient: &str) -> Outcome {
        self.attempts.lock().unwrap().push(recipient.to_owned());
        let event = Event::Sent(recipient.to_owned());
        self.store.0.lock().unwrap().events.push(event);
        let script = self.scripts.lock().unwrap().get(recipient).copied();
        match script.unwrap_or(Script::Accept) {
            Script::Defer => Outcome::Deferred(Reply::new(450, None, "later")),
            Script::Refuse => Outcome::Refused(Reply::new(550, None, "never")),
            Script::Doubt => Outcome::InDoubt,
            Script::Accept => self.accept(recipient),
            Script::AcceptAfter(delay) => {
                tokio::time::sleep(delay).await;
                self.accept(recipient)
            }
        }
    }

    fn accept(&self, recipient: &str) -> Outcome {
        self.accepted.lock().unwrap().push(recipient.to_owned());
        Outcome::Accepted(Reply::new(250, None, "queued"))
    }
}

impl Upstream for FakeUpstream {
    async fn dispatch(&self, dispatch: &Dispatch) -> Vec<Outcome> {
        let data = String::from_utf8_lossy(&dispatch.data().to_vec()).into_owned();
        *self.last_data.lock().unwrap() = data;
        let mut outcomes = Vec::new();
        if dispatch.on_deferred() == OnDeferredRecipient::Abort && self.is_any_deferred(dispatch) {
            let withheld = Outcome::Failed(UpstreamFault::Withheld);
            return vec![withheld; dispatch.forward_paths().len()];
        }
        for path in dispatch.forward_paths() {
            outcomes.push(self.one(path.written()).await);
        }
        if outcomes.is_empty() { vec![Outcome::Failed(UpstreamFault::Session)] } else { outcomes }
    }
}

pub struct FakeClock;

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-11-23T10:00:00Z").unwrap()
    }
}

/// The house of the commented example, with another mode.
pub fn house(mode: &str) -> House {
    house_of(&EXAMPLE.replace("mode = \"bounce\"", &format!("mode = \"{mode}\"")))
}

/// The same with notices going to the sender of each message.
pub fn house_notifying_senders() -> House {
    let ours = "notice_to = \"mail-ops@example.com\"";
    house_of(&EXAMPLE.replace(ours, "notice_to = \"reverse_path\""))
}

/// The same with another level of enforcement on the newsletter.
pub fn house_enforcing(enforce: &str) -> House {
    house_of(&EXAMPLE.replacen("enforce = \"all\"", enforce, 1))
}

const EXAMPLE: &str = include_str!("../../../config/consentry.toml");

/// A second brand, which the client may name too.
const OUTLET: &str = "[[brand]]\nid = \"outlet\"\nentity = \"acme-ltd\"\n\
    name = \"Acme Outlet\"\nfrom_domains = [\"example.com\"]\n";

fn house_of(example: &str) -> House {
    let text = example.replace("brands = [\"acme\"]", "brands = [\"acme\", \"outlet\"]") + OUTLET;
    let config = Config::parse("example", &text, Path::new("/")).unwrap();
    daemon::house(&config, keyring()).unwrap()
}
