//! Several live keys, linked addresses and domains: what is read together and copied together.

use super::{Bench, attempt, close, objection, permit, sale};
use crate::base::{
    AddressKeys, BatchId, DomainName, KeyId, Keyring, Mailbox, MasterKey, PersonKey,
};
use crate::eligibility::{Evidence, RecipientRecord};
use crate::pipeline::{Beside, RowVersion};
use crate::relay::ports::{
    DecisionRow, Evidences, Journal, Query, RecordError, Records, VersionedRecord,
};
use crate::store::tests::PATIENCE;
use crate::store::{Health, Role, Settings, Store, verify};

fn key(id: u8) -> MasterKey {
    MasterKey::new(KeyId(id), [id; 32])
}

fn one_key() -> Keyring {
    Keyring::new(key(1), vec![])
}

fn two_keys() -> Keyring {
    one_key().rotated(key(2)).unwrap()
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn jane() -> Mailbox {
    mailbox("jane@example.org")
}

fn settings(bench: &Bench, keyring: &Keyring, role: Role) -> Settings {
    Settings { keyring: Some(keyring.prints()), role, ..bench.settings("n1") }
}

fn serving(bench: &Bench, keyring: &Keyring) -> Store {
    bench.open_with(settings(bench, keyring, Role::Serve))
}

async fn load(store: &Store, keys: AddressKeys) -> VersionedRecord {
    let query = Query { persons: vec![keys], fates: vec![], scope: None };
    store.load(query).await.unwrap().records.remove(0)
}

fn objections(record: &RecipientRecord) -> usize {
    record.objections().count()
}

async fn objections_of(store: &Store, person: PersonKey) -> usize {
    objections(&load(store, person.into()).await.record)
}

fn tagged(piece: Evidence, keyring: &Keyring, mailbox: &Mailbox) -> Evidence {
    Evidence { tag: Some(keyring.address_tag(mailbox)), ..piece }
}

async fn finish(store: Store, bench: &Bench) {
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn p2_objection_covers_linked_addresses() {
    let bench = Bench::new();
    let (store, ring) = (bench.open(), one_key());
    let addresses = ["jane@example.org", "j.doe@example.net", "jd@example.com"].map(mailbox);
    let keys = addresses.map(|address| ring.person_keys(&address));
    store.append(keys[1].newest, objection("2026-01-01")).await.unwrap();
    store.append(keys[0].newest, sale("2026-01-02")).await.unwrap();
    assert_eq!(store.link(keys[..2].to_vec(), b"{}".to_vec()).await.unwrap(), 1);
    assert_eq!(objections_of(&store, keys[0].newest).await, 1, "an earlier one is copied");
    let entries = load(&store, keys[1].newest.into()).await.record.entries().len();
    assert_eq!(entries, 1, "a sale is never copied");
    assert_eq!(store.link(keys[1..].to_vec(), b"{}".to_vec()).await.unwrap(), 1);
    store.append(keys[2].newest, objection("2026-02-01")).await.unwrap();
    for keys in &keys {
        assert_eq!(objections_of(&store, keys.newest).await, 2, "each address has both");
    }
    assert_eq!(store.kin_of(keys[0].newest).await.unwrap().len(), 2);
    finish(store, &bench).await;
}

#[tokio::test]
async fn p2_permit_decided_before_a_linked_objection_does_not_commit() {
    let bench = Bench::new();
    let (store, ring) = (bench.open(), one_key());
    let [here, there] = ["jane@example.org", "jane@example.net"].map(mailbox);
    let keys = [&here, &there].map(|address| ring.person_keys(address));
    store.link(keys.to_vec(), b"{}".to_vec()).await.unwrap();
    let row = DecisionRow { person: Some(keys[0].newest), ..permit(1, 0) };
    store.append(keys[1].newest, objection("2026-02-01")).await.unwrap();
    let refused = store.record(attempt(&bench, 1, vec![row], &["jane"])).await;
    assert_eq!(refused.unwrap_err(), RecordError::Conflict);
}

#[tokio::test]
async fn unlinking_counts_for_the_future_only() {
    let bench = Bench::new();
    let (store, ring) = (bench.open(), one_key());
    let keys = ["a@x.org", "b@x.org", "c@x.org"].map(|text| ring.person_keys(&mailbox(text)));
    store.link(keys.to_vec(), b"{}".to_vec()).await.unwrap();
    store.append(keys[0].newest, objection("2026-01-01")).await.unwrap();
    assert!(store.unlink(keys[2].clone(), b"{}".to_vec()).await.unwrap());
    store.append(keys[0].newest, objection("2026-02-01")).await.unwrap();
    assert_eq!(objections_of(&store, keys[1].newest).await, 2);
    assert_eq!(objections_of(&store, keys[2].newest).await, 1, "what was copied stays");
    assert!(!store.unlink(keys[2].clone(), b"{}".to_vec()).await.unwrap(), "it stands alone");
    finish(store, &bench).await;
}

#[tokio::test]
async fn p2_objection_counts_under_every_live_key() {
    let bench = Bench::new();
    let store = serving(&bench, &one_key());
    store.append(one_key().person_key(&jane()), objection("2026-01-01")).await.unwrap();
    let before = tagged(sale("2025-12-01"), &one_key(), &jane());
    store.append(one_key().person_key(&jane()), before).await.unwrap();
    close(store).await;

    let ring = two_keys();
    let store = serving(&bench, &ring);
    let read = load(&store, ring.address_keys(&jane())).await;
    assert_eq!((read.version, objections(&read.record)), (0, 1), "found under the older key");
    let tag = ring.address_tag(&jane());
    assert_eq!(read.record.statements(tag, bench.now()).count(), 1, "so are permissions");

    let after = tagged(sale("2026-03-01"), &ring, &jane());
    store.append_for(ring.person_keys(&jane()), after).await.unwrap();
    store.append_for(ring.person_keys(&jane()), objection("2026-02-01")).await.unwrap();
    let newest = load(&store, ring.person_key(&jane()).into()).await.record;
    assert_eq!((objections(&newest), newest.entries().len()), (2, 3), "all but the old sale");
    let old = load(&store, one_key().person_key(&jane()).into()).await.record;
    assert_eq!((objections(&old), old.entries().len()), (2, 3), "all but the new sale");
    finish(store, &bench).await;
}

#[tokio::test]
async fn p2_permit_falls_when_the_row_under_an_older_key_changes() {
    let bench = Bench::new();
    let ring = two_keys();
    let store = serving(&bench, &ring);
    let keys = ring.address_keys(&jane());
    let read = load(&store, keys.clone()).await;
    let row = |beside: Beside| {
        let person = Some(keys.newest.person);
        vec![DecisionRow { person, beside, ..permit(1, 0) }]
    };
    store.record(attempt(&bench, 1, row(read.beside.clone()), &["jane"])).await.unwrap();
    // The permit made the rows known to each other: an old token's objection reaches both.
    store.append(keys.older[0].person, objection("2026-02-01")).await.unwrap();
    assert_eq!(objections_of(&store, keys.newest.person).await, 1);
    let stale = Beside {
        siblings: vec![RowVersion { row: keys.older[0].person, version: 0 }],
        ..Beside::default()
    };
    let row = DecisionRow { permit_version: Some(1), ..row(stale).remove(0) };
    let refused = store.record(attempt(&bench, 2, vec![row], &["jane"])).await;
    assert_eq!(refused.unwrap_err(), RecordError::Conflict);
    finish(store, &bench).await;
}

#[tokio::test]
async fn p2_permit_falls_when_its_domain_objects() {
    let bench = Bench::new();
    let (store, ring) = (bench.open(), one_key());
    let keys = ring.address_keys(&jane());
    let read = load(&store, keys.clone()).await;
    assert_eq!(read.domain, None);
    let domain = ring.domain_keys(&DomainName::parse("example.org").unwrap()).unwrap();
    store.append_for(domain, objection("2026-02-01")).await.unwrap();
    let row = DecisionRow { person: Some(keys.newest.person), beside: read.beside, ..permit(1, 0) };
    let refused = store.record(attempt(&bench, 1, vec![row.clone()], &["jane"])).await;
    assert_eq!(refused.unwrap_err(), RecordError::Conflict);
    let read = load(&store, keys).await;
    assert_eq!(objections(&read.domain.unwrap()), 1);
    assert_eq!(read.version, 0, "nothing is known of the person");
    let row = DecisionRow { beside: read.beside, ..row };
    assert!(store.record(attempt(&bench, 1, vec![row], &["jane"])).await.is_ok());
    finish(store, &bench).await;
}

#[tokio::test]
async fn imports_write_objections_under_every_live_key() {
    let bench = Bench::new();
    let ring = two_keys();
    let store = serving(&bench, &ring);
    let keys = ring.person_keys(&jane());
    let pieces = vec![(keys.clone(), objection("2026-01-01")), (keys.clone(), sale("2026-01-02"))];
    store.append_all(pieces, BatchId::parse("b1").unwrap()).await.unwrap();
    let entries =
        async |person: PersonKey| load(&store, person.into()).await.record.entries().len();
    assert_eq!(entries(keys.newest).await, 2);
    assert_eq!(entries(keys.older[0]).await, 1);
    finish(store, &bench).await;
}

/// Why a store cannot be used with `keyring`; `None` if it can.
async fn refusal(bench: &Bench, keyring: &Keyring, role: Role) -> Option<String> {
    let store = Store::open(settings(bench, keyring, role)).unwrap();
    let health = store.health();
    close(store).await;
    match health {
        Health::Usable => None,
        Health::Degraded(why) => Some(why),
    }
}

#[tokio::test]
async fn p2_store_refuses_to_start_without_a_key_it_was_written_under() {
    let bench = Bench::new();
    close(serving(&bench, &two_keys())).await;
    let because = async |keyring: &Keyring, text: &str| {
        let why = refusal(&bench, keyring, Role::Serve).await.unwrap();
        assert!(why.contains(text), "{why}");
    };
    because(&one_key(), "key 2, which is not live").await;
    because(&Keyring::new(key(2), vec![key(1)]), "key 1, which is not live").await;
    let other = Keyring::new(key(1), vec![]).rotated(MasterKey::new(KeyId(2), [9; 32])).unwrap();
    because(&other, "another keyring").await;
    assert_eq!(refusal(&bench, &two_keys(), Role::Serve).await, None);
    assert_eq!(refusal(&bench, &two_keys(), Role::Visit).await, None);
}

#[tokio::test]
async fn only_the_serving_relay_brings_a_new_key() {
    let bench = Bench::new();
    close(serving(&bench, &one_key())).await;
    let why = refusal(&bench, &two_keys(), Role::Visit).await.unwrap();
    assert!(why.contains("restart the relay first"), "{why}");
    assert_eq!(refusal(&bench, &one_key(), Role::Visit).await, None);
    close(serving(&bench, &two_keys())).await;
    assert_eq!(refusal(&bench, &two_keys(), Role::Visit).await, None);
}

#[tokio::test]
async fn a_store_of_old_knows_its_first_key_again() {
    let bench = Bench::new();
    let text = "[[key]]\nid = 1\nsecret = \"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"\n";
    let first = Keyring::parse(text).unwrap();
    close(bench.open()).await;
    let raw = bench.raw();
    let print = first.prints()[0].fingerprint;
    raw.execute("INSERT INTO meta VALUES ('keyring', ?1, x'00')", [print.as_bytes()]).unwrap();
    let why = refusal(&bench, &one_key(), Role::Serve).await.unwrap();
    assert!(why.contains("another keyring"), "{why}");
    let rotated = first.rotated(key(2)).unwrap();
    assert_eq!(refusal(&bench, &rotated, Role::Serve).await, None);
    assert!(refusal(&bench, &first, Role::Serve).await.is_some(), "key 2 was noted");
}

#[tokio::test]
async fn a_key_is_retired_only_when_nothing_rests_on_it() {
    let bench = Bench::new();
    let ring = two_keys();
    let store = serving(&bench, &ring);
    let keys = ring.person_keys(&jane());
    let retire = async || store.retire_key(KeyId(1), ring.prints(), b"{}".to_vec()).await.unwrap();
    store.append(keys.older[0], objection("2026-01-01")).await.unwrap();
    assert_eq!(retire().await.persons, 1);
    store.append_for(keys, objection("2026-02-01")).await.unwrap();
    assert!(retire().await.is_nothing());
    let alone = store.retire_key(KeyId(2), one_key().prints(), b"{}".to_vec()).await;
    assert!(alone.is_err(), "it is not live in that keyring");
    finish(store, &bench).await;
    let after = ring.without_live(KeyId(1)).unwrap();
    assert_eq!(
        refusal(&bench, &after, Role::Serve).await,
        None,
        "the store asks no more for key 1"
    );
}

#[tokio::test]
async fn a_key_with_permissions_or_without_heir_stays() {
    let bench = Bench::new();
    let ring = two_keys();
    let store = serving(&bench, &ring);
    let keys = ring.person_keys(&jane());
    store.append(keys.older[0], sale("2026-01-01")).await.unwrap();
    store.append_for(keys, objection("2026-02-01")).await.unwrap();
    let resting = store.retire_key(KeyId(1), ring.prints(), vec![]).await.unwrap();
    assert_eq!((resting.persons, resting.permissions), (0, 1));
    let only = store.retire_key(KeyId(1), one_key().prints(), vec![]).await.unwrap();
    assert!(only.is_last && !only.is_nothing());
}
