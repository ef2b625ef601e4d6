//! Standard output and standard error. A closed pipe (`| head`) ends output quietly.

use std::io::{self, Write};

/// Writes one line to standard output.
pub(super) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes an error to standard error.
pub(super) fn error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "consentry: {text}");
}

/// Writes a remark to standard error.
pub(super) fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
