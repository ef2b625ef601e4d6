//! Logins at the upstream: given, refused, and left alone for a while.
//!
//! The sockets are loopback, where a password may go in clear; that it goes nowhere else is
//! shown by the dialogues of the session.

use std::time::Duration;

use super::script::{ENVELOPE, ScriptedUpstream, TAKEN, describe};
use crate::base::Redacted;
use crate::outbound::{Encryption, Observed, OpenFault};
use crate::smtp::client::Login;

const WELCOME: &str =
    "S:220 mx|C:EHLO relay.example|S:250-mx|S:250-PIPELINING|S:250 AUTH LOGIN PLAIN";
/// NUL, `key`, NUL, `secret`.
const AUTH: &str = "C:AUTH PLAIN AGtleQBzZWNyZXQ=";
const QUEUED: &str = "accepted 250 2.0.0 queued";
const REFUSED: &[&str] = &[WELCOME, AUTH, "S:535 5.7.8 wrong|gone"];
const TAKEN_IN: &[&str] = &[WELCOME, AUTH, "S:235 welcome", ENVELOPE, TAKEN];

async fn upstream(scripts: &[&[&str]]) -> ScriptedUpstream {
    ScriptedUpstream::start(scripts, |settings| {
        settings.login = Some(Login {
            username: "key".to_owned(),
            password: Redacted::new("secret".to_owned()),
        });
    })
    .await
}

/// Moves the clock, which otherwise goes by itself: the sockets need it to.
async fn wait(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_login_is_given_once_per_connection() {
    let upstream =
        upstream(&[&[WELCOME, AUTH, "S:235 ok", ENVELOPE, TAKEN, ENVELOPE, TAKEN]]).await;
    for _ in 0..2 {
        assert_eq!(describe(&upstream.send().await), [QUEUED]);
    }
    assert_eq!(upstream.observed(), [Observed::Opened(Encryption::Clear)]);
    upstream.finish().await;
}

#[tokio::test]
async fn a_refused_login_is_left_alone_until_its_rest_is_over() {
    let upstream = upstream(&[REFUSED, REFUSED, TAKEN_IN]).await;
    for rest in [1, 2] {
        for _ in 0..5 {
            assert_eq!(describe(&upstream.send().await), ["failed login"]);
        }
        wait(Duration::from_secs(rest)).await;
    }
    assert_eq!(describe(&upstream.send().await), [QUEUED]);
    let refused = Observed::Failed(OpenFault::Login);
    let expected = [refused, refused, Observed::Opened(Encryption::Clear)];
    assert_eq!(upstream.observed(), expected, "who held back opened nothing");
    upstream.finish().await;
}

#[tokio::test]
async fn many_copies_at_once_try_a_wrong_password_once() {
    let upstream = upstream(&[REFUSED]).await;
    let sent = tokio::join!(upstream.send(), upstream.send(), upstream.send(), upstream.send());
    for outcomes in [sent.0, sent.1, sent.2, sent.3] {
        assert_eq!(describe(&outcomes), ["failed login"]);
    }
    assert_eq!(upstream.observed().len(), 1);
    upstream.finish().await;
}

#[tokio::test]
async fn an_upstream_without_auth_is_no_use_where_a_login_is_configured() {
    let without: &[&str] = &["S:220 mx|C:EHLO relay.example|S:250-mx|S:250 AUTH CRAM-MD5", "gone"];
    let upstream = upstream(&[without]).await;
    let text = upstream.pool.probe().await.expect_err("no mechanism").whole();
    assert!(text.contains("neither AUTH PLAIN nor AUTH LOGIN"), "{text}");
    assert!(!text.contains("secret"));
    upstream.finish().await;
}

#[tokio::test]
async fn what_mail_from_is_told_about_authentication_stays_ours() {
    let demanding: &[&str] = &[WELCOME, AUTH, "S:235 ok", ENVELOPE, "S:530 5.7.0 log in first"];
    let upstream = upstream(&[demanding]).await;
    assert_eq!(describe(&upstream.send().await), ["failed session"]);
    upstream.finish().await;
}
