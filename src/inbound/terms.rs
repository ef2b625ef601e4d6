//! The terms a connection is served under: settings, where it comes from, and as whom.
//!
//! A reload asks anew. Whoever would be admitted in the same way goes on under the new settings,
//! so that a renewed certificate drops nobody; everybody else is told to come again.

use std::future::pending;
use std::mem::discriminant;
use std::sync::Arc;

use tokio::sync::watch;

use super::Settings;
use super::admission::{Admitted, Origin, is_still_admitted};

/// Whether a session may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nothing changed for it.
    Good,
    /// It would not be admitted as it is.
    Outdated,
}

/// What a connection is served under.
#[derive(Debug)]
pub struct Terms {
    /// The newest settings it is admitted under.
    pub settings: Arc<Settings>,
    /// Where it comes from.
    pub origin: Origin,
    admitted: Admitted,
    /// Who it was before it said anything.
    unproven: Admitted,
    updates: watch::Receiver<Arc<Settings>>,
}

impl Terms {
    /// The terms of a connection admitted under `settings`, the last seen of `updates`.
    pub fn new(
        settings: Arc<Settings>,
        updates: watch::Receiver<Arc<Settings>>,
        origin: Origin,
        admitted: Admitted,
    ) -> Self {
        let unproven = admitted.clone();
        Self { settings, origin, admitted, unproven, updates }
    }

    /// Who it is.
    pub const fn admitted(&self) -> &Admitted {
        &self.admitted
    }

    /// It proved to be somebody.
    pub fn prove(&mut self, admitted: Admitted) {
        self.admitted = admitted;
    }

    /// It begins anew, and what it proved before counts no more (RFC 3207 §4.2).
    pub fn start_over(&mut self) -> Standing {
        self.admitted = self.unproven.clone();
        match self.is_good_under(&self.settings) {
            true => Standing::Good,
            false => Standing::Outdated,
        }
    }

    /// Waits until there are newer settings.
    pub async fn changed(&mut self) {
        if self.updates.changed().await.is_err() {
            // Nobody can change them any more.
            pending::<()>().await;
        }
    }

    /// Goes over to the newest settings, if the connection may be served under them.
    pub fn renew(&mut self) -> Standing {
        let newest = Arc::clone(&self.updates.borrow_and_update());
        if Arc::ptr_eq(&newest, &self.settings) {
            return Standing::Good;
        }
        if !self.is_good_under(&newest) {
            return Standing::Outdated;
        }
        self.settings = newest;
        Standing::Good
    }

    fn is_good_under(&self, newest: &Settings) -> bool {
        let peer = self.origin.peer;
        // Whose word counts for the client's address, and when TLS begins, is settled on opening.
        newest.is_proxy(peer) == self.settings.is_proxy(peer)
            && discriminant(&newest.tls) == discriminant(&self.settings.tls)
            && is_still_admitted(newest, self.origin, &self.admitted)
    }
}
