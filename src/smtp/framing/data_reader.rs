//! Mail data: ended by CRLF.CRLF and nothing else, dot-unstuffed (RFC 5321 §4.5.2).
//!
//! Danger: if we saw an end that another server does not see, or the other way round, a stranger
//! could hide a second message in the first ("SMTP smuggling"). So bare CR, bare LF and NUL
//! spoil the message; it is read to its real end all the same, to know where commands go on.

use bytes::Bytes;
use memchr::memchr3;

use crate::mail::RawMessage;

/// What an LF without CR inside the content means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BareLf {
    /// The message is refused.
    #[default]
    Reject,
    /// It becomes CRLF; it still neither ends the data nor starts a stuffed line.
    Normalize,
}

/// Why mail data are refused; the worst wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DataFault {
    /// More bytes than the limit.
    TooLarge,
    /// A CR without LF.
    BareCr,
    /// An LF without CR.
    BareLf,
    /// A NUL.
    Nul,
}

/// From this size on, content counts as large.
const LARGE_BYTES: usize = 4 << 20;
/// Room given to large content at once.
const ROOM_BYTES: usize = 64 << 20;

/// Where in a line the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    LineStart,
    /// After a dot at the start of a line.
    Dot,
    /// After a dot and a CR at the start of a line.
    DotCr,
    Middle,
    Cr,
}

/// Collects the mail data of one message.
#[derive(Debug)]
pub struct DataReader {
    content: Vec<u8>,
    at: At,
    fault: Option<DataFault>,
    bytes_max: usize,
    bare_lf: BareLf,
}

impl DataReader {
    /// A reader for content of at most `bytes_max` bytes, with room for `bytes_expected`.
    pub fn new(bytes_max: usize, bytes_expected: usize, bare_lf: BareLf) -> Self {
        let content = Vec::with_capacity(bytes_expected.min(bytes_max));
        Self { content, at: At::LineStart, fault: None, bytes_max, bare_lf }
    }

    /// Takes bytes from `input` up to the end of the data. `None` means all of `input` was
    /// taken and more is needed; after an answer the reader is spent.
    pub fn feed(&mut self, input: &mut &[u8]) -> Option<Result<RawMessage, DataFault>> {
        while let Some(&byte) = input.first() {
            match (self.at, byte) {
                (At::LineStart, b'.') => self.step(input, At::Dot),
                (At::Dot, b'\r') => self.step(input, At::DotCr),
                (At::DotCr, b'\n') => {
                    *input = &input[1..];
                    return Some(self.finish());
                }
                (At::Cr, b'\n') => {
                    self.push(b"\r\n");
                    self.step(input, At::LineStart);
                }
                (At::Cr | At::DotCr, _) => {
                    self.spoil(DataFault::BareCr);
                    self.at = At::Middle;
                }
                // A dot before anything but CRLF was stuffed and is gone.
                (At::LineStart | At::Dot | At::Middle, _) => self.take_text(input),
            }
        }
        None
    }

    fn step(&mut self, input: &mut &[u8], at: At) {
        *input = &input[1..];
        self.at = at;
    }

    fn take_text(&mut self, input: &mut &[u8]) {
        let text: &[u8] = input;
        let stop = memchr3(b'\r', b'\n', 0, text).unwrap_or(text.len());
        self.push(&text[..stop]);
        self.at = At::Middle;
        *input = &text[stop..];
        match input.first() {
            Some(b'\r') => self.step(input, At::Cr),
            Some(b'\n') => {
                match self.bare_lf {
                    BareLf::Reject => self.spoil(DataFault::BareLf),
                    BareLf::Normalize => self.push(b"\r\n"),
                }
                self.step(input, At::Middle);
            }
            Some(_) => {
                self.spoil(DataFault::Nul);
                self.step(input, At::Middle);
            }
            None => {}
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if self.content.len() + bytes.len() > self.bytes_max {
            self.spoil(DataFault::TooLarge);
            return;
        }
        self.make_room(bytes.len());
        self.content.extend_from_slice(bytes);
    }

    /// Large content gets all its room at once: pages nobody writes to cost nothing, while
    /// growing by doubling would hold the message two or three times over for a moment.
    fn make_room(&mut self, wanted: usize) {
        let held = self.content.len();
        if held >= LARGE_BYTES && self.content.capacity() - held < wanted {
            let remaining = self.bytes_max - held;
            self.content.reserve_exact(remaining.min(held.max(ROOM_BYTES)));
        }
    }

    fn spoil(&mut self, fault: DataFault) {
        self.fault = self.fault.max(Some(fault));
        self.content = Vec::new();
    }

    fn finish(&mut self) -> Result<RawMessage, DataFault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(RawMessage::new(Bytes::from(std::mem::take(&mut self.content)))),
        }
    }
}
