//! Every value of every table is changed once, and verifying must say where.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::{VerifyError, verify};
use crate::base::{BatchId, EntityId};
use crate::eligibility::rules::Lineage;
use crate::eligibility::{Deal, Evidence, Scope, Succession};
use crate::pipeline::{Fate, Settled, SourceText};
use crate::relay::ports::{Evidences, Journal, Settlement};
use crate::store::job::Patience;
use crate::store::tests::{
    Bench, PATIENCE, attempt, close, denial, entity, objection, outcome, permit, person, sale,
    settlement,
};
use crate::store::{Act, Cutoffs, Reach, Staging, Store, import};

/// A store with rows in every table, two nodes, and an import that broke off.
async fn populated() -> Bench {
    let bench = Bench::new();
    let (store, other) = (bench.open(), bench.open_with(bench.settings("n2")));
    store.ensure_scopes(vec![Scope::Entity(entity())]).await.unwrap();
    let contacts = vec![(person(1), sale("2026-01-05")), (person(2), objection("2026-01-06"))];
    store.append_all(contacts, batch("done")).await.unwrap();
    let open = store.write(Patience::Regardless, |writing| import::open(writing, &batch("broken")));
    open.await.unwrap();
    let late = vec![(person(3), sale("2026-01-07"))];
    store.append_chunks(late, &batch("broken"), &mut |_| {}).await.unwrap();
    other.append(person(1), objection("2026-02-01")).await.unwrap();
    undo_one_of_two(&bench, &store).await;
    other.annotate(Act::Config, b"{}".to_vec()).await.unwrap();
    let names = ["jane", "joan", "june"];
    store.record(attempt(&bench, 1, vec![permit(1, 2), denial(2)], &names)).await.unwrap();
    let fates = [("jane", Settled::Final(Fate::Accepted)), ("joan", Settled::Deferred)];
    let settled = Settlement {
        outcomes: vec![outcome(1, Some(person(1))), outcome(2, None)],
        ..settlement(&bench, 1, &fates)
    };
    store.settle(settled).await.unwrap();
    store.note(denial(4));
    act_as_officer(&store).await;
    let lineage = Lineage { texts: vec!["[meta]".to_owned()], overrides: vec![] };
    store.keep_sources(vec![SourceText::RuleSet(lineage)]).await.unwrap();
    let cutoffs = Cutoffs { service: Some(bench.now()), ..Cutoffs::default() };
    assert_eq!(store.retain(cutoffs).await.unwrap().service, 1);
    close(store).await;
    close(other).await;
    bench
}

/// An import with a source, undone; and one that tells a piece again.
async fn undo_one_of_two(bench: &Bench, store: &Store) {
    for name in ["undone", "again"] {
        let mut staging = Staging::create(&bench.path(), &batch(name)).unwrap();
        staging.push(&person(5).into(), &in_batch(sale("2026-01-05"), name)).unwrap();
        staging.push(&person(5).into(), &in_batch(sale("2026-01-06"), name)).unwrap();
        let about = serde_json::json!({ "file": name });
        store.merge(&staging, &batch(name), about, |_| {}).await.unwrap();
        if name == "undone" {
            let act = serde_json::json!({ "by": "ann" });
            let reach = Reach::Permissions;
            store.undo_import(&batch(name), reach, act, |_| {}).await.unwrap();
        }
    }
}

/// A merger, and somebody whose sale was erased.
async fn act_as_officer(store: &Store) {
    let (from, to) = (EntityId::parse("old").unwrap(), entity());
    let at = "2026-01-01".parse().unwrap();
    let merger = Succession { from, to, at, deal: Deal::Universal, document: None };
    store.succeed(merger, b"{\"by\":\"ann\"}".to_vec()).await.unwrap();
    store.append(person(8), sale("2026-01-05")).await.unwrap();
    let act = serde_json::json!({ "by": "ann" });
    assert_eq!(store.erase(person(8).into(), entity(), act).await.unwrap().evidence, 1);
}

fn in_batch(mut piece: Evidence, name: &str) -> Evidence {
    piece.provenance.batch = Some(batch(name));
    piece
}

fn batch(name: &str) -> BatchId {
    BatchId::parse(name).unwrap()
}

/// One value in one row.
struct Cell {
    table: String,
    column: String,
    key: Vec<String>,
}

impl Cell {
    /// A condition that names the row by all its key columns, to be bound to `values`.
    fn condition(&self) -> String {
        let parts: Vec<_> =
            self.key.iter().enumerate().map(|(i, k)| format!("{k} IS ?{}", i + 2)).collect();
        parts.join(" AND ")
    }
}

fn strings(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn cells(connection: &Connection) -> Vec<Cell> {
    let tables = strings(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    let cells_of = |table: String| {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let key = format!("{columns} WHERE pk > 0 ORDER BY pk");
        let key = strings(connection, &key);
        strings(connection, &columns)
            .into_iter()
            .map(|column| Cell { table: table.clone(), column, key: key.clone() })
            .collect::<Vec<_>>()
    };
    tables.into_iter().flat_map(cells_of).collect()
}

/// Another value of the same type.
fn changed(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Integer(number) => Value::Integer(number ^ (1 << 20)),
        Value::Real(number) => Value::Real(number + 1.0),
        Value::Text(text) => {
            let mut text = text.clone().into_bytes();
            match text.first_mut() {
                Some(first) => *first ^= 1,
                None => text.push(b'x'),
            }
            Value::Text(String::from_utf8(text).unwrap())
        }
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            match bytes.last_mut() {
                Some(last) => *last ^= 1,
                None => bytes.push(1),
            }
            Value::Blob(bytes)
        }
    }
}

#[track_caller]
fn check_found(bench: &Bench, table: &str, what: &str) {
    match verify(&bench.path(), PATIENCE) {
        Err(VerifyError::Broken(found)) => assert_eq!(found.table, table, "{what}: {found}"),
        other => panic!("{what} went unnoticed: {other:?}"),
    }
}

/// The values of `cell` and its row's key, in every row.
fn values(connection: &Connection, cell: &Cell) -> Vec<(Value, Vec<Value>)> {
    let (column, keys, table) = (&cell.column, cell.key.join(", "), &cell.table);
    let mut statement =
        connection.prepare(&format!("SELECT {column}, {keys} FROM {table}")).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        let key = (1..width).map(|i| row.get(i)).collect::<Result<_, _>>()?;
        Ok((row.get(0)?, key))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn tampering(bench: &Bench) -> Connection {
    let connection = bench.raw();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    connection
}

#[tokio::test]
async fn p9_every_changed_value_is_found_where_it_is() {
    let bench = populated().await;
    verify(&bench.path(), PATIENCE).unwrap();
    let connection = tampering(&bench);
    let mut tried = std::collections::BTreeMap::<String, u32>::new();
    for cell in cells(&connection) {
        let (table, column) = (&cell.table, &cell.column);
        for (value, key) in values(&connection, &cell).into_iter().filter(|v| v.0 != Value::Null) {
            let other = changed(&value);
            let set = format!("UPDATE {table} SET {column} = ?1 WHERE {}", cell.condition());
            // Where the column is part of the key, the row is found under its new value.
            let moved = |to: &Value| -> Vec<Value> {
                let at = cell.key.iter().position(|k| k == column);
                let swap = |(i, k): (usize, &Value)| {
                    if at == Some(i) { to.clone() } else { k.clone() }
                };
                key.iter().enumerate().map(swap).collect()
            };
            let bound = |to: &Value, key: Vec<Value>| {
                params_from_iter(std::iter::once(to.clone()).chain(key))
            };
            assert_eq!(connection.execute(&set, bound(&other, key.clone())).unwrap(), 1);
            check_found(&bench, table, &format!("{table}.{column} {key:?}"));
            assert_eq!(connection.execute(&set, bound(&value, moved(&other))).unwrap(), 1);
            *tried.entry(table.clone()).or_default() += 1;
        }
    }
    verify(&bench.path(), PATIENCE).unwrap();
    // The locator begins with the 4096th entry; it, keys and registers have tests of their own.
    let empty = ["locator", "key_pair", "kin", "register", "listing"];
    let named = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let tables = strings(&connection, named);
    let filled = tables.iter().filter(|table| !empty.contains(&table.as_str()));
    assert!(filled.eq(tried.keys()), "every other table has rows: {tried:?}");
}

#[tokio::test]
async fn p9_every_missing_row_is_noticed() {
    let bench = populated().await;
    let connection = bench.raw();
    let copy = bench.folder.path().join("copy.db");
    // A forgotten fate is what sweeping leaves too; retention that does not know how far it came
    // begins anew and finds nothing.
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'
                  AND name NOT IN ('ledger', 'retained')";
    for table in strings(&connection, tables) {
        let key = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0");
        let key = strings(&connection, &key).join(", ");
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = connection.query_row(&count, [], |row| row.get(0)).unwrap();
        for row in 0..rows {
            std::fs::copy(bench.path(), &copy).unwrap();
            let delete = format!(
                "DELETE FROM {table} WHERE ({key}) = (SELECT {key} FROM {table} LIMIT 1 OFFSET {row})"
            );
            let damaged = Connection::open(&copy).unwrap();
            damaged.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
            assert_eq!(damaged.execute(&delete, []).unwrap(), 1);
            drop(damaged);
            let found = verify(&copy, PATIENCE);
            assert!(matches!(found, Err(VerifyError::Broken(_))), "{table} {row}: {found:?}");
        }
    }
}

#[tokio::test]
async fn p9_changed_tables_and_indexes_are_found() {
    for (damage, name) in [
        ("DROP INDEX pending_by_batch", "pending_by_batch"),
        ("CREATE TABLE extra (x)", "extra"),
        ("CREATE TRIGGER quiet AFTER INSERT ON evidence BEGIN DELETE FROM record; END", "quiet"),
        ("ALTER TABLE scope ADD COLUMN note TEXT", "scope"),
    ] {
        let bench = populated().await;
        tampering(&bench).execute_batch(damage).unwrap();
        match verify(&bench.path(), PATIENCE) {
            Err(VerifyError::Broken(found)) => {
                assert_eq!((found.table.as_str(), found.key.as_str()), ("sqlite_schema", name));
            }
            other => panic!("{damage} went unnoticed: {other:?}"),
        }
    }
}

/// All that stands in all tables.
fn content(path: &Path) -> Vec<Vec<Value>> {
    let connection = Connection::open(path).unwrap();
    let tables = strings(&connection, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    let rows_of = |table: String| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| (0..width).map(|i| row.get(i)).collect());
        rows.unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    tables.into_iter().flat_map(rows_of).collect()
}

#[tokio::test]
async fn p9_flipped_byte_of_the_file_is_found_or_held_nothing() {
    let bench = populated().await;
    let whole = std::fs::read(bench.path()).unwrap();
    let expected = content(&bench.path());
    let copy = bench.folder.path().join("copy.db");
    let mut found = 0;
    for position in (0..whole.len()).step_by(211) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x10;
        std::fs::write(&copy, &bytes).unwrap();
        match verify(&copy, PATIENCE) {
            Ok(_) => assert!(content(&copy) == expected, "the flip at {position} went unnoticed"),
            Err(_) => found += 1,
        }
    }
    assert!(found > 20, "the flips must hit something: {found}");
}

#[test]
fn missing_store_is_unreadable_and_not_whole() {
    let bench = Bench::new();
    assert!(matches!(verify(&bench.path(), PATIENCE), Err(VerifyError::Unreadable(_))));
    assert!(!bench.path().exists(), "looking makes nothing");
}
