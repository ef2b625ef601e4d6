//! Whether certificate and key files changed since they were read.
//!
//! Asked by looking at the files, not by watching folders: renewals replace links, rename folders
//! or write in place, and a look through the link sees them all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::Config;

/// What tells one content of a file from another without reading it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    changed_at: Option<SystemTime>,
    /// Owner and mode count too: a key that could not be read may be readable now.
    status_changed_at: (i64, i64),
    bytes: u64,
    inode: u64,
}

/// The files as they were at one moment; a missing one has no stamp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Snapshot(Vec<(PathBuf, Option<Stamp>)>);

impl Snapshot {
    /// The certificate, key and authority files of `config` as they are now.
    pub(super) fn of(config: &Config) -> Self {
        let listeners = config.listeners.iter().filter_map(|l| l.certificate.as_ref());
        let certificates = listeners.chain(&config.upstream.client_certificate);
        let paths = certificates.flat_map(|pair| [&pair.certificate, &pair.key]);
        Self(paths.chain(&config.upstream.ca_file).map(|p| (p.clone(), stamp(p))).collect())
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    // Through links: what they lead to is what is served.
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        changed_at: metadata.modified().ok(),
        status_changed_at: (metadata.ctime(), metadata.ctime_nsec()),
        bytes: metadata.len(),
        inode: metadata.ino(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::Snapshot;
    use crate::config::Config;

    #[test]
    fn sees_files_written_renamed_and_relinked_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, text) in [("chain-1", "one"), ("chain-2", "two"), ("key.pem", "key")] {
            fs::write(path(name), text).unwrap();
        }
        symlink(path("chain-1"), path("chain.pem")).unwrap();
        let example = include_str!("../../config/consentry.toml");
        let text = example.replacen(
            "tls = \"off\"\n",
            "tls = \"starttls\"\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n",
            1,
        );
        let config = Config::parse("test", &text, folder.path()).unwrap();
        let mut seen = Snapshot::of(&config);
        assert_eq!(Snapshot::of(&config), seen, "looking changes nothing");
        let mut check_changed = |what: &str| {
            let now = Snapshot::of(&config);
            assert_ne!(now, seen, "{what}");
            seen = now;
        };
        fs::remove_file(path("chain.pem")).unwrap();
        check_changed("gone");
        symlink(path("chain-2"), path("chain.pem")).unwrap();
        check_changed("relinked");
        fs::write(path("new.pem"), "key").unwrap();
        fs::rename(path("new.pem"), path("key.pem")).unwrap();
        check_changed("renamed over");
        fs::write(path("key.pem"), "another key").unwrap();
        check_changed("written in place");
    }
}
