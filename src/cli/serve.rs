//! `consentry serve`: the relay, until a signal asks it to stop.

use std::path::Path;

use anyhow::Context as _;

use super::exit::{Exit, OrExit as _, Outcome};
use super::setup;
use crate::config::{LogConfig, LogFormatConfig};
use crate::daemon::{self, Daemon, Generation, Sockets, Stopped, Surroundings};
use crate::telemetry::{LogFormat, LogSettings, init_logging};

/// The stack of runtime threads: the second opinion on a message's structure is a parser that
/// recurses, and this is what its guard is computed for. Virtual memory only.
const THREAD_STACK_BYTES: usize = 32 * 1024 * 1024;

/// Runs the relay with the configuration at `path`.
pub(super) fn run(path: &Path) -> Outcome {
    let config = setup::config(path)?;
    let keyring = setup::keyring(&config)?;
    let log = init_logging(&log_settings(&config.log)).or_exit(Exit::Config)?;
    let generation = Generation::build(config, keyring, 1).or_exit(Exit::Config)?;
    let sockets = Sockets::lent().or_exit(Exit::Config)?;
    let surroundings = Surroundings { path: Some(path.to_owned()), sockets, log: Some(log) };
    runtime()
        .or_exit(Exit::Unavailable)?
        .block_on(async {
            let daemon = Daemon::start(generation, surroundings).await?;
            daemon::stop_signal().await;
            anyhow::Ok(match daemon.stop(daemon::stop_signal()).await {
                Stopped::InOrder => Exit::Ok,
                Stopped::AtOnce => Exit::No,
            })
        })
        .or_exit(Exit::Unavailable)
}

/// `[log]`, and what the surroundings say about it.
fn log_settings(log: &LogConfig) -> LogSettings {
    LogSettings {
        format: match log.format {
            LogFormatConfig::Text => LogFormat::Text,
            LogFormatConfig::Json => LogFormat::Json,
        },
        filter: log.filter.clone(),
        filter_override: std::env::var("CONSENTRY_LOG").ok(),
        personal_data: daemon::personal_data(log),
        journal_stream: std::env::var("JOURNAL_STREAM").ok(),
    }
}

/// A runtime whose threads have room for the second opinion.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .thread_name("consentry")
        .build()
        .context("cannot start the runtime")
}
