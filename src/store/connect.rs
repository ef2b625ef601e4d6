//! Opens connections: one that writes, ones that only read.
//!
//! Every setting that durability or safety rests on is set here and nowhere else.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;
use super::keyring;
use super::lock::ServeLock;
use super::schema::{self, Emptiness, MIGRATIONS};
use super::settings::{Role, Settings};
use super::watch::FileWatch;

/// Pages in the write-ahead log that make the writer copy them into the database after a commit.
///
/// The writer checkpoints itself, on its own thread between two commits. A second connection
/// doing so in the background would save the writer a few milliseconds now and then, but a log
/// that is written without pause is then never copied whole and so never starts over.
const CHECKPOINT_PAGES: i64 = 4000;

/// Bytes a log file may keep once it started over.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// Cache per connection, in KiB (negative means KiB in SQLite).
const CACHE_KIB: i64 = -8192;

/// An open connection and the watch over its file.
pub(super) struct Opened {
    /// The connection.
    pub(super) connection: Connection,
    /// The watch.
    pub(super) watch: FileWatch,
}

impl Opened {
    /// Closes without copying the log into the file: for a file that is no longer ours.
    ///
    /// The log then stays, and belongs to the file again if somebody puts it back.
    pub(super) fn abandon(self) {
        // A failure leaves the default, which only matters for the file already lost.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

/// Opens the connection that writes, with the tables at their newest version.
pub(super) fn open_writer(settings: &Settings, emptiness: Emptiness) -> Result<Opened, Fault> {
    match std::fs::metadata(&settings.path) {
        Ok(metadata) if metadata.len() > 0 => {
            // Before SQLite looks: the log alone can make a destroyed file seem whole.
            FileWatch::new(&settings.path)?;
        }
        Ok(_) if emptiness == Emptiness::Suspicious => {
            return Err(Fault::File(format!("{} is empty", settings.path.display())));
        }
        Err(error) if emptiness == Emptiness::Suspicious => {
            let hint = match error.kind() {
                ErrorKind::NotFound => "; `consentry import` and `consentry record` create one",
                _ => "",
            };
            let path = settings.path.display();
            return Err(Fault::File(format!("{path} cannot be opened: {error}{hint}")));
        }
        Ok(_) => {}
        Err(_) => {
            create(&settings.path)?;
        }
    }
    let mut connection = connect(&settings.path)?;
    let set_up = set_up_writer(&mut connection, settings, emptiness)
        .and_then(|()| FileWatch::new(&settings.path));
    match set_up {
        Ok(watch) => Ok(Opened { connection, watch }),
        Err(fault) => {
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            Err(fault)
        }
    }
}

/// Makes an empty file that strangers on the machine cannot read; SQLite gives its log the same
/// permissions.
fn create(path: &Path) -> Result<(), Fault> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path);
    match made {
        Ok(_) => Ok(()),
        // Another process was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Fault::File(format!("{} cannot be created: {error}", path.display()))),
    }
}

/// A connection to a file that is there; never makes one.
pub(super) fn connect(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

const OLDER_SERVES: &str = "its tables are older than this program, and a relay still serves with \
                            them; restart that first";

fn set_up_writer(
    connection: &mut Connection,
    settings: &Settings,
    emptiness: Emptiness,
) -> Result<(), Fault> {
    set_up(connection, settings.busy_timeout)?;
    // Before anything is changed: somebody else's database stays as it is.
    let version = schema::check_ours(connection, emptiness)?;
    // A visitor of the new program must not pull the tables away under an older relay.
    let _alone = match settings.role {
        Role::Visit | Role::Look if schema::is_behind(version) => {
            let lock = ServeLock::acquire(&settings.path, &settings.node);
            Some(lock.map_err(|_| Fault::File(OLDER_SERVES.to_owned()))?)
        }
        Role::Visit | Role::Look | Role::Serve => None,
    };
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::File(format!(
            "the file system does not allow a write-ahead log (journal mode is `{mode}`)"
        )));
    }
    // FULL: a commit has reached the disk when it returns (promise P1).
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    for (name, value) in
        [("wal_autocheckpoint", CHECKPOINT_PAGES), ("journal_size_limit", LOG_BYTES_KEPT)]
    {
        connection.pragma_update_and_check(None, name, value, |_| Ok(()))?;
    }
    schema::migrate(connection, emptiness, settings.clock.now())?;
    match &settings.keyring {
        Some(prints) => keyring::check(connection, prints, settings),
        None => Ok(()),
    }
}

/// Opens a connection that only reads; the tables must be at their newest version already.
pub(super) fn open_reader(settings: &Settings) -> Result<Opened, Fault> {
    let watch = FileWatch::new(&settings.path)?;
    let connection = connect(&settings.path)?;
    let checked = set_up_reader(&connection, settings.busy_timeout);
    let opened = Opened { connection, watch };
    match checked {
        Ok(()) => Ok(opened),
        Err(fault) => {
            opened.abandon();
            Err(fault)
        }
    }
}

/// Makes `connection` one that only reads tables of the newest version.
pub(super) fn set_up_reader(connection: &Connection, busy_timeout: Duration) -> Result<(), Fault> {
    set_up(connection, busy_timeout)?;
    connection.pragma_update(None, "query_only", true)?;
    let version = schema::check_applied(connection)?;
    if MIGRATIONS.last().is_none_or(|newest| newest.version == version) {
        return Ok(());
    }
    Err(Fault::File(format!("the file has tables of version {version}; open it to write first")))
}

fn set_up(connection: &Connection, busy_timeout: Duration) -> Result<(), Fault> {
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(64);
    // With a mapped file a failing disk is a signal that kills the process.
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}
