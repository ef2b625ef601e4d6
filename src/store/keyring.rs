//! Which keys a store was written under, and whether one may go.
//!
//! A process without one of them would take known people for strangers and forget their
//! objections, so it is refused. The relay that serves notes a new key first; a visitor with a
//! key the store has never seen is refused, or the two would write past each other.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::fault::Fault;
use super::handle::Store;
use super::job::Patience;
use super::journal::{EntryKind, Payload, Writing};
use super::row::{from_sql_number, nullable, row_sum};
use super::settings::{Role, Settings};
use crate::base::{KeyId, KeyPrint, Normalization, Timestamp};
use crate::relay::ports::StoreError;

/// One row of `key_pair`.
struct KeyRow {
    id: u8,
    fingerprint: Vec<u8>,
    retired_at: Option<i64>,
}

/// What keeps a key from being retired.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resting {
    /// People with objections, or who were sent marketing, not yet met under another key.
    pub persons: u64,
    /// Permissions written under it.
    pub permissions: u64,
    /// Registers not imported again since a newer key came: their entries are hashed with this one.
    pub registers: u64,
    /// Whether its rows name it at all; those of the first normalisation do not.
    pub is_unnamed: bool,
    /// Whether no other key is there to take its place.
    pub is_last: bool,
}

impl Resting {
    /// Whether nothing does.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Refuses a store written under other keys, and notes those it may.
pub(super) fn check(
    connection: &mut Connection,
    prints: &[KeyPrint],
    settings: &Settings,
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = rows(&transaction)?;
    for row in known.iter().filter(|row| row.retired_at.is_none()) {
        if !prints.iter().any(|print| print.id.0 == row.id) {
            return Err(Fault::File(format!(
                "the store was written under key {}, which is not live in the keyring; give the \
                 keyring back in which it is, or its objections would be forgotten",
                row.id
            )));
        }
    }
    let is_new = known.is_empty() && !adopt_first(&transaction, prints, settings)?;
    let mut is_changed = false;
    for print in prints {
        match known.iter().find(|row| row.id == print.id.0) {
            Some(row) if row.fingerprint == print.fingerprint.as_bytes() => {}
            Some(row) => {
                return Err(Fault::File(format!(
                    "the store was made with another keyring: its key {} has another secret or \
                     widens addresses otherwise; use that one, or its objections would be forgotten",
                    row.id
                )));
            }
            None if is_noted(&transaction, print)? => is_changed = true,
            None if is_new || settings.role == Role::Serve => {
                note(&transaction, print, settings.clock.now())?;
                is_changed = true;
            }
            None if settings.role == Role::Look => {}
            None => {
                return Err(Fault::File(format!(
                    "key {} is new to the store; restart the relay first, which notes it",
                    print.id.0
                )));
            }
        }
    }
    if is_changed {
        transaction.commit()?;
    }
    Ok(())
}

/// Takes over what older programs remembered: one digest, of the live key. Whether there was one.
fn adopt_first(
    connection: &Connection,
    prints: &[KeyPrint],
    settings: &Settings,
) -> Result<bool, Fault> {
    let remembered: Option<Vec<u8>> = connection
        .query_row("SELECT value FROM meta WHERE key = 'keyring'", [], |row| row.get(0))
        .optional()?;
    let Some(remembered) = remembered else { return Ok(false) };
    let found = prints.iter().find(|print| {
        print.normalization == Normalization::First
            && print.fingerprint.as_bytes().as_slice() == remembered
    });
    match found {
        Some(print) => note(connection, print, settings.clock.now()).map(|()| true),
        None => Err(Fault::File(
            "the store was made with another keyring; use that one, or its objections would be \
             forgotten"
                .to_owned(),
        )),
    }
}

fn is_noted(connection: &Connection, print: &KeyPrint) -> Result<bool, Fault> {
    Ok(rows(connection)?.iter().any(|row| row.id == print.id.0))
}

fn rows(connection: &Connection) -> Result<Vec<KeyRow>, Fault> {
    let mut statement = connection.prepare(
        "SELECT id, normalization, fingerprint, noted_at, retired_at, sum FROM key_pair",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let columns =
            (0..5).map(|column| row.get_ref(column)).collect::<Result<Vec<ValueRef<'_>>, _>>()?;
        let id: u8 = row.get(0)?;
        if row.get_ref(5)? != ValueRef::Blob(&row_sum("key_pair", &columns)) {
            return Err(Fault::row("key_pair", id, "its checksum does not match"));
        }
        found.push(KeyRow { id, fingerprint: row.get(2)?, retired_at: row.get(4)? });
    }
    Ok(found)
}

fn note(connection: &Connection, print: &KeyPrint, now: Timestamp) -> Result<(), Fault> {
    write(connection, print, now, None)
}

fn write(
    connection: &Connection,
    print: &KeyPrint,
    noted_at: Timestamp,
    retired_at: Option<Timestamp>,
) -> Result<(), Fault> {
    let (normalization, fingerprint) =
        (print.normalization.number(), print.fingerprint.as_bytes().as_slice());
    let retired_at = retired_at.map(Timestamp::as_millis);
    let columns = [
        ValueRef::Integer(print.id.0.into()),
        ValueRef::Integer(normalization.into()),
        ValueRef::Blob(fingerprint),
        ValueRef::Integer(noted_at.as_millis()),
        nullable(retired_at, ValueRef::Integer),
    ];
    connection.execute(
        "INSERT OR REPLACE INTO key_pair
         (id, normalization, fingerprint, noted_at, retired_at, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            print.id.0,
            normalization,
            fingerprint,
            noted_at.as_millis(),
            retired_at,
            row_sum("key_pair", &columns),
        ),
    )?;
    Ok(())
}

impl Store {
    /// Retires the key `id` of those in `prints`, if nothing rests on it, and journals `act`;
    /// tells what does.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be looked up or written.
    pub async fn retire_key(
        &self,
        id: KeyId,
        prints: Vec<KeyPrint>,
        act: Vec<u8>,
    ) -> Result<Resting, StoreError> {
        self.write(Patience::Regardless, move |writing| retire(writing, id, &prints, &act)).await
    }
}

fn retire(
    writing: &mut Writing<'_>,
    id: KeyId,
    prints: &[KeyPrint],
    act: &[u8],
) -> Result<Resting, Fault> {
    let Some(print) = prints.iter().find(|print| print.id == id) else {
        return Err(Fault::row("key_pair", id.0, "it is not live in the keyring"));
    };
    let resting = resting(writing.connection(), print, prints)?;
    if resting.is_nothing() {
        let now = writing.now();
        write(writing.connection(), print, now, Some(now))?;
        let payload = Payload { body: act, ..Payload::default() };
        writing.enter_payload(EntryKind::Operator, now, &payload)?;
    }
    Ok(resting)
}

fn resting(
    connection: &Connection,
    print: &KeyPrint,
    prints: &[KeyPrint],
) -> Result<Resting, Fault> {
    let mut resting =
        Resting { is_unnamed: print.normalization == Normalization::First, ..Resting::default() };
    let heir = prints
        .iter()
        .find(|other| other.id != print.id && other.normalization != Normalization::First);
    let Some(heir) = heir else {
        resting.is_last = true;
        return Ok(resting);
    };
    let [first, last] = span(print.id);
    let [heir_first, heir_last] = span(heir.id);
    let persons = "SELECT count(*) FROM (
            SELECT person FROM record WHERE person BETWEEN ?1 AND ?2
            UNION SELECT person FROM sent WHERE person BETWEEN ?1 AND ?2
        ) AS row WHERE NOT EXISTS (
            SELECT 1 FROM kin JOIN kin AS other USING (circle)
            WHERE kin.person = row.person AND other.address = kin.address
            AND other.person BETWEEN ?3 AND ?4)";
    let count =
        connection.query_row(persons, (first, last, heir_first, heir_last), |r| r.get(0))?;
    resting.persons = from_sql_number(count)?;
    let permissions = "SELECT count(*) FROM evidence WHERE person BETWEEN ?1 AND ?2
        AND body ->> '$.fact.kind' NOT IN ('objection', 'consent_withdrawn', 'complaint', 'bounce',
                                           'register_hit', 'erasure')";
    let count = connection.query_row(permissions, (first, last), |row| row.get(0))?;
    resting.permissions = from_sql_number(count)?;
    let registers = "SELECT count(*) FROM register WHERE imported_at <=
        (SELECT noted_at FROM key_pair WHERE id = ?1)";
    let count = connection.query_row(registers, [heir.id.0], |row| row.get(0))?;
    resting.registers = from_sql_number(count)?;
    Ok(resting)
}

/// The first and the last row a key's name stands in.
fn span(id: KeyId) -> [[u8; 16]; 2] {
    [0x00, 0xff].map(|fill| {
        let mut row = [fill; 16];
        row[0] = id.0;
        row
    })
}
