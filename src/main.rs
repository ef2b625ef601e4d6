//! The `consentry` program: arguments in, exit code out.
//!
//! Everything it does stands in the library; see `consentry::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    consentry::cli::run(std::env::args_os())
}
