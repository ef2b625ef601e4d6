//! Events of the running process.

use std::time::SystemTime;

use tracing::{error, info};

use crate::telemetry::labels::ReloadResult;
use crate::telemetry::metrics::{Metrics, unix_seconds};

/// An attempt to reload the configuration ended. The start is generation 1 and no reload.
#[derive(Clone, Copy, Debug)]
pub struct ReloadFinished {
    /// What became of it.
    pub result: ReloadResult,
    /// The generation in force from now on.
    pub generation: u64,
}

impl ReloadFinished {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let process = &metrics.process;
        process.config_reloads.of(self.result).inc();
        process.config_generation.set(i64::try_from(self.generation).unwrap_or(i64::MAX));
        process.config_reload_successful.set(i64::from(self.result == ReloadResult::Succeeded));
        let (result, generation) = (self.result.as_str(), self.generation);
        match self.result {
            ReloadResult::Succeeded => {
                process.config_loaded.set(unix_seconds(SystemTime::now()));
                info!(result, generation, "configuration reloaded");
            }
            ReloadResult::Refused => {
                error!(
                    result,
                    generation, "configuration not reloaded; the old one stays in force"
                );
            }
        }
    }
}
