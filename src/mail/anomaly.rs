//! What can be wrong with a message's structure, as a small set.
//!
//! An anomaly is never an error: the message is scanned to its end and may be relayed as it is.
//! It only means that two readers may see two different messages, so nobody should edit a body.

use std::fmt;

macro_rules! anomalies {
    ($($(#[$doc:meta])* $name:ident = $label:literal;)*) => {
        /// One way in which readers may disagree about a message.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Anomaly {
            $($(#[$doc])* $name,)*
        }

        impl Anomaly {
            /// All of them, in a fixed order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// A label for metrics and journal.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)*
                }
            }
        }
    };
}

anomalies! {
    /// Content-Type, Content-Transfer-Encoding or Content-Disposition twice in one entity.
    DuplicateMimeField = "duplicate_mime_field";
    /// A header line that is neither a field nor a continuation; or a message without fields.
    BadHeaderLine = "bad_header_line";
    /// A header block that ends without a blank line.
    HeaderUnterminated = "header_unterminated";
    /// More header fields than are kept.
    TooManyFields = "too_many_fields";
    /// A Content-Type that is no type/subtype with parameters.
    BadContentType = "bad_content_type";
    /// A multipart without a usable boundary (RFC 2046 §5.1.1: 1 to 70 characters).
    BadBoundary = "bad_boundary";
    /// A multipart without its close delimiter.
    NoClose = "no_close";
    /// A multipart without any delimiter.
    NoDelimiter = "no_delimiter";
    /// A line or another boundary that only begins like an active delimiter.
    PrefixCollision = "prefix_collision";
    /// Two delimiter lines in a row.
    DoubleDelimiter = "double_delimiter";
    /// A delimiter after its own close delimiter.
    DelimiterAfterClose = "delimiter_after_close";
    /// A transfer encoding on a multipart (RFC 2045 §6.4 forbids it).
    EncodingOnComposite = "encoding_on_composite";
    /// Multiparts nested deeper than is followed.
    TooDeep = "too_deep";
    /// More parts than are followed.
    TooManyParts = "too_many_parts";
    /// A Content-MD5 field: an edit would make it wrong (RFC 1864).
    ContentMd5 = "content_md5";
    /// A Content-Length field: an edit would make it wrong.
    ContentLength = "content_length";
    /// A CR or LF that is not part of CRLF.
    BareLineEnd = "bare_line_end";
    /// A NUL octet.
    Nul = "nul";
}

/// A set of anomalies.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Anomalies(u32);

impl Anomalies {
    /// Adds one.
    pub fn insert(&mut self, anomaly: Anomaly) {
        self.0 |= 1 << anomaly as u32;
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether `anomaly` is in the set.
    pub const fn contains(self, anomaly: Anomaly) -> bool {
        self.0 & (1 << anomaly as u32) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set without `anomaly`.
    #[must_use]
    pub const fn without(self, anomaly: Anomaly) -> Self {
        Self(self.0 & !(1 << anomaly as u32))
    }

    /// Those in the set, in the order of [`Anomaly::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Anomaly::ALL.iter().copied().filter(move |&anomaly| self.contains(anomaly))
    }
}

impl fmt::Debug for Anomalies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
