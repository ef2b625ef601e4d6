//! How far this node has seen the store come, kept outside the database.
//!
//! A backup put back brings back permissions that were withdrawn since. The database cannot know
//! that it is old, but this file does: it names the highest numbers seen, and a database that
//! lacks them permits nothing until somebody answers for it (promise P2). It proves nothing
//! against somebody who can write both; checkpoints kept elsewhere do.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, store_id};
use super::fault::Fault;
use super::row::{from_sql_number, to_sql_number};
use crate::base::{Digest, StoreId, Timestamp};

/// What an operator's act says who accepted a database that is behind.
pub(super) const ACCEPT_RESTORE: &str = "accept_restore";

/// The last entry of a chain, as it was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    pub(super) seq: u64,
    pub(super) hash: Digest,
}

/// The highest numbers seen. Every change of a record is an entry of some chain, so the chains'
/// ends stand for record versions too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marks {
    pub(super) store: StoreId,
    pub(super) chains: BTreeMap<String, Mark>,
    pub(super) evidence: u64,
}

/// How a database compares with the marks of the node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// There are no marks yet.
    Unmarked(Marks),
    /// It has everything that was seen, and these are its marks now.
    Ahead(Marks),
    /// It lacks what was seen, or nobody can tell, for this reason.
    Behind(String),
}

impl Marks {
    /// The marks of a database.
    pub(super) fn of(connection: &Connection) -> Result<Self, Fault> {
        let mut statement = connection.prepare_cached("SELECT chain, seq, hash FROM head")?;
        let mut rows = statement.query([])?;
        let mut chains = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let hash = Digest::from_bytes(&row.get::<_, Vec<u8>>(2)?).unwrap_or_default();
            chains.insert(row.get(0)?, Mark { seq: from_sql_number(row.get(1)?)?, hash });
        }
        let evidence = connection
            .prepare_cached("SELECT coalesce(max(id), 0) FROM evidence")?
            .query_row([], |row| row.get(0))?;
        let store = store_id(connection)?;
        Ok(Self { store, chains, evidence: from_sql_number(evidence)? })
    }

    /// Whether something is higher here than in `other`.
    pub(super) fn is_beyond(&self, other: &Self) -> bool {
        self.store != other.store
            || self.evidence > other.evidence
            || self.chains.iter().any(|(chain, mark)| {
                other.chains.get(chain).is_none_or(|known| known.seq < mark.seq)
            })
    }

    /// Whether nothing was ever written.
    pub(super) fn is_fresh(&self) -> bool {
        self.chains.is_empty() && self.evidence == 0
    }

    /// The marks in `path`; `None` if there is no file.
    fn load(path: &Path) -> Result<Option<Self>, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| format!("{} holds no marks: {error}", path.display()))
    }

    /// Writes the marks to `path`: whole or not at all, and on disk when it returns.
    pub(super) fn save(&self, path: &Path) -> Result<(), Fault> {
        self.try_save(path)
            .map_err(|error| Fault::File(format!("{} cannot be written: {error}", path.display())))
    }

    fn try_save(&self, path: &Path) -> std::io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let fresh = PathBuf::from(name);
        let text = serde_json::to_vec(self)?;
        // Nobody is named in it; whoever runs commands here must be able to read it.
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(0o644).open(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    /// What of these marks the database lacks, if anything.
    fn lacking(&self, connection: &Connection, now: &Self) -> Result<Option<String>, Fault> {
        if self.store != now.store {
            return Ok(Some(format!("it is another store than {}", self.store)));
        }
        for (chain, mark) in &self.chains {
            let end = now.chains.get(chain).map_or(0, |mark| mark.seq);
            if end < mark.seq {
                return Ok(Some(format!(
                    "chain {chain} ends at entry {end}, entry {} was seen",
                    mark.seq
                )));
            }
            let hash: Option<Vec<u8>> = connection
                .prepare_cached("SELECT hash FROM journal WHERE chain = ?1 AND seq = ?2")?
                .query_row((chain, to_sql_number(mark.seq)), |row| row.get(0))
                .optional()?;
            if mark.seq > 0 && hash.as_deref() != Some(mark.hash.as_bytes()) {
                return Ok(Some(format!(
                    "entry {} of chain {chain} is not the one that was seen",
                    mark.seq
                )));
            }
        }
        if now.evidence < self.evidence {
            let (has, seen) = (now.evidence, self.evidence);
            return Ok(Some(format!("its evidence ends at e{has}, e{seen} was seen")));
        }
        Ok(None)
    }
}

/// How the database compares with the marks in `path`.
pub(super) fn compare(connection: &Connection, path: &Path) -> Result<Standing, Fault> {
    let now = Marks::of(connection)?;
    Ok(match Marks::load(path) {
        // Doubt is not permission (promise P7).
        Err(why) => Standing::Behind(why),
        Ok(None) => Standing::Unmarked(now),
        Ok(Some(seen)) => match seen.lacking(connection, &now)? {
            Some(why) => Standing::Behind(why),
            None => Standing::Ahead(now),
        },
    })
}

/// The numbers that go with a database that is accepted though it is behind: by chain, how far
/// it had been seen to come.
pub(super) fn given_up(path: &Path) -> BTreeMap<String, u64> {
    let seen = Marks::load(path).ok().flatten();
    let chains = seen.map(|marks| marks.chains).unwrap_or_default();
    chains.into_iter().map(|(chain, mark)| (chain, mark.seq)).collect()
}

/// A restored database somebody answered for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Acceptance {
    at: Timestamp,
    by: String,
    given_up: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct AcceptanceBody {
    act: String,
    #[serde(default)]
    by: String,
    #[serde(default)]
    given_up: BTreeMap<String, u64>,
}

impl Acceptance {
    /// Whether it gave up what `checkpoint` signs.
    pub(super) fn gives_up(&self, checkpoint: &Checkpoint) -> bool {
        let through = self.given_up.get(&checkpoint.chain);
        through.is_some_and(|through| checkpoint.seq <= *through)
            && checkpoint.signed_at() <= self.at
    }
}

impl std::fmt::Display for Acceptance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "lost with the restored database {} accepted on {}", self.by, self.at)
    }
}

/// Every restored database that was accepted, oldest first.
pub(super) fn acceptances(connection: &Connection) -> Result<Vec<Acceptance>, Fault> {
    let mut statement = connection.prepare(
        "SELECT at, body FROM journal JOIN payload USING (chain, seq)
         WHERE kind = 'operator' ORDER BY at",
    )?;
    let mut rows = statement.query([])?;
    let mut accepted = Vec::new();
    while let Some(row) = rows.next()? {
        let (at, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        // Other acts have other bodies.
        let Ok(body) = serde_json::from_slice::<AcceptanceBody>(&body) else { continue };
        if body.act == ACCEPT_RESTORE {
            let at = Timestamp::from_millis(at);
            accepted.push(Acceptance { at, by: body.by, given_up: body.given_up });
        }
    }
    Ok(accepted)
}
