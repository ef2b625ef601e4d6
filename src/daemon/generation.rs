//! One configuration and everything it leads to: read, checked and built before any of it is
//! used.
//!
//! Start, reload and `check` all go through here, so what passes the one passes the others.
//! What a running process cannot change is named by [`Generation::needs_restart`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::house::house;
use super::{doors, upstream};
use crate::base::Keyring;
use crate::config::Config;
use crate::http::public;
use crate::outbound;
use crate::pipeline::House;
use crate::telemetry::check_filter;

/// How long a page waits for the store before it says 503.
const STORE_WAIT: Duration = Duration::from_secs(5);

/// A configuration and what is built from it.
#[derive(Debug)]
pub struct Generation {
    /// The checked file.
    pub config: Config,
    /// The keys.
    pub keyring: Keyring,
    /// The policy of the house.
    pub house: Arc<House>,
    /// The way to the upstream.
    pub upstream: outbound::Settings,
}

impl Generation {
    /// Builds everything `config` asks for, as the `number`th of this process.
    ///
    /// # Errors
    /// A template, rule set, certificate or password it names cannot be read or used.
    pub fn build(config: Config, keyring: Keyring, number: u64) -> anyhow::Result<Self> {
        check_filter(&config.log.filter).context("[log] filter")?;
        doors::load_all(&config)?;
        let mut house = house(&config, keyring.clone())?;
        house.generation = number;
        let upstream = upstream::settings(&config)?;
        Ok(Self { house: Arc::new(house), upstream, config, keyring })
    }

    /// Reads the file at `path` and builds everything it asks for.
    ///
    /// # Errors
    /// The file or something it names cannot be read or used.
    pub fn read(path: &Path, number: u64) -> anyhow::Result<Self> {
        let config = Config::read(path)?;
        let keyring = keyring(&config)?;
        Self::build(config, keyring, number)
    }

    /// What the public pages need of it.
    pub(super) fn site(&self) -> public::Settings {
        let entities = self.config.entities.iter();
        let entities: BTreeMap<_, _> =
            entities.map(|entity| (entity.id.clone(), entity.name.clone())).collect();
        let brands = self.config.brands.iter();
        let brands: BTreeMap<_, _> =
            brands.map(|brand| (brand.id.clone(), brand.name.clone())).collect();
        public::Settings {
            keyring: Arc::new(self.keyring.clone()),
            names: public::SenderNames { entities, brands },
            trusted_proxies: self.config.http.trusted_proxies.clone(),
            store_wait: STORE_WAIT,
        }
    }

    /// The keys of the configuration that differ in `next` and count only at a start.
    fn fixed_differences(&self, next: &Self) -> Vec<&'static str> {
        let (old, new) = (&self.config, &next.config);
        let checks = [
            ("[node] id", old.node.id == new.node.id),
            ("[node] reply_deadline", old.node.reply_deadline == new.node.reply_deadline),
            ("[node] drain_deadline", old.node.drain_deadline == new.node.drain_deadline),
            ("[store] path", old.store.path == new.store.path),
            ("[store] busy_timeout", old.store.busy_timeout == new.store.busy_timeout),
            (
                "[store] high_water",
                old.store.high_water(&old.node.id) == new.store.high_water(&new.node.id),
            ),
            ("[keys] file", self.keyring.prints() == next.keyring.prints()),
            ("[http] public_listen", old.http.public_listen == new.http.public_listen),
            ("[log] format", old.log.format == new.log.format),
            ("[http] operations_listen", old.http.operations_listen == new.http.operations_listen),
        ];
        checks.into_iter().filter(|(_, is_same)| !is_same).map(|(key, _)| key).collect()
    }

    /// Whether `next` can follow while the process runs.
    ///
    /// # Errors
    /// Names every key that counts only at a start.
    pub(super) fn needs_restart(&self, next: &Self) -> anyhow::Result<()> {
        let differences = self.fixed_differences(next);
        if differences.is_empty() {
            return Ok(());
        }
        bail!("{} changed: that needs a restart, nothing was reloaded", differences.join(", "))
    }
}

/// Reads the keyring `config` names.
///
/// # Errors
/// The file cannot be read or is no keyring.
pub fn keyring(config: &Config) -> anyhow::Result<Keyring> {
    let file = &config.keys.file;
    let hint = "make one with `consentry key new --out FILE`";
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the keyring {}; {hint}", file.display()))?;
    Keyring::parse(&text).with_context(|| format!("in {}", file.display()))
}
