//! A bulk import's waiting room: a file of its own beside the database.
//!
//! What is read is checked and put here first, so that nothing touches the store before the whole
//! file was looked at, and a million rows need no memory. Throw-away: no durability is asked for.
//! A process that dies leaves its file, and the next import clears it away.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use thiserror::Error;

use crate::base::{BatchId, PersonKey, PersonKeys};
use crate::eligibility::Evidence;

/// Pieces per transaction of the staging file.
const PIECES_PER_COMMIT: u64 = 20_000;

const TABLES: &str = "
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -2048;
    CREATE TABLE protective (
        n INTEGER PRIMARY KEY, person BLOB NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE permissive (
        n INTEGER PRIMARY KEY, person BLOB NOT NULL, body TEXT NOT NULL
    ) STRICT;
    BEGIN";

/// Why staging failed.
#[derive(Debug, Error)]
pub enum StagingError {
    /// The file cannot be made or locked.
    #[error("the staging file {0} cannot be made")]
    File(PathBuf, #[source] std::io::Error),
    /// SQLite reported it.
    #[error("the staging file fails")]
    Sql(#[from] rusqlite::Error),
    /// A piece cannot be written as JSON or read back.
    #[error("a staged piece cannot be read")]
    Piece(#[from] serde_json::Error),
}

/// The two kinds of staged pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Staged {
    /// Those that can only narrow what is allowed.
    Protective,
    /// All others.
    Permissive,
}

impl Staged {
    /// The kind of `piece`.
    pub const fn of(piece: &Evidence) -> Self {
        if piece.fact.is_protective() { Self::Protective } else { Self::Permissive }
    }

    /// Its place among the counts.
    const fn place(self) -> usize {
        match self {
            Self::Protective => 0,
            Self::Permissive => 1,
        }
    }

    const fn insert(self) -> &'static str {
        match self {
            Self::Protective => "INSERT INTO protective (person, body) VALUES (?1, ?2)",
            Self::Permissive => "INSERT INTO permissive (person, body) VALUES (?1, ?2)",
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Protective => {
                "SELECT n, person, body FROM protective WHERE n > ?1 ORDER BY n LIMIT ?2"
            }
            Self::Permissive => {
                "SELECT n, person, body FROM permissive WHERE n > ?1 ORDER BY n LIMIT ?2"
            }
        }
    }
}

/// The waiting room of one import; its file goes when this is dropped.
#[derive(Debug)]
pub struct Staging {
    connection: Connection,
    counts: [u64; 2],
    path: PathBuf,
    /// Says that the import is alive. Given up with the process, however it ends.
    _lock: File,
}

impl Staging {
    /// Makes the file for `batch` beside the database at `store`, and clears away what earlier
    /// imports left that died.
    ///
    /// # Errors
    /// [`StagingError`] if the folder cannot be written.
    pub fn create(store: &Path, batch: &BatchId) -> Result<Self, StagingError> {
        clear_away(store);
        let path = path_of(store, batch);
        let failed = |error| StagingError::File(path.clone(), error);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let lock = file.map_err(failed)?;
        // A file system without locks only loses the clearing away.
        let _ = lock.try_lock();
        let connection = Connection::open(&path)?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection, counts: [0; 2], path, _lock: lock })
    }

    /// Puts a piece in.
    ///
    /// # Errors
    /// [`StagingError`] if it cannot be written.
    pub fn push(&mut self, person: &PersonKeys, piece: &Evidence) -> Result<(), StagingError> {
        let kind = Staged::of(piece);
        let body = serde_json::to_string(piece)?;
        self.connection.prepare_cached(kind.insert())?.execute((encode(person), body))?;
        self.counts[kind.place()] += 1;
        if self.len().is_multiple_of(PIECES_PER_COMMIT) {
            self.connection.execute_batch("COMMIT; BEGIN")?;
        }
        Ok(())
    }

    /// Forgets the permissions.
    ///
    /// # Errors
    /// [`StagingError`] if they cannot be removed.
    pub fn drop_permissions(&mut self) -> Result<(), StagingError> {
        self.connection.execute("DELETE FROM permissive", [])?;
        self.counts[Staged::Permissive.place()] = 0;
        Ok(())
    }

    /// How many pieces of `kind` there are.
    pub const fn count(&self, kind: Staged) -> u64 {
        self.counts[kind.place()]
    }

    /// How many pieces there are.
    pub const fn len(&self) -> u64 {
        self.counts[0] + self.counts[1]
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Up to `limit` pieces of `kind` behind place `after`, and the place of the last one.
    ///
    /// # Errors
    /// [`StagingError`] if they cannot be read.
    pub fn chunk(
        &self,
        kind: Staged,
        after: i64,
        limit: usize,
    ) -> Result<(Vec<(PersonKeys, Evidence)>, i64), StagingError> {
        let mut statement = self.connection.prepare_cached(kind.select())?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query((after, limit))?;
        let (mut pieces, mut last) = (Vec::new(), after);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            let piece = serde_json::from_str(&row.get::<_, String>(2)?)?;
            pieces.push((decode(&row.get::<_, Vec<u8>>(1)?), piece));
        }
        Ok((pieces, last))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is cleared away by the next import.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A person's keys, newest first, one behind the other.
fn encode(person: &PersonKeys) -> Vec<u8> {
    person.iter().flat_map(|key| *key.as_bytes()).collect()
}

fn decode(bytes: &[u8]) -> PersonKeys {
    let (keys, _) = bytes.as_chunks::<16>();
    let mut keys = keys.iter().map(|key| PersonKey::from_bytes(*key));
    PersonKeys { newest: keys.next().unwrap_or_default(), older: keys.collect() }
}

const SUFFIX: &str = ".staging";

fn path_of(store: &Path, batch: &BatchId) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".{batch}{SUFFIX}"));
    PathBuf::from(name)
}

/// Removes staging files of this store whose import is dead.
fn clear_away(store: &Path) {
    let Some(name) = store.file_name().and_then(|name| name.to_str()) else { return };
    let folder = match store.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let is_staging = found.to_str().is_some_and(|found| {
            found.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
                && found.ends_with(SUFFIX)
        });
        let is_dead = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_staging && is_dead() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
