//! Paths, methods and the header fields that stand on every public answer.
//!
//! RFC 9110 §9.3 and §15.5.6 for methods, CSP Level 3 for the policy and its style hash.

use data_encoding::BASE64;

use super::client::{get, one_click, request};
use super::site::{Site, genuine, invented};
use crate::base::Digest;

#[test]
fn only_the_exact_path_is_a_page() {
    let site = Site::new();
    let path = genuine();
    let token = &path["/u/".len()..];
    let first = token.as_bytes()[0];
    for wrong in [
        "/".to_owned(),
        "/u".to_owned(),
        "/u/".to_owned(),
        "/u/x".to_owned(),
        "/u/wp-login.php".to_owned(),
        format!("/U/{token}"),
        format!("/%75/{token}"),
        format!("/u/%{first:02X}{}", &token[1..]),
        format!("/u/{token}%20"),
        format!("/u/{token}/"),
        format!("/u//{token}"),
        format!("/p/{token}"),
        "/robots.txt".to_owned(),
        "/metrics".to_owned(),
    ] {
        assert_eq!(get(site.address, &wrong).status, 404, "GET {wrong}");
        assert_eq!(one_click(site.address, &wrong).status, 404, "POST {wrong}");
    }
    assert_eq!(site.store.evidence(), []);
    assert_eq!(get(site.address, &format!("{path}?utm_source=x")).status, 200);
}

#[test]
fn other_methods_are_refused_with_the_allowed_ones() {
    let site = Site::new();
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let answer = request(site.address, &format!("{method} {} HTTP/1.1", genuine()), b"");
        assert_eq!(answer.status, 405, "{method}");
        let mut allowed: Vec<&str> = answer.field("allow").unwrap().split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["GET", "HEAD", "POST"], "{method}");
    }
    assert_eq!(site.store.evidence(), []);
}

#[test]
fn head_answers_like_get_but_without_a_body() {
    let site = Site::new();
    for path in [genuine(), invented(), "/nothing".to_owned()] {
        let whole = get(site.address, &path).undated();
        let head = request(site.address, &format!("HEAD {path} HTTP/1.1"), b"").undated();
        assert_eq!((head.status, &head.fields), (whole.status, &whole.fields), "{path}");
        assert_eq!(head.body, "");
    }
}

#[test]
fn every_answer_protects_its_reader() {
    let site = Site::new();
    let page = get(site.address, &genuine());
    let style = page.body.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = BASE64.encode(Digest::of(style.as_bytes()).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let answers = [
        page,
        one_click(site.address, &genuine()),
        one_click(site.address, &invented()),
        get(site.address, "/nothing"),
        request(site.address, &format!("PUT {} HTTP/1.1", genuine()), b""),
        one_click(site.address, &genuine().replacen("/u/E", "/u/I", 1)),
        super::client::post(site.address, &genuine(), "text/plain", &[b'x'; 20_000]),
    ];
    for answer in answers {
        for (name, value) in [
            ("content-security-policy", policy.as_str()),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-robots-tag", "noindex, nofollow"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.field(name), Some(value), "{} {name}", answer.status);
        }
        assert_eq!(answer.field("set-cookie"), None, "{}", answer.status);
        assert_eq!(answer.field("location"), None, "{}", answer.status);
    }
}
