//! What the store can be asked about its own credibility: restored backups and clocks set back.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::guard::{CLOCK_TOLERANCE, clock_hold};
use super::handle::Store;
use super::high_water::{self, ACCEPT_RESTORE, Marks, Standing};
use super::job::Patience;
use super::journal::{EntryKind, Payload, Writing};
use crate::base::Timestamp;
use crate::relay::ports::{Hold, StoreError};

/// What an acceptance came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// It is journalled, and this is no longer held against the store.
    Done(String),
    /// There was nothing to accept.
    Needless,
    /// It cannot be accepted, for this reason.
    Refused(String),
}

impl Store {
    /// What keeps marketing back at present.
    pub fn hold(&self) -> Option<Hold> {
        self.shared().guard.hold_now(self.settings())
    }

    /// The same in words an operator can act on.
    pub fn hold_in_words(&self) -> Option<String> {
        let guard = &self.shared().guard;
        Some(match self.hold()? {
            Hold::Restored => guard.restored().unwrap_or_default(),
            Hold::ClockBack => {
                let (now, latest) = (self.settings().clock.now(), guard.latest());
                format!("the clock says {now}, but the journal's last entry is of {latest}")
            }
            Hold::ClockBeforeBuild => {
                let (now, built) = (self.settings().clock.now(), self.settings().built_at);
                format!("the clock says {now}, but this program was made on {built}")
            }
        })
    }

    /// What the clock says, or when the last entry was written if that is a little later.
    pub fn steady_now(&self) -> Timestamp {
        let (now, latest) = (self.settings().clock.now(), self.shared().guard.latest());
        match latest.since(now) <= CLOCK_TOLERANCE {
            true => now.max(latest),
            false => now,
        }
    }

    /// Compares the database with this node's marks, and moves them on if it has come further.
    /// Marks that are missing are made, with a note in the journal.
    ///
    /// # Errors
    /// [`StoreError`] if the database could not be read or the marks not written.
    pub async fn keep_high_water(&self) -> Result<(), StoreError> {
        let Some(path) = self.settings().high_water.clone() else { return Ok(()) };
        let opening = self.shared().openings.load(Ordering::Acquire);
        let node = self.settings().node.clone();
        let (standing, latest) = self
            .read({
                let path = path.clone();
                move |connection| {
                    let latest: i64 = connection
                        .prepare_cached(
                            "SELECT coalesce(max(at), 0) FROM head JOIN journal USING (chain, seq)
                             WHERE head.chain = ?1",
                        )?
                        .query_row([node.as_str()], |row| row.get(0))?;
                    Ok((high_water::compare(connection, &path)?, latest))
                }
            })
            .await?;
        let guard = &self.shared().guard;
        guard.saw_entry(Timestamp::from_millis(latest));
        match standing {
            Standing::Behind(why) => guard.hold(opening, why),
            Standing::Ahead(marks) => {
                guard.clear(opening);
                self.save(marks, path).await?;
            }
            Standing::Unmarked(marks) => {
                if !marks.is_fresh() && !guard.began_fresh() {
                    self.note_new_marks(&marks).await?;
                }
                self.save(marks, path).await?;
            }
        }
        Ok(())
    }

    async fn note_new_marks(&self, marks: &Marks) -> Result<(), StoreError> {
        let note = json!({ "act": "high_water_created", "marks": marks });
        self.write(Patience::Regardless, move |writing| {
            enter(writing, EntryKind::Config, &note).map(|_| ())
        })
        .await
    }

    async fn save(&self, marks: Marks, path: PathBuf) -> Result<(), StoreError> {
        let shared = std::sync::Arc::clone(self.shared());
        let saving = tokio::task::spawn_blocking(move || shared.guard.save(&marks, &path));
        match saving.await {
            Ok(saved) => saved.map_err(|fault| StoreError::from(&fault)),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }

    /// Takes the database as it is, though it is behind what this node saw; `act` says who
    /// answers for that.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be read or written.
    pub async fn accept_restore(&self, act: Map<String, Value>) -> Result<Accepted, StoreError> {
        let Some(path) = self.settings().high_water.clone() else { return Ok(Accepted::Needless) };
        let entered = self
            .write(Patience::Regardless, {
                let path = path.clone();
                move |writing| {
                    let Standing::Behind(why) = high_water::compare(writing.connection(), &path)?
                    else {
                        return Ok(None);
                    };
                    let mut entry = act;
                    entry.insert("act".to_owned(), ACCEPT_RESTORE.into());
                    entry.insert("behind".to_owned(), why.clone().into());
                    entry.insert("given_up".to_owned(), json!(high_water::given_up(&path)));
                    enter(writing, EntryKind::Operator, &Value::Object(entry))?;
                    Ok(Some(why))
                }
            })
            .await?;
        let Some(why) = entered else { return Ok(Accepted::Needless) };
        let opening = self.shared().openings.load(Ordering::Acquire);
        let marks = self.read(Marks::of).await?;
        self.shared().guard.forget();
        self.save(marks, path).await?;
        self.shared().guard.clear(opening);
        Ok(Accepted::Done(why))
    }

    /// Takes the clock as it is, though the journal has later entries; `act` says who answers
    /// for that. A clock from before the program was made cannot be right.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be written.
    pub async fn accept_clock(&self, act: Map<String, Value>) -> Result<Accepted, StoreError> {
        let settings = self.settings().clone();
        self.write(Patience::Regardless, move |writing| {
            let (now, latest) = (writing.clock(), writing.head().at);
            match clock_hold(now, latest, &settings) {
                None | Some(Hold::Restored) => Ok(Accepted::Needless),
                Some(Hold::ClockBeforeBuild) => Ok(Accepted::Refused(format!(
                    "the clock says {now}, but this program was made on {}: set the clock",
                    settings.built_at
                ))),
                Some(Hold::ClockBack) => {
                    let mut entry = act;
                    entry.insert("act".to_owned(), "accept_clock".into());
                    entry.insert("from".to_owned(), latest.to_string().into());
                    entry.insert("to".to_owned(), now.to_string().into());
                    let body = Value::Object(entry).to_string();
                    let payload = Payload { body: body.as_bytes(), ..Payload::default() };
                    writing.enter_reset(&payload)?;
                    Ok(Accepted::Done(format!("from {latest} to {now}")))
                }
            }
        })
        .await
    }
}

fn enter(writing: &mut Writing<'_>, kind: EntryKind, body: &Value) -> Result<i64, Fault> {
    let body = body.to_string();
    let payload = Payload { body: body.as_bytes(), ..Payload::default() };
    writing.enter_payload(kind, writing.now(), &payload)
}
