//! One MIME entity as spans: its header block, its body, and what its fields say (RFC 2045).
//!
//! The tree is an arena: parents and children are positions in the message's list. An entity
//! owns no bytes of the message.

use std::ops::Range;

use super::anomaly::Anomalies;
use super::mime_field::{Disposition, MediaType, TransferEncoding};

/// Names an entity within its message; 0 is the message itself.
pub type EntityIndex = usize;

/// One entity: the message itself, a multipart, or a leaf. A nested message is a leaf.
#[derive(Clone)]
pub struct Entity {
    pub(super) header: Range<usize>,
    pub(super) body: Range<usize>,
    pub(super) fields: Range<usize>,
    pub(super) media: MediaType,
    pub(super) encoding: TransferEncoding,
    pub(super) disposition: Disposition,
    pub(super) content_id: Option<String>,
    pub(super) parent: Option<EntityIndex>,
    pub(super) children: Vec<EntityIndex>,
    pub(super) anomalies: Anomalies,
    pub(super) shares_blank_line: bool,
}

impl Entity {
    pub(super) fn opening_at(
        start: usize,
        parent: Option<EntityIndex>,
        first_field: usize,
    ) -> Self {
        Self {
            header: start..start,
            body: start..start,
            fields: first_field..first_field,
            media: MediaType::of_silence(None),
            encoding: TransferEncoding::SevenBit,
            disposition: Disposition::Absent,
            content_id: None,
            parent,
            children: Vec::new(),
            anomalies: Anomalies::default(),
            shares_blank_line: false,
        }
    }

    /// The header fields, without the blank line after them.
    pub const fn header(&self) -> &Range<usize> {
        &self.header
    }

    /// The body. It ends before the CRLF of the next delimiter, which is the delimiter's
    /// (RFC 2046 §5.1.1).
    pub const fn body(&self) -> &Range<usize> {
        &self.body
    }

    /// The media type; text/plain when none is given.
    pub const fn media(&self) -> &MediaType {
        &self.media
    }

    /// The transfer encoding; 7bit when none is given.
    pub const fn encoding(&self) -> TransferEncoding {
        self.encoding
    }

    /// How it wants to be shown.
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// The Content-ID without angle brackets.
    pub fn content_id(&self) -> Option<&str> {
        self.content_id.as_deref()
    }

    /// The multipart it stands in; `None` for the message itself.
    pub const fn parent(&self) -> Option<EntityIndex> {
        self.parent
    }

    /// Its parts in order; empty for a leaf.
    pub fn children(&self) -> &[EntityIndex] {
        &self.children
    }

    /// What is wrong with this entity alone.
    pub const fn anomalies(&self) -> Anomalies {
        self.anomalies
    }

    /// Whether the body is empty and the blank line before it is at once the CRLF of the
    /// next delimiter: text put in here must bring a CRLF for the delimiter.
    pub const fn shares_blank_line(&self) -> bool {
        self.shares_blank_line
    }

    /// Whether readers show it as an attachment: by disposition, or by a file name.
    pub fn is_attachment(&self) -> bool {
        self.disposition == Disposition::Attachment
            || self.media.parameter("name") != super::Parameter::Absent
    }
}
