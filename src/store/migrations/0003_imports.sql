-- What an import's file was, and what became of its pieces later.

-- Where an import came from, as JSON: file's digest, format, operator, counts. Written once, and
-- part of the entry that completes the import.
CREATE TABLE import_source (
    batch TEXT NOT NULL PRIMARY KEY REFERENCES batch (id),
    about TEXT NOT NULL,
    sum   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Evidence is never changed; that a piece no longer counts (its import was undone), or counts by
-- another telling than its first, is a row here. Each takes a version of the person's record. The
-- last row of a piece holds; `batch` is the import that tells or told it, none for a direct one.
CREATE TABLE recount (
    person   BLOB NOT NULL,
    version  INTEGER NOT NULL,
    evidence INTEGER NOT NULL REFERENCES evidence (id),
    counts   INTEGER NOT NULL,
    batch    TEXT REFERENCES batch (id),
    sum      BLOB NOT NULL,
    PRIMARY KEY (person, version)
) STRICT, WITHOUT ROWID;
