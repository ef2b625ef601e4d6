//! Command lines: ended by CRLF, bounded, free of bare CR, bare LF and NUL.
//!
//! A faulty line is reported once, as soon as the fault shows, and then skipped up to its CRLF:
//! what follows a bare LF is never taken for a command (RFC 5321 §2.3.8).

use std::fmt;

use crate::base::limits::{AUTH_LINE_BYTES_MAX, COMMAND_LINE_BYTES_MAX};

/// Why a line is no command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineFault {
    /// A command longer than [`COMMAND_LINE_BYTES_MAX`].
    TooLong,
    /// An AUTH command or a response to a challenge longer than [`AUTH_LINE_BYTES_MAX`].
    AuthTooLong,
    /// A CR without LF.
    BareCr,
    /// An LF without CR.
    BareLf,
    /// A NUL.
    Nul,
}

/// What a line is to be; it sets how long it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// A command.
    Command,
    /// A response to a challenge (RFC 4954 §4).
    Response,
}

/// Collects command lines.
#[derive(Default)]
pub struct LineReader {
    line: Vec<u8>,
    last: u8,
    is_skipping: bool,
}

/// Danger: a line may hold a password, so that not even its beginning is shown.
impl fmt::Debug for LineReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineReader").field("bytes", &self.line.len()).finish_non_exhaustive()
    }
}

impl LineReader {
    /// Takes bytes from `input` up to the end of the next line or fault; the line comes
    /// without its CRLF. `None` means all of `input` was taken and more is needed.
    pub fn feed(
        &mut self,
        input: &mut &[u8],
        kind: LineKind,
    ) -> Option<Result<Vec<u8>, LineFault>> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            let last = std::mem::replace(&mut self.last, byte);
            let ends = last == b'\r' && byte == b'\n';
            if self.is_skipping {
                self.is_skipping = !ends;
                continue;
            }
            if ends {
                self.line.pop();
                return Some(Ok(std::mem::take(&mut self.line)));
            }
            if let Err(fault) = self.push(last, byte, kind) {
                self.line.clear();
                self.is_skipping = true;
                return Some(Err(fault));
            }
        }
        None
    }

    fn push(&mut self, last: u8, byte: u8, kind: LineKind) -> Result<(), LineFault> {
        if last == b'\r' {
            return Err(LineFault::BareCr);
        }
        match byte {
            b'\n' => return Err(LineFault::BareLf),
            0 => return Err(LineFault::Nul),
            _ => self.line.push(byte),
        }
        // RFC 5321 §4.5.3.1.4: the limit counts the CRLF; the CR may be in already.
        let room = if byte == b'\r' { 1 } else { 2 };
        let bytes = self.line.len() + room;
        if bytes > AUTH_LINE_BYTES_MAX {
            return Err(LineFault::AuthTooLong);
        }
        if bytes > COMMAND_LINE_BYTES_MAX && kind == LineKind::Command && !self.is_auth() {
            return Err(LineFault::TooLong);
        }
        Ok(())
    }

    /// Whether the command is AUTH, which may carry a long initial response.
    fn is_auth(&self) -> bool {
        self.line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH "))
    }
}
