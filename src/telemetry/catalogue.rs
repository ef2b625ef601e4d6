//! The catalogue of metrics: the one list of what `/metrics` may show.
//!
//! Names follow the Prometheus naming rules (counters end in `_total`, base units); a test walks
//! this table against what the registry really exports. Not here: the values.

/// What a metric measures and how it may move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name on the wire.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// Its labels, in the order values are given.
    pub labels: &'static [&'static str],
    /// What it says and what to do about it.
    pub help: &'static str,
}

const fn entry(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Entry {
    Entry { name, kind, labels, help }
}

pub(super) const TRANSACTIONS: Entry = entry(
    "consentry_transactions_total",
    Kind::Counter,
    &["stream", "class", "reply"],
    "SMTP transactions answered after end-of-data, by stream, class of the message and reply code.",
);

pub(super) const RECIPIENTS: Entry = entry(
    "consentry_recipients_total",
    Kind::Counter,
    &["stream", "class", "verdict", "reason"],
    "Recipients decided on, by stream, class, verdict and first reason code \
     (none if there is no reason).",
);

pub(super) const FOOTERS: Entry = entry(
    "consentry_footers_total",
    Kind::Counter,
    &["outcome", "reason"],
    "Marketing messages prepared, by what was done to the body and why no more was done.",
);

pub(super) const UPSTREAM_OUTCOMES: Entry = entry(
    "consentry_upstream_outcomes_total",
    Kind::Counter,
    &["outcome"],
    "Recipients tried at the upstream, by outcome.",
);

pub(super) const IN_DOUBT: Entry = entry(
    "consentry_in_doubt_total",
    Kind::Counter,
    &[],
    "Recipients whose copy lost its connection after the final dot: nobody knows \
     whether it arrived; never retried here.",
);

pub(super) const CONNECTIONS: Entry = entry(
    "consentry_connections",
    Kind::Gauge,
    &[],
    "SMTP connections from clients that are open now.",
);

pub(super) const CONNECTIONS_REFUSED: Entry = entry(
    "consentry_connections_refused_total",
    Kind::Counter,
    &[],
    "SMTP connections turned away: an unknown client, or too many connections.",
);

pub(super) const STORE_ERRORS: Entry = entry(
    "consentry_store_errors_total",
    Kind::Counter,
    &["operation"],
    "Store calls that failed or timed out, by operation; marketing is deferred meanwhile.",
);

pub(super) const STORE_USABLE: Entry = entry(
    "consentry_store_usable",
    Kind::Gauge,
    &[],
    "Whether the store answers: 1 yes, 0 no (service mail flows, marketing is deferred).",
);

pub(super) const JOURNAL_GAPS: Entry = entry(
    "consentry_journal_gaps_total",
    Kind::Counter,
    &[],
    "Journal rows about service mail lost because the store could not take them; \
     each gap is journalled later.",
);

pub(super) const UNSUBSCRIBES: Entry = entry(
    "consentry_unsubscribes_total",
    Kind::Counter,
    &["result"],
    "Unsubscribe requests, by result; alarm on any unknown_key, unknown_version, unknown_scope, \
     store_failed or store_timeout: people are being turned away.",
);

pub(super) const STAGE_SECONDS: Entry = entry(
    "consentry_stage_seconds",
    Kind::Histogram,
    &["stage"],
    "Time one transaction spent in each stage, in seconds.",
);

pub(super) const BUILD: Entry = entry(
    "consentry_build_info",
    Kind::Gauge,
    &["version"],
    "Always 1; the version of the running program is in the label.",
);

pub(super) const RESIDENT_MEMORY: Entry = entry(
    "process_resident_memory_bytes",
    Kind::Gauge,
    &[],
    "Memory of this process that is resident now, in bytes.",
);

/// Every metric there is.
pub static CATALOGUE: &[&Entry] = &[
    &TRANSACTIONS,
    &RECIPIENTS,
    &FOOTERS,
    &UPSTREAM_OUTCOMES,
    &IN_DOUBT,
    &CONNECTIONS,
    &CONNECTIONS_REFUSED,
    &STORE_ERRORS,
    &STORE_USABLE,
    &JOURNAL_GAPS,
    &UNSUBSCRIBES,
    &STAGE_SECONDS,
    &BUILD,
    &RESIDENT_MEMORY,
];
