//! The stage of the demonstration: a temporary folder, free ports, configuration and contacts.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use super::super::exit::{Exit, Failure, OrExit as _};
use crate::base::Timestamp;
use crate::config::Config;
use crate::daemon::SystemClock;
use crate::relay::ports::Clock as _;

const CONFIG: &str = include_str!("consentry.toml");
const CONTACTS: &str = include_str!("contacts.csv");

/// Folder and addresses of one demonstration.
pub(super) struct Stage {
    folder: TempDir,
    smtp: SocketAddr,
    public: SocketAddr,
    operations: SocketAddr,
    upstream: SocketAddr,
}

impl Stage {
    /// Finds free ports and writes configuration and contacts.
    pub(super) fn set() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("consentry-demo-")
            .tempdir()
            .context("cannot make a temporary folder")
            .or_exit(Exit::CannotCreate)?;
        let stage = Self {
            folder,
            smtp: free_address()?,
            public: free_address()?,
            operations: free_address()?,
            upstream: free_address()?,
        };
        let contacts = dated(CONTACTS, SystemClock.now());
        fs::write(stage.contacts(), contacts)
            .context("cannot write the contacts")
            .or_exit(Exit::CannotCreate)?;
        Ok(stage)
    }

    /// The checked configuration.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let text = CONFIG
            .replace("SMTP_ADDRESS", &self.smtp.to_string())
            .replace("PUBLIC_ADDRESS", &self.public.to_string())
            .replace("OPERATIONS_ADDRESS", &self.operations.to_string())
            .replace("UPSTREAM_ADDRESS", &self.upstream.to_string());
        Config::parse("the demo's configuration", &text, self.folder.path()).or_exit(Exit::Config)
    }

    /// The contacts file.
    pub(super) fn contacts(&self) -> PathBuf {
        self.folder.path().join("contacts.csv")
    }

    /// Where mailers connect.
    pub(super) const fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// Where the unsubscribe pages are.
    pub(super) const fn public(&self) -> SocketAddr {
        self.public
    }

    /// Where metrics are.
    pub(super) const fn operations(&self) -> SocketAddr {
        self.operations
    }

    /// Where the capture listens.
    pub(super) const fn upstream(&self) -> SocketAddr {
        self.upstream
    }
}

fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .context("no free port on loopback")
        .or_exit(Exit::Unavailable)
}

/// The contacts with their dates filled in: `{90}` is the day 90 days ago.
fn dated(contacts: &str, now: Timestamp) -> String {
    let mut text = contacts.to_owned();
    for days in [90_u64, 40, 120] {
        let then = Timestamp::from_millis(
            now.as_millis()
                - i64::try_from(Duration::from_hours(days * 24).as_millis()).unwrap_or(0),
        );
        text = text.replace(&format!("{{{days}}}"), &then.date().to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{CONTACTS, dated};
    use crate::base::Timestamp;

    #[test]
    fn every_date_of_the_contacts_is_filled_in() {
        let text = dated(CONTACTS, Timestamp::parse("2026-11-23").unwrap());
        assert!(!text.contains(['{', '}']), "{text}");
        assert!(text.contains("2026-08-25"), "{text}");
    }
}
