//! The pool against a scripted upstream on a loopback socket.
//!
//! [`script`] tells how scripts are written; the folder beside this file holds what is about
//! encryption, logins and new settings.

mod authorities;
mod login;
mod reload;
mod script;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::script::{ENVELOPE, GREETING, ScriptedUpstream, TAKEN, content, describe, job};
use super::{Pool, Settings};
use crate::mail::MailData;
use crate::outbound::outcome;
use crate::pipeline::{Outcome, UpstreamFault};
use crate::smtp::Body;

#[tokio::test]
async fn hands_over_messages_one_after_the_other_on_one_connection() {
    let script = [GREETING, ENVELOPE, TAKEN, ENVELOPE, TAKEN, "C:"];
    let upstream = ScriptedUpstream::start(&[&script[..5]], |_| {}).await;
    for _ in 0..2 {
        assert_eq!(describe(&upstream.send().await), ["accepted 250 2.0.0 queued"]);
    }
    let capabilities = upstream.pool.capabilities().expect("learnt");
    assert!(capabilities.pipelining && !capabilities.smtputf8);
    assert_eq!(capabilities.size_max, Some(10_000_000));
    let data = upstream.finish().await;
    assert_eq!(data, [b"Subject: x\r\n\r\n..dot\r\n.\r\n"; 2]);
}

/// One connection playing `steps`; what became of the one recipient.
#[track_caller]
fn check(steps: &str, expected: &str) {
    check_within(Duration::from_secs(60), steps, expected);
}

/// The same for an upstream that falls silent.
#[track_caller]
fn check_silence(steps: &str, expected: &str) {
    check_within(Duration::from_millis(500), &format!("{steps}|stall"), expected);
}

#[track_caller]
fn check_within(reply_wait_max: Duration, steps: &str, expected: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let upstream = ScriptedUpstream::start(&[&[steps]], |settings| {
            settings.reply_wait_max = reply_wait_max;
        })
        .await;
        assert_eq!(describe(&upstream.send().await), [expected], "{steps}");
        upstream.finish().await;
    });
}

#[test]
fn every_reply_to_the_copy_passes_through() {
    let said = |replies: &str| format!("{GREETING}|{ENVELOPE}|{replies}");
    check(&said("S:451 4.7.1 a|S:503 b|S:503 c|stall"), "deferred 451 4.7.1 a");
    check(&said("S:550 5.7.1 a|S:503 b|S:503 c|stall"), "refused 550 5.7.1 a");
    check(&said("S:250 a|S:450 4.2.0 b|S:554 c|C:RSET|S:250 d"), "deferred 450 4.2.0 b");
    check(&said("S:250 a|S:550 5.1.1 b|S:354 c|data|S:250 d"), "refused 550 5.1.1 b");
    check(&said("S:250 a|S:250 b|S:452 c|C:RSET|S:250 d"), "deferred 452 c");
    check(&said("S:250 a|S:250 b|S:554 c|C:RSET|S:250 d"), "refused 554 c");
    check(&said("S:250 a|S:250 b|S:354 c|data|S:451 4.3.0 d"), "deferred 451 4.3.0 d");
    check(&said("S:250 a|S:250 b|S:354 c|data|S:552 5.3.4 d"), "refused 552 5.3.4 d");
}

#[test]
fn failures_of_the_session_are_never_replies_to_the_copy() {
    check("S:554 5.3.2 no", "failed session");
    check("S:421 4.3.2 no", "failed session");
    check("S:220 mx|C:EHLO relay.example|S:451 no", "failed session");
    check("S:220 mx|C:EHLO relay.example", "failed session");
    check_silence("S:220-mx", "failed timeout");
    check(&format!("{GREETING}|{ENVELOPE}|S:530 5.7.0 who?"), "failed session");
    for replies in ["", "S:250 a|", "S:250 a|S:250 b|", "S:250 a|S:250 b|S:354 c|data|"] {
        check(&format!("{GREETING}|{ENVELOPE}|{replies}S:421 4.3.2 x|stall"), "failed session");
    }
}

#[test]
fn a_connection_lost_or_silent_before_the_dot_sent_nothing() {
    for replies in ["", "|S:250 a", "|S:250 a|S:250 b"] {
        check(&format!("{GREETING}|{ENVELOPE}{replies}"), "failed lost");
        check_silence(&format!("{GREETING}|{ENVELOPE}{replies}"), "failed timeout");
    }
}

#[test]
fn p3_a_connection_lost_or_silent_after_the_dot_is_in_doubt() {
    let dot = format!("{GREETING}|{ENVELOPE}|S:250 a|S:250 b|S:354 c|data");
    check(&dot, "in doubt");
    check_silence(&dot, "in doubt");
    check(&format!("{dot}|S:nonsense"), "in doubt");
}

#[tokio::test]
async fn an_unreachable_upstream_fails_every_recipient() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pool = Pool::new(Settings::new(closed.to_string(), "relay.example"));
    let outcomes = pool.transact(job(&["b@y.org", "c@y.org"]), &content("x\r\n")).await;
    assert_eq!(outcomes, vec![Outcome::Failed(UpstreamFault::Connect); 2]);
    assert!(pool.probe().await.is_err());
    assert_eq!(pool.capabilities(), None);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let once = [GREETING, ENVELOPE, TAKEN];
    // The second connection closes after reading the next envelope without any reply.
    let seemingly_alive = [GREETING, ENVELOPE, TAKEN, ENVELOPE];
    let upstream = ScriptedUpstream::start(&[&once, &seemingly_alive, &once], |_| {}).await;
    for _ in 0..3 {
        assert_eq!(describe(&upstream.send().await), ["accepted 250 2.0.0 queued"]);
    }
    assert_eq!(upstream.finish().await.len(), 3);
}

#[tokio::test]
async fn a_farewell_to_a_reused_connection_is_no_failure_of_the_copy() {
    let farewell = [GREETING, ENVELOPE, TAKEN, ENVELOPE, "S:421 4.4.2 idle for too long"];
    let upstream =
        ScriptedUpstream::start(&[&farewell, &[GREETING, ENVELOPE, TAKEN]], |_| {}).await;
    for _ in 0..2 {
        assert_eq!(describe(&upstream.send().await), ["accepted 250 2.0.0 queued"]);
    }
    upstream.finish().await;
}

#[tokio::test]
async fn a_copy_is_not_repeated_once_a_reply_to_it_came() {
    let scripts: [&[&str]; 1] = [&[GREETING, ENVELOPE, TAKEN, ENVELOPE, "S:250 ok"]];
    let upstream = ScriptedUpstream::start(&scripts, |_| {}).await;
    assert_eq!(describe(&upstream.send().await), ["accepted 250 2.0.0 queued"]);
    assert_eq!(describe(&upstream.send().await), ["failed lost"]);
    upstream.finish().await;
}

#[tokio::test]
async fn an_idle_connection_is_kept_no_longer_than_told() {
    let farewell = [GREETING, ENVELOPE, TAKEN, "C:QUIT"];
    let upstream = ScriptedUpstream::start(&[&farewell, &farewell], |settings| {
        settings.idle_max = Duration::ZERO;
    })
    .await;
    for _ in 0..2 {
        assert_eq!(describe(&upstream.send().await), ["accepted 250 2.0.0 queued"]);
    }
    let stop = CancellationToken::new();
    stop.cancel();
    upstream.pool.close_idle(stop).await;
    upstream.finish().await;
}

#[tokio::test]
async fn a_connection_whose_future_was_dropped_is_never_reused() {
    let stalling: &[&str] = &[GREETING, ENVELOPE, "S:250 ok|stall"];
    let whole: &[&str] = &[GREETING, ENVELOPE, TAKEN];
    let mut upstream = ScriptedUpstream::start(&[stalling, whole], |_| {}).await;
    let data = content("x\r\n");
    let stalled = tokio::select! {
        _ = upstream.pool.transact(job(&["b@y.org"]), &data) => None,
        stalled = upstream.data.recv() => stalled,
    };
    assert_eq!(stalled.as_deref(), Some(&b"stalled"[..]));
    assert_eq!(describe(&upstream.send().await), ["accepted 250 2.0.0 queued"]);
    upstream.finish().await;
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_opened() {
    // One script: a second connection would never be served.
    let script = [GREETING, ENVELOPE, TAKEN, ENVELOPE, TAKEN, ENVELOPE, TAKEN];
    let upstream =
        ScriptedUpstream::start(&[&script], |settings| settings.connections_max = 1).await;
    let (one, two, three) = tokio::join!(upstream.send(), upstream.send(), upstream.send());
    for outcomes in [one, two, three] {
        assert_eq!(describe(&outcomes), ["accepted 250 2.0.0 queued"]);
    }
    upstream.finish().await;
}

#[tokio::test]
async fn p6_a_large_message_in_many_pieces_arrives_whole() {
    let line = format!(".{}\r\n", "x".repeat(200));
    let piece = Bytes::from(line.repeat(5_000));
    let data = MailData::new(vec![piece; 5]);
    let script = [GREETING, ENVELOPE, TAKEN];
    let mut upstream = ScriptedUpstream::start(&[&script], |_| {}).await;
    let outcomes = upstream.pool.transact(job(&["b@y.org"]), &data).await;
    assert_eq!(describe(&outcomes), ["accepted 250 2.0.0 queued"]);
    let wire = upstream.data.recv().await.unwrap();
    assert!(wire == [format!(".{line}").repeat(25_000).as_bytes(), b".\r\n"].concat());
}

#[test]
fn p8_the_body_type_is_what_the_data_are() {
    assert_eq!(outcome::body(&content("plain")), Body::SevenBit);
    assert_eq!(outcome::body(&content("caf\u{e9}")), Body::EightBitMime);
    assert_eq!(outcome::body(&MailData::default()), Body::SevenBit);
}
