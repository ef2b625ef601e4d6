//! Watches that the file SQLite has open is still the file at its path, and still a database.
//!
//! SQLite goes on happily with a file that was deleted or overwritten under it: commits land in
//! the write-ahead log of nothing, and a receipt would be worth as much. So each transaction
//! looks first. It is not an integrity check; `verify` is.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::fault::Fault;

/// The first bytes of every SQLite 3 file (SQLite file format §1.3.1).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

type Inode = (u64, u64);

/// Watches one open database file.
#[derive(Debug)]
pub(super) struct FileWatch {
    path: PathBuf,
    inode: Inode,
    file: Arc<File>,
}

impl FileWatch {
    /// Watches the file now at `path`, which must be a database already.
    pub(super) fn new(path: &Path) -> Result<Self, Fault> {
        let inode = inode_of(&stat(path)?);
        let file = kept_open(path, inode)?;
        let watch = Self { path: path.to_owned(), inode, file };
        watch.check()?;
        Ok(watch)
    }

    /// Whether the file is still there, the same, and begins like a database.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if inode_of(&stat(&self.path)?) != self.inode {
            return Err(Fault::File(format!("{} was replaced", self.path.display())));
        }
        let mut first = [0; 16];
        match self.file.read_exact_at(&mut first, 0) {
            Ok(()) if &first == MAGIC => Ok(()),
            Ok(()) => Err(Fault::File(format!("{} is not a database", self.path.display()))),
            Err(error) => {
                Err(Fault::File(format!("{} cannot be read: {error}", self.path.display())))
            }
        }
    }
}

fn stat(path: &Path) -> Result<Metadata, Fault> {
    std::fs::metadata(path).map_err(|error| {
        Fault::File(format!("{} cannot be found or read: {error}", path.display()))
    })
}

fn inode_of(metadata: &Metadata) -> Inode {
    (metadata.dev(), metadata.ino())
}

/// A descriptor of the file with `inode`, opened at most once per process and never closed.
///
/// Note: closing any descriptor of a file drops all POSIX locks the process has on it (SQLite,
/// "How To Corrupt An SQLite Database File" §2.2), among them those SQLite holds through its own
/// descriptors. So one descriptor per file ever opened is kept for the life of the process.
fn kept_open(path: &Path, inode: Inode) -> Result<Arc<File>, Fault> {
    static KEPT: OnceLock<Mutex<HashMap<Inode, Arc<File>>>> = OnceLock::new();
    let mut kept = KEPT.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = kept.get(&inode) {
        return Ok(Arc::clone(file));
    }
    let file = File::open(path)
        .map_err(|error| Fault::File(format!("{} cannot be opened: {error}", path.display())))?;
    let opened = file.metadata().map(|metadata| inode_of(&metadata)).ok();
    let file = Arc::new(file);
    if opened == Some(inode) {
        kept.insert(inode, Arc::clone(&file));
        return Ok(file);
    }
    // Replaced between the two calls. The descriptor may be of a file kept already: never close.
    std::mem::forget(file);
    Err(Fault::File(format!("{} was replaced while it was opened", path.display())))
}
