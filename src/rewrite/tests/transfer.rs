//! Footers inside each transfer encoding and charset.
//!
//! Each vector asserts the decoded text and what the raw bytes around the footer look like.

use data_encoding::BASE64;

use super::{
    HTML_MARK, LINK_A, TEXT_MARK, check_edited, check_headers_only, decoded, raw_body, single,
};

const QP: &str = "Content-Transfer-Encoding: quoted-printable\r\n";
const B64: &str = "Content-Transfer-Encoding: base64\r\n";
const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";
const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\n";

fn base64_lines(text: &str, width: usize) -> String {
    let flat = BASE64.encode(text.as_bytes());
    let lines = flat.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap());
    lines.collect::<Vec<_>>().join("\r\n") + "\r\n"
}

/// The copy's decoded text is the old one with something at `at` that shows link and mark.
#[track_caller]
fn check_decoded(raw: &str, at: usize, mark: &str) -> String {
    let is_html = usize::from(mark == HTML_MARK);
    let copy = check_edited(raw, is_html, 1 - is_html);
    let (old, new) = (decoded(raw, 0), decoded(&copy, 0));
    let gain = new.len() - old.len();
    assert_eq!((&new[..at], &new[at + gain..]), (&old[..at], &old[at..]));
    let footer = &new[at..at + gain];
    assert_eq!(footer.matches(mark).count(), 1, "{footer}");
    assert_eq!(footer.matches(LINK_A).count(), 1, "{footer}");
    copy
}

#[track_caller]
fn check_qp_lines(copy: &str) {
    for line in raw_body(copy).split("\r\n") {
        assert!(line.len() <= 76, "{line}");
        assert!(!line.starts_with('.') && !line.starts_with("From "), "{line}");
    }
}

#[test]
fn a1_plain_text_gets_the_ascii_footer_and_keeps_its_fields() {
    let raw = single("", "Hello\r\n");
    let copy = check_decoded(&raw, 7, TEXT_MARK);
    assert!(raw_body(&copy).is_ascii());
    assert!(!copy.contains("Content-"), "no MIME field is added");
    assert!(copy.ends_with(&format!("{LINK_A}\r\n")));
    assert!(raw_body(&copy).starts_with("Hello\r\n\r\n____"));
}

#[test]
fn a4_a_body_without_final_line_end_gets_one_first() {
    let copy = check_decoded(&single("", "Hello"), 5, TEXT_MARK);
    assert!(raw_body(&copy).starts_with("Hello\r\n\r\n____"));
    assert!(copy.ends_with(LINK_A));
    check_decoded(&single(&format!("{TEXT}{QP}"), "Hello=20"), 6, TEXT_MARK);
    check_decoded(&single(&format!("{TEXT}{B64}"), "SGVsbG8="), 5, TEXT_MARK);
}

#[test]
fn a5_quoted_printable_mid_line() {
    let raw = single(&format!("{HTML}{QP}"), "<body>=C3=A9<p>x</p></body></html>\r\n");
    let at = decoded(&raw, 0).find("</body>").unwrap();
    let copy = check_decoded(&raw, at, HTML_MARK);
    assert!(raw_body(&copy).starts_with("<body>=C3=A9<p>x</p>\r\n"));
    check_qp_lines(&copy);
}

#[test]
fn a5_white_space_before_the_footer_stays_data() {
    let raw = single(&format!("{HTML}{QP}"), "<body>x \t</body>\r\n");
    let copy = check_decoded(&raw, 9, HTML_MARK);
    assert!(raw_body(&copy).starts_with("<body>x \t=\r\n\r\n"));
}

#[test]
fn a6_a_body_tag_split_by_a_soft_break_is_found() {
    let raw = single(&format!("{HTML}{QP}"), "<body>x</bo=\r\ndy></html>\r\n");
    let copy = check_decoded(&raw, 7, HTML_MARK);
    assert!(raw_body(&copy).contains("</bo=\r\ndy></html>\r\n"));
}

#[test]
fn a7_never_cuts_an_escape() {
    let raw = single(&format!("{HTML}{QP}"), "x=3C/body=3E\r\n");
    let copy = check_decoded(&raw, 1, HTML_MARK);
    assert!(raw_body(&copy).ends_with("=3C/body=3E\r\n"));
}

#[test]
fn a8_goes_before_padding_at_the_end_of_quoted_printable() {
    let raw = single(&format!("{TEXT}{QP}"), "Hello  ");
    let copy = check_decoded(&raw, 5, TEXT_MARK);
    assert!(raw_body(&copy).starts_with("Hello\r\n\r\n"));
    assert!(raw_body(&copy).ends_with("  "));
}

#[test]
fn a9_a_dangling_soft_break_stays_at_the_end() {
    for body in ["Hello=", "Hello=\r\n", "Hello= \r\n"] {
        let raw = single(&format!("{TEXT}{QP}"), body);
        let copy = check_decoded(&raw, 5, TEXT_MARK);
        assert!(raw_body(&copy).starts_with("Hello\r\n\r\n"), "{body}");
        assert!(raw_body(&copy).ends_with(&body[5..]), "{body}");
    }
}

#[test]
fn a10_bad_escapes_leave_the_body_alone() {
    check_headers_only(&single(&format!("{TEXT}{QP}"), "a=XYb\r\n"), "bad_quoted_printable");
    check_decoded(&single(&format!("{TEXT}{QP}"), "a=c3=a9\r\n"), 5, TEXT_MARK);
}

#[test]
fn a11_a12_a_full_or_over_long_line_does_not_grow() {
    for length in [76, 77, 200, 1200] {
        let raw = single(&format!("{HTML}{QP}"), &format!("{}</body>\r\n", "x".repeat(length)));
        let copy = check_decoded(&raw, length, HTML_MARK);
        let first = raw_body(&copy).split("\r\n").next().unwrap();
        assert_eq!(first, "x".repeat(length));
    }
    check_decoded(&single(&format!("{TEXT}{QP}"), &"x".repeat(76)), 76, TEXT_MARK);
}

#[test]
fn a14_encoded_line_ends_stay_data() {
    let raw = single(&format!("{TEXT}{QP}"), "one=0D=0Atwo=0D=0A");
    check_decoded(&raw, 10, TEXT_MARK);
    let raw = single(&format!("{HTML}{QP}"), "<p>=0A</body>=0A");
    check_decoded(&raw, 4, HTML_MARK);
}

#[test]
fn a16_base64_html_replaces_one_quantum_and_keeps_the_rest() {
    for shift in 0..3 {
        for width in [76, 60, 4] {
            let text = format!("{}<p>hello</p></body></html>{}\n", "x".repeat(40 + shift), "\r");
            let raw = single(&format!("{HTML}{B64}"), &base64_lines(&text, width));
            let at = text.find("</body>").unwrap();
            let copy = check_decoded(&raw, at, HTML_MARK);
            let symbols = |raw: &str| raw_body(raw).replace("\r\n", "");
            let (old, new) = (symbols(&raw), symbols(&copy));
            let kept = at / 3 * 4;
            assert_eq!(new[..kept], old[..kept]);
            let tail = &old[at.div_ceil(3) * 4..];
            assert!(new.ends_with(tail), "the raw base64 after the quantum is the same");
            assert!(raw_body(&copy).lines().all(|line| line.len() <= 76));
        }
    }
}

#[test]
fn a17_base64_text_is_continued_at_its_end() {
    for length in 3..9 {
        let text = "x".repeat(length);
        let raw = single(&format!("{TEXT}{B64}"), &base64_lines(&text, 76));
        let copy = check_decoded(&raw, length, TEXT_MARK);
        let symbols = raw_body(&copy).replace("\r\n", "");
        assert!(!symbols.trim_end_matches('=').contains('='), "padding only at the end");
    }
}

#[test]
fn a18_one_long_base64_line_is_cut_not_joined() {
    let text = format!("{}</body></html>\r\n", "x".repeat(5_000));
    let raw = single(&format!("{HTML}{B64}"), &base64_lines(&text, 100_000));
    check_decoded(&raw, 5_000, HTML_MARK);
}

#[test]
fn a19_base64_in_odd_lines_without_a_last_line_end() {
    for body in ["SGVs\r\nbG8s\r\n IHdv cmxk", "SGVsbG8sIHdvcmxk\r\n\r\n"] {
        check_decoded(&single(&format!("{TEXT}{B64}"), body), 12, TEXT_MARK);
    }
}

#[test]
fn a20_doubtful_base64_is_left_alone() {
    for body in ["SGVs*bG8=", "SGVsbG8", "SGU=SGU="] {
        check_headers_only(&single(&format!("{TEXT}{B64}"), body), "bad_base64");
    }
}

#[test]
fn a21_base64_text_with_unix_lines_gets_unix_lines() {
    let raw = single(&format!("{TEXT}{B64}"), &base64_lines("one\ntwo\n", 76));
    let copy = check_decoded(&raw, 8, TEXT_MARK);
    assert!(!decoded(&copy, 0).contains('\r'));
}

#[test]
fn a22_a27_b3_eight_bit_text_keeps_its_bytes() {
    let raw = single(&format!("{HTML}Content-Transfer-Encoding: 8bit\r\n"), "<p>é</p></body>\r\n");
    check_decoded(&raw, 9, HTML_MARK);
    let raw = single("Content-Type: text/plain; charset=us-ascii\r\n", "é\r\n");
    check_decoded(&raw, 4, TEXT_MARK);
}

#[test]
fn a23_a24_opaque_encodings_are_left_alone() {
    let with = |encoding: &str| {
        single(&format!("{TEXT}Content-Transfer-Encoding: {encoding}\r\n"), "hello\r\n")
    };
    check_headers_only(&with("binary"), "binary_encoding");
    for unknown in ["x-uuencode", "uuencode", "gzip64", "", "8-bit", "utf-8", "QUOTED-PRINTABLE ;"]
    {
        check_headers_only(&with(unknown), "unknown_encoding");
    }
}

#[test]
fn a28_a29_flowed_text_ends_its_paragraph_first() {
    let flowed = "Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\r\n";
    let copy = check_decoded(&single(flowed, "a line \r\n"), 9, TEXT_MARK);
    assert!(raw_body(&copy).starts_with("a line \r\n\r\n\r\n____"));
    assert!(raw_body(&copy).lines().skip(1).all(|line| !line.ends_with(' ')));
    let copy = check_decoded(&single(flowed, "a line\r\n"), 8, TEXT_MARK);
    assert!(raw_body(&copy).starts_with("a line\r\n\r\n____"));
}

#[test]
fn a31_the_footer_is_no_signature_block() {
    let copy = check_decoded(&single("", "Hello\r\n-- \r\nJane\r\n"), 17, TEXT_MARK);
    assert_eq!(copy.matches("\r\n-- \r\n").count(), 1);
}

#[test]
fn b1_b5_b14_b17_charsets_in_which_ascii_is_ascii() {
    for label in ["iso-8859-1", "\"windows-1252\"", "KOI8-R", "gb2312", "shift_jis", "utf-8;;"] {
        let raw = single(&format!("Content-Type: text/plain; charset={label}\r\n"), "x\r\n");
        check_decoded(&raw, 3, TEXT_MARK);
    }
    check_decoded(&single("Content-Type: text/plain\r\n", "x\r\n"), 3, TEXT_MARK);
}

#[test]
fn b4_a_byte_order_mark_stays_first() {
    let copy = check_edited(&single(TEXT, "\u{feff}x\r\n"), 0, 1);
    assert!(raw_body(&copy).starts_with("\u{feff}x\r\n"));
}

#[test]
fn b7_to_b17_other_charsets_are_left_alone() {
    let labels = [
        "iso-2022-jp",
        "utf-16",
        "utf-16le",
        "utf-7",
        "hz-gb-2312",
        "x-foo",
        "\"\"",
        "default",
        "utf-8; charset=iso-8859-1",
    ];
    for label in labels {
        let raw = single(&format!("Content-Type: text/plain; charset={label}\r\n"), "x\r\n");
        check_headers_only(&raw, "charset");
    }
    let raw = single("Content-Type: text/plain; charset*=utf-8''utf-8\r\n", "x\r\n");
    check_headers_only(&raw, "charset");
}

#[test]
fn b19_encoded_nul_is_left_alone() {
    check_headers_only(&single(&format!("{TEXT}{QP}"), "a=00b\r\n"), "nul_in_text");
    check_headers_only(&single(&format!("{TEXT}{B64}"), "AAAA\r\n"), "nul_in_text");
}
