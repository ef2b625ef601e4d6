//! What a POST does, and what nothing but a POST does.
//!
//! Promise P2: a positive answer stands for a durable objection (RFC 8058 §3.2). Each test reads
//! what the fake store was really given.

use std::io::Write;
use std::net::Shutdown;

use super::client::{connect, get, one_click, post, request};
use super::site::{
    BRAND_SCOPE, ENTITY_SCOPE, Mood, NOW, Site, TOPIC_SCOPE, claims, entity, genuine, invented,
    keyring, path_for,
};
use crate::base::{BrandId, KeyId, Keyring, MasterKey, PersonKey, TopicId};
use crate::eligibility::{Evidence, Fact, Level, ObjectionChannel, Provenance, Scope};
use crate::http::ConnectionLimits;
use crate::unsubscribe::{Purpose, ScopeKind, seal};

const FORM: &str = "application/x-www-form-urlencoded";

fn objection(scope: Scope, channel: ObjectionChannel, source: &str) -> (PersonKey, Evidence) {
    let claims = claims(ScopeKind::Entity, ENTITY_SCOPE);
    let evidence = Evidence {
        at: NOW,
        tag: None,
        fact: Fact::Objection { scope, channel },
        level: Level::Recipient,
        provenance: Provenance {
            recorded_at: NOW,
            source: Some(source.to_owned()),
            actor: None,
            reference: Some(claims.decision.to_string()),
            ip: Some("127.0.0.1".to_owned()),
            ..Provenance::default()
        },
    };
    (claims.person, evidence)
}

fn by_one_click(scope: Scope) -> (PersonKey, Evidence) {
    objection(scope, ObjectionChannel::OneClick, "one_click")
}

#[track_caller]
fn check_body(content_type: &str, body: &[u8], expected: (PersonKey, Evidence)) {
    let site = Site::new();
    let answer = post(site.address, &genuine(), content_type, body);
    assert_eq!(answer.status, 200, "{content_type} {answer:?}");
    assert_eq!(site.store.evidence(), [expected], "{content_type}");
    site.check_count("recorded", 1);
}

#[test]
fn p2_one_click_in_both_encodings_is_a_recorded_objection() {
    let expected = || by_one_click(Scope::Entity(entity()));
    check_body(FORM, b"List-Unsubscribe=One-Click", expected());
    let multipart = b"--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
        One-Click\r\n--b--\r\n";
    check_body("multipart/form-data; boundary=b", multipart, expected());
}

#[test]
fn p2_an_objection_does_not_depend_on_the_form_of_its_body() {
    let expected = || by_one_click(Scope::Entity(entity()));
    check_body(FORM, b"", expected());
    check_body("text/plain", b"", expected());
    check_body("multipart/form-data", b"no boundary", expected());
    check_body("application/json", b"{\"page\":\"button\"}", expected());
    check_body(FORM, b"%ff=%&&==", expected());
}

#[test]
fn the_button_of_the_page_is_told_from_a_one_click() {
    let expected = || objection(Scope::Entity(entity()), ObjectionChannel::Link, "link");
    check_body(FORM, b"page=button", expected());
    check_body("Application/X-WWW-Form-URLencoded ; charset=UTF-8", b"x=1&page=button", expected());
}

#[test]
fn a_narrow_one_click_keeps_its_scope_and_the_page_covers_everything() {
    for (kind, number, narrow) in [
        (ScopeKind::Brand, BRAND_SCOPE, Scope::Brand(entity(), BrandId::parse("boots").unwrap())),
        (
            ScopeKind::Topic,
            TOPIC_SCOPE,
            Scope::Topic(entity(), TopicId::parse("footwear").unwrap()),
        ),
    ] {
        let site = Site::new();
        let path = path_for(kind, number);
        assert_eq!(site.one_click(&path).status, 200);
        assert_eq!(post(site.address, &path, FORM, b"page=button").status, 200);
        let all = objection(Scope::Entity(entity()), ObjectionChannel::Link, "link");
        assert_eq!(site.store.evidence(), [by_one_click(narrow), all]);
    }
}

#[test]
fn p2_get_never_unsubscribes_and_neither_does_head() {
    let site = Site::new();
    let path = genuine();
    for head in [
        format!("GET {path} HTTP/1.1"),
        format!("HEAD {path} HTTP/1.1"),
        format!("GET {path}?List-Unsubscribe=One-Click HTTP/1.1"),
        format!("GET {path} HTTP/1.1\r\nX-HTTP-Method-Override: POST"),
        format!("GET {path} HTTP/1.1\r\nPurpose: prefetch\r\nUser-Agent: GoogleImageProxy"),
    ] {
        assert_eq!(request(site.address, &head, b"List-Unsubscribe=One-Click").status, 200);
    }
    assert_eq!(site.store.evidence(), []);
    site.check_count("recorded", 0);
}

#[test]
fn repeating_an_objection_is_answered_alike() {
    let site = Site::new();
    let first = site.one_click(&genuine()).undated();
    for _ in 0..3 {
        assert_eq!(site.one_click(&genuine()).undated(), first);
    }
}

#[test]
fn an_old_key_still_objects() {
    let site = Site::new();
    let before = Keyring::new(MasterKey::new(KeyId(2), [2; 32]), vec![]);
    let token = seal(&before, Purpose::Unsubscribe, &claims(ScopeKind::Entity, ENTITY_SCOPE));
    assert_eq!(site.one_click(&format!("/u/{token}")).status, 200);
    assert_eq!(site.store.evidence(), [by_one_click(Scope::Entity(entity()))]);
}

#[test]
fn a_failed_seal_gets_the_same_answer_and_records_nothing() {
    let site = Site::new();
    let told = site.one_click(&genuine()).undated();
    for path in [invented(), genuine()[..40].to_owned(), format!("{}A", genuine())] {
        assert_eq!(site.one_click(&path).undated(), told, "{path}");
    }
    assert_eq!(site.store.evidence().len(), 1);
    site.check_count("bad_seal", 3);
}

#[test]
fn p2_a_token_this_node_cannot_read_is_503_and_an_alarm() {
    let site = Site::new();
    let claims = claims(ScopeKind::Entity, ENTITY_SCOPE);
    let foreign = Keyring::new(MasterKey::new(KeyId(9), [9; 32]), vec![]);
    let unknown_key = format!("/u/{}", seal(&foreign, Purpose::Unsubscribe, &claims));
    let unknown_version = genuine().replacen("/u/E", "/u/I", 1);
    for (path, result) in [(unknown_key, "unknown_key"), (unknown_version, "unknown_version")] {
        let answer = site.one_click(&path);
        assert_eq!(answer.status, 503, "{result}");
        assert!(answer.field("retry-after").is_some());
        assert_eq!(get(site.address, &path).status, 503, "the page promises nothing either");
        site.check_count(result, 1);
    }
}

#[test]
fn p2_a_scope_the_store_does_not_know_is_503_and_an_alarm() {
    let site = Site::new();
    assert_eq!(site.one_click(&path_for(ScopeKind::Entity, 99)).status, 503);
    assert_eq!(site.one_click(&path_for(ScopeKind::Entity, BRAND_SCOPE)).status, 503);
    site.check_count("unknown_scope", 2);
    assert_eq!(site.store.evidence(), []);
}

#[test]
fn p2_no_answer_is_positive_before_the_objection_is_durable() {
    for (mood, result) in [
        (Mood::Away, "store_failed"),
        (Mood::ReadOnly, "store_failed"),
        (Mood::Broken, "store_failed"),
        (Mood::Silent, "store_timeout"),
    ] {
        let site = Site::in_mood(mood);
        let answer = site.one_click(&genuine());
        assert_eq!(answer.status, 503, "{mood:?}");
        assert!(answer.field("retry-after").is_some());
        site.check_count(result, 1);
        site.check_count("recorded", 0);
    }
}

#[test]
fn an_objection_succeeds_once_the_store_is_back() {
    let site = Site::in_mood(Mood::Away);
    assert_eq!(site.one_click(&genuine()).status, 503);
    site.store.set(Mood::Fine);
    assert_eq!(site.one_click(&genuine()).status, 200);
    assert_eq!(site.store.evidence().len(), 1);
}

#[test]
fn hanging_up_after_the_post_objects_all_the_same() {
    let limits = ConnectionLimits { connections_max: 1, ..ConnectionLimits::default() };
    let site = Site::with(Mood::Gated, limits);
    let mut stream = connect(site.address);
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", genuine());
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    // There is room for one connection: this answer proves that the first one is over.
    assert_eq!(get(site.address, "/nothing").status, 404);
    site.store.gate.notify_one();
    site.store.await_append();
    assert_eq!(site.store.evidence(), [by_one_click(Scope::Entity(entity()))]);
}

#[test]
fn an_oversize_body_is_refused_and_records_nothing() {
    let site = Site::new();
    let limit = vec![b'x'; 16 * 1024];
    assert_eq!(post(site.address, &genuine(), FORM, &limit).status, 200);
    assert_eq!(site.store.evidence().len(), 1);
    let over = vec![b'x'; 16 * 1024 + 1];
    assert_eq!(post(site.address, &genuine(), FORM, &over).status, 413);
    assert_eq!(post(site.address, &invented(), FORM, &over).status, 413);
    assert_eq!(site.store.evidence().len(), 1);
    site.check_count("too_large", 2);
}

#[test]
fn a_broken_off_body_records_nothing() {
    let site = Site::new();
    let head = format!("POST {} HTTP/1.1\r\nTransfer-Encoding: chunked", genuine());
    let mut stream = connect(site.address);
    let text = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\nnot-a-chunk-size\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    assert_eq!(super::client::read_answer(stream).status, 400);
    assert_eq!(site.store.evidence(), []);
    site.check_count("incomplete", 1);
}

#[test]
fn the_address_behind_a_trusted_proxy_is_the_evidence() {
    let site = Site::new();
    let head = format!("POST {} HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9", genuine());
    assert_eq!(request(site.address, &head, b"").status, 200);
    let (_, evidence) = site.store.evidence().remove(0);
    assert_eq!(evidence.provenance.ip.as_deref(), Some("203.0.113.9"));
}

#[test]
fn a_token_for_another_page_does_not_object() {
    let site = Site::new();
    let claims = claims(ScopeKind::Entity, ENTITY_SCOPE);
    let token = seal(&keyring(), Purpose::Preferences, &claims);
    let path = format!("/u/{token}");
    assert_eq!(one_click(site.address, &path).status, 404);
    assert_eq!(get(site.address, &path).status, 404);
    assert_eq!(site.store.evidence(), []);
    site.check_count("wrong_purpose", 1);
}

#[test]
fn the_time_until_an_opt_out_counts_is_measured_for_those_that_count() {
    let measured = |site: &Site| {
        let text = site.metrics.render();
        let count = text.lines().find_map(|l| l.strip_prefix("consentry_opt_out_seconds_count "));
        count.map(str::to_owned)
    };
    let site = Site::new();
    assert_eq!(site.one_click(&genuine()).status, 200);
    assert_eq!(site.one_click("/u/nonsense").status, 404);
    assert_eq!(measured(&site).as_deref(), Some("1"));
    let site = Site::in_mood(Mood::Away);
    assert_eq!(site.one_click(&genuine()).status, 503);
    assert_eq!(measured(&site).as_deref(), Some("0"));
}
