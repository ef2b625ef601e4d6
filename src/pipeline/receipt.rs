//! Proof that decisions and claims are durable.

/// Proof that a batch of decisions is on disk. Only the store makes one (promise P1).
#[derive(Debug)]
pub struct Receipt {
    journal_head: u64,
}

impl Receipt {
    /// Made by the store after a durable commit, with the journal's highest number.
    ///
    /// Invariant: the only caller is `src/store/`; `tests/tidy.rs` checks it.
    pub(crate) const fn committed(journal_head: u64) -> Self {
        Self { journal_head }
    }

    /// The number of the last journal entry in the commit.
    pub const fn journal_head(&self) -> u64 {
        self.journal_head
    }
}
