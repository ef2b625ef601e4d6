//! Metrics about the running process and its configuration.

use super::group;

group! { "Process":
    CONFIG_GENERATION Gauge "consentry_config_generation" []
        "Which configuration is in force: 1 since the start, one more for each reload."
        => "Nothing by itself; lines of the log name the generation a transaction was decided by.";

    CONFIG_RELOADS Counter "consentry_config_reloads_total" ["result"]
        "Attempts to reload the configuration, by result."
        => "refused: the old configuration stays in force; `consentry check` lists every error.";

    CONFIG_RELOAD_SUCCESSFUL Gauge "consentry_config_last_reload_successful" []
        "Whether the last attempt to load the configuration succeeded: 1 yes, 0 no."
        => "At 0 the file on disk is not what is in force: `consentry check`, mend, reload.";

    CONFIG_LOADED Gauge "consentry_config_last_reload_success_timestamp_seconds" []
        "When the configuration in force was loaded, as Unix time."
        => "Compare it with the time of the last change; older means that a reload was forgotten.";

    BUILD Gauge "consentry_build_info" ["version"]
        "Always 1; the version of the running program is in the label."
        => "Nothing; several versions at once show an upgrade under way.";

    START_TIME Gauge "process_start_time_seconds" []
        "When this process started, as Unix time."
        => "Frequent changes are crashes or a watchdog: see the system's journal.";

    CPU_SECONDS Counter "process_cpu_seconds_total" []
        "Time this process spent on processors, in seconds."
        => "Near the number of processors, the machine is the limit: add a node.";

    OPEN_FDS Gauge "process_open_fds" []
        "File descriptors this process has open now."
        => "See process_max_fds.";

    MAX_FDS Gauge "process_max_fds" []
        "File descriptors this process may have open."
        => "When process_open_fds nears it, connections are refused: raise LimitNOFILE of the \
            unit.";

    RESIDENT_MEMORY Gauge "process_resident_memory_bytes" []
        "Memory of this process that is resident now, in bytes."
        => "It grows with connections and the size of messages in flight; if it grows without \
            them, report it.";
}
