-- Fewer pages to write per message: what lands at random places becomes narrow, or goes.

-- Their keys are random, so that each row went to a page of its own, at each commit anew. The
-- third was never asked.
DROP INDEX payload_by_decision;
DROP INDEX payload_by_transaction;
DROP INDEX ledger_by_fingerprint;

-- Where a decision (its number) or a transaction (the first eight bytes of its id) is first
-- spoken of, within each complete section of 4096 entries of a chain. Written section by section;
-- the entries after the last complete one are few enough to be read through. It can be told from
-- `payload`, and is compared with it when the store is verified.
CREATE TABLE locator (
    chain   TEXT NOT NULL,
    section INTEGER NOT NULL,
    word    ANY NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (chain, section, word)
) STRICT, WITHOUT ROWID;
INSERT INTO locator (chain, section, word, seq)
SELECT chain, (place - 1) / 4096, word, min(place) FROM (
    SELECT chain, seq AS place, decision AS word FROM payload WHERE decision IS NOT NULL
    UNION ALL
    SELECT chain, seq, substr(txn, 1, 8) FROM payload WHERE txn IS NOT NULL
) JOIN head USING (chain)
WHERE place <= head.seq / 4096 * 4096
GROUP BY 1, 2, 3;

-- The last marketing sent leaves `record`: writing a moment down no longer rewrites a record.
-- The rows are carried over by the program, which knows the checksums.
ALTER TABLE record RENAME TO record_old;
CREATE TABLE record (
    person  BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    sum     BLOB NOT NULL
) STRICT;
CREATE TABLE sent (
    person BLOB NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL,
    sum    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
