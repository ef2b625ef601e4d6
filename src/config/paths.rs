//! Paths in the configuration: relative to its folder, or secrets the service manager lends.
//!
//! systemd's `LoadCredential=` puts secrets into a folder only the service can read and names it
//! in `CREDENTIALS_DIRECTORY`. `credential:NAME` stands for a file there; commands run by hand
//! have no such folder and take the file of that name beside the configuration.

use std::path::{Path, PathBuf};

const CREDENTIAL: &str = "credential:";

/// Where the path `text` of a configuration in `base` leads.
pub(super) fn resolve(base: &Path, text: &str) -> PathBuf {
    let lent = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    resolve_with(base, lent.as_deref(), text)
}

fn resolve_with(base: &Path, lent: Option<&Path>, text: &str) -> PathBuf {
    let Some(name) = text.strip_prefix(CREDENTIAL) else { return base.join(text) };
    lent.map(|folder| folder.join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| base.join(name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::resolve_with;

    #[test]
    fn lent_secrets_win_and_are_looked_for_beside_the_file_otherwise() {
        let base = Path::new("/etc/consentry");
        let lent = tempfile::tempdir().unwrap();
        std::fs::write(lent.path().join("keyring.toml"), "").unwrap();
        let check = |text, folder, expected: &Path| {
            assert_eq!(resolve_with(base, folder, text), expected, "{text}");
        };
        check("tls/key.pem", Some(lent.path()), Path::new("/etc/consentry/tls/key.pem"));
        check("/run/key.pem", None, Path::new("/run/key.pem"));
        check("credential:keyring.toml", Some(lent.path()), &lent.path().join("keyring.toml"));
        check("credential:other", Some(lent.path()), Path::new("/etc/consentry/other"));
        check("credential:keyring.toml", None, Path::new("/etc/consentry/keyring.toml"));
    }
}
