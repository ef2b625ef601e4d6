//! Command lines: ended by CRLF, bounded, free of bare CR, bare LF and NUL.
//!
//! A faulty line is reported once, as soon as the fault shows, and then skipped up to its CRLF:
//! what follows a bare LF is never taken for a command (RFC 5321 §2.3.8).

use crate::base::limits::COMMAND_LINE_BYTES_MAX;

/// Why a line is no command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineFault {
    /// Longer than [`COMMAND_LINE_BYTES_MAX`].
    TooLong,
    /// A CR without LF.
    BareCr,
    /// An LF without CR.
    BareLf,
    /// A NUL.
    Nul,
}

/// Collects command lines.
#[derive(Debug, Default)]
pub struct LineReader {
    line: Vec<u8>,
    last: u8,
    is_skipping: bool,
}

impl LineReader {
    /// Takes bytes from `input` up to the end of the next line or fault; the line comes
    /// without its CRLF. `None` means all of `input` was taken and more is needed.
    pub fn feed(&mut self, input: &mut &[u8]) -> Option<Result<Vec<u8>, LineFault>> {
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
            if let Err(fault) = self.push(last, byte) {
                self.line.clear();
                self.is_skipping = true;
                return Some(Err(fault));
            }
        }
        None
    }

    fn push(&mut self, last: u8, byte: u8) -> Result<(), LineFault> {
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
        if self.line.len() + room > COMMAND_LINE_BYTES_MAX {
            return Err(LineFault::TooLong);
        }
        Ok(())
    }
}
