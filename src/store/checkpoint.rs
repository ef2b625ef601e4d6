//! Checkpoints: signed states of a chain that can be kept where the store's keepers cannot write.
//!
//! A checkpoint says: this chain had this entry with this hash. Whoever holds one can tell a
//! chain that was cut off or written anew, which the chain itself cannot show. It is no time
//! stamp of a third party: the moment in it is the node's own.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::journal::{EntryKind, Payload, Writing};
use super::row::{from_sql_number, row_bytes, to_sql_number};
use crate::base::{Digest, PublicKey, Signature, Signer, StoreId, Timestamp};

/// What every checkpoint calls itself.
const FORMAT: &str = "consentry checkpoint v1";

/// A signed state of a chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// `consentry checkpoint v1`.
    pub format: String,
    /// The store.
    pub store: StoreId,
    /// The node whose chain it is.
    pub chain: String,
    /// The number of the last entry it covers.
    pub seq: u64,
    /// That entry's hash.
    pub hash: Digest,
    /// When it was signed, in milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// The key it can be checked with.
    pub public_key: PublicKey,
    /// The Ed25519 signature over all of the above.
    pub signature: Signature,
}

impl Checkpoint {
    /// The bytes that are signed.
    fn message(&self) -> Vec<u8> {
        row_bytes(
            "checkpoint v1",
            &[
                ValueRef::Blob(self.store.as_bytes()),
                ValueRef::Text(self.chain.as_bytes()),
                ValueRef::Integer(to_sql_number(self.seq)),
                ValueRef::Blob(self.hash.as_bytes()),
                ValueRef::Integer(self.at),
                ValueRef::Blob(self.public_key.as_bytes()),
            ],
        )
    }

    /// Whether it was signed with the key it names.
    pub fn is_signed(&self) -> bool {
        self.format == FORMAT && self.public_key.has_signed(&self.message(), &self.signature)
    }

    /// When it was signed.
    pub const fn signed_at(&self) -> Timestamp {
        Timestamp::from_millis(self.at)
    }

    /// The line that is kept elsewhere.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always have a JSON form")
    }

    /// The checkpoints of a file of such lines; empty lines do not count.
    ///
    /// # Errors
    /// Names the first line that is none.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, String> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(at, line)| {
                serde_json::from_str(line)
                    .map_err(|error| format!("line {} is no checkpoint: {error}", at + 1))
            })
            .collect()
    }
}

/// Signs the end of the chain as it is in this transaction and enters it; `None` for a chain
/// without entries.
pub(super) fn enter(
    writing: &mut Writing<'_>,
    signer: &Signer,
) -> Result<Option<Checkpoint>, Fault> {
    let head = writing.head();
    if head.seq == 0 {
        return Ok(None);
    }
    let mut checkpoint = Checkpoint {
        format: FORMAT.to_owned(),
        store: store_id(writing.connection())?,
        chain: writing.writer().node.to_string(),
        seq: from_sql_number(head.seq)?,
        hash: head.hash,
        at: writing.now().as_millis(),
        public_key: signer.public(),
        signature: Signature::from_bytes([0; 64]),
    };
    checkpoint.signature = signer.sign(&checkpoint.message());
    let body = checkpoint.to_line();
    let payload = Payload { body: body.as_bytes(), ..Payload::default() };
    writing.enter_payload(EntryKind::Checkpoint, writing.now(), &payload)?;
    Ok(Some(checkpoint))
}

/// What the store called itself when it was made.
pub(super) fn store_id(connection: &Connection) -> Result<StoreId, Fault> {
    let sql = "SELECT value FROM meta WHERE key = 'store'";
    let id: Option<Vec<u8>> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let id = id.and_then(|id| id.try_into().ok());
    id.map(StoreId::from_bytes).ok_or_else(|| Fault::row("meta", "store", "it is missing"))
}

/// The first checkpoint in `chain` that covers entry `seq`.
pub(super) fn covering(
    connection: &Connection,
    chain: &str,
    seq: i64,
) -> Result<Option<Checkpoint>, Fault> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT body FROM journal JOIN payload USING (chain, seq)
             WHERE journal.chain = ?1 AND journal.seq > ?2 AND kind = 'checkpoint'
             ORDER BY journal.seq LIMIT 1",
        )?
        .query_row((chain, seq), |row| row.get(0))
        .optional()?;
    let read = |body: Vec<u8>| {
        serde_json::from_slice(&body)
            .map_err(|error| Fault::row("payload", format!("{chain} (checkpoint)"), error))
    };
    body.map(read).transpose()
}

/// How far `chain` had come at its last checkpoint; 0 if it has none.
pub(super) fn last_covered(connection: &Connection, chain: &str) -> Result<u64, Fault> {
    let seq: Option<i64> = connection
        .prepare_cached(
            "SELECT seq FROM journal WHERE chain = ?1 AND kind = 'checkpoint'
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([chain], |row| row.get(0))
        .optional()?;
    from_sql_number(seq.unwrap_or(0))
}
