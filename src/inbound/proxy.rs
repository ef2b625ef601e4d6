//! The PROXY protocol's header, versions 1 and 2 (haproxy.org, proxy-protocol.txt 2.2, 2.3).
//!
//! Pure: bytes in, and either the header, or how many bytes it still needs at least, or no. Asking
//! for no more than that, a reader never takes a byte of what follows the header: a greeting, or
//! a TLS handshake. What version 2 adds in TLVs is skipped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Octets of a version 1 line at most, with its CRLF (2.1).
const LINE_BYTES_MAX: usize = 107;

/// Octets of a version 2 header at most; 2.2 asks for at least 536.
const BINARY_BYTES_MAX: usize = 4096;

/// The shortest version 1 line, `PROXY UNKNOWN` and CRLF.
const LINE_BYTES_MIN: usize = 15;

const LINE_BEGIN: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family, length.
const FIXED_BYTES: usize = 16;

/// Why a connection from a proxy was closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProxyFault {
    /// The header had not come in time.
    TooSlow,
    /// The proxy went before the header was whole.
    Gone,
    /// What came is no such header.
    Garbled,
}

impl ProxyFault {
    /// Every value.
    pub const ALL: &'static [Self] = &[Self::TooSlow, Self::Gone, Self::Garbled];

    /// A label for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooSlow => "too_slow",
            Self::Gone => "gone",
            Self::Garbled => "garbled",
        }
    }
}

/// Whom a proxy speaks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spokesman {
    /// This client.
    Client(IpAddr),
    /// Nobody: a health check, or a client it cannot name.
    Itself,
}

/// How far the header has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It needs at least so many bytes more.
    Needs(usize),
    /// It is whole.
    Whole(Spokesman),
    /// It is none.
    Garbled,
}

/// Reads the header of which `bytes` came so far; never more than was asked for.
pub fn parse(bytes: &[u8]) -> Progress {
    let Some(first) = bytes.first() else { return Progress::Needs(1) };
    match first {
        b'P' => parse_line(bytes),
        b'\r' => parse_binary(bytes),
        _ => Progress::Garbled,
    }
}

fn parse_line(bytes: &[u8]) -> Progress {
    if !is_prefix(bytes, LINE_BEGIN) {
        return Progress::Garbled;
    }
    if bytes.len() < LINE_BYTES_MIN {
        return Progress::Needs(LINE_BYTES_MIN - bytes.len());
    }
    let Some(line) = bytes.strip_suffix(b"\r\n") else {
        let missing = if bytes.ends_with(b"\r") { 1 } else { 2 };
        let is_endless = bytes.len() + missing > LINE_BYTES_MAX || bytes.contains(&b'\n');
        return if is_endless { Progress::Garbled } else { Progress::Needs(missing) };
    };
    match std::str::from_utf8(line).ok().and_then(line_spokesman) {
        Some(spokesman) => Progress::Whole(spokesman),
        None => Progress::Garbled,
    }
}

/// `PROXY TCP4 source destination source-port destination-port`, single spaces between (2.1).
fn line_spokesman(line: &str) -> Option<Spokesman> {
    let mut words = line.split(' ').skip(1);
    let protocol = words.next()?;
    if protocol == "UNKNOWN" {
        // 2.1: whatever stands behind it is ignored.
        return Some(Spokesman::Itself);
    }
    let (source, destination) = (words.next()?, words.next()?);
    let client = match protocol {
        "TCP4" => pair::<Ipv4Addr>(source, destination).map(IpAddr::V4),
        "TCP6" => pair::<Ipv6Addr>(source, destination).map(IpAddr::V6),
        _ => None,
    }?;
    let ports = [words.next()?, words.next()?];
    let is_whole = ports.into_iter().all(is_port) && words.next().is_none();
    is_whole.then(|| Spokesman::Client(client.to_canonical()))
}

fn pair<A: FromStr>(source: &str, destination: &str) -> Option<A> {
    destination.parse::<A>().ok()?;
    source.parse().ok()
}

fn is_port(text: &str) -> bool {
    let has_sign = text.starts_with('+');
    let has_leading_zero = text.len() > 1 && text.starts_with('0');
    !has_sign && !has_leading_zero && text.parse::<u16>().is_ok()
}

fn parse_binary(bytes: &[u8]) -> Progress {
    if !is_prefix(bytes, SIGNATURE) {
        return Progress::Garbled;
    }
    let Some(fixed) = bytes.first_chunk::<FIXED_BYTES>() else {
        return Progress::Needs(FIXED_BYTES - bytes.len());
    };
    let [.., version_command, family, high, low] = *fixed;
    let length = FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if length > BINARY_BYTES_MAX {
        return Progress::Garbled;
    }
    if bytes.len() < length {
        return Progress::Needs(length - bytes.len());
    }
    match binary_spokesman(version_command, family, &bytes[FIXED_BYTES..length]) {
        Some(spokesman) => Progress::Whole(spokesman),
        None => Progress::Garbled,
    }
}

/// 2.2: LOCAL and unspecified families name nobody; datagrams and UNIX sockets bring no SMTP.
fn binary_spokesman(version_command: u8, family: u8, body: &[u8]) -> Option<Spokesman> {
    match (version_command, family) {
        (0x20, _) | (0x21, 0x00) => Some(Spokesman::Itself),
        (0x21, 0x11) if body.len() >= 12 => {
            let source = body.first_chunk::<4>()?;
            Some(Spokesman::Client(IpAddr::from(*source)))
        }
        (0x21, 0x21) if body.len() >= 36 => {
            let source = body.first_chunk::<16>()?;
            Some(Spokesman::Client(IpAddr::from(*source).to_canonical()))
        }
        _ => None,
    }
}

/// Whether `bytes` begins like `pattern`, as far as both go.
fn is_prefix(bytes: &[u8], pattern: &[u8]) -> bool {
    bytes.iter().zip(pattern).all(|(found, expected)| found == expected)
}
