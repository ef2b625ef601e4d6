//! Labels of the evidence store: what was asked of it, whether it answers, its files.

use super::labels;

labels! {
    /// What was asked of the store.
    StoreOperation {
        /// Reading records and fates.
        Load = "load",
        /// Making decisions durable.
        Record = "record",
        /// Making outcomes durable.
        Settle = "settle",
        /// Reading what a scope's number means.
        Scope = "scope",
        /// Making evidence durable.
        Append = "append",
    }

    /// What became of evidence that a message brought along.
    TestimonyLabel {
        /// It is recorded.
        Recorded = "recorded",
        /// It was not believed.
        Refused = "refused",
        /// It was believed, and the store could not take it.
        Lost = "lost",
    }

    /// Whether the store answers.
    StoreState {
        /// It does.
        Usable = "usable",
        /// It does not.
        Unusable = "unusable",
    }

    /// What holds marketing back though the store answers.
    HoldCause {
        /// The database is older than this node remembers it.
        Restore = "restore",
        /// The clock cannot be right.
        Clock = "clock",
    }

    /// A file of the store.
    StoreFile {
        /// The database.
        Database = "database",
        /// Its write-ahead log.
        Log = "log",
    }
}
