//! What nobody may edit: signed, encrypted, machine-read and split content (promise P6).
//!
//! RFC 1847 §2.1: an agent in transit must not change a signed object in any way. A message
//! that holds such a part anywhere is not edited at all.

use super::entity::Entity;
use super::{Message, Parameter};

/// Why a body is off limits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protection {
    /// multipart/signed (RFC 1847).
    Signed,
    /// multipart/encrypted (RFC 1847).
    Encrypted,
    /// S/MIME in application/pkcs7-mime (RFC 8551).
    Pkcs7,
    /// multipart/report: a DSN, MDN or complaint (RFC 6522).
    Report,
    /// An invitation (RFC 6047).
    Calendar,
    /// A piece of a message (RFC 2046 §5.2.2).
    Partial,
    /// Content that lies elsewhere (RFC 2046 §5.2.3).
    ExternalBody,
    /// winmail.dat: some readers show its own body instead.
    Tnef,
    /// PGP armour in a text (RFC 9580 §6.2).
    InlinePgp,
}

impl Protection {
    /// A label for metrics and journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Encrypted => "encrypted",
            Self::Pkcs7 => "pkcs7",
            Self::Report => "report",
            Self::Calendar => "calendar",
            Self::Partial => "partial",
            Self::ExternalBody => "external_body",
            Self::Tnef => "tnef",
            Self::InlinePgp => "inline_pgp",
        }
    }
}

impl Message {
    /// The first protected entity's reason, if the structure holds any.
    pub fn protection(&self) -> Option<Protection> {
        self.entities().iter().find_map(protection_of)
    }
}

fn protection_of(entity: &Entity) -> Option<Protection> {
    Some(match entity.media().essence() {
        "multipart/signed" => Protection::Signed,
        "multipart/encrypted" => Protection::Encrypted,
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => Protection::Pkcs7,
        "multipart/report" => Protection::Report,
        "message/partial" => Protection::Partial,
        "message/external-body" => Protection::ExternalBody,
        "application/ms-tnef" | "application/vnd.ms-tnef" => Protection::Tnef,
        // A calendar file as an attachment is a file; with a method or shown it is an invitation.
        "text/calendar"
            if !entity.is_attachment()
                || entity.media().parameter("method") != Parameter::Absent =>
        {
            Protection::Calendar
        }
        _ => return None,
    })
}

/// Whether a decoded text holds PGP armour at a line start.
pub fn has_inline_pgp(text: &[u8]) -> bool {
    const ARMOUR: &[u8] = b"-----BEGIN PGP ";
    memchr::memmem::find_iter(text, ARMOUR).any(|at| at == 0 || text[at - 1] == b'\n')
}
