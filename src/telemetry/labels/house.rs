//! Labels of the running process and its configuration.

use super::labels;

labels! {
    /// What became of an attempt to reload the configuration.
    ReloadResult {
        /// The new configuration is in force.
        Succeeded = "succeeded",
        /// The new configuration has errors; the old one stays in force.
        Refused = "refused",
    }
}
