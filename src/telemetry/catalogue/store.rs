//! Metrics about the evidence store and the journal.

use super::group;

group! { "Store":
    STORE_USABLE Gauge "consentry_store_usable" []
        "Whether the store answers: 1 yes, 0 no (service mail flows, marketing is deferred)."
        => "At 0: disk full, file moved, wrong permissions, or another process holds it; the log \
            names the cause. Mailers keep marketing meanwhile.";

    STORE_CALL_SECONDS Histogram "consentry_store_call_seconds" ["operation"]
        "Time callers waited for the store, those who gave up included, by operation, in seconds."
        => "record and append wait for the disk to flush: if they grow, compare \
            consentry_store_commit_seconds; if only the calls grow, too many wait at once.";

    STORE_COMMIT_SECONDS Histogram "consentry_store_commit_seconds" []
        "Time one write transaction of the store took, its flush to disk included, in seconds."
        => "The disk is too slow for the rate of marketing above some ten milliseconds: move the \
            store to a disk whose cache is protected against power loss.";

    STORE_ERRORS Counter "consentry_store_errors_total" ["operation"]
        "Store calls that failed or timed out, by operation; marketing is deferred meanwhile."
        => "The log names the cause; load errors on service mail cost only its memory of partial \
            deliveries.";

    STORE_BYTES Gauge "consentry_store_bytes" ["file"]
        "Size of the store's files on disk, in bytes."
        => "Plan the disk by its growth. A log that keeps growing means that some reader never \
            ends, such as a backup that hangs.";

    MARKETING_HELD Gauge "consentry_marketing_held" ["cause"]
        "Whether all marketing is held back though the store answers, by cause: 1 yes, 0 no."
        => "restore: an old backup was put back; clock: the clock is behind the journal or before \
            the day the program was made. The log says more; see Troubleshooting, HELD_RESTORE \
            and HELD_CLOCK.";

    JOURNAL_UNSIGNED Gauge "consentry_journal_unsigned_entries" []
        "Journal entries behind the last checkpoint: what could be cut off unnoticed."
        => "Above checkpoint_entries signing fails, and the log says why.";

    TESTIMONIES Counter "consentry_evidence_by_mail_total" ["outcome"]
        "Evidence that accepted messages brought along in X-Consentry-Evidence, by what became of it."
        => "refused: the log names the mistake, or the client lacks may_record. lost: the store was \
            away or overloaded; import those sales.";

    JOURNAL_GAPS Counter "consentry_journal_gaps_total" []
        "Journal rows about service mail lost because the store could not take them; each gap is \
         journalled later."
        => "The mail was delivered, its proof is missing: note the outage beside the journal's \
            entry of the gap.";

    JOURNAL_WAITING Gauge "consentry_journal_waiting" []
        "Journal rows about service mail that wait to be written."
        => "See consentry_journal_lag_seconds.";

    JOURNAL_LAG Gauge "consentry_journal_lag_seconds" []
        "Age of the oldest journal row about service mail not yet written, in seconds."
        => "Above some seconds the store's disk does not keep up; rows will be lost, and counted, \
            when the queue is full.";
}
