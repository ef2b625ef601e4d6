//! Recording decisions before anything is sent, and what became of it afterwards.
//!
//! `record` checks everything before it writes anything, so a conflict leaves no trace.

use std::collections::BTreeSet;

use super::fault::Fault;
use super::journal::{EntryKind, Payload, Writing};
use super::ledger::{self, Claim};
use super::row::to_sql_number;
use super::{kin, record, snapshot};
use crate::base::{PersonKey, PersonKeys, TransactionId};
use crate::pipeline::{FateKey, RowVersion};
use crate::relay::ports::{DecisionBatch, DecisionRow, Hold, OutcomeRow, Settlement};

/// Why a batch of decisions was not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// A permit was decided on a version its record no longer has.
    Conflict,
    /// A recipient has a final fate or a live claim.
    Claimed,
    /// Database or clock are not believed at present.
    Held(Hold),
}

/// Writes the decisions and claims of one attempt, or nothing and why.
pub(super) fn record(
    writing: &mut Writing<'_>,
    batch: &DecisionBatch,
    attempt: i64,
) -> Result<Option<Refusal>, Fault> {
    let mut claimed = Vec::with_capacity(batch.claims.len());
    for key in &batch.claims {
        match ledger::claimable(writing, key, &batch.fingerprint)? {
            Some(row) => claimed.push((key, row)),
            None => return Ok(Some(Refusal::Claimed)),
        }
    }
    if is_outdated(writing, batch)? {
        return Ok(Some(Refusal::Conflict));
    }
    for row in &batch.decisions {
        enter(writing, EntryKind::Decision, row)?;
        join_siblings(writing, row)?;
    }
    for (key, row) in claimed {
        let claim = Claim::new(writing.writer(), attempt, batch.claimed_until);
        ledger::claim(writing, key, row, claim)?;
    }
    Ok(None)
}

/// Whether a record changed since its person's permit was decided.
fn is_outdated(writing: &Writing<'_>, batch: &DecisionBatch) -> Result<bool, Fault> {
    let mut common = None;
    for row in &batch.decisions {
        let Some(decided_on) = row.permit_version else { continue };
        // What concerns everybody is looked at once.
        let current = match common {
            Some(current) => current,
            None => *common.insert(snapshot::common(writing.connection())?),
        };
        if current != row.beside.common {
            return Ok(true);
        }
        // A permit about nobody cannot be checked, so it is not one (promise P7).
        let current = row.person.map(|person| record::version(writing.connection(), &person));
        if current.transpose()? != i64::try_from(decided_on).ok() {
            return Ok(true);
        }
        for read in row.beside.rows() {
            if record::version(writing.connection(), &read.row)? != to_sql_number(read.version) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// While several keys are live: the rows of one person, and of one domain, know each other from
/// now on, so that an objection under an old token reaches all of them.
fn join_siblings(writing: &mut Writing<'_>, row: &DecisionRow) -> Result<(), Fault> {
    let rows = |read: &[RowVersion]| read.iter().map(|read| read.row).collect::<Vec<_>>();
    if let Some(person) = row.person.filter(|_| !row.beside.siblings.is_empty()) {
        let older = rows(&row.beside.siblings);
        kin::join_siblings(writing, &PersonKeys { newest: person, older })?;
    }
    let domains = rows(&row.beside.domains);
    match domains.split_first() {
        Some((newest, older)) if !older.is_empty() => {
            let keys = PersonKeys { newest: *newest, older: older.to_vec() };
            kin::join_siblings(writing, &keys)
        }
        _ => Ok(()),
    }
}

/// Journals one decision, or one service message.
pub(super) fn enter(
    writing: &mut Writing<'_>,
    kind: EntryKind,
    row: &DecisionRow,
) -> Result<i64, Fault> {
    let payload = Payload {
        decision: Some(row.id.bits().cast_signed()),
        transaction: Some(TransactionId::as_bytes(&row.transaction)),
        person: row.person.as_ref().map(PersonKey::as_bytes),
        version: row.permit_version.map(to_sql_number),
        body: &row.payload,
    };
    writing.enter_payload(kind, writing.now(), &payload)
}

/// Writes outcomes and fates, and forgets the message if it is closed.
pub(super) fn settle(writing: &mut Writing<'_>, settlement: &Settlement) -> Result<(), Fault> {
    for row in &settlement.outcomes {
        enter_outcome(writing, row, settlement)?;
    }
    let connection = writing.connection();
    let settled: BTreeSet<&FateKey> = settlement.fates.iter().map(|(key, _)| key).collect();
    let closed: BTreeSet<&FateKey> = settlement.closes.iter().collect();
    for (key, settled) in &settlement.fates {
        if !closed.contains(key) {
            ledger::settle(connection, key, &settlement.fingerprint, *settled, settlement.at)?;
        }
    }
    for key in closed {
        match settled.contains(key) {
            // Settling it would release its claim; then nothing is left worth keeping.
            true => ledger::forget(connection, key)?,
            false => ledger::close(connection, key, writing.writer(), writing.now())?,
        }
    }
    Ok(())
}

fn enter_outcome(
    writing: &mut Writing<'_>,
    row: &OutcomeRow,
    settlement: &Settlement,
) -> Result<(), Fault> {
    let payload = Payload {
        decision: Some(row.decision.bits().cast_signed()),
        transaction: Some(TransactionId::as_bytes(&row.transaction)),
        person: row.sent_to.as_ref().map(PersonKey::as_bytes),
        version: None,
        body: &row.payload,
    };
    writing.enter_payload(EntryKind::Outcome, settlement.at, &payload)?;
    // As the entry is dated, so that the one can be told from the other.
    let at = writing.head().at;
    match &row.sent_to {
        Some(person) => record::mark_sent(writing.connection(), person, at),
        None => Ok(()),
    }
}
