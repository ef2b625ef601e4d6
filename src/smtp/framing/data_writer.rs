//! Mail data on their way out: dot-stuffed and ended, without copying them (RFC 5321 §4.5.2).
//!
//! The content stays where it is; what is written is slices of it, single dots and the end. It
//! works through small windows, so that a partial write never costs a second look at the whole.

use std::io::IoSlice;

use bytes::Bytes;
use memchr::memmem;

use crate::mail::MailData;

/// Bytes looked at for one slice; a slice is never longer.
const WINDOW_BYTES: usize = 64 * 1024;

/// How the bytes before the cursor end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Before {
    /// With CRLF, or there are none.
    LineEnd,
    /// With CR.
    Cr,
    /// With anything else.
    Text,
}

impl Before {
    fn after(self, piece: &[u8]) -> Self {
        match piece {
            [] => self,
            [b'\n'] if self == Self::Cr => Self::LineEnd,
            [.., b'\r', b'\n'] => Self::LineEnd,
            [.., b'\r'] => Self::Cr,
            _ => Self::Text,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Cursor {
    chunk: usize,
    offset: usize,
    before: Before,
    /// What is left of the end, once the content is through.
    end: Option<&'static [u8]>,
}

impl Cursor {
    /// What is still to be written once the content is through.
    fn end(self) -> &'static [u8] {
        self.end.unwrap_or(match self.before {
            Before::LineEnd => b".\r\n",
            Before::Cr => b"\n.\r\n",
            Before::Text => b"\r\n.\r\n",
        })
    }
}

/// The bytes of one message on the wire, from the first to the final CRLF.
///
/// Content that does not end in CRLF gets one, because the end of data needs it.
#[derive(Debug)]
pub struct StuffedData {
    chunks: Vec<Bytes>,
    cursor: Cursor,
}

impl StuffedData {
    /// The wire form of `data`; its bytes are shared, not copied.
    pub fn new(data: &MailData) -> Self {
        let cursor = Cursor { chunk: 0, offset: 0, before: Before::LineEnd, end: None };
        Self { chunks: data.chunks().to_vec(), cursor }
    }

    /// The next slices to be written, at most `slices_max`; none when all is written.
    pub fn slices(&self, slices_max: usize) -> Vec<IoSlice<'_>> {
        let mut slices = Vec::with_capacity(slices_max.min(16));
        let mut cursor = self.cursor;
        while slices.len() < slices_max {
            let piece = self.piece(cursor);
            if piece.is_empty() {
                break;
            }
            slices.push(IoSlice::new(piece));
            cursor = self.moved(cursor, piece, piece.len());
        }
        slices
    }

    /// Notes that the first `written` bytes of what [`StuffedData::slices`] gave are through.
    pub fn advance(&mut self, mut written: usize) {
        while written > 0 {
            let piece = self.piece(self.cursor);
            if piece.is_empty() {
                return;
            }
            let taken = written.min(piece.len());
            self.cursor = self.moved(self.cursor, piece, taken);
            written -= taken;
        }
    }

    /// Whether every byte, the end included, was written.
    pub fn is_finished(&self) -> bool {
        self.piece(self.cursor).is_empty()
    }

    /// The longest run at `cursor` that goes out as one slice; empty at the very end.
    fn piece(&self, cursor: Cursor) -> &[u8] {
        let Some(chunk) = self.chunks.get(cursor.chunk) else {
            return cursor.end();
        };
        let rest = &chunk[cursor.offset..];
        let window = &rest[..rest.len().min(WINDOW_BYTES)];
        match (cursor.before, window) {
            (Before::LineEnd, [b'.', ..]) => b".",
            (Before::Cr, [b'\n', b'.', ..]) => &window[..1],
            _ => match memmem::find(window, b"\r\n.") {
                Some(at) => &window[..at + 2],
                None => window,
            },
        }
    }

    fn moved(&self, cursor: Cursor, piece: &[u8], taken: usize) -> Cursor {
        let Some(chunk) = self.chunks.get(cursor.chunk) else {
            return Cursor { end: Some(&cursor.end()[taken..]), ..cursor };
        };
        if cursor.before == Before::LineEnd && chunk[cursor.offset] == b'.' {
            // The stuffed dot is out; the content's own dot follows as text.
            return Cursor { before: Before::Text, ..cursor };
        }
        let before = cursor.before.after(&piece[..taken]);
        let offset = cursor.offset + taken;
        if offset == chunk.len() {
            return Cursor { chunk: cursor.chunk + 1, offset: 0, before, end: None };
        }
        Cursor { offset, before, ..cursor }
    }
}
