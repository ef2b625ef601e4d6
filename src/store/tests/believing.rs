//! When the store is believed: marks outside the database, and the clock.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Map;

use super::{Bench, attempt, close, objection, permit, person, sale};
use crate::base::Timestamp;
use crate::relay::ports::{Evidences as _, Hold, Journal as _, RecordError, StoreError};
use crate::store::{Accepted, Settings, Store};

impl Bench {
    fn marks(&self) -> PathBuf {
        self.folder.path().join("marks.json")
    }

    fn guarded(&self) -> Settings {
        Settings { high_water: Some(self.marks()), ..self.settings("n1") }
    }
}

async fn try_permit(bench: &Bench, store: &Store, version: u64) -> Result<(), Hold> {
    let batch = attempt(bench, 1, vec![permit(1, version)], &[]);
    match store.record(batch).await {
        Ok(_) => Ok(()),
        Err(RecordError::Store(StoreError::Held(hold))) => Err(hold),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn p2_a_database_that_lacks_what_was_seen_permits_nothing() {
    let bench = Bench::new();
    let store = bench.open_with(bench.guarded());
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    assert_eq!(try_permit(&bench, &store, 1).await, Ok(()));
    close(store).await;
    let old = std::fs::read(bench.path()).unwrap();
    let store = bench.open_with(bench.guarded());
    assert_eq!(store.hold(), None);
    store.append(person(1), objection("2026-01-06")).await.unwrap();
    store.keep_high_water().await.unwrap();
    close(store).await;
    std::fs::write(bench.path(), old).unwrap();
    let store = bench.open_with(bench.guarded());
    assert_eq!(store.hold(), Some(Hold::Restored));
    assert!(
        store.hold_in_words().unwrap().contains("chain n1 ends at entry"),
        "{:?}",
        store.hold_in_words()
    );
    assert_eq!(try_permit(&bench, &store, 1).await, Err(Hold::Restored));
    // Growing beyond the number does not make it the same chain.
    for day in 10..20 {
        store.append(person(2), sale(&format!("2026-01-{day}"))).await.unwrap();
    }
    store.keep_high_water().await.unwrap();
    assert_eq!(try_permit(&bench, &store, 1).await, Err(Hold::Restored));
    assert!(store.hold_in_words().unwrap().contains("is not the one that was seen"));
    let accepted = store.accept_restore(Map::new()).await.unwrap();
    assert!(matches!(accepted, Accepted::Done(_)), "{accepted:?}");
    assert_eq!(try_permit(&bench, &store, 1).await, Ok(()));
    assert_eq!(store.accept_restore(Map::new()).await.unwrap(), Accepted::Needless);
    close(store).await;
    let store = bench.open_with(bench.guarded());
    assert_eq!(store.hold(), None, "it stays accepted");
    close(store).await;
}

#[tokio::test]
async fn another_store_and_unreadable_marks_hold() {
    let bench = Bench::new();
    let store = bench.open_with(bench.guarded());
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    close(store).await;
    let other = Bench::new();
    let settings = Settings { high_water: Some(bench.marks()), ..other.settings("n1") };
    let store = other.open_with(settings);
    assert_eq!(store.hold(), Some(Hold::Restored));
    assert!(store.hold_in_words().unwrap().contains("another store"));
    close(store).await;
    std::fs::write(bench.marks(), "{}").unwrap();
    let store = bench.open_with(bench.guarded());
    assert_eq!(store.hold(), Some(Hold::Restored));
    assert!(store.hold_in_words().unwrap().contains("holds no marks"));
    close(store).await;
    assert_eq!(std::fs::read_to_string(bench.marks()).unwrap(), "{}", "a held store moves none");
}

#[tokio::test]
async fn a_clock_a_little_behind_is_put_right_and_one_far_behind_holds() {
    let bench = Bench::new();
    let store = bench.open_with(bench.guarded());
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    let latest = store.steady_now();
    bench.set_back(Duration::from_secs(3));
    assert!(store.steady_now() >= Timestamp::from_millis(latest.as_millis() - 1000));
    assert_eq!(try_permit(&bench, &store, 1).await, Ok(()));
    bench.set_back(Duration::from_secs(3));
    assert_eq!(try_permit(&bench, &store, 1).await, Err(Hold::ClockBack));
    assert_eq!(store.hold(), Some(Hold::ClockBack));
    // What must be written is written, and changes nothing about the clock.
    store.append(person(1), objection("2026-01-06")).await.unwrap();
    assert_eq!(store.hold(), Some(Hold::ClockBack));
    let accepted = store.accept_clock(Map::new()).await.unwrap();
    assert!(matches!(accepted, Accepted::Done(_)), "{accepted:?}");
    assert_eq!(store.hold(), None);
    assert_eq!(try_permit(&bench, &store, 2).await, Ok(()));
    assert_eq!(store.accept_clock(Map::new()).await.unwrap(), Accepted::Needless);
    close(store).await;
}

#[tokio::test]
async fn a_clock_that_catches_up_needs_no_acceptance() {
    let bench = Bench::new();
    let store = bench.open_with(bench.guarded());
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    bench.set_back(Duration::from_mins(1));
    assert_eq!(store.hold(), Some(Hold::ClockBack));
    bench.pass(Duration::from_mins(1));
    assert_eq!(try_permit(&bench, &store, 1).await, Ok(()));
    close(store).await;
}

#[tokio::test]
async fn a_clock_from_before_the_program_was_made_cannot_be_accepted() {
    let bench = Bench::new();
    let built_at = bench.now().after(Duration::from_hours(1));
    let store = bench.open_with(Settings { built_at, ..bench.guarded() });
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    assert_eq!(try_permit(&bench, &store, 1).await, Err(Hold::ClockBeforeBuild));
    let refused = store.accept_clock(Map::new()).await.unwrap();
    assert!(matches!(refused, Accepted::Refused(_)), "{refused:?}");
    bench.pass(Duration::from_hours(1));
    assert_eq!(try_permit(&bench, &store, 1).await, Ok(()));
    close(store).await;
}
