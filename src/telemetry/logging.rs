//! Where log lines go and in which form: standard error, as text, JSON lines or for the journal.
//!
//! What is logged is the events' business; nothing here reads the environment, the caller says
//! which lines are wanted and what systemd told it. Form of lines for the journal: sd-daemon(3).

mod journal;
mod line;
#[cfg(test)]
mod tests;

use std::io;

use thiserror::Error;
use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use super::personal::PersonalData;
use line::TextLine;

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// For people; with priorities and without times where the journal adds its own.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What logging is told when it starts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogSettings {
    /// The form of lines.
    pub format: LogFormat,
    /// Which lines are written: a level, or targets with levels.
    pub filter: String,
    /// A filter that stands above `filter`, now and after every change of it.
    pub filter_override: Option<String>,
    /// What lines say about persons.
    pub personal_data: PersonalData,
    /// The value of `JOURNAL_STREAM`, if systemd set it.
    pub journal_stream: Option<String>,
}

/// Why logging could not start, or not change.
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
        source: ParseError,
    },
    /// Logging runs already.
    #[error("logging has been started before in this process")]
    Started(#[from] TryInitError),
    /// Whoever writes the lines is gone.
    #[error("log lines are no longer written")]
    Stopped(#[from] reload::Error),
}

/// Changes what is logged while the process runs.
#[derive(Clone, Debug)]
pub struct LogControl {
    lines: reload::Handle<EnvFilter, Registry>,
    is_overridden: bool,
}

impl LogControl {
    /// Writes the lines `filter` lets through from now on; where an override was given, `filter`
    /// is checked and the override stays.
    ///
    /// # Errors
    /// The filter is malformed; the old one then stays.
    pub fn set_filter(&self, filter: &str) -> Result<(), LoggingError> {
        let lines = parsed(filter)?;
        if !self.is_overridden {
            self.lines.reload(lines)?;
        }
        Ok(())
    }

    /// Says about persons what `personal_data` allows from now on.
    pub fn set_personal_data(&self, personal_data: PersonalData) {
        personal_data.set();
    }
}

/// Whether `filter` is one.
///
/// # Errors
/// It is malformed.
pub fn check_filter(filter: &str) -> Result<(), LoggingError> {
    parsed(filter).map(drop)
}

/// Starts logging to standard error.
///
/// # Errors
/// A filter is malformed, or logging was started before.
pub fn init_logging(settings: &LogSettings) -> Result<LogControl, LoggingError> {
    let form = match settings.format {
        LogFormat::Json => Form::Json,
        LogFormat::Text => match settings.journal_stream.as_deref().is_some_and(journal::is_stderr)
        {
            true => Form::Journal,
            false => Form::Text,
        },
    };
    let (lines, control) = filtered(settings)?;
    tracing_subscriber::registry().with(lines).with(layer(form, io::stderr)).try_init()?;
    settings.personal_data.set();
    Ok(control)
}

/// The form of lines, with its surroundings known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Text,
    Journal,
    Json,
}

type Filtering = reload::Layer<EnvFilter, Registry>;

fn filtered(settings: &LogSettings) -> Result<(Filtering, LogControl), LoggingError> {
    let configured = parsed(&settings.filter)?;
    let lines = match &settings.filter_override {
        Some(filter) => parsed(filter)?,
        None => configured,
    };
    let (lines, handle) = reload::Layer::new(lines);
    let is_overridden = settings.filter_override.is_some();
    Ok((lines, LogControl { lines: handle, is_overridden }))
}

fn parsed(filter: &str) -> Result<EnvFilter, LoggingError> {
    EnvFilter::try_new(filter)
        .map_err(|source| LoggingError::Filter { filter: filter.to_owned(), source })
}

fn layer<S, W>(form: Form, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_ansi(false).with_writer(writer);
    match form {
        Form::Text => layer.event_format(TextLine::for_people()).boxed(),
        Form::Journal => layer.event_format(TextLine::for_the_journal()).boxed(),
        Form::Json => layer.json().flatten_event(true).boxed(),
    }
}
