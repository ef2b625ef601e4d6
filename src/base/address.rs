//! Mail addresses: as written, and in the two widened forms that become keys.
//!
//! Parsing follows RFC 5321 §4.1.2 with RFC 6531 local parts. The written form is kept byte for
//! byte, because that is what must be sent on; folding happens only for look-ups, where it is
//! generous: an objection must be found however its address is written.

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::limits;

/// Why a text is not an address. The text itself is not repeated: it is personal data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AddressError {
    /// There is no `@`, or nothing on one side of it.
    #[error("an address needs a local part, `@` and a domain")]
    Incomplete,
    /// The local part is neither a dot-string nor a quoted string.
    #[error("the local part is neither a dot-string nor a quoted string")]
    LocalPart,
    /// The domain is neither a host name nor an address literal.
    #[error("the domain is neither a host name nor an address literal")]
    Domain,
    /// A part is longer than the protocol allows.
    #[error("the address is longer than RFC 5321 allows")]
    Length,
}

/// A domain in A-label form, lower case, without a trailing dot; or an address literal
/// (`[192.0.2.1]`, `[IPv6:2001:db8::1]`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain or an address literal; U-labels become A-labels (RFC 5891).
    ///
    /// # Errors
    /// [`AddressError::Domain`] or [`AddressError::Length`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return Self::literal(inner).ok_or(AddressError::Domain);
        }
        let ascii = idna::domain_to_ascii(text).map_err(|_| AddressError::Domain)?;
        // Only now: UTS #46 makes a dot of what other scripts end a sentence with.
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        if ascii.len() > limits::DOMAIN_BYTES_MAX {
            return Err(AddressError::Length);
        }
        let labels_fit = ascii.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
        if labels_fit { Ok(Self(ascii.to_owned())) } else { Err(AddressError::Domain) }
    }

    fn literal(inner: &str) -> Option<Self> {
        // RFC 5321 §4.1.3: an IPv4 address, or a tag, a colon and an IPv6 address, which can be
        // written in many ways.
        let is_v6 = inner.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("ipv6:"));
        let address = match is_v6 {
            true => format!("ipv6:{}", inner[5..].parse::<std::net::Ipv6Addr>().ok()?),
            false => inner.parse::<std::net::Ipv4Addr>().ok()?.to_string(),
        };
        Some(Self(format!("[{address}]")))
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last label, in A-label form; `None` for address literals.
    pub fn top_label(&self) -> Option<&str> {
        if self.0.starts_with('[') {
            return None;
        }
        self.0.rsplit('.').next()
    }

    /// Whether this domain is `parent` or lies below it.
    pub fn is_within(&self, parent: &Self) -> bool {
        self.0 == parent.0
            || self.0.strip_suffix(parent.0.as_str()).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailbox: the local part as written and its domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    local_part: String,
    domain: DomainName,
}

impl Mailbox {
    /// Reads `local@domain`, splitting at the last `@` outside a quoted string.
    ///
    /// # Errors
    /// [`AddressError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local_part, domain) = split(text).ok_or(AddressError::Incomplete)?;
        if local_part.len() > limits::LOCAL_PART_BYTES_MAX {
            return Err(AddressError::Length);
        }
        if !is_dot_string(local_part) && unquote(local_part).is_none() {
            return Err(AddressError::LocalPart);
        }
        Ok(Self { local_part: local_part.to_owned(), domain: DomainName::parse(domain)? })
    }

    /// The local part exactly as written, quotes included.
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// The domain.
    pub const fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Whether the local part needs RFC 6531 (SMTPUTF8).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part.is_ascii()
    }

    /// Unquoted, NFC, lower case, with its sub-address: what an [`super::AddressTag`] hashes.
    ///
    /// Lower case only: `ß` and `ss` may be two mailboxes, and a permission is for one.
    pub fn folded(&self) -> String {
        format!("{}@{}", self.folded_local_part(), self.domain)
    }

    /// As [`Mailbox::folded`], with full case folding and without the sub-address that the
    /// first of `separators` begins: what a [`super::PersonKey`] hashes.
    ///
    /// Addresses folded alike are widened alike. RFC 5233 describes sub-addressing; Unicode
    /// §3.13 describes case folding.
    pub fn widened(&self, separators: &str) -> String {
        let local_part = case_fold(&self.folded_local_part());
        format!("{}@{}", base_of(&local_part, separators), self.domain)
    }

    /// As [`Mailbox::folded`] without what follows the first `+`: how the first keyrings
    /// widened.
    pub(super) fn widened_as_first(&self) -> String {
        let local_part = self.folded_local_part();
        format!("{}@{}", base_of(&local_part, "+"), self.domain)
    }

    fn folded_local_part(&self) -> String {
        let unquoted = unquote(&self.local_part).unwrap_or_else(|| self.local_part.clone());
        let lowered: String = unquoted.nfc().collect::<String>().to_lowercase();
        lowered.nfc().collect()
    }
}

/// A local part without its sub-address.
fn base_of<'a>(local_part: &'a str, separators: &str) -> &'a str {
    match local_part.find(|c| separators.contains(c)) {
        // A local part that begins with a separator has no base to fall back to.
        Some(0) | None => local_part,
        Some(at) => &local_part[..at],
    }
}

/// Full case folding (Unicode §3.13, D144): the upper case of a character tells what it folds
/// with, `ß` with `SS`; only the dotless i must not be taken for an `i` on this way.
fn case_fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfd() {
        match c {
            'ı' => folded.push(c),
            c => {
                let upper = c.to_lowercase().flat_map(char::to_uppercase);
                folded.extend(upper.flat_map(char::to_lowercase));
            }
        }
    }
    folded.nfc().collect()
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug output ends up in logs; people's addresses must not.
        write!(f, "Mailbox(…@{})", self.domain)
    }
}

fn split(text: &str) -> Option<(&str, &str)> {
    let at = if text.starts_with('"') {
        let close = closing_quote(text)?;
        (text.as_bytes().get(close + 1) == Some(&b'@')).then_some(close + 1)?
    } else {
        text.rfind('@')?
    };
    let (local_part, domain) = (&text[..at], &text[at + 1..]);
    (!local_part.is_empty() && !domain.is_empty()).then_some((local_part, domain))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn is_dot_string(text: &str) -> bool {
    // Note: RFC 5321 forbids empty atoms, yet mailboxes such as `a..b@` exist and must be
    // reachable; atoms may therefore be empty except at the very start.
    !text.starts_with('.')
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || "!#$%&'*+-/=?^_`{|}~.".contains(c)
                || (!c.is_ascii() && !c.is_control())
        })
}

fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => out.push(chars.next().filter(|c| (' '..='~').contains(c))?),
            c if (' '..='~').contains(&c) || (!c.is_ascii() && !c.is_control()) => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests;
