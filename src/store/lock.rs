//! The lock file that lets one process serve under a node's name.
//!
//! Claims rest on it: a claim of the same node with another boot id is void at once, which is
//! true only while no second process serves under that name.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::fault::Fault;
use crate::base::NodeId;

/// The held lock of a node; given up when dropped or when the process ends in any way.
#[derive(Debug)]
pub(super) struct ServeLock {
    _file: File,
}

impl ServeLock {
    /// Takes the lock of `node` beside the database at `path`.
    ///
    /// # Errors
    /// [`Fault::File`] if another process holds it or it cannot be made.
    pub(super) fn acquire(path: &Path, node: &NodeId) -> Result<Self, Fault> {
        let at = lock_path(path, node);
        // The file is not truncated or deleted, ever: a deleted lock file would let two
        // processes hold locks on two files of the same name.
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&at);
        let file = file.map_err(|error| {
            Fault::File(format!("the lock file {} cannot be opened: {error}", at.display()))
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Fault::File(format!(
                "another process serves as node `{node}` (it holds {}); stop it or give this one \
                 another node id",
                at.display()
            ))),
            Err(TryLockError::Error(error)) => {
                Err(Fault::File(format!("the lock file {} fails: {error}", at.display())))
            }
        }
    }
}

fn lock_path(path: &Path, node: &NodeId) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{node}.lock"));
    PathBuf::from(name)
}
