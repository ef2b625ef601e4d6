//! Why a body is left as it came, and why a message cannot be made into copies at all.
//!
//! Every reason has a label; operators must see why mail has no footer.

use thiserror::Error;

use crate::mail::{Anomaly, DecodeRefusal, Protection, html};

/// A check of the verification gate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Check {
    /// The output without the inserted bytes is the input.
    Bytes,
    /// The edited leaf decodes to the old text plus the footer.
    Decoding,
    /// A strict scan sees the same tree and nothing new.
    Structure,
    /// The other parser sees the same parts and the footer in the expected ones.
    SecondOpinion,
    /// No line grew over the limit of RFC 5322 §2.1.1.
    Lines,
}

/// Why no footer was placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BodyRefusal {
    /// Readers may disagree about the structure.
    Anomaly(Anomaly),
    /// The content is protected.
    Protected(Protection),
    /// It came with a DKIM signature and nobody signs after us.
    DkimSigned,
    /// It carries ARC fields: forwarded mail (RFC 8617).
    ArcSealed,
    /// It is too large or too intricate for the second opinion.
    BeyondVerification,
    /// No displayed text that could take a footer.
    NoTextLeaf,
    /// A branch of an alternative cannot take one, so none does.
    AlternativeNotEditable,
    /// A multipart/related whose root is not found.
    NoRelatedRoot,
    /// A charset in which ASCII may not be ASCII.
    Charset,
    /// NUL octets in the decoded text.
    NulInText,
    /// The transfer encoding cannot be read safely.
    Decode(DecodeRefusal),
    /// The markup has no safe place.
    Html(html::Refusal),
    /// A link of ours is in the text, but not within a footer as we write it: one more would
    /// be two, and this one proves nothing.
    AlteredFooter,
    /// The place in the decoded text has no place in the raw bytes.
    NoRawPlace,
    /// The plan failed a check and was thrown away.
    Unverified(Check),
}

impl BodyRefusal {
    /// A label for metrics and journal.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Anomaly(anomaly) => anomaly.as_str(),
            Self::Protected(protection) => protection.as_str(),
            Self::DkimSigned => "dkim_signed",
            Self::ArcSealed => "arc_sealed",
            Self::BeyondVerification => "beyond_verification",
            Self::NoTextLeaf => "no_text_leaf",
            Self::AlternativeNotEditable => "alternative_not_editable",
            Self::NoRelatedRoot => "no_related_root",
            Self::Charset => "charset",
            Self::NulInText => "nul_in_text",
            Self::Decode(refusal) => refusal.as_str(),
            Self::Html(refusal) => refusal.as_str(),
            Self::AlteredFooter => "altered_footer",
            Self::NoRawPlace => "no_raw_place",
            Self::Unverified(Check::Bytes) => "unverified_bytes",
            Self::Unverified(Check::Decoding) => "unverified_decoding",
            Self::Unverified(Check::Structure) => "unverified_structure",
            Self::Unverified(Check::SecondOpinion) => "unverified_second_opinion",
            Self::Unverified(Check::Lines) => "unverified_lines",
        }
    }
}

/// Why a message cannot leave as marketing; the client is told 550 5.6.0.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Rejected {
    /// The header block itself is broken: no field can be added or removed safely.
    #[error("the header block is malformed ({})", .0.as_str())]
    Header(Anomaly),
    /// No footer can be placed and the stream wants one.
    #[error("no unsubscribe footer can be placed ({})", .0.as_str())]
    Body(BodyRefusal),
}

impl Rejected {
    /// A label for metrics and journal.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Header(anomaly) => anomaly.as_str(),
            Self::Body(refusal) => refusal.as_str(),
        }
    }
}
