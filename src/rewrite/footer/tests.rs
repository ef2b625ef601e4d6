//! Tests of what a footer may hold and of what is refused when it is loaded.
//!
//! What a footer does inside a message is tested with the rewriter.

use super::{BrandVoice, Footer, FooterError, FooterTemplates, LeafKind, Piece, Wording};

fn brand() -> BrandVoice {
    BrandVoice {
        name: "Café <Shoes>".into(),
        entity: "Shoes & Söhne GmbH".into(),
        postal_address: "Hauptstraße 1\n10115 Berlin".into(),
        contact: "help@shoes.example".into(),
    }
}

fn shown(footer: &Footer, kind: LeafKind) -> String {
    let line = |pieces: &Vec<Piece>| -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Link => "LINK".to_owned(),
        };
        pieces.iter().map(text).collect()
    };
    footer.lines(kind).iter().map(line).collect::<Vec<_>>().join("\n")
}

fn templates(html: &str, text: &str) -> FooterTemplates {
    FooterTemplates { html: html.to_owned(), text: text.to_owned() }
}

#[track_caller]
fn check_refused(html: &str, text: &str, expected: FooterError) {
    assert_eq!(Footer::compile(&templates(html, text), &brand()), Err(expected));
}

const URL: &str = "{{ unsubscribe_url }}";

#[test]
fn b2_the_english_footer_is_ascii_and_escaped() {
    let footer = Footer::compile(&FooterTemplates::english(), &brand()).unwrap();
    let html = shown(&footer, LeafKind::Html);
    assert!(html.is_ascii());
    assert!(html.contains("Caf&#233; &lt;Shoes&gt;, a brand of Shoes &amp; S&#246;hne GmbH"));
    assert!(html.contains("href=\"LINK\""));
    assert!(html.starts_with("<div data-consentry=\"footer\" style="));
    assert!(footer.shows_entity(LeafKind::Html, html.as_bytes()));
    assert!(footer.shows_postal_address(LeafKind::Html, html.as_bytes()));
    let text = shown(&footer, LeafKind::Text);
    assert!(text.is_ascii());
    assert!(text.contains("Cafe <Shoes>, a brand of Shoes & Sohne GmbH"));
    assert!(text.contains("Hauptstrasse 1, 10115 Berlin"));
    assert!(text.lines().all(|line| line.len() <= 76));
    assert!(footer.shows_postal_address(LeafKind::Text, text.as_bytes()));
}

#[test]
fn a_value_left_out_of_a_template_is_not_shown() {
    let footer = Footer::compile(&templates(URL, URL), &brand()).unwrap();
    let html = shown(&footer, LeafKind::Html);
    assert!(!footer.shows_postal_address(LeafKind::Html, html.as_bytes()));
    assert!(!footer.shows_entity(LeafKind::Html, html.as_bytes()));
}

#[test]
fn an_empty_address_counts_as_not_shown() {
    let voice = BrandVoice { postal_address: Wording::default(), ..brand() };
    let footer = Footer::compile(&FooterTemplates::english(), &voice).unwrap();
    let text = shown(&footer, LeafKind::Text);
    assert!(!footer.shows_postal_address(LeafKind::Text, text.as_bytes()));
}

#[test]
fn a1_an_ascii_form_is_used_where_folding_cannot_help() {
    let tokyo = |ascii: Option<&str>| BrandVoice {
        name: Wording { text: "東京".to_owned(), ascii: ascii.map(str::to_owned) },
        ..brand()
    };
    let refused = Footer::compile(&FooterTemplates::english(), &tokyo(None));
    assert_eq!(refused, Err(FooterError::NotAscii { name: "brand", character: '東' }));
    let footer = Footer::compile(&FooterTemplates::english(), &tokyo(Some("Tokyo"))).unwrap();
    assert!(shown(&footer, LeafKind::Text).contains("from Tokyo,"));
    assert!(shown(&footer, LeafKind::Html).contains("&#26481;&#20140;"));
}

#[test]
fn refuses_lines_that_could_pass_for_something_else() {
    let line = |start: &str| format!("{start}x\n{URL}");
    for start in ["--", "From "] {
        check_refused(&line(start), URL, FooterError::LineStart(LeafKind::Html, start));
    }
    for start in ["--", "From ", ">"] {
        check_refused(URL, &line(start), FooterError::LineStart(LeafKind::Text, start));
    }
    let late = format!("{} --b\n{URL}", "a".repeat(74));
    check_refused(URL, &late, FooterError::LineStart(LeafKind::Text, "--"));
}

#[test]
fn refuses_footers_without_the_link() {
    check_refused("hi", URL, FooterError::NoLink(LeafKind::Html));
    check_refused(URL, "hi", FooterError::NoLink(LeafKind::Text));
}

#[test]
fn e15_refuses_control_characters_and_endless_lines() {
    check_refused("a\u{0}{{ unsubscribe_url }}", URL, FooterError::Control(LeafKind::Html, '\0'));
    check_refused(
        URL,
        &format!("{} {URL}", "a".repeat(77)),
        FooterError::LongLine(LeafKind::Text, 76),
    );
    let long = format!("{}{URL}", "a".repeat(700));
    check_refused(&long, URL, FooterError::LongLine(LeafKind::Html, 698));
}

#[test]
fn refuses_unknown_variables_by_name() {
    let refused = Footer::compile(&templates("{{ adress }}", URL), &brand());
    assert!(matches!(refused, Err(FooterError::Template(LeafKind::Html, _))), "{refused:?}");
}
