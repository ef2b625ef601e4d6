//! The vectors D1 to D24, each judged by the oracle as well.
//!
//! `|` marks the expected place and is not part of the document. D16 to D20, D23 and D24 are
//! about the footer's own text or other kinds of part; their share here is what is said.

use super::oracle::judged;
use crate::mail::html::{Insertion, Refusal, insertion_point, links};

#[track_caller]
fn check(marked: &str, closers: &str) {
    let offset = marked.find('|').expect("a vector marks its place");
    let html = marked.replacen('|', "", 1);
    let expected = Insertion { offset, closers: closers.to_owned() };
    assert_eq!(judged(html.as_bytes()), Ok(expected), "{html}");
}

#[track_caller]
fn refuses(html: &str, reason: Refusal) {
    assert_eq!(judged(html.as_bytes()), Err(reason), "{html}");
}

#[test]
fn d1_stands_before_the_end_of_the_body() {
    check("<html><head><title>t</title></head><body><p>x</p>|</body></html>", "");
    check("<html><body><p>x</p>\r\n|</body>\r\n</html>\r\n", "");
}

#[test]
fn d2_stands_at_the_end_without_end_tags() {
    check("<div>x</div>\r\n|", "");
    check("<html><body>x<br>|", "");
}

#[test]
fn d3_stands_before_the_end_of_the_document() {
    check("<html><body>x|</html>\n", "");
}

#[test]
fn d4_stands_before_the_last_end_of_the_body() {
    check("<html><body>x</body></html><html><body>y|</body></html>", "");
    check("<body>x</body></html><img src=p width=1>|</body></html>", "");
}

#[test]
fn d5_leaves_what_follows_the_document_alone() {
    check("<html><body>x|</body></html><img src=p><p>tail</p>", "");
    check("<html><body><div>x|</body></html>tail", "");
}

#[test]
fn d6_knows_the_end_tag_in_any_spelling() {
    for tag in ["</BODY >", "</bOdY\n>", "</body foo>", "</body/>", "</body\tx='>'>"] {
        check(&format!("<body>x|{tag}"), "");
    }
    check("<body>x</bodyx></ body>|", "");
}

#[test]
fn d7_is_not_misled_by_text_that_looks_like_the_end() {
    for hidden in [
        "<!-- </body> -->",
        "<!--[if mso]></body><![endif]-->",
        "<script>var s = '</body>';</script>",
        "<style>/* </body> */</style>",
        "<textarea></body></textarea>",
        "<img alt='</body>'>",
        "<img alt=\"</body>\">",
        "<iframe></body></iframe>",
        "<xmp></body></xmp>",
    ] {
        check(&format!("<body>x|</body>{hidden}\n"), "");
        check(&format!("<body>x{hidden}|"), "");
    }
    check("<head><title></body></title></head>x|", "");
}

#[test]
fn d7_reads_scripts_within_comments_within_scripts() {
    check("<script><!-- <script> </script> </body> --></script>x|</body>", "");
    check("<script><!-- <script> --></script>x|</body>", "");
    check("<script><!--></script>x|</body>", "");
    refuses("<script><!-- <script> </script> </body>", Refusal::UnclosedRawText);
}

#[test]
fn d8_stands_outside_conditional_comments() {
    check(
        "<!--[if mso]><body class=\"mso\"><![endif]--><!--[if !mso]><!--><body><!--<![endif]-->\
         x<!--[if mso]></td></tr></table><![endif]-->|</body></html>",
        "",
    );
    check("<body><!--[if !mso]><!-- -->x<!-- <![endif]-->|</body>", "");
    check("<body><![if !mso]>x<![endif]>|</body>", "");
    check("<body>x|<!--[if !mso]><!--></body><!--<![endif]-->", "");
    check("<body>x|<![if !mso]></body><![endif]>", "");
    check("<body><p>x|<!--[if !mso]><!--> </body><!--<![endif]-->", "</p>");
    refuses("<body><!--[if !mso]><!-->x</body><!--<![endif]-->", Refusal::Conditional);
}

#[test]
fn d9_refuses_what_would_swallow_the_footer() {
    refuses("<body>x<!-- open", Refusal::UnclosedComment);
    refuses("<body>x<!-- </body>", Refusal::UnclosedComment);
    refuses("<body>x<!", Refusal::UnclosedComment);
    refuses("<body>x<script>y", Refusal::UnclosedRawText);
    refuses("<body>x<style>y</body>", Refusal::UnclosedRawText);
    refuses("<title>x</body></html>", Refusal::UnclosedRawText);
    refuses("<body>x<plaintext>y</body>", Refusal::PlainText);
    refuses("<body>x<a href=\"y>z</a></body></html>", Refusal::UnclosedTag);
    refuses("<body>x<a href=y", Refusal::UnclosedTag);
    refuses("<body>x</", Refusal::UnclosedTag);
    refuses("<!doctype html", Refusal::UnclosedTag);
}

#[test]
fn d9_stands_before_whatever_is_open_behind_the_body() {
    check("<body>x|</body></html><!-- open", "");
    check("<body>x|</body></html><img src=\"", "");
}

#[test]
fn d10_closes_open_tables() {
    check("<body><table><tr><td>x|</body></html>\n", "</table>");
    check("<body><table><tr><td><table><tr><td>x|</body>", "</table></table>");
    check("<body><table><caption>x|</body>", "</table>");
    check("<body><table>x|", "</table>");
    check("<body><table><colgroup><col>|</body>", "</table>");
    check("<body><table><tr><td><font color=red><div>x|</body>", "</table>");
}

#[test]
fn d11_closes_what_could_hide_or_restyle() {
    check("<body>x<div style=\"display:none\">pre|</body>", "</div>");
    check("<body>x<div style=\"display:none\"><div>pre|</body>", "</div></div>");
    check("<body>x<a href=y>z|</body></html>", "</a>");
    check("<body><p><font color=white>x</p>|</body></html>", "</font>");
    check("<body><font color=white>x|</body></html>", "</font>");
    check("<body><svg><path>|</body>", "</path></svg>");
    check("<body><select><option>x|</body>", "</select>");
    check("<body><ul><li>x|", "</li></ul>");
    check("<body><o:p>x|</body>", "</o:p>");
    check("<body><p>x|</body>", "</p>");
}

#[test]
fn d11_leaves_plain_containers_open() {
    check("<body><center><div align=center>x|</body></html>", "");
    check("<body><div><span dir=ltr>x|</body></html>tail", "");
}

#[test]
fn d11_refuses_where_scripts_decide_or_end_tags_do_not_help() {
    refuses("<body>x<noscript>y</body>", Refusal::UnclosedRawText);
    refuses("<body>x<noscript></body></noscript>", Refusal::ReadersDisagree);
    refuses("<body>x<template>y</body>", Refusal::Template);
    refuses("<body><select><div>x</div></select></body>", Refusal::SelectContent);
    refuses("<body><form><table><td></form></table><p>x</body>", Refusal::Unclosable);
    refuses("<body style=\"Display : None\">x</body>", Refusal::HiddenBody);
    refuses("<html hidden><body>x</body>", Refusal::HiddenBody);
    refuses("<b class=y>x</body>tail<!-- open", Refusal::TailMoves);
    refuses("<body><svg><desc><p>x</body>", Refusal::HtmlInForeign);
    check("<body>x<noscript><img src=y></noscript>|</body>", "");
    check("<body style=\"opacity:0.9\">x|</body>", "");
}

#[test]
fn d11_stands_at_the_end_where_what_follows_needs_what_is_open() {
    check("<a href=y><div>x</body></a>|", "");
    check("<body><b class=y>x</body></html>\n<img src=pixel>|", "</b>");
}

#[test]
fn d12_stands_behind_sixty_nested_tables() {
    let (open, close) = ("<table><tr><td>".repeat(60), "</td></tr></table>".repeat(60));
    check(&format!("<body>{open}x{close}|</body></html>"), "");
    check(&format!("<body>{open}x|</body></html>"), &"</table>".repeat(60));
    let deep = format!("<body>{}", "<div>".repeat(600));
    refuses(&deep, Refusal::TooDeep);
}

#[test]
fn d13_stands_at_the_end_of_a_fragment() {
    check("<p>Hello</p><p>Bye</p>|", "");
    check("Hello|", "");
}

#[test]
fn d14_refuses_framesets() {
    refuses("<html><frameset cols=50%><frame src=x></frameset></html>", Refusal::Frameset);
}

#[test]
fn d15_tokenises_odd_comments_and_cdata_as_the_standard_does() {
    check("<body><svg><![CDATA[</body>]]></svg>x|</body>", "");
    check("<body><math><mi>a</mi><![CDATA[</body>]]></math>x|</body>", "");
    check("<body><![CDATA[ > x|</body>", "");
    check("<body><!-- a --!>x|</body>", "");
    check("<body><!-->x|</body>-->", "");
    check("<body><!--->x|</body>-->", "");
    check("<body><!-- a --- >b--->x|</body>", "");
    check("<body><?php </body> ?>|", "");
    check("<body></ </body>x|", "");
}

#[test]
fn d16_and_d18_add_nothing_but_end_tags_in_ascii() {
    let html = "<head><base href=y><style>@media x{a{display:none}}</style></head><p>x|";
    check(html, "</p>");
}

#[test]
fn d17_stands_in_documents_written_from_right_to_left() {
    check("<html dir=rtl><body dir=rtl><div dir=rtl>x</div>|</body></html>", "");
}

#[test]
fn d19_follows_long_documents_in_linear_time() {
    let rows = "<tr><td><a href=\"https://shop.example/p?id=1&amp;x=2\"><b>x</b></a></td></tr>\n";
    let html = format!("<body><table>{}</table>|</body></html>", rows.repeat(4000));
    let offset = html.find('|').expect("marked");
    let html = html.replacen('|', "", 1);
    assert!(html.len() > 200_000);
    let expected = Insertion { offset, closers: String::new() };
    assert_eq!(insertion_point(html.as_bytes()), Ok(expected));
    assert_eq!(links(html.as_bytes()).count(), 4000);
}

#[test]
fn d19_gives_up_on_documents_made_to_be_slow() {
    let fonts: String = (0..2000).map(|n| format!("<p><font size={n}>x</p>")).collect();
    assert_eq!(insertion_point(fonts.as_bytes()), Err(Refusal::TooDeep));
    let noise = format!("{}{}", "<i>".repeat(500), "</u>".repeat(50_000));
    assert_eq!(insertion_point(noise.as_bytes()), Err(Refusal::TooDeep));
}

#[test]
fn d20_reads_links_as_they_are_written() {
    let html = b"<a href=\"https://u.example/?a=1&amp;b=2\">x</a><A HREF=y>z</A>\
                 <!-- <a href=no> --><area href='\xe9'><a name=n><script>'<a href=no>'</script>";
    let found: Vec<&[u8]> = links(html).collect();
    assert_eq!(found, [&b"https://u.example/?a=1&amp;b=2"[..], b"y", b"\xe9"]);
}

#[test]
fn d21_stands_at_the_end_of_nothing() {
    check("|", "");
    check(" \r\n|", "");
}

#[test]
fn d22_takes_a_self_closed_body_as_open() {
    check("<html><body/>x|</html>", "");
    check("<div/>x|", "");
    check("<div style=\"color:white\"/>x|", "</div>");
}

#[test]
fn d23_keeps_placeholders_out_of_the_way() {
    check("<body><a href=\"{{unsubscribe_url}}\">x</a>|</body>", "");
}

#[test]
fn b6_never_takes_a_trail_byte_for_a_tag() {
    // Shift_JIS: 0x5C and 0x7C are trail bytes; `<` and `>` never are.
    let html = b"<body>\x83\x5c\x83\x7c</body>";
    let expected = Insertion { offset: html.len() - 7, closers: String::new() };
    assert_eq!(insertion_point(html), Ok(expected));
}

#[test]
fn b19_refuses_nul_bytes() {
    refuses("<body>\0x</body>", Refusal::Nul);
}

#[test]
fn names_each_refusal_once() {
    let names: std::collections::BTreeSet<&str> = Refusal::ALL.map(Refusal::as_str).into();
    assert_eq!(names.len(), Refusal::ALL.len());
}
