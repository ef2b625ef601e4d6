//! Tests of decoding and of the way back from decoded to raw offsets.
//!
//! The oracle for base64 is `data-encoding`; for quoted-printable it is a reading byte by byte,
//! and the map itself must agree with a decode of the bytes it points at.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::{DecodeRefusal, decode};
use crate::mail::TransferEncoding::{self, Base64, Binary, QuotedPrintable, SevenBit, Unknown};

#[track_caller]
fn check(encoding: TransferEncoding, raw: &str, expected: Result<&str, DecodeRefusal>) {
    let decoded = decode(raw.as_bytes(), 0..raw.len(), encoding);
    let text = decoded.map(|decoded| String::from_utf8(decoded.text().to_vec()).unwrap());
    assert_eq!(text, expected.map(str::to_owned));
}

#[test]
fn identity_encodings_are_the_bytes_themselves() {
    check(SevenBit, "a=\r\nb", Ok("a=\r\nb"));
    check(Binary, "a", Err(DecodeRefusal::Binary));
    check(Unknown, "a", Err(DecodeRefusal::UnknownEncoding));
}

#[test]
fn a8_white_space_at_the_end_of_a_raw_line_is_no_data() {
    check(QuotedPrintable, "a \t\r\nb=  \r\nc   ", Ok("a\r\nbc"));
}

#[test]
fn a9_dangling_soft_breaks_decode_to_nothing() {
    check(QuotedPrintable, "abc=", Ok("abc"));
    check(QuotedPrintable, "abc=\r\n", Ok("abc"));
}

#[test]
fn a10_takes_lower_case_hex_and_refuses_bad_escapes() {
    check(QuotedPrintable, "=3cb=3E", Ok("<b>"));
    for bad in ["=3", "=XY", "a=\u{20}b", "==", "=3\r\nD"] {
        check(QuotedPrintable, bad, Err(DecodeRefusal::BadQuotedPrintable));
    }
}

#[test]
fn a17_base64_padding_stands_only_at_the_end() {
    check(Base64, "QUJD", Ok("ABC"));
    check(Base64, "QUI=\r\n", Ok("AB"));
    check(Base64, "QQ==", Ok("A"));
    check(Base64, "", Ok(""));
    for bad in ["QQ==QUJD", "QUJ", "Q", "QUJD=", "QQ=", "QUJD====", "Q=Q="] {
        check(Base64, bad, Err(DecodeRefusal::BadBase64));
    }
}

#[test]
fn a19_base64_lines_may_have_any_length_and_blanks() {
    check(Base64, "QU\r\nJ DQ\t\r\n\r\nUJD \r\n", Ok("ABCABC"));
}

#[test]
fn a20_foreign_characters_in_base64_are_refused() {
    check(Base64, "QUJD!", Err(DecodeRefusal::BadBase64));
    check(Base64, "QUJ-", Err(DecodeRefusal::BadBase64));
}

#[test]
fn a6_a_tag_split_by_a_soft_break_maps_back_to_its_first_byte() {
    let raw = "xx</bo=\r\ndy>=3C/html=3e\r\n";
    let decoded = decode(raw.as_bytes(), 0..raw.len(), QuotedPrintable).unwrap();
    assert_eq!(decoded.text(), b"xx</body></html>\r\n");
    assert_eq!(decoded.raw_offset(2), Some(2));
    assert_eq!(decoded.raw_offset(6), Some(9), "the first byte after a soft break");
    assert_eq!(decoded.raw_offset(9), raw.find("=3C"));
    assert_eq!(decoded.raw_offset(17), None, "inside the line end");
    assert_eq!(decoded.raw_offset(18), Some(raw.len()));
    assert_eq!(decoded.raw_offset(19), None);
}

#[test]
fn a8_the_end_of_the_text_lies_before_trailing_padding() {
    let raw = "one\r\ntwo  ";
    let decoded = decode(raw.as_bytes(), 0..raw.len(), QuotedPrintable).unwrap();
    assert_eq!(decoded.raw_offset(decoded.text().len()), Some(8));
}

#[test]
fn a16_finds_a_quantum_across_a_line_break() {
    let raw = "QU\r\nJDREVG\r\n";
    let decoded = decode(raw.as_bytes(), 0..raw.len(), Base64).unwrap();
    assert_eq!(decoded.quantum(0), 0..6);
    assert_eq!(decoded.quantum(1), 6..10);
    assert_eq!(decoded.quantum(2), 10..10, "after the last symbol");
}

/// Quoted-printable byte by byte, line by line (RFC 2045 §6.7); `None` for an escape that is
/// none.
fn quoted_printable_by_bytes(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for line in raw.split_inclusive(|&byte| byte == b'\n') {
        let is_ended = line.ends_with(b"\n");
        let data = line.trim_ascii_end();
        let soft = data.strip_suffix(b"=");
        let mut bytes = soft.unwrap_or(data).iter().map(|&byte| char::from(byte));
        while let Some(byte) = bytes.next() {
            let value = match byte {
                '=' => bytes.next()?.to_digit(16)? * 16 + bytes.next()?.to_digit(16)?,
                plain => u32::from(plain),
            };
            out.push(u8::try_from(value).unwrap());
        }
        if is_ended && soft.is_none() {
            out.extend(b"\r\n");
        }
    }
    Some(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn base64_agrees_with_another_decoder(
        text in proptest::collection::vec(any::<u8>(), 0..200),
        width in 1_usize..90,
    ) {
        let flat = data_encoding::BASE64.encode(&text);
        let lines: Vec<String> =
            (0..flat.len()).step_by(width)
                .map(|at| flat[at..flat.len().min(at + width)].to_owned()).collect();
        let raw = lines.join("\r\n");
        let decoded = decode(raw.as_bytes(), 0..raw.len(), Base64).unwrap();
        prop_assert_eq!(decoded.text(), &text[..]);
        for index in 0..text.len() / 3 {
            let quantum: String =
                raw[decoded.quantum(index)].chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(&quantum, &flat[index * 4..index * 4 + 4]);
        }
    }

    #[test]
    fn quoted_printable_maps_every_offset_to_a_cut_that_changes_nothing(
        raw in "([a-z .<-]|=3D|=0d=0A|=\r\n|\r\n){0,60}",
    ) {
        let whole = decode(raw.as_bytes(), 0..raw.len(), QuotedPrintable).unwrap();
        for at in 0..=whole.text().len() {
            let Some(cut) = whole.raw_offset(at) else { continue };
            prop_assert!(cut <= raw.len());
            let tail = decode(raw.as_bytes(), cut..raw.len(), QuotedPrintable).unwrap();
            prop_assert_eq!(tail.text(), &whole.text()[at..]);
        }
    }

    #[test]
    fn quoted_printable_agrees_with_a_reading_byte_by_byte(
        raw in "([a-z .=\t\r\n<-]|[\x0c\x00-\x7f]|é|=3D|=c3=A9|=0d=0A|= ?\r\n|\r\n){0,60}",
    ) {
        let text = decode(raw.as_bytes(), 0..raw.len(), QuotedPrintable);
        let text = text.map(|decoded| decoded.text().to_vec());
        let oracle = quoted_printable_by_bytes(raw.as_bytes());
        prop_assert_eq!(text, oracle.ok_or(DecodeRefusal::BadQuotedPrintable));
    }

    #[test]
    fn decoding_never_panics(raw in proptest::collection::vec(any::<u8>(), 0..120)) {
        for encoding in [QuotedPrintable, Base64, SevenBit] {
            if let Ok(decoded) = decode(&raw, 0..raw.len(), encoding) {
                for at in 0..=decoded.text().len() + 1 {
                    let _ = decoded.raw_offset(at);
                }
                if encoding == Base64 {
                    for index in 0..=decoded.text().len() / 3 + 1 {
                        let quantum = decoded.quantum(index);
                        prop_assert!(quantum.start <= quantum.end && quantum.end <= raw.len());
                    }
                }
            }
        }
    }
}
