//! Rows of one person: under several live keys, or by several addresses that were linked.
//!
//! An objection written for one of them is copied to all in the same transaction (promise P2).
//! Permissions are never copied: they were given for one address.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::evidence::{self, Counting};
use super::fault::Fault;
use super::handle::Store;
use super::job::Patience;
use super::journal::{EntryKind, Payload, Writing};
use super::lookup;
use super::row::{fresh_salt, row_sum};
use crate::base::{EvidenceId, PersonKey, PersonKeys};
use crate::eligibility::{Evidence, Fact};
use crate::relay::ports::StoreError;

/// Where a row stands: with the rows of its address, within those of its person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    address: i64,
    circle: i64,
}

/// Whether a piece of evidence is the person's no, which holds for all their addresses.
pub(super) const fn is_for_all(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Objection { .. }
            | Fact::ConsentWithdrawn { .. }
            | Fact::Complaint { .. }
            | Fact::Erasure { .. }
    )
}

/// All other rows of the person.
pub(super) fn of(connection: &Connection, person: &PersonKey) -> Result<Vec<PersonKey>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT other.person FROM kin JOIN kin AS other USING (circle)
         WHERE kin.person = ?1 AND other.person <> ?1 ORDER BY other.person",
    )?;
    let rows = statement.query_map([person.as_bytes()], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|key| key.map(PersonKey::from_bytes)).collect::<Result<_, _>>()?)
}

/// Lets the rows of one address under several keys know each other.
pub(super) fn join_siblings(writing: &mut Writing<'_>, keys: &PersonKeys) -> Result<(), Fault> {
    let connection = writing.connection();
    let places: Vec<Option<Place>> =
        keys.iter().map(|person| place(connection, &person)).collect::<Result<_, _>>()?;
    let first = places.iter().flatten().next().copied();
    if first.is_some() && places.iter().all(|place| *place == first) {
        return Ok(());
    }
    // Rows that stand in circles of their own are drawn into one, with everybody in them.
    let into = match first {
        Some(place) => place,
        None => Place { address: fresh_number()?, circle: fresh_number()? },
    };
    for (person, place) in keys.iter().zip(places) {
        match place {
            Some(place) if place.circle != into.circle => move_circle(connection, place, into)?,
            Some(_) | None => {}
        }
        put(connection, &person, into)?;
    }
    share(writing, &keys.newest)
}

/// Links the addresses of one person; tells how many rows of evidence were copied.
pub(super) fn link(writing: &mut Writing<'_>, addresses: &[PersonKeys]) -> Result<u64, Fault> {
    let before = evidence::last_id(writing.connection())?;
    let mut circle = None;
    for keys in addresses {
        let connection = writing.connection();
        if place(connection, &keys.newest)?.is_none() {
            let fresh = Place { address: fresh_number()?, circle: fresh_number()? };
            put(connection, &keys.newest, fresh)?;
        }
        join_siblings(writing, keys)?;
        let connection = writing.connection();
        let Some(found) = place(connection, &keys.newest)? else { continue };
        let into = *circle.get_or_insert(found.circle);
        if found.circle != into {
            for (person, member) in members(connection, found.circle)? {
                put(connection, &person, Place { circle: into, ..member })?;
            }
        }
    }
    if let Some(keys) = addresses.first() {
        share(writing, &keys.newest)?;
    }
    let after = evidence::last_id(writing.connection())?;
    Ok(u64::try_from(after - before).unwrap_or(0))
}

/// Takes one address out of its person's circle; whether it was in one with others.
pub(super) fn unlink(writing: &mut Writing<'_>, keys: &PersonKeys) -> Result<bool, Fault> {
    let connection = writing.connection();
    let Some(found) = place(connection, &keys.newest)? else { return Ok(false) };
    let all = members(connection, found.circle)?;
    let (own, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, member)| member.address == found.address);
    if others.is_empty() {
        return Ok(false);
    }
    let circle = fresh_number()?;
    for (person, member) in own {
        put(connection, &person, Place { circle, ..member })?;
    }
    Ok(true)
}

impl Store {
    /// Appends one piece about somebody known under every live key: permissions under the newest
    /// alone, what protects under all; objections also to all linked addresses.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written; then nothing was.
    pub async fn append_for(
        &self,
        keys: impl Into<PersonKeys> + Send,
        evidence: Evidence,
    ) -> Result<(), StoreError> {
        let keys = keys.into();
        self.write(Patience::Regardless, move |writing| {
            evidence::append_for(writing, &keys, &evidence, Counting::AtOnce).map(|_| ())
        })
        .await
    }

    /// [`Store::append_for`] for an officer, whose `act` is journalled with it.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written; then nothing was.
    pub async fn append_by_officer(
        &self,
        keys: PersonKeys,
        evidence: Evidence,
        act: Vec<u8>,
    ) -> Result<(), StoreError> {
        self.write(Patience::Regardless, move |writing| {
            let payload = Payload { body: &act, ..Payload::default() };
            writing.enter_payload(EntryKind::Operator, writing.now(), &payload)?;
            evidence::append_for(writing, &keys, &evidence, Counting::AtOnce).map(|_| ())
        })
        .await
    }

    /// Links the addresses of one person, copies the objections made for any of them to all, and
    /// journals `act`; tells how many pieces were copied.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written; then nothing was.
    pub async fn link(&self, addresses: Vec<PersonKeys>, act: Vec<u8>) -> Result<u64, StoreError> {
        self.write(Patience::Regardless, move |writing| {
            let payload = Payload { body: &act, ..Payload::default() };
            writing.enter_payload(EntryKind::Operator, writing.now(), &payload)?;
            link(writing, &addresses)
        })
        .await
    }

    /// Takes an address out of its person's circle and journals `act`; `false`, and nothing
    /// journalled, if it was linked with no other. What was copied stays.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written.
    pub async fn unlink(&self, address: PersonKeys, act: Vec<u8>) -> Result<bool, StoreError> {
        self.write(Patience::Regardless, move |writing| {
            let was_linked = unlink(writing, &address)?;
            if was_linked {
                let payload = Payload { body: &act, ..Payload::default() };
                writing.enter_payload(EntryKind::Operator, writing.now(), &payload)?;
            }
            Ok(was_linked)
        })
        .await
    }

    /// The pieces of evidence numbered `ids`, of whichever rows a decision read; those not there
    /// are left out.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be read.
    pub async fn evidence(
        &self,
        ids: Vec<EvidenceId>,
    ) -> Result<Vec<(EvidenceId, Evidence)>, StoreError> {
        self.read(move |connection| {
            let pieces = ids.into_iter().map(|id| {
                let piece = lookup::evidence(connection, id)?;
                Ok(piece.map(|piece| (id, piece)))
            });
            pieces.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// All other rows of a person: under other keys, and of linked addresses.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be read.
    pub async fn kin_of(&self, person: PersonKey) -> Result<Vec<PersonKey>, StoreError> {
        self.read(move |connection| of(connection, &person)).await
    }
}

/// Copies each objection of anybody in the circle of `person` to all others in it.
fn share(writing: &mut Writing<'_>, person: &PersonKey) -> Result<(), Fault> {
    let mut rows = of(writing.connection(), person)?;
    rows.push(*person);
    let mut said: Vec<(PersonKey, Evidence)> = Vec::new();
    for row in &rows {
        let objections = objections_of(writing.connection(), row)?;
        said.extend(objections.into_iter().map(|objection| (*row, objection)));
    }
    for (of, objection) in &said {
        for row in rows.iter().filter(|row| *row != of) {
            evidence::append_one(writing, row, objection, Counting::AtOnce)?;
        }
    }
    Ok(())
}

fn objections_of(connection: &Connection, person: &PersonKey) -> Result<Vec<Evidence>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, body FROM evidence WHERE person = ?1 AND version IS NOT NULL ORDER BY id",
    )?;
    let mut rows = statement.query([person.as_bytes()])?;
    let mut objections = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let piece: Evidence = serde_json::from_str(&row.get::<_, String>(1)?)
            .map_err(|error| Fault::row("evidence", id, error))?;
        if is_for_all(&piece.fact) {
            objections.push(piece);
        }
    }
    Ok(objections)
}

fn move_circle(connection: &Connection, from: Place, into: Place) -> Result<(), Fault> {
    for (person, member) in members(connection, from.circle)? {
        let address = if member.address == from.address { into.address } else { member.address };
        put(connection, &person, Place { address, circle: into.circle })?;
    }
    Ok(())
}

fn members(connection: &Connection, circle: i64) -> Result<Vec<(PersonKey, Place)>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT person, address, circle FROM kin WHERE circle = ?1")?;
    let rows = statement.query_map([circle], |row| {
        let place = Place { address: row.get(1)?, circle: row.get(2)? };
        Ok((PersonKey::from_bytes(row.get(0)?), place))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn place(connection: &Connection, person: &PersonKey) -> Result<Option<Place>, Fault> {
    let found = connection
        .prepare_cached("SELECT address, circle, sum FROM kin WHERE person = ?1")?
        .query_row([person.as_bytes()], |row| {
            let place = Place { address: row.get(0)?, circle: row.get(1)? };
            Ok((place, row.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    match found {
        Some((place, sum)) if sum == sum_of(person, place) => Ok(Some(place)),
        Some(_) => Err(Fault::row("kin", person, "its checksum does not match")),
        None => Ok(None),
    }
}

fn put(connection: &Connection, person: &PersonKey, place: Place) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT INTO kin (person, address, circle, sum) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (person) DO UPDATE SET address = excluded.address,
             circle = excluded.circle, sum = excluded.sum",
        )?
        .execute((person.as_bytes(), place.address, place.circle, sum_of(person, place)))?;
    Ok(())
}

/// A number no other address and no other circle has.
fn fresh_number() -> Result<i64, Fault> {
    let mut number = [0; 8];
    number.copy_from_slice(&fresh_salt()?[..8]);
    Ok(i64::from_be_bytes(number) & i64::MAX)
}

fn sum_of(person: &PersonKey, place: Place) -> [u8; 16] {
    let columns = [
        ValueRef::Blob(person.as_bytes()),
        ValueRef::Integer(place.address),
        ValueRef::Integer(place.circle),
    ];
    row_sum("kin", &columns)
}
