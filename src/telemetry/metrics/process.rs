//! Values about the running process and its configuration.
//!
//! What only the kernel knows is asked for at each scrape, and left out where it does not tell.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntCounter, IntGauge, Registry};

use super::family::{self, PerLabel, registered};
use crate::telemetry::catalogue::{Entry, process as entries};
use crate::telemetry::labels::ReloadResult;
use crate::telemetry::process;

#[derive(Debug)]
pub(in crate::telemetry) struct ProcessMetrics {
    pub(in crate::telemetry) config_generation: IntGauge,
    pub(in crate::telemetry) config_reloads: PerLabel<ReloadResult, IntCounter>,
    pub(in crate::telemetry) config_reload_successful: IntGauge,
    pub(in crate::telemetry) config_loaded: IntGauge,
}

impl ProcessMetrics {
    /// The values at a start, which is also when the first configuration was loaded.
    pub(super) fn new(registry: &Registry, version: &str) -> Self {
        family::gauge_vec(registry, &entries::BUILD).with_label_values(&[version]).set(1);
        let started = unix_seconds(SystemTime::now());
        family::gauge(registry, &entries::START_TIME).set(started);
        registered(registry, Ok(Kernel));
        let metrics = Self {
            config_generation: family::gauge(registry, &entries::CONFIG_GENERATION),
            config_reloads: PerLabel::new(&family::counter_vec(registry, &entries::CONFIG_RELOADS)),
            config_reload_successful: family::gauge(registry, &entries::CONFIG_RELOAD_SUCCESSFUL),
            config_loaded: family::gauge(registry, &entries::CONFIG_LOADED),
        };
        metrics.config_generation.set(1);
        metrics.config_reload_successful.set(1);
        metrics.config_loaded.set(started);
        metrics
    }
}

/// Seconds since the epoch; 0 for a clock set before it.
pub(in crate::telemetry) fn unix_seconds(moment: SystemTime) -> i64 {
    let since_epoch = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

/// What the kernel tells about this process when somebody asks.
#[derive(Clone)]
struct Kernel;

/// Asks the kernel for one figure.
type Ask = fn() -> Option<i64>;

const KERNEL_GAUGES: [(&Entry, Ask); 3] = [
    (&entries::OPEN_FDS, process::open_fds),
    (&entries::MAX_FDS, process::max_fds),
    (&entries::RESIDENT_MEMORY, process::resident_bytes),
];

impl Collector for Kernel {
    fn desc(&self) -> Vec<&Desc> {
        // Names of the catalogue are unique, so nothing is checked by description here.
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        for (entry, ask) in KERNEL_GAUGES {
            let Some(value) = ask() else { continue };
            let Ok(gauge) = IntGauge::new(entry.name, entry.help) else { continue };
            gauge.set(value);
            families.extend(gauge.collect());
        }
        let cpu = Counter::new(entries::CPU_SECONDS.name, entries::CPU_SECONDS.help);
        if let (Ok(counter), Some(seconds)) = (cpu, process::cpu_seconds()) {
            counter.inc_by(seconds);
            families.extend(counter.collect());
        }
        families
    }
}
