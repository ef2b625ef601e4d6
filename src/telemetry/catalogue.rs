//! The catalogue of metrics: the one list of what `/metrics` may show, and what to do about it.
//!
//! Names follow the Prometheus naming rules (counters end in `_total`, base units); a test walks
//! this table against what the registry really exports, and the reference page of the manual is
//! made from it. Not here: the values.

pub(super) mod doors;
pub(super) mod mail;
pub(super) mod process;
pub(super) mod store;
pub(super) mod upstream;

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

impl Kind {
    /// The kind as the exposition format writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
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
    /// What it says.
    pub help: &'static str,
    /// What an operator does about it, and when.
    pub action: &'static str,
}

/// Metrics about one part of the house.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The metrics.
    pub entries: &'static [&'static Entry],
}

/// Every metric there is.
pub static CATALOGUE: &[Group] =
    &[mail::GROUP, upstream::GROUP, doors::GROUP, store::GROUP, process::GROUP];

/// Every metric there is, without the groups.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    CATALOGUE.iter().flat_map(|group| group.entries.iter().copied())
}

macro_rules! group {
    ($title:literal: $(
        $constant:ident $kind:ident $name:literal [$($label:literal),*]
            $help:literal => $action:literal;
    )*) => {
        $(
            pub(in crate::telemetry) const $constant: $crate::telemetry::catalogue::Entry =
                $crate::telemetry::catalogue::Entry {
                    name: $name,
                    kind: $crate::telemetry::catalogue::Kind::$kind,
                    labels: &[$($label),*],
                    help: $help,
                    action: $action,
                };
        )*

        pub(super) const GROUP: $crate::telemetry::catalogue::Group =
            $crate::telemetry::catalogue::Group { title: $title, entries: &[$(&$constant),*] };
    };
}
use group;
