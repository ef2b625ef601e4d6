//! Exit codes of sysexits.h, and failures that carry one.

use std::process::ExitCode;

use clap::ValueEnum;

/// How a command ended. What stands here about each is what the manual page says; `ValueEnum`
/// is derived for that list alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
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

impl Exit {
    /// The number the shell sees.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::No => 1,
            Self::Usage => 64,
            Self::Data => 65,
            Self::NoInput => 66,
            Self::Unavailable => 69,
            Self::CannotCreate => 73,
            Self::Config => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
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
