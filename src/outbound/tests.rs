//! The pool against a scripted upstream on a loopback socket.
//!
//! A script is a list of lines per connection: `S:` sends a line, `C:` demands one, `data` reads
//! to the end of the mail data, `stall` waits until the client goes. The end of a list closes.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Pool, Settings};
use crate::base::Mailbox;
use crate::mail::MailData;
use crate::outbound::outcome;
use crate::pipeline::{Outcome, UpstreamFault};
use crate::smtp::client::{Job, OnDeferred};
use crate::smtp::{Body, ForwardPath, Path, ReversePath};

const GREETING: &str =
    "S:220 mx|C:EHLO relay.example|S:250-mx|S:250-PIPELINING|S:250 SIZE 10000000";
const ENVELOPE: &str = "C:MAIL FROM:<a@x.org>|C:RCPT TO:<b@y.org>|C:DATA";
const TAKEN: &str = "S:250 ok|S:250 ok|S:354 go|data|S:250 2.0.0 queued";

/// An upstream playing one script per connection, in order; what it read as mail data.
struct ScriptedUpstream {
    pool: Pool,
    data: mpsc::UnboundedReceiver<Vec<u8>>,
    script: tokio::task::JoinHandle<()>,
}

impl ScriptedUpstream {
    async fn start(scripts: &[&[&str]], change: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings =
            Settings::new(listener.local_addr().unwrap().to_string(), "relay.example");
        change(&mut settings);
        let (sender, data) = mpsc::unbounded_channel();
        let scripts: Vec<String> = scripts.iter().map(|parts| parts.join("|")).collect();
        let script = tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                play(stream, &script, &sender).await;
            }
        });
        Self { pool: Pool::new(settings), data, script }
    }

    async fn send(&self) -> Vec<Outcome> {
        self.pool.transact(job(&["b@y.org"]), &content("Subject: x\r\n\r\n.dot\r\n")).await
    }

    /// Waits until the whole script was played, which checks all it demands.
    async fn finish(self) -> Vec<Vec<u8>> {
        let Self { pool, mut data, script } = self;
        drop(pool);
        script.await.expect("the client said what the script demands");
        std::iter::from_fn(|| data.try_recv().ok()).collect()
    }
}

async fn play(stream: TcpStream, script: &str, data: &mpsc::UnboundedSender<Vec<u8>>) {
    let mut stream = BufReader::new(stream);
    for step in script.split('|') {
        if let Some(line) = step.strip_prefix("S:") {
            stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        } else if let Some(line) = step.strip_prefix("C:") {
            let mut found = String::new();
            stream.read_line(&mut found).await.unwrap();
            let found = found.replace(" SIZE=20", "");
            assert_eq!(found, format!("{line}\r\n"));
        } else if step == "data" {
            let mut content = Vec::new();
            while content != b".\r\n" && !content.ends_with(b"\r\n.\r\n") {
                let length = stream.read_until(b'\n', &mut content).await.unwrap();
                assert_ne!(length, 0, "the data end");
            }
            data.send(content).unwrap();
        } else {
            assert_eq!(step, "stall");
            data.send(b"stalled".to_vec()).unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    }
}

fn job(recipients: &[&str]) -> Job {
    let path = |written: &str| Path::new(written, Mailbox::parse(written).unwrap());
    Job {
        reverse_path: ReversePath::Path(path("a@x.org")),
        forward_paths: recipients.iter().map(|to| ForwardPath::Path(path(to))).collect(),
        body: Body::SevenBit,
        smtputf8: false,
        size: 20,
        on_deferred: OnDeferred::SendToOthers,
    }
}

fn content(text: &str) -> MailData {
    MailData::new([Bytes::copy_from_slice(text.as_bytes())])
}

fn describe(outcomes: &[Outcome]) -> Vec<String> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Accepted(reply) => format!("accepted {reply}"),
            Outcome::Refused(reply) => format!("refused {reply}"),
            Outcome::Deferred(reply) => format!("deferred {reply}"),
            Outcome::Failed(fault) => format!("failed {}", fault.as_str()),
            Outcome::InDoubt => "in doubt".to_owned(),
        })
        .collect()
}

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
