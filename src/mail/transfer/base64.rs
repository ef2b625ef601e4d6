//! Base64 (RFC 2045 §6.8), symbol by symbol.
//!
//! White space between symbols is skipped; foreign characters, padding before the end and a
//! broken last quantum are refused, because decoders differ about them.

use std::ops::Range;

use super::{DecodeRefusal, Mark};

const PAD: u8 = b'=';

fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) fn decode(
    bytes: &[u8],
    range: &Range<usize>,
) -> Result<(Vec<u8>, Vec<Mark>), DecodeRefusal> {
    let mut text = Vec::with_capacity(range.len() / 4 * 3);
    let mut marks = Vec::with_capacity(range.len() / 64);
    let (mut quantum, mut symbols, mut pads) = (0_u32, 0_usize, 0_usize);
    let mut is_line_start = true;
    for (raw, &byte) in (range.start..).zip(&bytes[range.clone()]) {
        if is_line_start {
            marks.push(Mark { before: symbols + pads, raw });
        }
        is_line_start = byte == b'\n';
        match value(byte) {
            Some(value) if pads == 0 => {
                quantum = quantum << 6 | u32::from(value);
                symbols += 1;
                if symbols.is_multiple_of(4) {
                    text.extend_from_slice(&quantum.to_be_bytes()[1..]);
                    quantum = 0;
                }
            }
            None if byte == PAD => pads += 1,
            None if is_blank(byte) => {}
            Some(_) | None => return Err(DecodeRefusal::BadBase64),
        }
    }
    match (symbols % 4, pads) {
        (0, 0) => {}
        (2, 2) => text.extend_from_slice(&(quantum << 12).to_be_bytes()[1..2]),
        (3, 1) => text.extend_from_slice(&(quantum << 6).to_be_bytes()[1..3]),
        _ => return Err(DecodeRefusal::BadBase64),
    }
    Ok((text, marks))
}

/// The raw place of symbol `number` (padding counts), which lies in or after the line of
/// `mark`; after the last symbol when there are fewer.
pub(super) fn symbol_offset(
    bytes: &[u8],
    range: &Range<usize>,
    mark: Mark,
    number: usize,
) -> usize {
    let mut left = number - mark.before;
    let mut after_last = mark.raw;
    for (raw, &byte) in (mark.raw..).zip(&bytes[mark.raw..range.end]) {
        if is_blank(byte) {
            continue;
        }
        if left == 0 {
            return raw;
        }
        left -= 1;
        after_last = raw + 1;
    }
    after_last
}
