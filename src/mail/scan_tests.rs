//! Structural vectors for the scanner, one test per shape.
//!
//! A tree is written as `mixed[plain related[html png]]`; anomalies as their labels.

use bytes::Bytes;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::{Disposition, EntityIndex, Message, RawMessage, TransferEncoding};

fn scan(raw: impl Into<Vec<u8>>) -> Message {
    Message::scan(RawMessage::new(Bytes::from(raw.into())))
}

fn tree(message: &Message, index: EntityIndex) -> String {
    let entity = message.entity(index);
    let children: Vec<_> = entity.children().iter().map(|&child| tree(message, child)).collect();
    let name = entity.media().subtype();
    if entity.media().is_multipart() {
        format!("{name}[{}]", children.join(" "))
    } else {
        name.into()
    }
}

fn labels(message: &Message) -> String {
    message.anomalies().iter().map(super::Anomaly::as_str).collect::<Vec<_>>().join(" ")
}

/// `lines` joined by CRLF under a multipart/mixed header with boundary `abc`.
fn mixed(lines: &[&str]) -> String {
    format!("Content-Type: multipart/mixed; boundary=abc\r\n\r\n{}\r\n", lines.join("\r\n"))
}

#[track_caller]
fn check(raw: impl Into<Vec<u8>>, expected_tree: &str, anomalies: &str) {
    let message = scan(raw);
    assert_eq!((tree(&message, 0).as_str(), labels(&message).as_str()), (expected_tree, anomalies));
}

#[track_caller]
fn check_bodies(raw: &str, expected: &[&str]) {
    let message = scan(raw);
    let leaves = message.entities().iter().filter(|e| !e.media().is_multipart());
    let bodies: Vec<_> = leaves.map(|entity| &raw[entity.body().clone()]).collect();
    assert_eq!(bodies, expected);
}

#[test]
fn a_message_without_mime_fields_is_plain_text() {
    check("Subject: x\r\n\r\nhi\r\n", "plain", "");
    check_bodies("Subject: x\r\n\r\nhi\r\n", &["hi\r\n"]);
}

#[test]
fn c2_follows_mixed_related_alternative() {
    let raw = mixed(&[
        "--abc",
        "Content-Type: multipart/related; boundary=rel",
        "",
        "--rel",
        "Content-Type: multipart/alternative; boundary=alt",
        "",
        "--alt",
        "",
        "text",
        "--alt",
        "Content-Type: text/html",
        "",
        "<p>x</p>",
        "--alt--",
        "",
        "--rel",
        "Content-Type: image/png",
        "",
        "PNG",
        "--rel--",
        "",
        "--abc",
        "Content-Type: application/pdf",
        "",
        "PDF",
        "--abc--",
    ]);
    check(raw.clone(), "mixed[related[alternative[plain html] png] pdf]", "");
    check_bodies(&raw, &["text", "<p>x</p>", "PNG", "PDF"]);
}

#[test]
fn c14_a_nested_message_is_one_opaque_leaf() {
    let inner = "Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\nx\r\n--in--";
    let raw = mixed(&["--abc", "Content-Type: message/rfc822", "", inner, "--abc--"]);
    check(raw.clone(), "mixed[rfc822]", "");
    check_bodies(&raw, &[inner]);
}

#[test]
fn c17_the_parts_of_a_digest_are_messages() {
    let raw =
        "Content-Type: multipart/digest; boundary=abc\r\n\r\n--abc\r\n\r\nA: b\r\n--abc--\r\n";
    check(raw, "digest[rfc822]", "");
}

#[test]
fn c27_notes_a_missing_close_delimiter() {
    check(mixed(&["--abc", "", "x"]), "mixed[plain]", "no_close");
}

#[test]
fn c28_notes_a_multipart_without_delimiters() {
    check(mixed(&["x"]), "mixed[]", "no_close no_delimiter");
    check(mixed(&["--abc--"]), "mixed[]", "no_delimiter");
}

#[test]
fn c29_takes_boundaries_of_1_to_70_characters() {
    let with = |boundary: &str| {
        format!(
            "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n\
             --{boundary}\r\n\r\n\r\n--{boundary}--\r\n"
        )
    };
    check(with(&"b".repeat(70)), "mixed[plain]", "");
    check(with("a b"), "mixed[plain]", "");
    for bad in ["", "a ", "bé", &"b".repeat(71), &"b".repeat(500)] {
        check(with(bad), "mixed[]", "bad_boundary");
    }
    check("Content-Type: multipart/mixed\r\n\r\n--abc\r\n", "mixed[]", "bad_boundary");
}

#[test]
fn c30_c41_notes_boundaries_that_begin_alike() {
    for inner in ["abc-1", "abcd", "ab", "abc"] {
        let head = format!("Content-Type: multipart/mixed; boundary={inner}");
        let message = scan(mixed(&["--abc", &head, "", "--abc--"]));
        assert!(labels(&message).contains("prefix_collision"), "{inner}");
    }
}

#[test]
fn c31_a_boundary_that_holds_the_inner_one_after_dashes_is_no_collision() {
    let raw = "Content-Type: multipart/mixed; boundary=\"--x\"\r\n\r\n----x\r\n\
               Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na\r\n\
               --x--\r\n----x--\r\n";
    check(raw, "mixed[mixed[plain]]", "");
}

#[test]
fn c32_c35_notes_lines_that_only_begin_like_a_delimiter() {
    for line in ["--abc is great", "--abc--junk", "--abc --", "--abcd", "--abc-"] {
        check(mixed(&["--abc", "", line, "--abc--"]), "mixed[plain]", "prefix_collision");
    }
}

#[test]
fn c33_boundary_text_in_mid_line_is_text() {
    let raw = mixed(&["--abc", "", "see --abc here", " --abc", "--abc--"]);
    check(raw.clone(), "mixed[plain]", "");
    check_bodies(&raw, &["see --abc here\r\n --abc"]);
}

#[test]
fn c34_delimiters_may_end_in_white_space() {
    check(mixed(&["--abc \t", "", "x", "--abc-- "]), "mixed[plain]", "");
}

#[test]
fn c36_notes_parts_after_the_close_delimiter() {
    let raw = mixed(&["--abc", "", "x", "--abc--", "--abc", "", "y", "--abc--"]);
    check(raw, "mixed[plain]", "delimiter_after_close");
}

#[test]
fn c37_preamble_and_epilogue_belong_to_no_part() {
    let raw = mixed(&["before", "", "--abc", "", "x", "--abc--", "after", "-- ", "end"]);
    check(raw.clone(), "mixed[plain]", "");
    check_bodies(&raw, &["x"]);
}

#[test]
fn c38_tells_empty_parts_from_doubled_delimiters() {
    check(mixed(&["--abc", "--abc", "", "x", "--abc--"]), "mixed[plain plain]", "double_delimiter");
    let raw = mixed(&["--abc", "A: b", "", "--abc", "A: b", "", "", "--abc--"]);
    check(raw.clone(), "mixed[plain plain]", "");
    check_bodies(&raw, &["", ""]);
    let message = scan(raw);
    let shared: Vec<_> = message.entities().iter().map(super::Entity::shares_blank_line).collect();
    assert_eq!(shared, [false, true, false]);
}

#[test]
fn c40_notes_a_part_header_without_blank_line() {
    let raw = mixed(&["--abc", "Content-Type: text/html", "--abc--"]);
    check(raw, "mixed[html]", "header_unterminated");
}

#[test]
fn c42_reads_quoted_boundaries_and_refuses_split_ones() {
    let raw = "Content-Type: multipart/mixed;\r\n\tboundary=\"=_a:b'c\"\r\n\r\n\
               --=_a:b'c\r\n\r\nx\r\n--=_a:b'c--\r\n";
    check(raw, "mixed[plain]", "");
    let raw = "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n";
    check(raw, "mixed[]", "bad_boundary");
}

#[test]
fn c43_notes_duplicate_mime_fields() {
    for name in ["Content-Type: text/plain", "content-transfer-encoding: 7bit"] {
        check(format!("{name}\r\n{name}\r\n\r\nx"), "plain", "duplicate_mime_field");
    }
}

#[test]
fn c44_reads_comments_folds_and_case_but_wants_a_subtype() {
    for good in ["TEXT/Html", "(a(b)) text / html ; charset=x", "text/html;", "text/html\r\n ;;"] {
        check(format!("Content-Type: {good}\r\n\r\nx"), "html", "");
    }
    for bad in ["text", "text/", "", "text/html charset=x", "/html", "text/html; charset"] {
        let message = scan(format!("Content-Type: {bad}\r\n\r\nx"));
        assert_eq!(labels(&message), "bad_content_type", "{bad}");
    }
}

#[test]
fn a25_a26_reads_transfer_encodings_strictly() {
    let encoding = |value: &str| {
        scan(format!("Content-Transfer-Encoding: {value}\r\n\r\nx")).root().encoding()
    };
    assert_eq!(encoding("(x) Base64"), TransferEncoding::Base64);
    assert_eq!(encoding("QUOTED-PRINTABLE (y)"), TransferEncoding::QuotedPrintable);
    for bad in ["QUOTED-PRINTABLE ;", "8-bit", "", "x-uuencode", "7 bit", "utf-8", "base64 x"] {
        assert_eq!(encoding(bad), TransferEncoding::Unknown, "{bad}");
    }
    let raw = "Content-Type: multipart/mixed; boundary=abc\r\n\
               Content-Transfer-Encoding: base64\r\n\r\n--abc\r\n";
    check(raw, "mixed[]", "encoding_on_composite");
}

#[test]
fn c7_c8_file_names_and_unknown_dispositions_mean_attachment() {
    let of =
        |value: &str| scan(format!("Content-Disposition: {value}\r\n\r\nx")).root().disposition();
    assert_eq!(of("inline"), Disposition::Inline);
    for attached in
        ["attachment", "inline; filename=a.txt", "inline; filename*=utf-8''a", "odd", ""]
    {
        assert_eq!(of(attached), Disposition::Attachment, "{attached}");
    }
    assert!(scan("Content-Type: text/plain; name=a.txt\r\n\r\nx").root().is_attachment());
}

#[test]
fn c46_c47_depth_and_part_count_are_bounded() {
    let mut deep = String::new();
    for level in 0..1000 {
        let boundary = format!("q{level}q");
        deep +=
            &format!("Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n");
    }
    let message = scan(deep);
    assert_eq!(message.depth(), super::scan::DEPTH_MAX);
    assert!(labels(&message).contains("too_deep"));

    let wide = scan(mixed(&["--abc\r\n\r\nx"; 10_000]));
    assert_eq!(wide.entities().len(), super::scan::ENTITIES_MAX);
    assert!(labels(&wide).contains("too_many_parts"));

    let fields = scan("a:\r\n".repeat(super::scan::FIELDS_MAX + 1));
    assert!(labels(&fields).contains("too_many_fields"));
}

#[test]
fn c50_notes_checksums_and_lengths() {
    check("Content-MD5: x\r\nContent-Length: 3\r\n\r\nx", "plain", "content_md5 content_length");
}

#[test]
fn e12_e18_notes_broken_header_blocks() {
    check("From a@b Mon\r\nA: b\r\n\r\nx", "plain", "bad_header_line");
    check("\r\nA: b\r\n\r\nx", "plain", "bad_header_line");
    check(" x\r\nA: b\r\n\r\nx", "plain", "bad_header_line");
    check("\u{feff}A: b\r\n\r\nx", "plain", "bad_header_line");
    check("A: b\r\nC: d", "plain", "header_unterminated");
    check("", "plain", "bad_header_line header_unterminated");
}

#[test]
fn f1_f2_f6_notes_bare_line_ends_and_nul() {
    for bad in ["a\nb", "a\rb", "a\r\r\nb", "a\n\rb", "\r"] {
        check(format!("A: b\r\n\r\n{bad}"), "plain", "bare_line_end");
    }
    check("A: b\r\n\r\na\0b", "plain", "nul");
}

#[test]
fn e7_e13_fields_span_their_folds_and_keep_their_names() {
    let raw = "A: 1\r\nLIST-UNSUBSCRIBE : <a>,\r\n \t\r\n\t<b>\r\nZ: 2\r\n\r\n";
    let message = scan(raw);
    let field = message.header("list-unsubscribe").next().unwrap();
    assert_eq!(&raw[field.range()], "LIST-UNSUBSCRIBE : <a>,\r\n \t\r\n\t<b>\r\n");
    assert_eq!(field.unfolded(), "<a>, \t\t<b>");
    assert!(field.starts_with("List-"));
}

#[test]
fn e14_finds_the_end_of_the_leading_trace_run() {
    let raw = "Return-Path: <a@b>\r\nReceived: x\r\n y\r\nreceived: z\r\n\
               Subject: s\r\nReceived: w\r\n\r\n";
    assert_eq!(&raw[scan(raw).leading_trace_end()..][..7], "Subject");
    assert_eq!(scan("Subject: s\r\n\r\n").leading_trace_end(), 0);
    assert_eq!(scan("Received: cut off").leading_trace_end(), 0);
}

#[test]
fn reads_all_from_addresses() {
    let of = |raw: &str| scan(raw).from_addresses();
    assert_eq!(of("From: \"A, B\" <a@x.org>\r\n\r\n"), ["a@x.org"]);
    assert_eq!(of("From: a@x.org,\r\n b@y.org\r\nFrom: c@z.org\r\n\r\n").len(), 3);
    assert!(of("To: a@x.org\r\n\r\n").is_empty());
}

#[test]
fn measures_the_longest_line() {
    assert_eq!(scan("A: b\r\n\r\n12345678\r\n12").longest_line(), 8);
    assert_eq!(scan("A: b\r\n\r\n123456789").longest_line(), 9);
}

fn spans_are_sound(message: &Message) -> bool {
    let length = message.bytes().len();
    message.entities().iter().all(|entity| {
        let (header, body) = (entity.header(), entity.body());
        header.start <= header.end
            && header.end <= body.start
            && body.start <= body.end
            && body.end <= length
            && entity.children().iter().all(|&child| {
                let inner = message.entity(child);
                inner.header().start >= body.start
                    && inner.body().end <= body.end.max(inner.body().start)
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_scan_to_sound_spans(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(spans_are_sound(&scan(raw)));
    }

    #[test]
    fn any_pile_of_mime_lines_scans_to_sound_spans(
        lines in proptest::collection::vec(
            proptest::sample::select(vec![
                "--abc", "--abc--", "--in", "--in--", "--ab", "", "text", "A: b", " fold",
                "Content-Type: multipart/mixed; boundary=abc",
                "Content-Type: multipart/alternative; boundary=in", "Content-Type: text/html",
                "Content-Type: message/rfc822", "\r", "a\nb",
            ]),
            0..40,
        ),
    ) {
        let message = scan(lines.join("\r\n"));
        prop_assert!(spans_are_sound(&message));
        prop_assert!(message.leading_trace_end() <= message.root().header().end);
    }
}
