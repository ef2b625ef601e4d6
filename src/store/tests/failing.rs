//! A store that is away: at the start, behind a foreign lock, overwritten, deleted.

use std::fs;
use std::time::Duration;

use super::{Bench, PATIENCE, attempt, close, denial, objection, permit, person, until, version};
use crate::relay::ports::{Evidences, Journal, Query, RecordError, Records, StoreError};
use crate::store::{Health, IfMissing, Role, Settings, Store, verify};

/// How `serve` opens a store.
fn serving(bench: &Bench) -> Settings {
    Settings { if_missing: IfMissing::Degrade, ..bench.settings("n1") }
}

#[track_caller]
fn reason(store: &Store) -> String {
    match store.health() {
        Health::Degraded(reason) => reason,
        Health::Usable => panic!("the store is usable"),
    }
}

/// Every call must say that the store is away.
async fn check_away(bench: &Bench, store: &Store) {
    let recorded = store.record(attempt(bench, 9, vec![permit(9, 0)], &["jane"])).await;
    assert!(matches!(recorded, Err(RecordError::Store(StoreError::Unavailable(_)))));
    let appended = store.append(person(9), objection("2026-02-28")).await;
    assert!(matches!(appended, Err(StoreError::Unavailable(_))));
    let query = Query { persons: vec![person(9).into()], fates: vec![], scope: None };
    assert!(matches!(store.load(query).await, Err(StoreError::Unavailable(_))));
    assert!(!store.is_usable());
}

async fn check_recovers(bench: &Bench, store: &Store) {
    until(async || store.is_usable().then_some(())).await;
    store.record(attempt(bench, 9, vec![permit(9, 0)], &["jane"])).await.unwrap();
    assert_eq!(version(store, 9).await, 0);
}

#[tokio::test]
async fn start_without_a_file_is_degraded_until_somebody_makes_one() {
    let bench = Bench::new();
    let store = Store::open(serving(&bench)).unwrap();
    assert!(
        reason(&store).contains("`consentry import` and `consentry record` create one"),
        "{}",
        reason(&store)
    );
    check_away(&bench, &store).await;
    assert!(!bench.path().exists(), "serving never makes an empty database");
    let maker = bench.open_with(Settings { role: Role::Visit, ..bench.settings("cli") });
    maker.append(person(1), objection("2026-02-28")).await.unwrap();
    check_recovers(&bench, &store).await;
    assert_eq!(version(&store, 1).await, 1);
}

#[tokio::test]
async fn start_without_a_folder_is_degraded_until_it_is_there() {
    let bench = Bench::new();
    let folder = bench.folder.path().join("later");
    let path = folder.join("evidence.db");
    let store = Store::open(Settings { path, ..bench.settings("n1") }).unwrap();
    check_away(&bench, &store).await;
    fs::create_dir(&folder).unwrap();
    check_recovers(&bench, &store).await;
}

/// A store over the file of `bench` must stay degraded, say why, and change nothing.
async fn check_left_alone(bench: Bench, expected: &str) {
    let before = fs::read(bench.path()).unwrap();
    let store = Store::open(serving(&bench)).unwrap();
    check_away(&bench, &store).await;
    assert!(reason(&store).contains(expected), "{}", reason(&store));
    close(store).await;
    assert!(fs::read(bench.path()).unwrap() == before, "{expected}");
}

#[tokio::test]
async fn files_that_are_not_ours_are_left_alone() {
    let empty = Bench::new();
    fs::write(empty.path(), b"").unwrap();
    check_left_alone(empty, "empty").await;
    let noise = Bench::new();
    fs::write(noise.path(), [0x55; 9000]).unwrap();
    check_left_alone(noise, "not a database").await;
    let foreign = Bench::new();
    foreign.raw().execute_batch("CREATE TABLE theirs (x)").unwrap();
    check_left_alone(foreign, "not Consentry's").await;
    let newer = Bench::new();
    close(newer.open()).await;
    newer.raw().pragma_update(None, "user_version", 99).unwrap();
    check_left_alone(newer, "use the newer program").await;
}

#[tokio::test]
async fn foreign_write_lock_stops_writing_only_and_only_while_it_lasts() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), objection("2026-02-28")).await.unwrap();
    let foreign = bench.raw();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let recorded = store.record(attempt(&bench, 9, vec![permit(9, 0)], &["jane"])).await;
    let Err(RecordError::Store(StoreError::Unavailable(reason))) = recorded else {
        panic!("{recorded:?}");
    };
    assert!(reason.contains("locked"), "{reason}");
    assert!(!store.is_usable());
    assert_eq!(version(&store, 1).await, 1, "reading goes on");
    store.note(denial(3));
    foreign.execute_batch("ROLLBACK").unwrap();
    check_recovers(&bench, &store).await;
    close(store).await;
    drop(foreign);
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn caller_gives_up_on_a_lock_longer_than_its_patience() {
    let bench = Bench::new();
    let store = bench.open_with(Settings {
        busy_timeout: PATIENCE,
        write_timeout: Duration::from_millis(30),
        ..bench.settings("n1")
    });
    let foreign = bench.raw();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let recorded = store.record(attempt(&bench, 9, vec![permit(9, 0)], &["jane"])).await;
    assert_eq!(recorded.unwrap_err(), RecordError::Store(StoreError::Timeout));
    foreign.execute_batch("ROLLBACK").unwrap();
    until(async || store.record(attempt(&bench, 9, vec![permit(9, 0)], &["jane"])).await.ok())
        .await;
}

#[tokio::test]
async fn file_overwritten_by_garbage_is_noticed_and_taken_back_once_restored() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), objection("2026-02-28")).await.unwrap();
    let whole = fs::read(bench.path()).unwrap();
    fs::write(bench.path(), vec![0x5a; whole.len()]).unwrap();
    check_away(&bench, &store).await;
    assert!(reason(&store).contains("not a database"), "{}", reason(&store));
    fs::write(bench.path(), &whole).unwrap();
    check_recovers(&bench, &store).await;
    assert_eq!(version(&store, 1).await, 1, "what was acknowledged is still there");
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
}

#[tokio::test]
async fn garbage_behind_the_first_page_is_an_error_too() {
    let bench = Bench::new();
    let store = bench.open();
    for number in 1..=200 {
        store.append(person(number), objection("2026-02-28")).await.unwrap();
    }
    close(store).await;
    let mut bytes = fs::read(bench.path()).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(bench.path(), &bytes).unwrap();
    let store = Store::open(serving(&bench)).unwrap();
    check_away(&bench, &store).await;
    close(store).await;
    assert!(verify(&bench.path(), PATIENCE).is_err());
}

#[tokio::test]
async fn deleted_file_is_noticed_and_never_replaced_by_an_empty_one() {
    let bench = Bench::new();
    // Even a store that may create its file at the start.
    let store = bench.open();
    store.append(person(1), objection("2026-02-28")).await.unwrap();
    let aside = bench.folder.path().join("aside.db");
    fs::rename(bench.path(), &aside).unwrap();
    until(async || {
        check_away(&bench, &store).await;
        (store.shared().openings.load(std::sync::atomic::Ordering::SeqCst) == 1).then_some(())
    })
    .await;
    assert!(!bench.path().exists());
    fs::rename(&aside, bench.path()).unwrap();
    check_recovers(&bench, &store).await;
    assert_eq!(version(&store, 1).await, 1);
}

#[tokio::test]
async fn p5_notes_while_the_store_is_away_become_a_gap_later() {
    let bench = Bench::new();
    let store = Store::open(serving(&bench)).unwrap();
    for number in 1..=3 {
        store.note(denial(number));
    }
    assert_eq!(store.notes_lost_total(), 3);
    let maker = bench.open_with(Settings { role: Role::Visit, ..bench.settings("cli") });
    check_recovers(&bench, &store).await;
    close(maker).await;
    let gap: String = bench
        .raw()
        .query_row("SELECT CAST(body AS TEXT) FROM payload WHERE body LIKE '%lost%'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(gap, "{\"service_messages_lost\":3}");
}

#[tokio::test]
async fn closed_store_takes_nothing_in_but_finishes_what_waits() {
    let bench = Bench::new();
    let store = bench.open();
    let gate = super::Gate::hold(&store).await;
    let waits = tokio::spawn({
        let store = store.clone();
        async move { store.append(person(1), objection("2026-02-28")).await }
    });
    super::waiting(&store, 1).await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close(PATIENCE).await }
    });
    until(async || {
        let query = Query { persons: vec![], fates: vec![], scope: None };
        matches!(store.load(query).await, Err(StoreError::Unavailable(_))).then_some(())
    })
    .await;
    let late = store.append(person(2), objection("2026-02-28")).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))));
    drop(gate);
    closing.await.unwrap().unwrap();
    waits.await.unwrap().unwrap();
    assert_eq!(version(&bench.open(), 1).await, 1);
}
