//! Replies as a client reads them (RFC 5321 §4.2, RFC 2034).
//!
//! Lenient in what does not matter (long lines, missing enhanced codes, text in any charset),
//! strict in what does: a code is three digits, and one reply has one code. It does not judge
//! whether a reply was expected.

use memchr::memchr;
use thiserror::Error;

use crate::base::limits::REPLY_LINES_MAX;
use crate::smtp::reply::{Reply, Status};

/// Octets of one reply line we read. Four times RFC 5321 §4.5.3.1.5, because servers exceed it.
const LINE_BYTES_MAX: usize = 2048;

/// Why bytes are no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ReplyFault {
    /// A line does not begin with a code from 200 to 599.
    #[error("a reply line does not begin with a code from 200 to 599")]
    NoCode,
    /// The lines of one reply have different codes.
    #[error("the lines of one reply have different codes")]
    MixedCodes,
    /// A line is too long.
    #[error("a reply line is longer than 2048 bytes")]
    LineTooLong,
    /// A reply has too many lines.
    #[error("a reply has more than 128 lines")]
    TooManyLines,
}

/// Collects replies.
#[derive(Debug, Default)]
pub struct ReplyReader {
    line: Vec<u8>,
    code: Option<u16>,
    status: Option<Status>,
    texts: Vec<String>,
}

impl ReplyReader {
    /// Takes bytes from `input` up to the end of the next reply. `None` means all of `input`
    /// was taken and more is needed.
    ///
    /// # Errors
    /// [`ReplyFault`]; the stream cannot be understood any further.
    pub fn feed(&mut self, input: &mut &[u8]) -> Option<Result<Reply, ReplyFault>> {
        while !input.is_empty() {
            let end = memchr(b'\n', input).map(|at| at + 1);
            let (taken, rest) = input.split_at(end.unwrap_or(input.len()));
            if self.line.len() + taken.len() > LINE_BYTES_MAX {
                return Some(Err(ReplyFault::LineTooLong));
            }
            self.line.extend_from_slice(taken);
            *input = rest;
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                match self.take_line(&line) {
                    Ok(None) => {}
                    Ok(Some(reply)) => return Some(Ok(reply)),
                    Err(fault) => return Some(Err(fault)),
                }
            }
        }
        None
    }

    /// Whether a reply has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.code.is_some() || !self.line.is_empty()
    }

    fn take_line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyFault> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, is_last, text) = split(line).ok_or(ReplyFault::NoCode)?;
        if self.code.is_some_and(|known| known != code) {
            return Err(ReplyFault::MixedCodes);
        }
        if self.texts.len() == REPLY_LINES_MAX {
            return Err(ReplyFault::TooManyLines);
        }
        self.code = Some(code);
        let text = String::from_utf8_lossy(text);
        let (status, rest) = enhanced(code, &text);
        match status {
            Some(status) if self.status.is_none_or(|known| known == status) => {
                self.status = Some(status);
                self.texts.push(rest.to_owned());
            }
            _ => self.texts.push(text.into_owned()),
        }
        Ok(is_last.then(|| {
            let reader = std::mem::take(self);
            Reply::new(code, reader.status, &reader.texts.join("\n"))
        }))
    }
}

fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !matches!(digits, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']) {
        return None;
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest.split_first() {
        // RFC 5321 §4.2: a bare code is a whole reply.
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// Splits `2.1.5 text`; the class must be the reply's own (RFC 2034 §4).
fn enhanced(code: u16, text: &str) -> (Option<Status>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut numbers = word.split('.').map(|part| {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if is_number { part.parse::<u16>().ok() } else { None }
    });
    let (class, subject, detail) = (numbers.next(), numbers.next(), numbers.next());
    match (class.flatten(), subject.flatten(), detail.flatten(), numbers.next()) {
        (Some(class), Some(subject), Some(detail), None) if class == code / 100 => {
            (Some(Status { subject, detail }), rest)
        }
        _ => (None, text),
    }
}
