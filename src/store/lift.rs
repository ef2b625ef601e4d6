//! Lifting one objection that was recorded by mistake.
//!
//! Only what staff or an import told can have been a mistake of ours; what the person did on a
//! page or by one click never is. Nothing is deleted: the piece no longer counts, and the act
//! says who answers for it.

use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::handle::Store;
use super::job::Patience;
use super::journal::{EntryKind, Payload, Writing};
use super::row::to_sql_number;
use super::{kin, lookup, recount};
use crate::base::{EvidenceId, PersonKey};
use crate::eligibility::{Evidence, Fact, Level, ObjectionChannel};
use crate::relay::ports::StoreError;

/// Why an objection was not lifted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotLifted {
    /// There is no such evidence.
    #[error("there is no evidence of this number")]
    Unknown,
    /// It is not in anybody's way.
    #[error("it is a piece of kind `{0}` and no objection")]
    NoObjection(&'static str),
    /// The person did it.
    #[error(
        "it is the person's own act ({0}): only they can take it back, by a later consent they \
         give themselves"
    )]
    OwnAct(&'static str),
    /// It does not count.
    #[error("it does not count: it was lifted or undone before, or its import is not complete")]
    CountsNot,
}

/// Whether staff may have made a mistake in recording `piece`.
fn check(piece: &Evidence) -> Result<(), NotLifted> {
    let own = |what| Err(NotLifted::OwnAct(what));
    match &piece.fact {
        Fact::Objection { channel: ObjectionChannel::Link, .. } => own("the unsubscribe link"),
        Fact::Objection { channel: ObjectionChannel::OneClick, .. } => own("one-click"),
        Fact::Objection { channel: ObjectionChannel::Preference, .. } => own("a preference page"),
        Fact::Erasure { .. } => own("a request for erasure"),
        _ if piece.level == Level::RecipientConfirmed => own("confirmed on our page"),
        Fact::Objection {
            channel: ObjectionChannel::Import | ObjectionChannel::Direct, ..
        }
        | Fact::ConsentWithdrawn { .. }
        | Fact::Complaint { .. }
        | Fact::Bounce { .. } => Ok(()),
        other => Err(NotLifted::NoObjection(other.kind())),
    }
}

impl Store {
    /// Lifts the objection numbered `id` in all rows it was copied to; how many. `officer` is
    /// the act as JSON.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written; then nothing was. [`NotLifted`] says why it
    /// stays.
    pub async fn lift(
        &self,
        id: EvidenceId,
        officer: serde_json::Value,
    ) -> Result<Result<u64, NotLifted>, StoreError> {
        self.write(Patience::Regardless, move |writing| lift(writing, id, &officer)).await
    }
}

fn lift(
    writing: &mut Writing<'_>,
    id: EvidenceId,
    officer: &serde_json::Value,
) -> Result<Result<u64, NotLifted>, Fault> {
    let connection = writing.connection();
    let Some(piece) = lookup::evidence(connection, id)? else {
        return Ok(Err(NotLifted::Unknown));
    };
    if let Err(refusal) = check(&piece) {
        return Ok(Err(refusal));
    }
    let copies = copies(connection, id)?;
    if !copies.iter().any(|(_, copy)| *copy == to_sql_number(id.0)) {
        return Ok(Err(NotLifted::CountsNot));
    }
    for (person, copy) in &copies {
        let entry = serde_json::json!({ "lifts": copy, "officer": officer }).to_string();
        let payload = Payload { body: entry.as_bytes(), ..Payload::default() };
        writing.enter_payload(EntryKind::Undo, writing.now(), &payload)?;
        recount::take_out(writing.connection(), person, &[*copy], None)?;
    }
    Ok(Ok(copies.len() as u64))
}

/// The same piece in all rows of the person, where it counts.
fn copies(connection: &Connection, id: EvidenceId) -> Result<Vec<(PersonKey, i64)>, Fault> {
    let (person, identity): ([u8; 16], Vec<u8>) = connection
        .prepare_cached("SELECT person, identity FROM evidence WHERE id = ?1")?
        .query_row([to_sql_number(id.0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let person = PersonKey::from_bytes(person);
    let mut rows = kin::of(connection, &person)?;
    rows.push(person);
    let mut find = connection
        .prepare_cached("SELECT id, version FROM evidence WHERE person = ?1 AND identity = ?2")?;
    let mut found = Vec::new();
    for row in rows {
        let copy: Option<(i64, Option<i64>)> = find
            .query_row((row.as_bytes(), &identity), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((copy, version)) = copy else { continue };
        if recount::standing(connection, &row, copy, version)?.counts() {
            found.push((row, copy));
        }
    }
    Ok(found)
}
