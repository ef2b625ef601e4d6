//! Registers: replaced as a whole, found by any spelling, dated, and verified.

use super::{Bench, PATIENCE, close};
use crate::base::{AddressKeys, Digest, KeyId, Keyring, Listed, Mailbox, MasterKey, Timestamp};
use crate::eligibility::RegisterFacts;
use crate::relay::ports::{Query, Records};
use crate::store::{RegisterImport, RegisterRow, Store, verify};

fn ring() -> Keyring {
    Keyring::new(MasterKey::new(KeyId(1), [1; 32]), vec![])
}

fn keys(address: &str) -> AddressKeys {
    ring().address_keys(&Mailbox::parse(address).unwrap())
}

fn date() -> Timestamp {
    Timestamp::parse("2026-02-28").unwrap()
}

async fn import(store: &Store, id: &str, listed: &[Listed]) -> RegisterRow {
    let entries = listed.iter().map(|listed| ring().listing_key(listed)).collect();
    let import = RegisterImport {
        id: id.to_owned(),
        checked_at: date(),
        file: Digest::of(b"file"),
        entries,
    };
    store.import_register(import, |_| {}).await.unwrap()
}

async fn facts(store: &Store, address: &str) -> RegisterFacts {
    let query = Query { persons: vec![keys(address)], fates: vec![], scope: None };
    store.load(query).await.unwrap().records.remove(0).registers
}

fn hashed(text: &str) -> Listed {
    Listed::Sha256(Digest::of(text.as_bytes()))
}

#[tokio::test]
async fn tells_which_registers_list_an_address_and_as_of_when() {
    let bench = Bench::new();
    let store = bench.open();
    assert_eq!(facts(&store, "jane@example.org").await, RegisterFacts::default());
    let ecg = [hashed("jane@example.org"), hashed("@example.net"), hashed("jane@example.org")];
    assert_eq!(import(&store, "ecg", &ecg).await.entries, 2, "each entry once");
    import(&store, "robinson", &[Listed::Address(Mailbox::parse("Joe@example.org").unwrap())])
        .await;
    let jane = facts(&store, "Jane+news@example.org").await;
    assert_eq!(jane.listed, ["ecg"]);
    assert_eq!(jane.checked_at.get("ecg"), Some(&date()));
    assert_eq!(jane.checked_at.get("robinson"), Some(&date()));
    assert_eq!(facts(&store, "anybody@EXAMPLE.net").await.listed, ["ecg"]);
    assert_eq!(facts(&store, "joe+x@example.org").await.listed, ["robinson"]);
    assert!(facts(&store, "jim@example.org").await.listed.is_empty());
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn an_import_replaces_the_register_and_drops_the_old_entries() {
    let bench = Bench::new();
    let store = bench.open();
    let many: Vec<Listed> = (0..5000).map(|n| hashed(&format!("p{n}@example.org"))).collect();
    import(&store, "ecg", &many).await;
    assert_eq!(facts(&store, "p4999@example.org").await.listed, ["ecg"]);
    import(&store, "ecg", &[hashed("new@example.org")]).await;
    assert!(facts(&store, "p4999@example.org").await.listed.is_empty());
    assert_eq!(facts(&store, "new@example.org").await.listed, ["ecg"]);
    assert_eq!(store.registers().await.unwrap().len(), 1);
    close(store).await;
    let left: i64 =
        bench.raw().query_row("SELECT count(*) FROM listing", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn verification_misses_an_entry_taken_out() {
    let bench = Bench::new();
    let store = bench.open();
    import(&store, "ecg", &[hashed("a@example.org"), hashed("b@example.org")]).await;
    close(store).await;
    bench
        .raw()
        .execute("DELETE FROM listing WHERE listed = (SELECT min(listed) FROM listing)", [])
        .unwrap();
    let error = verify(&bench.path(), PATIENCE).unwrap_err().to_string();
    assert!(error.contains("listing") && error.contains("ecg"), "{error}");
}
