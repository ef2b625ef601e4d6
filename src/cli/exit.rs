//! Exit codes of sysexits.h, and failures that carry one.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// As asked.
    Ok,
    /// It ran, and the answer is no (a check failed, a file was refused).
    No,
    /// EX_USAGE: the arguments are wrong.
    Usage,
    /// EX_DATAERR: the input is wrong.
    Data,
    /// EX_NOINPUT: the input cannot be read.
    NoInput,
    /// EX_UNAVAILABLE: something needed is not there.
    Unavailable,
    /// EX_CANTCREAT: the output cannot be written.
    CannotCreate,
    /// EX_CONFIG: the configuration is wrong.
    Config,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::No => 1,
            Exit::Usage => 64,
            Exit::Data => 65,
            Exit::NoInput => 66,
            Exit::Unavailable => 69,
            Exit::CannotCreate => 73,
            Exit::Config => 78,
        })
    }
}

/// A command that could not do what was asked, and why.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    /// A failure with this exit code.
    pub(super) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// The error and its causes, as an operator reads them.
    pub(super) fn text(&self) -> String {
        format!("{:#}", self.error)
    }
}

/// What a command returns.
pub(super) type Outcome = Result<Exit, Failure>;

/// Gives an error its exit code.
pub(super) trait OrExit<T> {
    /// The value, or a failure with this exit code.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, error))
    }
}
