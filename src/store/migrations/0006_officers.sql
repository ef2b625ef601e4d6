-- What officers record about legal persons, and what was erased at people's request.

-- Which legal person followed which, as JSON; or the number of a row that was withdrawn. Rows are
-- only ever added; each is part of the journal entry it came with.
CREATE TABLE succession (
    id    INTEGER NOT NULL PRIMARY KEY,
    chain TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    body  TEXT NOT NULL,
    sum   BLOB NOT NULL,
    UNIQUE (chain, seq),
    FOREIGN KEY (chain, seq) REFERENCES journal (chain, seq)
) STRICT;

-- The versions of a person's record that evidence took which was erased since: its own, and one
-- for each time it was undone or told again.
CREATE TABLE erased (
    person   BLOB NOT NULL,
    version  INTEGER NOT NULL,
    evidence INTEGER NOT NULL,
    sum      BLOB NOT NULL,
    PRIMARY KEY (person, version)
) STRICT, WITHOUT ROWID;
