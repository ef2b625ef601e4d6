//! What the store must be told: where its file is, whose chain it writes, how long it may wait.
//!
//! The configuration fills this; nothing here reads a configuration file.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::{KeyPrint, NodeId, Timestamp};
use crate::relay::ports::Clock;
use crate::telemetry::Metrics;

/// What to do when there is no database file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IfMissing {
    /// Create one (`init`, `import`, `demo`). Holds until the store was open once: a file that
    /// vanishes later is never replaced by an empty one.
    Create,
    /// Wait, degraded, until it is there (`serve`).
    Degrade,
}

/// Whether this process answers mail under its node's name or only visits the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The one process serving under the node's name; holds the node's lock file.
    Serve,
    /// A command-line visitor; takes no lock and makes no claims.
    Visit,
    /// A visitor that appends nothing, and so may have a key the store has never seen.
    Look,
}

/// The store's settings.
#[derive(Clone)]
pub struct Settings {
    /// The database file.
    pub path: PathBuf,
    /// The node whose journal chain is written and whose name claims carry.
    pub node: NodeId,
    /// What to do when there is no file.
    pub if_missing: IfMissing,
    /// Whether the node's lock file is needed.
    pub role: Role,
    /// The live keys, newest first; a store written under others is not written to.
    pub keyring: Option<Vec<KeyPrint>>,
    /// Where this node remembers how far the store had come; nowhere for a store of the moment.
    pub high_water: Option<PathBuf>,
    /// When this program was made: no clock that says less is right.
    pub built_at: Timestamp,
    /// How long SQLite waits for another process's lock.
    pub busy_timeout: Duration,
    /// How long a caller waits for a write.
    pub write_timeout: Duration,
    /// How long a caller waits for a read.
    pub read_timeout: Duration,
    /// The first pause between attempts to open the file; doubles up to `retry_max`.
    pub retry_min: Duration,
    /// The longest pause between attempts to open the file.
    pub retry_max: Duration,
    /// How many calls may wait in each queue; service notes may take half of the writer's.
    pub queue_max: usize,
    /// Where the store learns the time.
    pub clock: Arc<dyn Clock>,
    /// Where calls and commits are counted; nowhere for a command-line visitor.
    pub metrics: Option<Arc<Metrics>>,
}

impl Settings {
    /// The defaults for serving `node` from an existing file at `path`.
    pub fn new(path: impl Into<PathBuf>, node: NodeId) -> Self {
        Self {
            path: path.into(),
            node,
            if_missing: IfMissing::Degrade,
            role: Role::Serve,
            keyring: None,
            high_water: None,
            built_at: Timestamp::default(),
            busy_timeout: Duration::from_secs(2),
            write_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(2),
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(5),
            queue_max: 4096,
            clock: Arc::new(SystemClock),
            metrics: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("path", &self.path)
            .field("node", &self.node)
            .field("if_missing", &self.if_missing)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// The machine's clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
