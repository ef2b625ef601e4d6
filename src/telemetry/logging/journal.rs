//! Whether standard error is connected to the system's journal (systemd.exec(5),
//! `$JOURNAL_STREAM`): the variable is inherited by children whose output goes elsewhere, so
//! device and inode must match too.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// Whether standard error is the stream `journal_stream` names.
pub(super) fn is_stderr(journal_stream: &str) -> bool {
    // A duplicate is asked, because asking takes ownership of a file.
    let stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let metadata = stderr.and_then(|file| file.metadata());
    metadata.is_ok_and(|metadata| is_same(journal_stream, &metadata))
}

/// `DEVICE:INODE`, both decimal.
fn is_same(journal_stream: &str, metadata: &Metadata) -> bool {
    let Some((device, inode)) = journal_stream.split_once(':') else { return false };
    device.parse() == Ok(metadata.dev()) && inode.parse() == Ok(metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    use super::is_same;

    #[test]
    fn device_and_inode_must_both_match() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("log")).unwrap();
        let metadata = file.metadata().unwrap();
        let (device, inode) = (metadata.dev(), metadata.ino());
        assert!(is_same(&format!("{device}:{inode}"), &metadata));
        assert!(!is_same(&format!("{device}:{}", inode + 1), &metadata));
        assert!(!is_same(&format!("{}:{inode}", device + 1), &metadata));
        for nonsense in ["", ":", "8", "x:y", "8:9:10"] {
            assert!(!is_same(nonsense, &metadata), "{nonsense}");
        }
    }
}
