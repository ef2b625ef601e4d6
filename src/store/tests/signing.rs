//! Checkpoints and the order of time in a chain.

use std::sync::Arc;
use std::time::Duration;

use super::{Bench, PATIENCE, close, objection, person, sale};
use crate::base::{KeyId, MasterKey, PublicKey, Signer};
use crate::relay::ports::Evidences as _;
use crate::store::{Checkpoint, Signed, verify, verify_against};

fn signer() -> Arc<Signer> {
    Arc::new(Signer::new(&MasterKey::new(KeyId(1), [5; 32])))
}

#[tokio::test]
async fn p9_every_field_of_a_checkpoint_is_signed() {
    let bench = Bench::new();
    let store = bench.open();
    assert_eq!(store.checkpoint(signer()).await.unwrap(), None, "there is nothing to sign");
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    let signed = store.checkpoint(signer()).await.unwrap().unwrap();
    assert_eq!(store.signed().await.unwrap(), Signed { head: 2, last: 2 });
    assert!(signed.is_signed());
    assert_eq!(
        Checkpoint::parse_lines(&format!("\n{}\n", signed.to_line())),
        Ok(vec![signed.clone()])
    );
    let other = Signer::new(&MasterKey::new(KeyId(2), [6; 32])).public();
    let changes: [fn(&mut Checkpoint, PublicKey); 6] = [
        |c, _| c.format.push('x'),
        |c, _| c.chain.push('x'),
        |c, _| c.seq += 1,
        |c, _| c.at += 1,
        |c, _| c.hash = crate::base::Digest::default(),
        |c, other| c.public_key = other,
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut changed = signed.clone();
        change(&mut changed, other);
        assert!(!changed.is_signed(), "change {at}");
    }
    close(store).await;
    verify(&bench.path(), PATIENCE).unwrap();
    let trusted = [signer().public()];
    let compared = verify_against(&bench.path(), PATIENCE, &[signed], &trusted).unwrap();
    assert_eq!((compared.matching, compared.last), (1, 1));
}

#[tokio::test]
async fn lines_that_are_no_checkpoints_are_named() {
    let wrong = Checkpoint::parse_lines("\n{}\n").unwrap_err();
    assert!(wrong.starts_with("line 2 is no checkpoint"), "{wrong}");
}

#[tokio::test]
async fn time_never_runs_backwards_in_a_chain() {
    let bench = Bench::new();
    let store = bench.open();
    store.append(person(1), sale("2026-01-05")).await.unwrap();
    bench.set_back(Duration::from_hours(1));
    store.append(person(1), objection("2026-01-06")).await.unwrap();
    close(store).await;
    let times: Vec<i64> = {
        let raw = bench.raw();
        let mut statement = raw.prepare("SELECT at FROM journal ORDER BY seq").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert!(times.is_sorted(), "{times:?}");
}
