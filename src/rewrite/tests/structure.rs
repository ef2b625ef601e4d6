//! Which parts get a footer, and what keeps a body as it came.
//!
//! Messages are put together from small parts, so that a tree reads as its shape.

use super::{
    HTML_MARK, LINK_A, TEXT_MARK, check_edited, check_headers_only, copy_of, decoded, message,
    policy, raw_body, single,
};
use crate::rewrite::{Fallback, Outcome, Rejected, Resigning, prepare};

/// A part: its fields and its body.
fn part(fields: &str, body: &str) -> String {
    let fields = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
    format!("{fields}\r\n{body}")
}

/// A multipart of `subtype` with `boundary` around `parts`, as a part.
fn multi(subtype: &str, boundary: &str, parts: &[String]) -> String {
    let inner: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
    part(
        &format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\""),
        &format!("{inner}--{boundary}--\r\n"),
    )
}

fn mail(content: &str) -> String {
    format!("From: shop@shoes.example\r\nMIME-Version: 1.0\r\n{content}")
}

fn plain() -> String {
    part("Content-Type: text/plain; charset=utf-8", "Hello")
}

fn html() -> String {
    let fields =
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable";
    part(fields, "<html><body><p>H=C3=A9</p></body></html>")
}

fn png() -> String {
    part("Content-Type: image/png\r\nContent-Transfer-Encoding: base64", "iVBORw0KGgo=")
}

fn pdf() -> String {
    let fields = "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment";
    part(&format!("{fields}\r\nContent-Transfer-Encoding: base64"), "JVBERi0xLjQ=")
}

/// Which entities of the copy show a footer.
#[track_caller]
fn check_places(raw: &str, expected: &[usize]) {
    let html = expected
        .iter()
        .filter(|&&index| message(raw).entity(index).media().essence() == "text/html");
    let html = html.count();
    let copy = check_edited(raw, html, expected.len() - html);
    let count = message(&copy).entities().len();
    let shows = |index: &usize| {
        let text = message(&copy).entity(*index).children().is_empty();
        let text = if text { decoded(&copy, *index) } else { String::new() };
        let marks = text.matches(HTML_MARK).count() + text.matches(TEXT_MARK).count();
        assert!(marks <= 1, "one footer at most in part {index}");
        marks == 1 && text.matches(LINK_A).count() == 1
    };
    let places: Vec<usize> = (0..count).filter(shows).collect();
    assert_eq!(places, expected);
}

#[test]
fn c1_c25_every_branch_of_an_alternative() {
    check_places(&mail(&multi("alternative", "b", &[plain(), html()])), &[1, 2]);
    check_places(&mail(&multi("alternative", "b", &[html()])), &[1]);
    check_places(&mail(&multi("alternative", "b", &[html(), html()])), &[1, 2]);
}

#[test]
fn p6_c2_outlook_keeps_its_attachment_inside_mixed() {
    let alternative = multi("alternative", "alt", &[plain(), html()]);
    let related = multi("related", "rel", &[alternative, png()]);
    check_places(&mail(&multi("mixed", "mix", &[related, pdf()])), &[3, 4]);
}

#[test]
fn c3_c4_related_in_alternative_and_alternative_in_mixed() {
    let related = multi("related", "rel", &[html(), png()]);
    check_places(&mail(&multi("alternative", "alt", &[plain(), related])), &[1, 3]);
    let alternative = multi("alternative", "alt", &[plain(), html()]);
    check_places(&mail(&multi("mixed", "mix", &[alternative, png()])), &[2, 3]);
}

#[test]
fn c5_the_root_of_related_is_where_start_points() {
    let root = html().replacen("Content-Type", "Content-ID: <root@x>\r\nContent-Type", 1);
    let with = |start: &str| {
        let raw = mail(&multi("related", "rel", &[plain(), root.clone()]));
        raw.replacen("multipart/related;", &format!("multipart/related; start=\"{start}\";"), 1)
    };
    check_places(&with("<root@x>"), &[2]);
    check_headers_only(&with("<none@x>"), "no_related_root");
}

#[test]
fn p6_c6_c7_c8_attached_texts_are_untouched() {
    let attached = |disposition: &str| {
        part(&format!("Content-Type: text/plain\r\nContent-Disposition: {disposition}"), "data")
    };
    for disposition in ["attachment", "attachment; filename=a.txt", "inline; filename=a.txt", "odd"]
    {
        check_places(&mail(&multi("mixed", "mix", &[plain(), attached(disposition)])), &[1]);
        check_places(&mail(&multi("mixed", "mix", &[attached(disposition), plain()])), &[2]);
    }
    let named = part("Content-Type: text/plain; name=a.txt", "data");
    check_places(&mail(&multi("mixed", "mix", &[named, plain()])), &[2]);
}

#[test]
fn c9_c10_c11_the_first_displayed_text_of_a_mixed() {
    check_places(&mail(&multi("mixed", "mix", &[html(), pdf(), html()])), &[1]);
    check_places(&mail(&multi("mixed", "mix", &[pdf(), plain()])), &[2]);
    let mixed = multi("mixed", "mix", &[html(), pdf(), html()]);
    check_places(&mail(&multi("alternative", "alt", &[plain(), mixed])), &[1, 3]);
}

#[test]
fn c12_c13_c15_c17_nothing_that_is_displayed_as_text() {
    check_headers_only(&mail(&multi("mixed", "mix", &[pdf(), png()])), "no_text_leaf");
    check_headers_only(&mail(&png()), "no_text_leaf");
    let attached = "Content-Type: text/html\r\nContent-Disposition: attachment";
    check_headers_only(&mail(&part(attached, "<p>x</p>\r\n")), "no_text_leaf");
    let nested = part("Content-Type: message/rfc822", "Subject: x\r\n\r\nhi\r\n");
    check_headers_only(&mail(&nested), "no_text_leaf");
    let digest = multi("digest", "dig", &[part("", "Subject: x\r\n\r\nhi")]);
    check_headers_only(&mail(&digest), "no_text_leaf");
}

#[test]
fn p6_c14_c16_a_forwarded_message_is_untouched() {
    let inner = multi("alternative", "in", &[plain(), html()]);
    let nested = part("Content-Type: message/rfc822", &mail(&inner));
    check_places(&mail(&multi("mixed", "mix", &[plain(), nested])), &[1]);
    let fields = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64";
    let encoded = part(fields, "U3ViamVjdDogeA0KDQpoaQ0K");
    check_places(&mail(&multi("mixed", "mix", &[plain(), encoded])), &[1]);
}

#[test]
fn c21_c22_other_text_types_are_untouched() {
    let amp = part("Content-Type: text/x-amp-html", "<html amp4email></html>");
    check_places(&mail(&multi("alternative", "alt", &[plain(), amp, html()])), &[1, 3]);
    let csv = part("Content-Type: text/csv", "a,b");
    check_places(&mail(&multi("mixed", "mix", &[csv, plain()])), &[2]);
    let rich = part("Content-Type: text/enriched", "<bold>x</bold>");
    let raw = mail(&multi("alternative", "alt", &[plain(), rich]));
    check_headers_only(&raw, "alternative_not_editable");
}

#[test]
fn c24_unknown_multiparts_count_as_mixed() {
    check_places(&mail(&multi("x-odd", "mix", &[plain(), pdf()])), &[1]);
}

#[test]
fn p6_c26_an_alternative_is_edited_whole_or_not_at_all() {
    let odd = part("Content-Type: text/html; charset=utf-16", "x");
    check_headers_only(&mail(&multi("alternative", "alt", &[plain(), odd])), "charset");
    let images = multi("related", "rel", &[png()]);
    let raw = mail(&multi("alternative", "alt", &[plain(), images]));
    check_headers_only(&raw, "alternative_not_editable");
}

#[test]
fn c27_to_c43_ambiguous_structure_is_left_alone() {
    let good = mail(&multi("mixed", "abc", &[plain(), pdf()]));
    check_places(&good, &[1]);
    let cases = [
        ("--abc--", "", "no_close"),
        ("--abc", "--xyz", "no_delimiter"),
        ("boundary=\"abc\"", "charset=x", "bad_boundary"),
        ("Hello", "--abc is great", "prefix_collision"),
        ("--abc--", "--abc--junk", "prefix_collision"),
        ("--abc\r\n", "--abc\r\n--abc\r\n", "double_delimiter"),
        ("--abc--", "--abc--\r\n--abc\r\n\r\nmore\r\n--abc--", "delimiter_after_close"),
        ("name=a.pdf", "name=a.pdf\r\nContent-Type: text/plain", "duplicate_mime_field"),
        ("text/plain;", "text;", "bad_content_type"),
        ("MIME-Version: 1.0", "Content-Transfer-Encoding: base64", "encoding_on_composite"),
    ];
    for (what, by, reason) in cases {
        let raw = if what == "--abc" { good.replace(what, by) } else { good.replacen(what, by, 1) };
        let (prepared, _) = copy_of(&raw, &policy());
        let labels: Vec<_> = message(&raw).anomalies().iter().map(|a| a.as_str()).collect();
        assert!(labels.contains(&reason), "{what}: {labels:?}");
        assert!(matches!(prepared.outcome(), Outcome::HeadersOnly { .. }), "{what}");
    }
}

#[test]
fn c30_c40_c41_boundaries_that_clash_are_left_alone() {
    for inner in ["abc-1", "abcd", "abc"] {
        let inner = multi("alternative", inner, &[plain(), html()]);
        let (prepared, _) = copy_of(&mail(&multi("mixed", "abc", &[inner, pdf()])), &policy());
        assert!(matches!(prepared.outcome(), Outcome::HeadersOnly { .. }));
    }
    let raw = mail(&multi("mixed", "abc", &["Content-Type: text/plain".to_owned(), plain()]));
    check_headers_only(&raw, "header_unterminated");
}

#[test]
fn p6_c33_boundary_text_in_mid_line_divides_the_parsers_and_is_left_alone() {
    let text = part("Content-Type: text/plain", "see --abc here");
    let raw = mail(&multi("mixed", "abc", &[text, pdf()]));
    check_headers_only(&raw, "unverified_second_opinion");
}

#[test]
fn p6_c37_preamble_and_epilogue_are_kept() {
    let raw = mail(&multi("mixed", "abc", &[plain()]));
    let raw = raw.replacen("\r\n\r\n--abc", "\r\n\r\npreamble\r\n--abc", 1) + "epilogue\r\n";
    let copy = check_edited(&raw, 0, 1);
    assert!(
        copy.contains("\r\n\r\npreamble\r\n--abc\r\n") && copy.ends_with("--abc--\r\nepilogue\r\n")
    );
}

#[test]
fn c38_c39_empty_parts_and_parts_without_fields() {
    check_places(&mail(&multi("mixed", "abc", &[part("", "Hello"), pdf()])), &[1]);
    let empty = mail(&multi("mixed", "abc", &[part("Content-Type: text/plain", ""), pdf()]));
    check_places(&empty, &[1]);
    let shared = empty.replacen("text/plain\r\n\r\n\r\n", "text/plain\r\n\r\n", 1);
    assert_ne!(shared, empty);
    check_places(&shared, &[1]);
}

#[test]
fn c45_c48_d24_what_looks_like_mime_in_plain_text_is_text() {
    check_edited(&single("Content-Type: text/plain\r\n", "--abc\r\n\r\n--abc--\r\n"), 0, 1);
    check_edited(&single("Content-Type: text/plain\r\n", "<body>x</body>\r\n"), 0, 1);
    let raw =
        mail(&multi("alternative", "b", &[plain(), html()])).replace("MIME-Version: 1.0\r\n", "");
    check_places(&raw, &[1, 2]);
}

#[test]
fn p6_c18_c19_c20_i1_i2_protected_content_is_untouched() {
    let calendar =
        |fields: &str| part(&format!("Content-Type: text/calendar{fields}"), "BEGIN:VCALENDAR");
    let signature = part("Content-Type: application/pgp-signature", "x");
    let signed = multi("signed; protocol=x", "sig", &[plain(), signature]);
    let status = part("Content-Type: message/delivery-status", "Reporting-MTA: dns; x");
    let cases = [
        (signed.clone(), "signed"),
        (multi("mixed", "mix", &[plain(), signed]), "signed"),
        (multi("encrypted", "enc", &[plain(), plain()]), "encrypted"),
        (part("Content-Type: application/pkcs7-mime; name=smime.p7m", "x\r\n"), "pkcs7"),
        (part("Content-Type: application/x-pkcs7-mime", "x\r\n"), "pkcs7"),
        (multi("report; report-type=delivery-status", "rep", &[plain(), status]), "report"),
        (multi("alternative", "alt", &[plain(), html(), calendar("; method=REQUEST")]), "calendar"),
        (calendar(""), "calendar"),
        (part("Content-Type: message/partial; id=a; number=1", "x\r\n"), "partial"),
        (part("Content-Type: message/external-body; access-type=url", "x\r\n"), "external_body"),
        (multi("mixed", "mix", &[plain(), part("Content-Type: application/ms-tnef", "x")]), "tnef"),
    ];
    for (content, reason) in cases {
        check_headers_only(&mail(&content), reason);
    }
}

#[test]
fn p6_i3_inline_pgp_is_untouched_also_when_encoded() {
    let armour = "-----BEGIN PGP SIGNED MESSAGE-----\r\n";
    check_headers_only(&single("", armour), "inline_pgp");
    let encoded = "Content-Transfer-Encoding: quoted-printable\r\n";
    check_headers_only(&single(encoded, "x\r\n=2D----BEGIN PGP MESSAGE-----\r\n"), "inline_pgp");
}

#[test]
fn i4_i5_i6_i7_a_signature_from_before_decides_by_who_signs_after() {
    let signed = single("DKIM-Signature: v=1; l=3; b=x\r\n", "Hello\r\n");
    check_headers_only(&signed, "dkim_signed");
    let upstream = crate::rewrite::Policy { resigning: Resigning::Upstream, ..policy() };
    let (prepared, _) = copy_of(&signed, &upstream);
    assert!(matches!(prepared.outcome(), Outcome::Edited { .. }));
    let sealed = single("ARC-Seal: i=1\r\n", "Hello\r\n");
    let (prepared, _) = copy_of(&sealed, &upstream);
    assert!(matches!(prepared.outcome(), Outcome::HeadersOnly { .. }));
}

#[test]
fn a_stream_that_wants_a_footer_gets_a_rejection_without_one() {
    let strict = crate::rewrite::Policy { fallback: Fallback::Reject, ..policy() };
    let rejected = prepare(&message(&mail(&png())), &strict).unwrap_err();
    assert!(matches!(rejected, Rejected::Body(_)));
    assert_eq!(rejected.as_str(), "no_text_leaf");
}

#[test]
fn c49_c50_measured_texts_are_left_alone() {
    check_headers_only(&single("Content-MD5: x\r\n", "Hello\r\n"), "content_md5");
    let measured = part("Content-Type: text/plain\r\nContent-Length: 5", "Hello");
    check_headers_only(&mail(&multi("mixed", "abc", &[measured])), "content_length");
    let attached = part("Content-Type: text/csv\r\nContent-MD5: x", "a");
    check_places(&mail(&multi("mixed", "abc", &[plain(), attached])), &[1]);
    let copy = check_edited(&single("", "begin 644 a\r\n#86)C\r\n`\r\nend\r\n"), 0, 1);
    assert!(raw_body(&copy).starts_with("begin 644 a\r\n#86)C\r\n`\r\nend\r\n\r\n____"));
}

#[test]
fn d4_d5_the_last_body_end_tag_counts() {
    let markup = "<body>a</body></html><img></body></html>tail\r\n";
    let copy = check_edited(&single("Content-Type: text/html\r\n", markup), 1, 0);
    assert!(raw_body(&copy).starts_with("<body>a</body></html><img>\r\n"));
    assert!(raw_body(&copy).ends_with("</body></html>tail\r\n"));
}

#[test]
fn d2_d13_d21_markup_without_end_tags_gets_it_at_the_end() {
    for markup in ["<p>x</p>\r\n", "<p>x</p>", "x", "\r\n", ""] {
        let copy = check_edited(&single("Content-Type: text/html\r\n", markup), 1, 0);
        assert!(raw_body(&copy).starts_with(markup));
    }
}

#[test]
fn i8_a_second_pass_adds_nothing() {
    let raw = mail(&multi("alternative", "b", &[plain(), html()]));
    let once = check_edited(&raw, 1, 1);
    let (prepared, twice) = copy_of(&once, &policy());
    let nothing = crate::rewrite::Footers::default();
    assert_eq!(*prepared.outcome(), Outcome::Edited { footers: nothing });
    let form = prepared.form();
    assert!(form.visible_unsubscribe && form.postal_address && form.identity);
    assert_eq!(raw_body(&twice), raw_body(&once));
    assert_eq!(message(&twice).header("List-Unsubscribe").count(), 1);
}

#[test]
fn i9_i10_links_quoted_or_of_another_form_do_not_count() {
    check_edited(&single("", &format!("> {LINK_A}\r\nHello\r\n")), 0, 1);
    check_edited(&single("", "see https://u.shoes.example/u/short\r\n"), 0, 1);
    let html = |body: &str| single("Content-Type: text/html\r\n", body);
    check_edited(&html("<p>unsubscribe</p>\r\n"), 1, 0);
    check_edited(&html(&format!("<!-- <a href=\"{LINK_A}\">x</a> -->x\r\n")), 1, 0);
    let quoted = format!("x<BLOCKQUOTE><a href=\"{LINK_A}\">x</a></BLOCKQUOTE>\r\n");
    let copy = check_edited(&html(&quoted), 1, 0);
    let again = prepare(&message(&copy), &policy()).unwrap();
    assert!(again.inserts().is_empty(), "the footer behind the quotation counts");
}

#[test]
fn p7_a_link_of_ours_without_our_footer_around_it_proves_nothing() {
    check_headers_only(&single("", &format!("Unsubscribe: {LINK_A}\r\n")), "altered_footer");
    let forged = format!("<div {HTML_MARK} hidden><a href=\"{LINK_A}\">x</a></div>\r\n");
    check_headers_only(&single("Content-Type: text/html\r\n", &forged), "altered_footer");
    let once = check_edited(&single("", "Hello\r\n"), 0, 1);
    check_headers_only(&once.replace("1 High Street", "elsewhere"), "altered_footer");
}

#[test]
fn present_footers_are_looked_for_in_linear_time() {
    // One endless line of links, quoted: each must be dismissed without looking back.
    let body = format!("> {}\r\n", format!("{LINK_A} ").repeat(40_000));
    check_edited(&single("", &body), 0, 1);
    let hrefs = format!("<a href=\"{LINK_A}\">x</a>").repeat(20_000);
    check_headers_only(&single("Content-Type: text/html\r\n", &hrefs), "altered_footer");
}
