//! Compares a store with signed states that were kept elsewhere.
//!
//! This is what shows a chain that was cut off at its end, or written anew from some entry on:
//! inside, such a chain is as whole as any other.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{Break, VerifyError};
use crate::base::PublicKey;
use crate::store::checkpoint::{self, Checkpoint};
use crate::store::connect;
use crate::store::high_water::{self, Acceptance};
use crate::store::row::to_sql_number;

/// What came of comparing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Compared {
    /// Checkpoints whose entry is there with the same hash.
    pub matching: usize,
    /// The highest number among those.
    pub last: u64,
    /// What contradicts the store.
    pub broken: Vec<Break>,
    /// Entries that are gone because an operator accepted a restored database, in words.
    pub given_up: Vec<String>,
}

/// Compares the store at `path` with `checkpoints`; only signatures of `trusted` keys count.
///
/// # Errors
/// [`VerifyError`] if the store cannot be read.
pub fn verify_against(
    path: &Path,
    busy_timeout: Duration,
    checkpoints: &[Checkpoint],
    trusted: &[PublicKey],
) -> Result<Compared, VerifyError> {
    let mut connection = connect::connect(path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connect::set_up_reader(&connection, busy_timeout)?;
    let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let store = checkpoint::store_id(&snapshot)?;
    let accepted = high_water::acceptances(&snapshot)?;
    let mut compared = Compared::default();
    for checkpoint in checkpoints {
        let wrong = if !trusted.contains(&checkpoint.public_key) {
            Some(format!("it is signed with an unknown key, {}", checkpoint.public_key))
        } else if !checkpoint.is_signed() {
            Some("its signature does not match".to_owned())
        } else if checkpoint.store != store {
            Some(format!("it is of another store, {}", checkpoint.store))
        } else {
            contradiction(&snapshot, checkpoint)?
        };
        match wrong {
            None => {
                compared.matching += 1;
                compared.last = compared.last.max(checkpoint.seq);
            }
            Some(what) => compared.contradict(checkpoint, what, &accepted),
        }
    }
    Ok(compared)
}

impl Compared {
    fn contradict(&mut self, checkpoint: &Checkpoint, what: String, accepted: &[Acceptance]) {
        let is_genuine = checkpoint.is_signed();
        let excuse = accepted.iter().find(|one| is_genuine && one.gives_up(checkpoint));
        let key = format!("{} {}", checkpoint.chain, checkpoint.seq);
        match excuse {
            Some(excuse) => self.given_up.push(format!("checkpoint {key}: {excuse}")),
            None => self.broken.push(Break { table: "journal".to_owned(), key, what }),
        }
    }
}

/// How the store differs from what was signed, if it does.
fn contradiction(
    connection: &Connection,
    checkpoint: &Checkpoint,
) -> Result<Option<String>, VerifyError> {
    let seq = to_sql_number(checkpoint.seq);
    let hash: Option<Vec<u8>> = connection
        .prepare_cached("SELECT hash FROM journal WHERE chain = ?1 AND seq = ?2")?
        .query_row((&checkpoint.chain, seq), |row| row.get(0))
        .optional()?;
    let Some(hash) = hash else {
        let end: i64 = connection
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM journal WHERE chain = ?1")?
            .query_row([&checkpoint.chain], |row| row.get(0))?;
        let at = checkpoint.signed_at();
        return Ok(Some(format!("it was signed on {at}, but the chain ends at entry {end}")));
    };
    if hash == checkpoint.hash.as_bytes() {
        return Ok(None);
    }
    let at = checkpoint.signed_at();
    Ok(Some(format!(
        "it had hash {} when it was signed on {at}: it was rewritten",
        checkpoint.hash
    )))
}
