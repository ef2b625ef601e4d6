//! Keeps one thread's connection open: opens it, closes it after a fault, tries again.
//!
//! A store that cannot be opened never ends the process. Attempts come with growing pauses, and
//! earlier when somebody asks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::connect::{self, Opened};
use super::fault::{Fault, Reach};
use super::lock::ServeLock;
use super::schema::Emptiness;
use super::settings::{IfMissing, Role};
use super::shared::{Lamp, Shared};

/// What a thread wants its connection for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To write; there is one such thread.
    Write,
    /// To read; the number tells the readers apart.
    Read(usize),
}

/// Keeps one thread's connection open.
pub(super) struct Door {
    shared: Arc<Shared>,
    purpose: Purpose,
    opened: Option<Opened>,
    emptiness: Emptiness,
    lock: Option<ServeLock>,
    tried_at: Option<Instant>,
    pause: Duration,
    openings_seen: u64,
}

impl Door {
    /// A door not opened yet.
    pub(super) fn new(shared: Arc<Shared>, purpose: Purpose) -> Self {
        let emptiness = match shared.settings.if_missing {
            IfMissing::Create => Emptiness::Fillable,
            IfMissing::Degrade => Emptiness::Suspicious,
        };
        let pause = shared.settings.retry_min;
        Self {
            shared,
            purpose,
            opened: None,
            emptiness,
            lock: None,
            tried_at: None,
            pause,
            openings_seen: 0,
        }
    }

    /// The connection, if it is open.
    pub(super) const fn opened(&mut self) -> Option<&mut Opened> {
        self.opened.as_mut()
    }

    /// Why it is not well.
    pub(super) fn reason(&self) -> String {
        self.lamp().reason()
    }

    /// How long to wait for work before looking again; `None` while all is well.
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.opened.is_some() {
            return (!self.lamp().is_well()).then_some(self.shared.settings.retry_min);
        }
        let next = self.tried_at.map_or(Duration::ZERO, |tried| {
            (tried + self.pause).saturating_duration_since(Instant::now())
        });
        Some(next)
    }

    /// Tries to open the connection if it is not open and an attempt is due.
    pub(super) fn open_if_due(&mut self) {
        let openings = self.shared.openings.load(Ordering::Acquire);
        let has_news = openings != self.openings_seen;
        let rested =
            self.tried_at.is_none_or(|tried| tried.elapsed() >= self.shared.settings.retry_min);
        if self.opened.is_some() || !(rested || has_news) {
            return;
        }
        self.openings_seen = openings;
        match self.open() {
            Ok(opened) => {
                self.opened = Some(opened);
                self.pause = self.shared.settings.retry_min;
                // From now on an empty or missing file is a loss, not a beginning.
                self.emptiness = Emptiness::Suspicious;
                self.lamp().shine();
                if self.purpose == Purpose::Write {
                    self.openings_seen = self.shared.openings.fetch_add(1, Ordering::AcqRel) + 1;
                    self.shared.reads.wake();
                }
            }
            Err(fault) => {
                self.lamp().darken(&fault.to_string());
                if self.tried_at.is_some() {
                    self.pause = (self.pause * 2).min(self.shared.settings.retry_max);
                }
            }
        }
        self.tried_at = Some(Instant::now());
    }

    /// Tells that a transaction went through.
    pub(super) fn praise(&self) {
        self.lamp().shine();
    }

    /// Tells that a transaction failed; closes the connection if the fault reaches that far.
    pub(super) fn blame(&mut self, fault: &Fault) {
        match fault.reach() {
            Reach::Call | Reach::Transaction => self.lamp().flicker(fault),
            Reach::Connection => self.shut(&fault.to_string()),
        }
    }

    /// Closes the connection; the log stays as it is.
    pub(super) fn shut(&mut self, reason: &str) {
        self.lamp().darken(reason);
        self.tried_at = Some(Instant::now());
        if let Some(opened) = self.opened.take() {
            opened.abandon();
        }
    }

    fn open(&mut self) -> Result<Opened, Fault> {
        let settings = &self.shared.settings;
        match self.purpose {
            Purpose::Read(_) => connect::open_reader(settings),
            Purpose::Write => {
                if settings.role == Role::Serve && self.lock.is_none() {
                    self.lock = Some(ServeLock::acquire(&settings.path, &settings.node)?);
                }
                let opened = connect::open_writer(settings, self.emptiness)?;
                let opening = self.shared.openings.load(Ordering::Acquire) + 1;
                match self.shared.guard.inspect(&opened.connection, settings, opening) {
                    Ok(()) => Ok(opened),
                    Err(fault) => {
                        opened.abandon();
                        Err(fault)
                    }
                }
            }
        }
    }

    fn lamp(&self) -> &Lamp {
        match self.purpose {
            Purpose::Write => &self.shared.writer_lamp,
            Purpose::Read(reader) => &self.shared.reader_lamps[reader],
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.lamp().darken("it was closed");
    }
}
