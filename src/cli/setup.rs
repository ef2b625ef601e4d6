//! What most commands begin with: configuration and keyring from their files.

use std::path::Path;

use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::exit::{Exit, Failure, OrExit as _};
use crate::base::Keyring;
use crate::config::{Config, ReadError};
use crate::daemon;
use crate::store::{Health, IfMissing, Role, Settings, Store};

/// Reads and checks the configuration file at `path`.
pub(super) fn config(path: &Path) -> Result<Config, Failure> {
    Config::read(path).map_err(|error| {
        let exit = match error {
            ReadError::Unreadable { .. } => Exit::NoInput,
            ReadError::Wrong(_) => Exit::Config,
        };
        Failure::new(exit, anyhow::Error::from(error))
    })
}

/// Reads the keyring the configuration names.
pub(super) fn keyring(config: &Config) -> Result<Keyring, Failure> {
    daemon::keyring(config).or_exit(Exit::Config)
}

/// A runtime for commands that ask the store.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .or_exit(Exit::Unavailable)
}

/// Opens the store as a visitor of an existing file.
pub(super) fn visit(config: &Config) -> Result<Store, Failure> {
    open(config, IfMissing::Degrade, None)
}

/// Opens the store as a visitor of an existing file that was made with `keyring`.
pub(super) fn visit_with(config: &Config, keyring: &Keyring) -> Result<Store, Failure> {
    open(config, IfMissing::Degrade, Some(keyring))
}

/// Opens the store as a visitor, creating the file if there is none.
///
/// The keyring must be the one the store was made with: what it would write could not be found.
pub(super) fn visit_or_create(config: &Config, keyring: &Keyring) -> Result<Store, Failure> {
    open(config, IfMissing::Create, Some(keyring))
}

/// Opens the store as a visitor that appends nothing; a key new to the store is no fault then.
pub(super) fn look(config: &Config, keyring: &Keyring) -> Result<Store, Failure> {
    let settings =
        Settings { role: Role::Look, keyring: Some(keyring.prints()), ..visiting(config) };
    open_with(config, settings)
}

fn open(
    config: &Config,
    if_missing: IfMissing,
    keyring: Option<&Keyring>,
) -> Result<Store, Failure> {
    let keyring = keyring.map(Keyring::prints);
    open_with(config, Settings { if_missing, keyring, ..visiting(config) })
}

fn visiting(config: &Config) -> Settings {
    let mut settings = Settings::new(&config.store.path, config.node.id.clone());
    settings.role = Role::Visit;
    // A visitor has time; the relay's commits go first.
    settings.busy_timeout = config.store.busy_timeout.max(Duration::from_secs(10));
    settings.write_timeout = Duration::from_secs(60);
    settings.high_water = Some(config.store.high_water(&config.node.id));
    settings.built_at = daemon::built_at();
    settings
}

fn open_with(config: &Config, settings: Settings) -> Result<Store, Failure> {
    let store = Store::open(settings).or_exit(Exit::Unavailable)?;
    match store.health() {
        Health::Usable => Ok(store),
        Health::Degraded(why) => {
            let error = anyhow!("the store {} cannot be used: {why}", config.store.path.display());
            Err(Failure::new(Exit::Unavailable, error))
        }
    }
}

/// Closes the store, so that everything is in its file when the command ends.
pub(super) fn close(store: Store) -> Result<(), Failure> {
    let closed = runtime()?.block_on(store.close(Duration::from_secs(60)));
    closed.context("the store did not close in time").or_exit(Exit::Unavailable)
}
