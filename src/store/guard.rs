//! Whether the store may be believed at present: is it the newest this node saw, is the clock
//! sane. While not, it takes evidence, outcomes and service mail, and permits nothing.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::fault::Fault;
use super::high_water::{self, Marks, Standing};
use super::journal::Writing;
use super::settings::Settings;
use super::shared::lock;
use crate::base::Timestamp;
use crate::relay::ports::Hold;

/// How far the clock may lie behind the last entry: then the entry's time is used instead.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// What is known about database and clock.
#[derive(Default)]
pub(super) struct Guard {
    /// Why the database is not believed, and at which opening that was seen.
    restored: Mutex<Option<(u64, String)>>,
    /// When the last entry was written, in milliseconds.
    latest: AtomicI64,
    /// How often the file was found without anything in it.
    fresh_openings: AtomicU64,
    /// The marks as they were written last: an older reading does not replace them.
    saved: Mutex<Option<Marks>>,
}

impl Guard {
    /// Looks at a database that was just opened, as opening number `opening`.
    pub(super) fn inspect(
        &self,
        connection: &Connection,
        settings: &Settings,
        opening: u64,
    ) -> Result<(), Fault> {
        let latest: Option<i64> = connection
            .prepare_cached(
                "SELECT at FROM head JOIN journal USING (chain, seq) WHERE head.chain = ?1",
            )?
            .query_map([settings.node.as_str()], |row| row.get(0))?
            .next()
            .transpose()?;
        self.saw_entry(Timestamp::from_millis(latest.unwrap_or_default()));
        let Some(path) = &settings.high_water else { return Ok(()) };
        match high_water::compare(connection, path)? {
            Standing::Behind(why) => self.hold(opening, why),
            Standing::Ahead(_) => self.clear(opening),
            Standing::Unmarked(marks) => {
                if marks.is_fresh() {
                    self.fresh_openings.fetch_add(1, Ordering::AcqRel);
                }
                self.clear(opening);
            }
        }
        Ok(())
    }

    /// The database is behind.
    pub(super) fn hold(&self, opening: u64, why: String) {
        // Whoever accepts it moves the marks back; they must move on from there.
        self.forget();
        *lock(&self.restored) = Some((opening, why));
    }

    /// The database has all that was seen, as looked at during `opening`; a later opening's
    /// finding stands.
    pub(super) fn clear(&self, opening: u64) {
        let mut restored = lock(&self.restored);
        if restored.as_ref().is_some_and(|(at, _)| *at <= opening) {
            *restored = None;
        }
    }

    /// Whether this process made the database.
    pub(super) fn began_fresh(&self) -> bool {
        self.fresh_openings.load(Ordering::Acquire) > 0
    }

    /// Writes `marks` to `path` unless they stand there, or later ones do.
    pub(super) fn save(&self, marks: &Marks, path: &Path) -> Result<(), Fault> {
        let mut saved = lock(&self.saved);
        if saved.as_ref().is_some_and(|saved| !marks.is_beyond(saved)) && path.exists() {
            return Ok(());
        }
        marks.save(path)?;
        *saved = Some(marks.clone());
        Ok(())
    }

    /// Forgets what was written, for a database that was accepted with lower numbers.
    pub(super) fn forget(&self) {
        *lock(&self.saved) = None;
    }

    /// Moves the marks on when the database is closed, if it is believed.
    pub(super) fn save_last(
        &self,
        connection: &Connection,
        settings: &Settings,
    ) -> Result<(), Fault> {
        let Some(path) = &settings.high_water else { return Ok(()) };
        match high_water::compare(connection, path)? {
            Standing::Ahead(marks) => self.save(&marks, path),
            // Only serving makes marks for a database that was there before, and says so.
            Standing::Unmarked(marks) if self.began_fresh() && !marks.is_fresh() => {
                self.save(&marks, path)
            }
            Standing::Unmarked(_) | Standing::Behind(_) => Ok(()),
        }
    }

    /// Why the database is not believed.
    pub(super) fn restored(&self) -> Option<String> {
        lock(&self.restored).as_ref().map(|(_, why)| why.clone())
    }

    /// The chain's last entry was written at `at`.
    pub(super) fn saw_entry(&self, at: Timestamp) {
        self.latest.store(at.as_millis(), Ordering::Release);
    }

    /// When the chain's last entry was written.
    pub(super) fn latest(&self) -> Timestamp {
        Timestamp::from_millis(self.latest.load(Ordering::Acquire))
    }

    /// What keeps marketing back inside an open transaction.
    pub(super) fn hold_within(&self, writing: &Writing<'_>, settings: &Settings) -> Option<Hold> {
        if lock(&self.restored).is_some() {
            return Some(Hold::Restored);
        }
        clock_hold(writing.clock(), writing.head().at, settings)
    }

    /// What keeps marketing back at present.
    pub(super) fn hold_now(&self, settings: &Settings) -> Option<Hold> {
        if lock(&self.restored).is_some() {
            return Some(Hold::Restored);
        }
        clock_hold(settings.clock.now(), self.latest(), settings)
    }
}

/// What is wrong with a clock that says `now` after an entry of `latest`.
pub(super) fn clock_hold(now: Timestamp, latest: Timestamp, settings: &Settings) -> Option<Hold> {
    if now < settings.built_at {
        Some(Hold::ClockBeforeBuild)
    } else if latest.since(now) > CLOCK_TOLERANCE {
        Some(Hold::ClockBack)
    } else {
        None
    }
}
