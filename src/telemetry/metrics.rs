//! The values behind the catalogue, in a registry of their own.
//!
//! Not the crate's global registry: two relays in one process (as in `demo` and tests) must not
//! share counters. Series with closed labels start at zero, so that an alarm on their rate sees
//! the first event, and are looked up once. Only events change values.

mod doors;
mod family;
mod mail;
mod process;
mod store;
mod upstream;

use prometheus::{Registry, TextEncoder};

use doors::DoorMetrics;
use mail::MailMetrics;
use process::ProcessMetrics;
pub(super) use process::unix_seconds;
use store::StoreMetrics;
use upstream::UpstreamMetrics;

/// All metrics of one running relay.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub(super) mail: MailMetrics,
    pub(super) upstream: UpstreamMetrics,
    pub(super) doors: DoorMetrics,
    pub(super) store: StoreMetrics,
    pub(super) process: ProcessMetrics,
}

impl Metrics {
    /// All metrics, at zero; `version` is the program's.
    pub fn new(version: &str) -> Self {
        let registry = Registry::new();
        Self {
            mail: MailMetrics::new(&registry),
            upstream: UpstreamMetrics::new(&registry),
            doors: DoorMetrics::new(&registry),
            store: StoreMetrics::new(&registry),
            process: ProcessMetrics::new(&registry, version),
            registry,
        }
    }

    /// The text of `/metrics`, exposition format 0.0.4.
    pub fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("gathered families have names and values, and a string takes any length")
    }

    /// Which configuration is in force, as the last reload told.
    pub fn config_generation(&self) -> u64 {
        u64::try_from(self.process.config_generation.get()).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn gather(&self) -> Vec<prometheus::proto::MetricFamily> {
        self.registry.gather()
    }
}
