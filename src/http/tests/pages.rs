//! What people read, and that the page's own form leads where it says.
//!
//! Header fields are tested in `paths`; here it is the words, their escaping, and the absence of
//! anything that loads, runs or names an address.

use super::client::{Answer, get, post};
use super::site::{BRAND_SCOPE, Mood, Site, TOPIC_SCOPE, genuine, invented, path_for};
use crate::eligibility::{Fact, ObjectionChannel};
use crate::unsubscribe::ScopeKind;

const ESCAPED: &str = "Acme &amp; &lt;Sons&gt; Ltd";

#[track_caller]
fn check_harmless(answer: &Answer) {
    let body = &answer.body;
    assert_eq!(answer.field("content-type"), Some("text/html; charset=utf-8"));
    for needed in ["<html lang=\"en\">", "<title>", "<h1>", "width=device-width", "noindex"] {
        assert!(body.contains(needed), "{needed} is missing in\n{body}");
    }
    for foreign in ["<script", "javascript:", "http:", "https:", "src=", "href=", "onclick", "@"] {
        assert!(!body.contains(foreign), "{foreign} stands in\n{body}");
    }
}

#[test]
fn the_question_names_the_sender_and_has_one_button() {
    let site = Site::new();
    for path in [genuine(), path_for(ScopeKind::Topic, TOPIC_SCOPE)] {
        let answer = get(site.address, &path);
        assert_eq!(answer.status, 200);
        check_harmless(&answer);
        assert!(answer.body.contains(&format!("from <strong>{ESCAPED}</strong>.")), "{answer:?}");
        assert_eq!(answer.body.matches("<button").count(), 1);
        assert_eq!(answer.body.matches("<form method=\"post\">").count(), 1, "to the same URL");
    }
}

#[test]
fn the_question_names_the_brand_as_well() {
    let site = Site::new();
    let answer = get(site.address, &path_for(ScopeKind::Brand, BRAND_SCOPE));
    check_harmless(&answer);
    assert!(answer.body.contains("under <strong>Boots by Acme</strong> or any other name."));
    assert!(answer.body.contains(ESCAPED));
}

#[test]
fn the_question_is_asked_without_a_name_if_none_is_known() {
    for (mood, path) in [
        (Mood::Away, genuine()),
        (Mood::Silent, genuine()),
        (Mood::Fine, invented()),
        (Mood::Fine, path_for(ScopeKind::Entity, 99)),
        (Mood::Fine, path_for(ScopeKind::Entity, BRAND_SCOPE)),
    ] {
        let site = Site::in_mood(mood);
        let answer = get(site.address, &path);
        assert_eq!(answer.status, 200, "{mood:?} {path}");
        check_harmless(&answer);
        assert!(answer.body.contains("the sender of the message"), "{answer:?}");
        assert!(!answer.body.contains("Acme"), "{answer:?}");
        assert!(answer.body.contains("<button"));
    }
}

#[test]
fn pressing_the_button_objects_through_the_link() {
    let site = Site::new();
    let page = get(site.address, &genuine()).body;
    let input = page.split_once("<input type=\"hidden\" ").unwrap().1.split_once('>').unwrap().0;
    let mut quoted = input.split('"');
    let (name, value) = (quoted.nth(1).unwrap(), quoted.nth(1).unwrap());
    let body = format!("{name}={value}");
    let form = "application/x-www-form-urlencoded";
    let answer = post(site.address, &genuine(), form, body.as_bytes());
    assert_eq!(answer.status, 200);
    check_harmless(&answer);
    let (_, evidence) = site.store.evidence().remove(0);
    let Fact::Objection { channel, .. } = evidence.fact else { panic!("{evidence:?}") };
    assert_eq!(channel, ObjectionChannel::Link);
}

#[test]
fn refusals_are_pages_too() {
    let site = Site::in_mood(Mood::Away);
    for answer in [
        get(site.address, "/u/cut"),
        site.one_click(&genuine()),
        post(site.address, &genuine(), "text/plain", &[b'x'; 20_000]),
    ] {
        assert!(matches!(answer.status, 404 | 413 | 503), "{answer:?}");
        check_harmless(&answer);
    }
}
