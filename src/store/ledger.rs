//! The ledger of open messages: fates that are final, claims of attempts under way.
//!
//! A claim is (node, boot, until). It says "somebody may be sending this copy right now"; a claim
//! that ran out without an outcome counts as not sent (stated in the design as the duplicate
//! window).

use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use super::fault::Fault;
use super::journal::{Writer, Writing};
use super::row::{from_sql_number, nullable, row_sum};
use crate::base::Timestamp;
use crate::pipeline::{Fate, FateKey, Fingerprint, LedgerEntry, Settled};

/// How long an untouched row lives.
pub const LEDGER_LIFE: Duration = Duration::from_hours(10 * 24);

/// How much longer than its time a claim of this very process holds. The attempt is known to be
/// alive, so it is given more than anybody needs; without an end, an attempt whose settlement
/// was lost would answer 451 to its message until the process restarts.
const OWN_CLAIM_GRACE: Duration = Duration::from_hours(1);

/// A claim on one recipient of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Claim {
    node: String,
    boot: [u8; 16],
    attempt: i64,
    until: i64,
}

impl Claim {
    /// A claim of this process.
    pub(super) fn new(writer: &Writer, attempt: i64, until: Timestamp) -> Self {
        let node = writer.node.as_str().to_owned();
        Self { node, boot: writer.boot, attempt, until: until.as_millis() }
    }

    /// Whether somebody may be sending right now, as `writer` sees it at `now`.
    fn is_live(&self, writer: &Writer, now: Timestamp) -> bool {
        let until = Timestamp::from_millis(self.until);
        if self.node != writer.node.as_str() {
            return now < until;
        }
        // Only one process serves under a node's name, so an earlier boot is dead.
        self.boot == writer.boot && now < until.after(OWN_CLAIM_GRACE)
    }
}

/// One row of `ledger`.
#[derive(Clone, Debug)]
pub(super) struct FateRow {
    fingerprint: [u8; 32],
    fate: Option<Fate>,
    claim: Option<Claim>,
    first_deferred_at: Option<i64>,
    touched_at: i64,
}

impl FateRow {
    fn new(fingerprint: &Fingerprint, now: Timestamp) -> Self {
        Self {
            fingerprint: *fingerprint.as_bytes(),
            fate: None,
            claim: None,
            first_deferred_at: None,
            touched_at: now.as_millis(),
        }
    }

    fn read(connection: &Connection, key: &FateKey) -> Result<Option<Self>, Fault> {
        let row = connection
            .prepare_cached(
                "SELECT fingerprint, fate, claim_node, claim_boot, claim_attempt, claim_until,
                 first_deferred_at, touched_at, sum FROM ledger WHERE fate_key = ?1",
            )?
            .query_row([key.as_bytes()], |row| Ok((Self::from_row(row), row.get::<_, Vec<u8>>(8)?)))
            .optional()?;
        let Some((row, sum)) = row else { return Ok(None) };
        let row = row.map_err(|error| damaged(key, &error.to_string()))?;
        if row.sum(key) != sum.as_slice() {
            return Err(damaged(key, "its checksum does not match"));
        }
        Ok(Some(row))
    }

    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let fate = row.get::<_, Option<String>>(1)?.map(|word| parse_fate(&word)).transpose()?;
        let claim = match row.get::<_, Option<String>>(2)? {
            None => None,
            Some(node) => {
                Some(Claim { node, boot: row.get(3)?, attempt: row.get(4)?, until: row.get(5)? })
            }
        };
        Ok(Self {
            fingerprint: row.get(0)?,
            fate,
            claim,
            first_deferred_at: row.get(6)?,
            touched_at: row.get(7)?,
        })
    }

    fn write(&self, connection: &Connection, key: &FateKey) -> Result<(), Fault> {
        let claim = self.claim.as_ref();
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO ledger (fate_key, fingerprint, fate, claim_node,
                 claim_boot, claim_attempt, claim_until, first_deferred_at, touched_at, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute((
                key.as_bytes(),
                self.fingerprint,
                self.fate.map(fate_word),
                claim.map(|claim| &claim.node),
                claim.map(|claim| claim.boot),
                claim.map(|claim| claim.attempt),
                claim.map(|claim| claim.until),
                self.first_deferred_at,
                self.touched_at,
                self.sum(key),
            ))?;
        Ok(())
    }

    fn sum(&self, key: &FateKey) -> [u8; 16] {
        let claim = self.claim.as_ref();
        let columns = [
            ValueRef::Blob(key.as_bytes()),
            ValueRef::Blob(&self.fingerprint),
            nullable(self.fate, |fate| ValueRef::Text(fate_word(fate).as_bytes())),
            nullable(claim, |claim| ValueRef::Text(claim.node.as_bytes())),
            nullable(claim, |claim| ValueRef::Blob(&claim.boot)),
            nullable(claim, |claim| ValueRef::Integer(claim.attempt)),
            nullable(claim, |claim| ValueRef::Integer(claim.until)),
            nullable(self.first_deferred_at, ValueRef::Integer),
            ValueRef::Integer(self.touched_at),
        ];
        row_sum("ledger", &columns)
    }

    /// Writes the row, or removes it if nothing worth remembering is left in it.
    fn keep(&self, connection: &Connection, key: &FateKey) -> Result<(), Fault> {
        if self.fate.is_some() || self.claim.is_some() || self.first_deferred_at.is_some() {
            return self.write(connection, key);
        }
        forget(connection, key)
    }
}

/// What is known about `key`, as `writer` sees it at `now`.
pub(super) fn entry(
    connection: &Connection,
    key: &FateKey,
    writer: &Writer,
    now: Timestamp,
) -> Result<LedgerEntry, Fault> {
    Ok(FateRow::read(connection, key)?.map_or(LedgerEntry::default(), |row| LedgerEntry {
        fate: row.fate,
        is_claimed: row.claim.is_some_and(|claim| claim.is_live(writer, now)),
        first_deferred_at: row.first_deferred_at.map(Timestamp::from_millis),
    }))
}

/// The row of `key` if it may be claimed: if it has neither a final fate nor a live claim.
pub(super) fn claimable(
    writing: &Writing<'_>,
    key: &FateKey,
    fingerprint: &Fingerprint,
) -> Result<Option<FateRow>, Fault> {
    let (writer, now) = (writing.writer(), writing.now());
    let row = FateRow::read(writing.connection(), key)?;
    let row = row.unwrap_or_else(|| FateRow::new(fingerprint, now));
    let is_claimed = row.claim.as_ref().is_some_and(|claim| claim.is_live(writer, now));
    Ok((row.fate.is_none() && !is_claimed).then_some(row))
}

/// Claims `key`, whose row [`claimable`] has just given.
pub(super) fn claim(
    writing: &Writing<'_>,
    key: &FateKey,
    row: FateRow,
    claim: Claim,
) -> Result<(), Fault> {
    let touched_at = writing.now().as_millis();
    FateRow { claim: Some(claim), touched_at, ..row }.write(writing.connection(), key)
}

/// Writes down what became of `key` and releases its claim. A final fate stays final.
pub(super) fn settle(
    connection: &Connection,
    key: &FateKey,
    fingerprint: &Fingerprint,
    settled: Settled,
    at: Timestamp,
) -> Result<(), Fault> {
    let row = FateRow::read(connection, key)?.unwrap_or_else(|| FateRow::new(fingerprint, at));
    let mut row = FateRow { claim: None, touched_at: row.touched_at.max(at.as_millis()), ..row };
    match settled {
        Settled::Final(fate) => row.fate = Some(row.fate.unwrap_or(fate)),
        Settled::Deferred => {
            row.first_deferred_at = Some(row.first_deferred_at.unwrap_or(at.as_millis()));
        }
        Settled::Released => {}
    }
    row.keep(connection, key)
}

/// Releases the claim one attempt of this boot made on `key`, and no other.
pub(super) fn release(
    connection: &Connection,
    key: &FateKey,
    writer: &Writer,
    attempt: i64,
) -> Result<(), Fault> {
    let Some(mut row) = FateRow::read(connection, key)? else { return Ok(()) };
    let is_that = |claim: &Claim| claim.boot == writer.boot && claim.attempt == attempt;
    if row.claim.as_ref().is_some_and(is_that) {
        row.claim = None;
        row.keep(connection, key)?;
    }
    Ok(())
}

/// Forgets a recipient of a message that got its final reply, unless another attempt has a
/// copy in hand.
pub(super) fn close(
    connection: &Connection,
    key: &FateKey,
    writer: &Writer,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(row) = FateRow::read(connection, key)? else { return Ok(()) };
    if row.claim.as_ref().is_some_and(|claim| claim.is_live(writer, now)) {
        return Ok(());
    }
    forget(connection, key)
}

/// Forgets a recipient, whatever is known.
pub(super) fn forget(connection: &Connection, key: &FateKey) -> Result<(), Fault> {
    connection
        .prepare_cached("DELETE FROM ledger WHERE fate_key = ?1")?
        .execute([key.as_bytes()])?;
    Ok(())
}

/// Removes rows untouched for [`LEDGER_LIFE`] and tells how many.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> Result<u64, Fault> {
    let life = i64::try_from(LEDGER_LIFE.as_millis()).unwrap_or(i64::MAX);
    let oldest = now.as_millis().saturating_sub(life);
    let removed =
        connection.prepare_cached("DELETE FROM ledger WHERE touched_at < ?1")?.execute([oldest])?;
    Ok(removed as u64)
}

/// How many recipients without a final fate belong to messages nobody has tried since `since`:
/// deferred, or claimed by an attempt that broke off. Whoever closes a message removes its rows,
/// so all rows are of open ones.
pub(super) fn never_retried(connection: &Connection, since: Timestamp) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM ledger WHERE fate IS NULL AND fingerprint NOT IN
               (SELECT fingerprint FROM ledger WHERE touched_at >= ?1)";
    let mut statement = connection.prepare_cached(sql)?;
    from_sql_number(statement.query_row([since.as_millis()], |row| row.get(0))?)
}

const fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Accepted => "accepted",
        Fate::Refused => "refused",
        Fate::Notified => "notified",
    }
}

fn parse_fate(word: &str) -> Result<Fate, Fault> {
    match word {
        "accepted" => Ok(Fate::Accepted),
        "refused" => Ok(Fate::Refused),
        "notified" => Ok(Fate::Notified),
        other => Err(Fault::row("ledger", "fate", format!("`{other}` is no fate"))),
    }
}

fn damaged(key: &FateKey, what: &str) -> Fault {
    Fault::row("ledger", data_encoding::HEXLOWER.encode(key.as_bytes()), what)
}
