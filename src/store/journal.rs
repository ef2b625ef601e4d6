//! The hash chain: one entry per decision, outcome, piece of evidence and act, never changed.
//!
//! An entry's hash covers the entry before it and a digest of its salted payload, so the chain
//! stays verifiable when a payload is deleted one day. Each node has its own chain.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::locator;
use super::row::{fresh_salt, nullable, row_digest, row_sum};
use crate::base::{Digest, NodeId, Timestamp};

macro_rules! entry_kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What a journal entry is about.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum EntryKind {
            $($(#[$doc])* $variant,)*
        }

        impl EntryKind {
            /// The word that stands in the journal.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The kind `text` names.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

entry_kinds! {
    /// A decision about one recipient of a marketing message.
    Decision = "decision",
    /// What became of a copy.
    Outcome = "outcome",
    /// A piece of evidence; its payload is the evidence row.
    Evidence = "evidence",
    /// An import that was completed.
    Import = "import",
    /// The configuration a process runs with.
    Config = "config",
    /// A rule set a process decides by.
    RuleSet = "rule_set",
    /// An operator's act.
    Operator = "operator",
    /// Entries that were lost, and how many.
    Gap = "gap",
    /// An import that was undone.
    Undo = "undo",
    /// Payloads that were deleted, and why.
    Erasure = "erasure",
    /// A signed state of the chain.
    Checkpoint = "checkpoint",
    /// A number given to a scope.
    Scope = "scope",
    /// A service message.
    Service = "service",
}

/// Who writes: the chain's name and this process's boot.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    /// The node; names the chain and claims.
    pub(super) node: NodeId,
    /// 16 random bytes made when the process opened the store.
    pub(super) boot: [u8; 16],
}

/// The last entry of a chain; number 0 and zero hash for none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Head {
    /// The entry's number.
    pub(super) seq: i64,
    /// The entry's hash.
    pub(super) hash: Digest,
    /// When it was written.
    pub(super) at: Timestamp,
}

/// What an entry commits to beside its own columns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Payload<'a> {
    /// The decision it is or follows.
    pub(super) decision: Option<i64>,
    /// The transaction it belongs to.
    pub(super) transaction: Option<&'a [u8; 16]>,
    /// The person it is about.
    pub(super) person: Option<&'a [u8; 16]>,
    /// The record version a permit was decided on.
    pub(super) version: Option<i64>,
    /// The text.
    pub(super) body: &'a [u8],
}

impl Payload<'_> {
    /// What the journal entry commits to.
    pub(super) fn digest(&self, salt: &[u8]) -> Digest {
        row_digest(
            "payload v1",
            &[
                ValueRef::Blob(salt),
                nullable(self.decision, ValueRef::Integer),
                nullable(self.transaction, |id| ValueRef::Blob(id)),
                nullable(self.person, |key| ValueRef::Blob(key)),
                nullable(self.version, ValueRef::Integer),
                ValueRef::Blob(self.body),
            ],
        )
    }
}

/// The hash of an entry.
pub(super) fn entry_hash(prev: &[u8], chain: &str, entry: &Entry<'_>) -> Digest {
    row_digest(
        "journal v1",
        &[
            ValueRef::Blob(prev),
            ValueRef::Text(chain.as_bytes()),
            ValueRef::Integer(entry.seq),
            ValueRef::Text(entry.kind.as_bytes()),
            ValueRef::Integer(entry.at),
            ValueRef::Blob(entry.digest),
        ],
    )
}

/// The columns of an entry that its hash covers beside chain and predecessor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Its number in the chain, from 1.
    pub(super) seq: i64,
    /// Its kind's word.
    pub(super) kind: &'a str,
    /// When it was written, in milliseconds.
    pub(super) at: i64,
    /// What it commits to.
    pub(super) digest: &'a [u8],
}

/// One open write transaction, and the end of this node's chain in it.
pub(super) struct Writing<'a> {
    connection: &'a Connection,
    writer: &'a Writer,
    clock: Timestamp,
    stored: Head,
    head: Head,
}

impl<'a> Writing<'a> {
    /// Begins writing at the end of the chain. `connection` must be inside a transaction that
    /// holds the write lock, so that nobody else can append to the chain meanwhile.
    pub(super) fn begin(
        connection: &'a Connection,
        writer: &'a Writer,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let stored = connection
            .prepare_cached(
                "SELECT head.seq, head.hash, journal.at
                 FROM head LEFT JOIN journal USING (chain, seq) WHERE head.chain = ?1",
            )?
            .query_row([writer.node.as_str()], |row| {
                Ok(Head {
                    seq: row.get(0)?,
                    hash: Digest::from_bytes(&row.get::<_, [u8; 32]>(1)?).unwrap_or_default(),
                    at: Timestamp::from_millis(row.get::<_, Option<i64>>(2)?.unwrap_or_default()),
                })
            })
            .optional()?
            .unwrap_or_default();
        Ok(Self { connection, writer, clock: now, stored, head: stored })
    }

    /// The connection, inside the transaction.
    pub(super) const fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Who writes.
    pub(super) const fn writer(&self) -> &'a Writer {
        self.writer
    }

    /// The moment of this transaction: what the clock says, or the last entry if that is later.
    /// Time does not run backwards in a chain, whatever the clock does.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.max(self.head.at)
    }

    /// What the clock says.
    pub(super) const fn clock(&self) -> Timestamp {
        self.clock
    }

    /// The end of the chain as of now, to come back to with [`Writing::rewind`].
    pub(super) const fn head(&self) -> Head {
        self.head
    }

    /// Forgets what was entered since `head`, after the rows were rolled back.
    pub(super) const fn rewind(&mut self, head: Head) {
        self.head = head;
    }

    /// Appends an entry that commits to `digest` and tells its number. It is dated `at`, or like
    /// the entry before it if that is later.
    pub(super) fn enter(
        &mut self,
        kind: EntryKind,
        at: Timestamp,
        digest: &Digest,
    ) -> Result<i64, Fault> {
        self.enter_dated(kind, at.max(self.head.at), digest)
    }

    fn enter_dated(
        &mut self,
        kind: EntryKind,
        at: Timestamp,
        digest: &Digest,
    ) -> Result<i64, Fault> {
        let chain = self.writer.node.as_str();
        let entry = Entry {
            seq: self.head.seq + 1,
            kind: kind.as_str(),
            at: at.as_millis(),
            digest: digest.as_bytes(),
        };
        let prev = self.head.hash;
        let hash = entry_hash(prev.as_bytes(), chain, &entry);
        self.connection
            .prepare_cached(
                "INSERT INTO journal (chain, seq, kind, at, digest, prev, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                chain,
                entry.seq,
                entry.kind,
                entry.at,
                entry.digest,
                prev.as_bytes(),
                hash.as_bytes(),
            ))?;
        self.head = Head { seq: entry.seq, hash, at };
        Ok(entry.seq)
    }

    /// Appends an entry with its payload beside it and tells its number.
    pub(super) fn enter_payload(
        &mut self,
        kind: EntryKind,
        at: Timestamp,
        payload: &Payload<'_>,
    ) -> Result<i64, Fault> {
        let at = at.max(self.head.at);
        self.enter_payload_dated(kind, at, payload)
    }

    /// Appends an operator's act dated as the clock says, though the chain has later entries:
    /// the one way back in time, for a clock that was wrong and is right now.
    pub(super) fn enter_reset(&mut self, payload: &Payload<'_>) -> Result<i64, Fault> {
        self.enter_payload_dated(EntryKind::Operator, self.clock, payload)
    }

    fn enter_payload_dated(
        &mut self,
        kind: EntryKind,
        at: Timestamp,
        payload: &Payload<'_>,
    ) -> Result<i64, Fault> {
        let salt = fresh_salt()?;
        let seq = self.enter_dated(kind, at, &payload.digest(&salt))?;
        self.connection
            .prepare_cached(
                "INSERT INTO payload (chain, seq, salt, decision, txn, person, version, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                self.writer.node.as_str(),
                seq,
                salt,
                payload.decision,
                payload.transaction,
                payload.person,
                payload.version,
                payload.body,
            ))?;
        Ok(seq)
    }

    /// Writes the new end of the chain down; to be called last before the commit.
    pub(super) fn finish(self) -> Result<(), Fault> {
        if self.head == self.stored {
            return Ok(());
        }
        let chain = self.writer.node.as_str();
        locator::extend(self.connection, chain, self.stored.seq, self.head.seq)?;
        let sum = row_sum(
            "head",
            &[
                ValueRef::Text(chain.as_bytes()),
                ValueRef::Integer(self.head.seq),
                ValueRef::Blob(self.head.hash.as_bytes()),
            ],
        );
        self.connection
            .prepare_cached(
                "INSERT INTO head (chain, seq, hash, sum) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (chain) DO UPDATE
                 SET seq = excluded.seq, hash = excluded.hash, sum = excluded.sum",
            )?
            .execute((chain, self.head.seq, self.head.hash.as_bytes(), sum))?;
        Ok(())
    }
}
