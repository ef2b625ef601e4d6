//! Copies that were still under way when their reply was due.
//!
//! Service mail makes no claims in the store (promise P5), so a retry that comes while the first
//! copy waits for its reply is recognised here, within the process.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::pipeline::FateKey;

/// The recipients whose copies are under way in the background.
#[derive(Clone, Default)]
pub(super) struct InFlight {
    keys: Arc<Mutex<BTreeSet<FateKey>>>,
}

/// Takes its recipients off again when dropped.
pub(super) struct Entered {
    keys: Vec<FateKey>,
    all: InFlight,
}

impl InFlight {
    /// Puts recipients down until the guard is dropped.
    pub(super) fn enter(&self, keys: Vec<FateKey>) -> Entered {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).extend(keys.iter().copied());
        Entered { keys, all: self.clone() }
    }

    /// Whether any of `keys` is under way.
    pub(super) fn holds(&self, keys: &[FateKey]) -> bool {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().any(|key| known.contains(key))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut known = self.all.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            known.remove(key);
        }
    }
}
