//! Every level of protection against every kind of server: what gets through, and how.
//!
//! `p7_`: encryption that is demanded is never done without, and a name that is demanded is
//! never taken on trust.

use std::sync::Arc;
use std::time::Duration;

use rcgen::date_time_ymd;
use rustls::ServerConfig;

use super::authorities::{Authority, NAME, server, server_of, stranger};
use super::script::{ENVELOPE, GREETING, ScriptedUpstream, TAKEN, describe, job};
use crate::outbound::{Encryption, Observed, OpenFault, Protection};

const ASK: &str = "S:220 mx|C:EHLO relay.example|S:250-mx|S:250 STARTTLS|C:STARTTLS";
const AGAIN: &str = "C:EHLO relay.example|S:250-mx|S:250-PIPELINING|S:250 STARTTLS";
/// After TLS that began with the first byte.
const WELCOME: &str = "S:220 mx|C:EHLO relay.example|S:250-mx|S:250 PIPELINING";

const CLEAR: (&str, Observed) = (QUEUED, Observed::Opened(Encryption::Clear));
const FALLEN_BACK: (&str, Observed) = (QUEUED, Observed::Opened(Encryption::ClearAfterFailure));
const UNPROVEN: (&str, Observed) = (QUEUED, Observed::Opened(Encryption::Unproven));
const PROVEN: (&str, Observed) = (QUEUED, Observed::Opened(Encryption::Proven));
const NO_TLS: (&str, Observed) = ("failed tls", Observed::Failed(OpenFault::Tls));
const NO_PROOF: (&str, Observed) = ("failed tls", Observed::Failed(OpenFault::Certificate));
const QUEUED: &str = "accepted 250 2.0.0 queued";

/// One copy in clear, to a server without PIPELINING.
const SLOWLY: &str = "C:MAIL FROM:<a@x.org>|S:250 ok|C:RCPT TO:<b@y.org>|S:250 ok|C:DATA|\
                      S:354 go|data|S:250 2.0.0 queued";

type Scripts<'a> = &'a [&'a [&'a str]];

/// Sends one copy; what became of it, and what was observed of the one connection.
#[track_caller]
fn check(
    tls: &Arc<ServerConfig>,
    protection: &Protection,
    scripts: Scripts<'_>,
    expected: (&str, Observed),
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let tls = Some(Arc::clone(tls));
        let upstream = ScriptedUpstream::start_with(tls, scripts, |settings| {
            settings.protection = protection.clone();
        })
        .await;
        assert_eq!(describe(&upstream.send().await), [expected.0], "{scripts:?}");
        assert_eq!(upstream.observed(), [expected.1], "{scripts:?}");
        let data = upstream.finish().await;
        assert_eq!(data.len(), usize::from(expected.0 == QUEUED), "{scripts:?}");
    });
}

/// The three ways to use STARTTLS.
fn levels(ours: &Authority) -> [Protection; 3] {
    [
        Protection::Opportunistic(ours.anybody()),
        Protection::StartTls(ours.anybody()),
        Protection::StartTls(ours.verified(NAME)),
    ]
}

const PLAIN: &[&str] = &[GREETING, ENVELOPE, TAKEN];
const UPGRADED: &[&str] = &[ASK, "S:220 go|tls", AGAIN, ENVELOPE, TAKEN];
const UPGRADE_FAILS: &[&str] = &[ASK, "S:220 go|tls-fails"];
const AT_ONCE: &[&str] = &["tls", WELCOME, ENVELOPE, TAKEN];

#[test]
fn a_good_server_is_used_as_told() {
    let ours = Authority::new();
    let tls = ours.server();
    let unasked = ["S:220 mx|C:EHLO relay.example|S:250-mx|S:250 STARTTLS", SLOWLY];
    check(&tls, &Protection::Off, &[&unasked], CLEAR);
    for (protection, expected) in levels(&ours).iter().zip([UNPROVEN, UNPROVEN, PROVEN]) {
        check(&tls, protection, &[UPGRADED], expected);
    }
    check(&tls, &Protection::AtOnce(ours.anybody()), &[AT_ONCE], UNPROVEN);
    check(&tls, &Protection::AtOnce(ours.verified(NAME)), &[AT_ONCE], PROVEN);
}

#[test]
fn p7_demanded_encryption_that_is_not_offered_is_never_done_without() {
    let ours = Authority::new();
    let tls = ours.server();
    let [opportunistic, required, verified] = levels(&ours);
    check(&tls, &opportunistic, &[PLAIN], CLEAR);
    check(&tls, &opportunistic, &[&[ASK, "S:454 4.7.0 later", SLOWLY]], CLEAR);
    for protection in [required, verified] {
        check(&tls, &protection, &[&[GREETING, "gone"]], NO_TLS);
        check(&tls, &protection, &[&[ASK, "S:454 4.7.0 later", "gone"]], NO_TLS);
    }
}

#[test]
fn p7_a_server_that_proves_nothing_is_taken_only_where_nothing_is_to_be_proved() {
    let ours = Authority::new();
    let elsewhere = Authority::new();
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_after = date_time_ymd(2020, 1, 1);
    };
    let servers = [
        stranger(),
        elsewhere.server(),
        server(&ours.leaf("other.example.net", |_| {})),
        server(&ours.leaf(NAME, expired)),
    ];
    for tls in servers {
        let [opportunistic, required, verified] = levels(&ours);
        check(&tls, &opportunistic, &[UPGRADED], UNPROVEN);
        check(&tls, &required, &[UPGRADED], UNPROVEN);
        check(&tls, &verified, &[UPGRADE_FAILS], NO_PROOF);
        check(&tls, &Protection::AtOnce(ours.anybody()), &[AT_ONCE], UNPROVEN);
        check(&tls, &Protection::AtOnce(ours.verified(NAME)), &[&["tls-fails"]], NO_PROOF);
    }
}

#[test]
fn p7_replies_injected_before_the_handshake_end_the_connection() {
    let ours = Authority::new();
    let injected: &[&str] = &[ASK, r"raw:220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n", "gone"];
    for protection in levels(&ours) {
        check(&ours.server(), &protection, &[injected], NO_TLS);
    }
}

#[test]
fn a_handshake_that_fails_costs_opportunists_their_encryption_and_others_the_connection() {
    let ours = Authority::new();
    let tls = ours.server();
    let [opportunistic, required, verified] = levels(&ours);
    for trouble in [r"hear|raw:250 this is no TLS\r\n", "hear"] {
        let failing: &[&str] = &[ASK, "S:220 go", trouble];
        check(&tls, &opportunistic, &[failing, PLAIN], FALLEN_BACK);
        check(&tls, &required, &[failing], NO_TLS);
        check(&tls, &verified, &[failing], NO_TLS);
        let at_once: &[&str] = &[trouble];
        check(&tls, &Protection::AtOnce(ours.anybody()), &[at_once], NO_TLS);
    }
}

#[test]
fn a_server_silent_in_the_handshake_is_given_up() {
    let ours = Authority::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let silent: &[&str] = &[ASK, "S:220 go|stall"];
        let upstream = ScriptedUpstream::start(&[silent], |settings| {
            settings.protection = Protection::StartTls(ours.anybody());
            settings.connect_timeout = Duration::from_millis(200);
        })
        .await;
        assert_eq!(describe(&upstream.send().await), ["failed tls"]);
        upstream.finish().await;
    });
}

#[test]
fn a_client_certificate_is_shown_where_it_is_demanded() {
    let ours = Authority::new();
    let tls = ours.demanding_server();
    let proving = ours.proving();
    check(&tls, &Protection::StartTls(proving.clone()), &[UPGRADED], PROVEN);
    check(&tls, &Protection::AtOnce(proving), &[AT_ONCE], PROVEN);
    let [opportunistic, required, verified] = levels(&ours);
    // Under TLS 1.3 the refusal comes after the client's handshake is done.
    check(&tls, &opportunistic, &[UPGRADE_FAILS, PLAIN], FALLEN_BACK);
    check(&tls, &required, &[UPGRADE_FAILS], NO_TLS);
    check(&tls, &verified, &[UPGRADE_FAILS], NO_TLS);
    check(&tls, &Protection::AtOnce(ours.verified(NAME)), &[&["tls-fails"]], NO_TLS);
}

#[test]
fn an_ip_address_can_be_proved_and_tls_1_2_is_enough() {
    let ours = Authority::new();
    let tls = server(&ours.leaf("127.0.0.1", |_| {}));
    check(&tls, &Protection::StartTls(ours.verified("127.0.0.1")), &[UPGRADED], PROVEN);
    check(&tls, &Protection::StartTls(ours.verified("127.0.0.2")), &[UPGRADE_FAILS], NO_PROOF);
    let old = server_of(&ours.leaf(NAME, |_| {}), &[&rustls::version::TLS12]);
    check(&old, &Protection::StartTls(ours.verified(NAME)), &[UPGRADED], PROVEN);
    check(&old, &Protection::StartTls(ours.anybody()), &[UPGRADED], UNPROVEN);
}

#[tokio::test]
async fn the_log_says_what_was_wrong_with_the_certificate() {
    let ours = Authority::new();
    let other = server(&ours.leaf("other.example.net", |_| {}));
    let upstream = ScriptedUpstream::start_with(Some(other), &[UPGRADE_FAILS], |settings| {
        settings.protection = Protection::StartTls(ours.verified(NAME));
    })
    .await;
    let text = upstream.pool.probe().await.expect_err("another name").whole();
    assert!(text.contains(NAME) && text.contains("other.example.net"), "{text}");
    upstream.finish().await;
}

async fn secured(scripts: Scripts<'_>) -> ScriptedUpstream {
    let ours = Authority::new();
    ScriptedUpstream::start_with(Some(ours.server()), scripts, |settings| {
        settings.protection = Protection::StartTls(ours.verified(NAME));
        settings.reply_wait_max = Duration::from_secs(20);
    })
    .await
}

#[tokio::test]
async fn an_idle_connection_is_reused_although_tls_said_something_for_itself() {
    let twice: &[&str] =
        &[ASK, "S:220 go|tls", AGAIN, ENVELOPE, TAKEN, "rekey", ENVELOPE, TAKEN, "C:QUIT|gone"];
    let mut upstream = secured(&[twice]).await;
    for _ in 0..2 {
        assert_eq!(describe(&upstream.send().await), [QUEUED]);
        upstream.data.recv().await.unwrap();
        tokio::task::yield_now().await;
    }
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    upstream.pool.close_idle(stop).await;
    upstream.finish().await;
}

#[tokio::test]
async fn bytes_nobody_asked_for_end_an_idle_connection_under_tls_too() {
    let chatty: &[&str] = &[ASK, "S:220 go|tls", AGAIN, ENVELOPE, TAKEN, "S:250 psst|stall"];
    let mut upstream = secured(&[chatty, UPGRADED]).await;
    assert_eq!(describe(&upstream.send().await), [QUEUED]);
    while upstream.data.recv().await.unwrap() != b"stalled" {}
    tokio::task::yield_now().await;
    assert_eq!(describe(&upstream.send().await), [QUEUED]);
    upstream.finish().await;
}

#[tokio::test]
async fn p3_a_connection_cut_after_the_dot_is_in_doubt_under_tls_too() {
    let cut: &[&str] = &[ASK, "S:220 go|tls", AGAIN, ENVELOPE, "S:250 ok|S:250 ok|S:354 go|data"];
    let upstream = secured(&[cut]).await;
    assert_eq!(describe(&upstream.send().await), ["in doubt"]);
    upstream.finish().await;
}

#[tokio::test]
async fn p6_a_large_message_in_many_pieces_arrives_whole_under_tls() {
    let line = format!(".{}\r\n", "x".repeat(200));
    let piece = bytes::Bytes::from(line.repeat(2_000));
    let data = crate::mail::MailData::new(vec![piece; 5]);
    let mut upstream = secured(&[UPGRADED]).await;
    let outcomes = upstream.pool.transact(job(&["b@y.org"]), &data).await;
    assert_eq!(describe(&outcomes), [QUEUED]);
    let wire = upstream.data.recv().await.unwrap();
    assert!(wire == [format!(".{line}").repeat(10_000).as_bytes(), b".\r\n"].concat());
}
