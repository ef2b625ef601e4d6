//! The bounds of a connection, and how a listener ends.
//!
//! No test sleeps: a client reads until the server closes, and a connection that stays open
//! fails by the client's own read timeout.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get as on_get;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::client::{connect, read_answer};
use super::site::start;
use crate::http::ConnectionLimits;

fn short() -> ConnectionLimits {
    ConnectionLimits { progress_wait: Duration::from_millis(60), ..ConnectionLimits::default() }
}

fn echo() -> Router {
    Router::new().route("/", on_get(async || "here\n").post(async |body: String| body))
}

#[track_caller]
fn check_cut_off(limits: ConnectionLimits, octets: &[u8]) {
    let shutdown = CancellationToken::new();
    let (_runtime, address, _) = start(echo(), limits, &shutdown);
    let mut stream = connect(address);
    // The server may cut us off while we still write; what counts is that nothing is answered.
    stream.write_all(octets).ok();
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).map_err(|error| error.kind());
    assert_ne!(end, Err(ErrorKind::WouldBlock), "the connection is still open");
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "), "{answer:?}");
}

#[test]
fn a_client_that_sends_too_slowly_is_cut_off() {
    check_cut_off(short(), b"");
    check_cut_off(short(), b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow:");
    check_cut_off(short(), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
}

#[test]
fn a_client_that_drips_octets_gains_no_time() {
    let shutdown = CancellationToken::new();
    let (_runtime, address, _) = start(echo(), short(), &shutdown);
    let mut stream = connect(address);
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    let mut octet = [0];
    for _ in 0..4000 {
        let sent = stream.write_all(b"x");
        match stream.read(&mut octet) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && sent.is_ok() => {}
            Ok(1) => panic!("answered"),
            _ => return,
        }
    }
    panic!("never cut off");
}

#[test]
fn a_client_that_sends_too_much_is_cut_off() {
    let limits = ConnectionLimits { request_bytes_max: 4096, ..ConnectionLimits::default() };
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(8192));
    check_cut_off(limits, head.as_bytes());
}

#[test]
fn a_connection_serves_several_requests_within_its_bounds() {
    let shutdown = CancellationToken::new();
    let limits = ConnectionLimits { request_bytes_max: 100, ..ConnectionLimits::default() };
    let (_runtime, address, _) = start(echo(), limits, &shutdown);
    let mut stream = connect(address);
    for _ in 0..10 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"here\n") {
            let mut piece = [0; 512];
            let read = stream.read(&mut piece).unwrap();
            assert_ne!(read, 0, "closed early");
            seen.extend_from_slice(&piece[..read]);
        }
    }
}

#[test]
fn shutdown_answers_the_request_under_way_and_takes_no_more() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, gate) = (Arc::clone(&arrived), Arc::clone(&go));
    let router = Router::new().route(
        "/",
        on_get(async move || {
            inside.notify_one();
            gate.notified().await;
            "late\n"
        }),
    );
    let shutdown = CancellationToken::new();
    let (runtime, address, end) = start(router, ConnectionLimits::default(), &shutdown);
    let mut stream = connect(address);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    runtime.block_on(arrived.notified());
    shutdown.cancel();
    go.notify_one();
    let answer = read_answer(stream);
    assert_eq!((answer.status, answer.body.as_str()), (200, "late\n"));
    end.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}
