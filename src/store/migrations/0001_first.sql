-- Tables of the evidence store. Times are milliseconds since the Unix epoch.
-- A column `sum` is a checksum over the columns before it, in their order; everything without
-- one is covered by a journal entry's digest.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL,
    sum   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One hash chain per node. Entries are only ever added.
CREATE TABLE journal (
    chain  TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    digest BLOB NOT NULL,
    prev   BLOB NOT NULL,
    hash   BLOB NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;

-- The last entry of each chain, so that reading it costs one look-up.
CREATE TABLE head (
    chain TEXT NOT NULL PRIMARY KEY,
    seq   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    sum   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What an entry's digest commits to. Rows may be deleted one day; the chain stays whole.
CREATE TABLE payload (
    chain    TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    salt     BLOB NOT NULL,
    decision INTEGER,
    txn      BLOB,
    person   BLOB,
    version  INTEGER,
    body     BLOB NOT NULL,
    PRIMARY KEY (chain, seq),
    FOREIGN KEY (chain, seq) REFERENCES journal (chain, seq)
) STRICT;
CREATE INDEX payload_by_decision ON payload (decision) WHERE decision IS NOT NULL;
CREATE INDEX payload_by_transaction ON payload (txn) WHERE txn IS NOT NULL;

-- `version` is the version the person's record had once this piece was folded into it; none
-- while the import it belongs to is not complete.
CREATE TABLE evidence (
    id       INTEGER NOT NULL PRIMARY KEY,
    person   BLOB NOT NULL,
    version  INTEGER,
    identity BLOB NOT NULL,
    salt     BLOB NOT NULL,
    chain    TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    body     TEXT NOT NULL,
    UNIQUE (person, identity),
    UNIQUE (chain, seq),
    FOREIGN KEY (chain, seq) REFERENCES journal (chain, seq)
) STRICT;

CREATE TABLE record (
    person                 BLOB NOT NULL PRIMARY KEY,
    version                INTEGER NOT NULL,
    last_marketing_sent_at INTEGER,
    body                   TEXT NOT NULL,
    sum                    BLOB NOT NULL
) STRICT;

CREATE TABLE batch (
    id           TEXT NOT NULL PRIMARY KEY,
    opened_at    INTEGER NOT NULL,
    completed_at INTEGER,
    fresh        INTEGER NOT NULL,
    known        INTEGER NOT NULL,
    sum          BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Permissions written by an import and not yet folded into their person's record.
CREATE TABLE pending (
    evidence INTEGER NOT NULL PRIMARY KEY REFERENCES evidence (id),
    batch    TEXT NOT NULL REFERENCES batch (id),
    sum      BLOB NOT NULL
) STRICT;
CREATE INDEX pending_by_batch ON pending (batch);

-- Numbers that tokens carry for years: a row is never changed and a number never reused.
CREATE TABLE scope (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 1099511627775),
    kind   TEXT NOT NULL,
    entity TEXT NOT NULL,
    name   TEXT NOT NULL,
    chain  TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    UNIQUE (kind, entity, name),
    FOREIGN KEY (chain, seq) REFERENCES journal (chain, seq)
) STRICT;

-- Fates and claims of messages still open.
CREATE TABLE ledger (
    fate_key          BLOB NOT NULL PRIMARY KEY,
    fingerprint       BLOB NOT NULL,
    fate              TEXT,
    claim_node        TEXT,
    claim_boot        BLOB,
    claim_attempt     INTEGER,
    claim_until       INTEGER,
    first_deferred_at INTEGER,
    touched_at        INTEGER NOT NULL,
    sum               BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_fingerprint ON ledger (fingerprint);
