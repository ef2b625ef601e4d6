-- What proofs rest on, and what may be deleted.

-- Checkpoints are few and asked for by place.
CREATE INDEX journal_checkpoints ON journal (chain, seq) WHERE kind = 'checkpoint';

-- Texts that decisions name by hash: rule sets and footers, each kept from its first use on. The
-- hash is told from the body, so a changed row shows.
CREATE TABLE source (
    hash BLOB NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- How far retention has come in each chain, by its rules.
CREATE TABLE retained (
    chain   TEXT NOT NULL,
    rule    TEXT NOT NULL,
    through INTEGER NOT NULL,
    sum     BLOB NOT NULL,
    PRIMARY KEY (chain, rule)
) STRICT, WITHOUT ROWID;
