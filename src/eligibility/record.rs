//! The fold of a person's evidence, kept beside it for one-row reads.

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use crate::base::EvidenceId;

/// What is known about one person: all their evidence, in the form a decision needs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RecipientRecord {
    entries: Vec<(EvidenceId, Evidence)>,
}

impl RecipientRecord {
    /// Adds one piece of evidence; the order of application does not matter to decisions.
    pub fn apply(&mut self, id: EvidenceId, evidence: &Evidence) {
        self.entries.push((id, evidence.clone()));
    }
}
