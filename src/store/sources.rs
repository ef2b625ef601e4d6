//! Texts that decisions name by hash, kept from their first use on.
//!
//! Nothing is ever changed or deleted here, and no checksum is needed: the hash is told from the
//! text, and an entry of the journal tells that it is kept. What the texts mean is
//! `eligibility`'s and `rewrite`'s.

use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::journal::{EntryKind, Payload, Writing};
use crate::base::Digest;
use crate::pipeline::SourceText;

/// What the entry says that a text is kept from now on.
pub(super) const KEPT: &str = "keep_source";

/// Keeps `source` unless it is kept already, and journals that it is.
pub(super) fn keep(writing: &mut Writing<'_>, source: &SourceText) -> Result<(), Fault> {
    let hash = source.hash();
    let connection = writing.connection();
    let is_kept = connection
        .prepare_cached("SELECT 1 FROM source WHERE hash = ?1")?
        .exists([hash.as_bytes()])?;
    if is_kept {
        return Ok(());
    }
    let body = serde_json::to_string(source).map_err(|error| Fault::row("source", hash, error))?;
    connection
        .prepare_cached("INSERT INTO source (hash, body) VALUES (?1, ?2)")?
        .execute((hash.as_bytes(), body))?;
    let entry = serde_json::json!({ "act": KEPT, "hash": hash }).to_string();
    let payload = Payload { body: entry.as_bytes(), ..Payload::default() };
    writing.enter_payload(EntryKind::Config, writing.now(), &payload).map(|_| ())
}

/// The text that hashes to `hash`.
pub(super) fn find(connection: &Connection, hash: &Digest) -> Result<Option<SourceText>, Fault> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM source WHERE hash = ?1")?
        .query_row([hash.as_bytes()], |row| row.get(0))
        .optional()?;
    body.map(|body| read(hash.as_bytes(), &body)).transpose()
}

/// The text in `body`, if it hashes to `hash`.
pub(super) fn read(hash: &[u8], body: &str) -> Result<SourceText, Fault> {
    let key = data_encoding::HEXLOWER.encode(hash);
    let source: SourceText =
        serde_json::from_str(body).map_err(|error| Fault::row("source", &key, error))?;
    // Written in one way only, so that not a byte of the row can change unseen.
    let canonical = serde_json::to_string(&source).is_ok_and(|text| text == body);
    match source.hash().as_bytes() == hash && canonical {
        true => Ok(source),
        false => Err(Fault::row("source", key, "its hash is not that of its text")),
    }
}
