-- Several live keys, linked addresses, and public registers.

-- The keys this store was written under. A process whose keyring lacks one of them, or has another
-- under its number, is refused: objections would be forgotten.
CREATE TABLE key_pair (
    id            INTEGER NOT NULL PRIMARY KEY,
    normalization INTEGER NOT NULL,
    fingerprint   BLOB NOT NULL,
    noted_at      INTEGER NOT NULL,
    retired_at    INTEGER,
    sum           BLOB NOT NULL
) STRICT;

-- Rows of one person: under several keys, or by several addresses an officer linked. An objection
-- appended for one is copied to all; permissions never are. `address` tells rows of the same
-- address, `circle` all rows of the person.
CREATE TABLE kin (
    person  BLOB NOT NULL PRIMARY KEY,
    address INTEGER NOT NULL,
    circle  INTEGER NOT NULL,
    sum     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX kin_by_circle ON kin (circle);

-- The public opt-out registers. Rows of `listing` with another generation than their register's
-- are being imported, or dropped.
CREATE TABLE register (
    id          TEXT NOT NULL PRIMARY KEY,
    generation  INTEGER NOT NULL,
    checked_at  INTEGER NOT NULL,
    imported_at INTEGER NOT NULL,
    entries     INTEGER NOT NULL,
    file        BLOB NOT NULL,
    digest      BLOB NOT NULL,
    sum         BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE listing (
    generation INTEGER NOT NULL,
    listed     BLOB NOT NULL,
    PRIMARY KEY (generation, listed)
) STRICT, WITHOUT ROWID;
