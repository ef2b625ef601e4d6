//! Reading the paths of MAIL and RCPT (RFC 5321 §4.1.2), keeping them as written.
//!
//! A path goes on to the next host byte for byte, only its source route is dropped. Quoted local
//! parts stay quoted, `<>` and `<postmaster>` stay what they are.

use super::envelope::{ForwardPath, Path, ReversePath};
use crate::base::Mailbox;
use crate::base::limits::PATH_BYTES_MAX;

/// Why there is no path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathFault {
    /// There are no angle brackets around it.
    NoBrackets,
    /// What stands between them is no address.
    NoAddress,
}

/// Reads `<reverse-path>` at the start of `text`; also what follows it.
pub fn parse_reverse_path(text: &[u8]) -> Result<(ReversePath, &[u8]), PathFault> {
    let (written, rest) = split_brackets(text)?;
    if written.is_empty() {
        return Ok((ReversePath::Null, rest));
    }
    Ok((ReversePath::Path(parse_path(written)?), rest))
}

/// Reads `<forward-path>` at the start of `text`; also what follows it.
pub fn parse_forward_path(text: &[u8]) -> Result<(ForwardPath, &[u8]), PathFault> {
    let (written, rest) = split_brackets(text)?;
    // RFC 5321 §4.1.1.3: the postmaster of the host itself, in any case.
    if written.eq_ignore_ascii_case(b"postmaster") {
        let written = String::from_utf8_lossy(written).into_owned();
        return Ok((ForwardPath::Postmaster(written), rest));
    }
    Ok((ForwardPath::Path(parse_path(written)?), rest))
}

fn parse_path(written: &[u8]) -> Result<Path, PathFault> {
    // RFC 5321 §4.5.3.1.3: the limit counts the angle brackets.
    if written.len() + 2 > PATH_BYTES_MAX {
        return Err(PathFault::NoAddress);
    }
    let text = std::str::from_utf8(written).map_err(|_| PathFault::NoAddress)?;
    let text = without_source_route(text).ok_or(PathFault::NoAddress)?;
    let mailbox = Mailbox::parse(text).map_err(|_| PathFault::NoAddress)?;
    Ok(Path::new(text, mailbox))
}

/// Splits at the `>` that closes the path, not at one inside a quoted string.
fn split_brackets(text: &[u8]) -> Result<(&[u8], &[u8]), PathFault> {
    let inner = text.strip_prefix(b"<").ok_or(PathFault::NoBrackets)?;
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, &byte) in inner.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'>' if !is_quoted => return Ok((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    Err(PathFault::NoBrackets)
}

/// RFC 5321 §4.1.1.3, appendix C: `@one,@two:user@example.com` names the route, which servers
/// ignore and strip.
fn without_source_route(text: &str) -> Option<&str> {
    if !text.starts_with('@') {
        return Some(text);
    }
    let mut is_literal = false;
    let end = text.bytes().position(|byte| {
        match byte {
            b'[' => is_literal = true,
            b']' => is_literal = false,
            _ => {}
        }
        byte == b':' && !is_literal
    })?;
    let (route, rest) = (&text[..end], &text[end + 1..]);
    let is_route = route.split(',').all(|hop| {
        hop.strip_prefix('@').is_some_and(|domain| crate::base::DomainName::parse(domain).is_ok())
    });
    is_route.then_some(rest)
}
