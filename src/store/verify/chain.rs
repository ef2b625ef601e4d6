//! The chains and what their entries commit to: payloads and evidence rows.

use rusqlite::Connection;

use super::{ChainReport, VerifyError};
use crate::base::Digest;
use crate::store::erasure::{Erasures, is_deletable};
use crate::store::evidence::EvidenceColumns;
use crate::store::journal::{Entry, EntryKind, Payload, entry_hash};
use crate::store::row::from_sql_number;

/// Walks every chain from its first entry and compares its end with `head`.
pub(super) fn check_chains(connection: &Connection) -> Result<Vec<ChainReport>, VerifyError> {
    let mut statement = connection.prepare(
        "SELECT chain, seq, kind, at, digest, prev, hash FROM journal ORDER BY chain, seq",
    )?;
    let mut rows = statement.query([])?;
    let mut chains: Vec<ChainReport> = Vec::new();
    while let Some(row) = rows.next()? {
        let chain: String = row.get(0)?;
        if chains.last().is_none_or(|last| last.node != chain) {
            let head = Digest::default();
            chains.push(ChainReport { node: chain, entries: 0, head });
        }
        let Some(walked) = chains.last_mut() else { continue };
        let (kind, digest): (String, Vec<u8>) = (row.get(2)?, row.get(4)?);
        let entry = Entry { seq: row.get(1)?, kind: &kind, at: row.get(3)?, digest: &digest };
        step(walked, &entry, &row.get::<_, Vec<u8>>(5)?, &row.get::<_, Vec<u8>>(6)?)?;
    }
    check_heads(connection, &chains)?;
    Ok(chains)
}

fn step(
    walked: &mut ChainReport,
    entry: &Entry<'_>,
    prev: &[u8],
    hash: &[u8],
) -> Result<(), VerifyError> {
    let key = format!("{} {}", walked.node, entry.seq);
    let broken = |what: &str| Err(VerifyError::at("journal", &key, what));
    if from_sql_number(entry.seq).ok() != Some(walked.entries + 1) {
        return broken("the entry before it is missing");
    }
    if EntryKind::parse(entry.kind).is_none() {
        return broken("its kind is unknown");
    }
    if prev != walked.head.as_bytes() {
        return broken("it does not follow the entry before it");
    }
    let expected = entry_hash(prev, &walked.node, entry);
    if hash != expected.as_bytes() {
        return broken("its hash does not match its content");
    }
    walked.entries += 1;
    walked.head = expected;
    Ok(())
}

fn check_heads(connection: &Connection, chains: &[ChainReport]) -> Result<(), VerifyError> {
    let mut statement = connection.prepare("SELECT chain, seq, hash FROM head")?;
    let mut rows = statement.query([])?;
    let mut heads = 0;
    while let Some(row) = rows.next()? {
        let (chain, seq): (String, i64) = (row.get(0)?, row.get(1)?);
        let hash: Vec<u8> = row.get(2)?;
        let whole = chains.iter().any(|walked| {
            walked.node == chain
                && from_sql_number(seq).ok() == Some(walked.entries)
                && hash == walked.head.as_bytes()
        });
        if !whole {
            let key = format!("{chain} {seq}");
            return Err(VerifyError::at("journal", key, "the chain does not end with this entry"));
        }
        heads += 1;
    }
    if heads == chains.len() {
        return Ok(());
    }
    Err(VerifyError::at("head", "-", "a chain has no row here"))
}

/// Checks each payload against its entry, and that each entry that has one still has it.
pub(super) fn check_payloads(connection: &Connection) -> Result<u64, VerifyError> {
    let mut statement = connection.prepare(
        "SELECT payload.chain, payload.seq, salt, decision, txn, person, version, body, digest,
         kind FROM payload LEFT JOIN journal USING (chain, seq)",
    )?;
    let mut rows = statement.query([])?;
    let mut whole = 0;
    while let Some(row) = rows.next()? {
        let key = format!("{} {}", row.get::<_, String>(0)?, row.get::<_, i64>(1)?);
        let (salt, body): (Vec<u8>, Vec<u8>) = (row.get(2)?, row.get(7)?);
        let (transaction, person): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(4)?, row.get(5)?);
        let sized = |bytes: &Option<Vec<u8>>| -> Result<Option<[u8; 16]>, VerifyError> {
            let fault = |_| VerifyError::at("payload", &key, "an id does not have 16 bytes");
            bytes.as_deref().map(<[u8; 16]>::try_from).transpose().map_err(fault)
        };
        let (transaction, person) = (sized(&transaction)?, sized(&person)?);
        let payload = Payload {
            decision: row.get(3)?,
            transaction: transaction.as_ref(),
            person: person.as_ref(),
            version: row.get(6)?,
            body: &body,
        };
        let digest: Option<Vec<u8>> = row.get(8)?;
        let kind: Option<String> = row.get(9)?;
        check_commitment("payload", &key, &payload.digest(&salt), digest.as_deref())?;
        if kind.as_deref() == Some(EntryKind::Evidence.as_str()) {
            return Err(VerifyError::at("payload", &key, "evidence has no payload here"));
        }
        whole += 1;
    }
    Ok(whole)
}

/// Checks that payloads are missing only where the journal says that they were deleted, and
/// tells how many.
pub(super) fn check_deleted(connection: &Connection) -> Result<u64, VerifyError> {
    let erasures = Erasures::read(connection)?;
    let mut statement = connection.prepare(
        "SELECT chain, seq, kind FROM journal LEFT JOIN payload USING (chain, seq)
         WHERE kind <> 'evidence' AND payload.seq IS NULL",
    )?;
    let mut rows = statement.query([])?;
    let mut deleted = 0;
    while let Some(row) = rows.next()? {
        let (chain, seq): (String, i64) = (row.get(0)?, row.get(1)?);
        let kind = EntryKind::parse(&row.get::<_, String>(2)?);
        if !kind.is_some_and(is_deletable) || !erasures.cover(&chain, seq) {
            let key = format!("{chain} {seq}");
            let what = "the row its journal entry commits to is missing, and no entry deleted it";
            return Err(VerifyError::at("payload", key, what));
        }
        deleted += 1;
    }
    Ok(deleted)
}

/// Checks each evidence row against its entry, and that each such entry has its row.
pub(super) fn check_evidence(connection: &Connection) -> Result<u64, VerifyError> {
    let mut statement = connection.prepare(
        "SELECT id, person, identity, salt, body, digest
         FROM evidence LEFT JOIN journal USING (chain, seq)",
    )?;
    let mut rows = statement.query([])?;
    let mut whole = 0;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (person, identity): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
        let (salt, body): (Vec<u8>, String) = (row.get(3)?, row.get(4)?);
        let columns =
            EvidenceColumns { id, person: &person, identity: &identity, salt: &salt, body: &body };
        let digest: Option<Vec<u8>> = row.get(5)?;
        check_commitment("evidence", &id.to_string(), &columns.digest(), digest.as_deref())?;
        whole += 1;
    }
    check_missing(connection)?;
    Ok(whole)
}

fn check_commitment(
    table: &str,
    key: &str,
    found: &Digest,
    committed: Option<&[u8]>,
) -> Result<(), VerifyError> {
    match committed {
        Some(digest) if digest == found.as_bytes() => Ok(()),
        Some(_) => Err(VerifyError::at(table, key, "it is not what its journal entry commits to")),
        None => Err(VerifyError::at(table, key, "it has no journal entry")),
    }
}

/// Evidence is missing only where the journal says that it was erased.
fn check_missing(connection: &Connection) -> Result<(), VerifyError> {
    let erasures = Erasures::read(connection)?;
    let mut statement = connection.prepare(
        "SELECT chain, seq FROM journal WHERE kind = 'evidence'
         EXCEPT SELECT chain, seq FROM evidence",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (chain, seq): (String, i64) = (row.get(0)?, row.get(1)?);
        if !erasures.cover_evidence(&chain, seq) {
            let key = format!("{chain} {seq}");
            let what = "the row its journal entry commits to is missing, and no entry erased it";
            return Err(VerifyError::at("evidence", key, what));
        }
    }
    Ok(())
}
