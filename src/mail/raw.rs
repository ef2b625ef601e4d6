//! Message bytes as they came, and message bytes as they leave.
//!
//! Both share one buffer; neither knows anything of structure (RFC 5322 begins a room later).

use bytes::Bytes;

use crate::base::Digest;

/// A received message: the mail data after dot-unstuffing, every line ended by CRLF.
///
/// Invariant: the bytes never change; whatever leaves is these bytes plus edits (promise P6).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RawMessage(Bytes);

impl RawMessage {
    /// Wraps received mail data. Cloning is cheap: the bytes are shared.
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for RawMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Message text is personal data; it must not reach a log through `{:?}`.
        write!(f, "RawMessage({} bytes)", self.len())
    }
}

/// Mail data ready to be written: slices of shared bytes and the few bytes of its own.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MailData {
    chunks: Vec<Bytes>,
}

impl MailData {
    /// Mail data from its pieces in order; empty pieces are dropped.
    pub fn new(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        Self { chunks: chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect() }
    }

    /// The pieces in order, none empty.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Length in bytes, before dot-stuffing.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// SHA-256 of all pieces, without bringing them together.
    pub fn digest(&self) -> Digest {
        Digest::of_pieces(self.chunks.iter().map(AsRef::as_ref))
    }

    /// All pieces in one buffer; for tests, previews and hashing, not for the wire.
    pub fn to_vec(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

impl std::fmt::Debug for MailData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MailData({} bytes in {} pieces)", self.len(), self.chunks.len())
    }
}
