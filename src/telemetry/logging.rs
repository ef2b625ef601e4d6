//! Where log lines go and in which form: standard error, as text or JSON lines.
//!
//! What is logged is the events' business; nothing here reads the environment, the caller says
//! which lines are wanted.

use std::io;

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why logging could not start.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// The filter is not one.
    #[error(
        "`{filter}` is not a log filter; write a level (`info`) or targets (`consentry=debug`)"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Logging runs already.
    #[error("logging has been started before in this process")]
    Started(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging to standard error; `filter` is a level or a list of `target=level`.
///
/// # Errors
/// The filter is malformed, or logging was started before.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let lines = EnvFilter::try_new(filter)
        .map_err(|source| LoggingError::Filter { filter: filter.to_owned(), source })?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(lines).with_writer(io::stderr).with_ansi(false);
    match format {
        LogFormat::Text => builder.finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LogFormat, LoggingError, init_logging};

    #[test]
    fn a_malformed_filter_is_named() {
        let error = init_logging(LogFormat::Text, "consentry=loudly").unwrap_err();
        assert!(matches!(error, LoggingError::Filter { .. }));
        assert!(error.to_string().contains("`consentry=loudly`"));
    }
}
