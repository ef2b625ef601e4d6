//! Metrics and health as a monitoring system and a load balancer see them.
//!
//! Promise P5 shows here as readiness: a node whose store is away still takes service mail.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::client::{get, request};
use super::site::{FakeStore, Mood, start};
use crate::http::ConnectionLimits;
use crate::http::operations::{OpsState, ReloadRequest, router};
use crate::telemetry::{ConnectionRefused, Metrics, RefusalLabel};

struct Operations {
    address: SocketAddr,
    store: Arc<FakeStore>,
    metrics: Arc<Metrics>,
    draining: CancellationToken,
    shutdown: CancellationToken,
    reloads: mpsc::Receiver<ReloadRequest>,
    _runtime: Runtime,
}

impl Drop for Operations {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Operations {
    fn new() -> Self {
        let store = FakeStore::new(Mood::Fine);
        let metrics = Arc::new(Metrics::new("1.2.3"));
        let draining = CancellationToken::new();
        let (sender, reloads) = mpsc::channel(1);
        let state = OpsState {
            evidences: Arc::clone(&store),
            metrics: Arc::clone(&metrics),
            draining: draining.clone(),
            reloads: sender,
        };
        let shutdown = CancellationToken::new();
        let (runtime, address, _) = start(router(state), ConnectionLimits::default(), &shutdown);
        Self { address, store, metrics, draining, shutdown, reloads, _runtime: runtime }
    }

    #[track_caller]
    fn check(&self, path: &str, status: u16, body: &str) {
        let answer = get(self.address, path);
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "{path}");
    }
}

#[test]
fn p5_a_node_without_a_store_stays_ready_and_says_degraded() {
    let operations = Operations::new();
    operations.check("/readyz", 200, "ready\n");
    operations.store.set(Mood::Away);
    operations.check("/readyz", 200, "degraded: store\n");
    operations.check("/healthz", 200, "alive\n");
}

#[test]
fn a_draining_node_is_not_ready_but_alive() {
    let operations = Operations::new();
    operations.draining.cancel();
    operations.check("/readyz", 503, "draining\n");
    operations.check("/healthz", 200, "alive\n");
}

#[test]
fn metrics_are_served_as_exposition_text() {
    let operations = Operations::new();
    ConnectionRefused {
        listener: "main",
        ip: [192, 0, 2, 7].into(),
        reason: RefusalLabel::UnknownClient,
    }
    .emit(&operations.metrics);
    let answer = get(operations.address, "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "consentry_connections_refused_total{listener=\"main\",reason=\"unknown_client\"} 1",
        "consentry_store_usable 1",
        "consentry_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(answer.body.lines().any(|l| l == line), "{line} is missing in\n{}", answer.body);
    }
    operations.store.set(Mood::Away);
    let answer = get(operations.address, "/metrics");
    assert!(answer.body.lines().any(|l| l == "consentry_store_usable 0"));
}

#[test]
fn nothing_else_is_served_and_nothing_can_be_changed() {
    let operations = Operations::new();
    for path in ["/", "/u/x", "/Metrics", "/metrics/"] {
        assert_eq!(get(operations.address, path).status, 404, "{path}");
    }
    for path in ["/metrics", "/healthz", "/readyz"] {
        let answer = request(operations.address, &format!("POST {path} HTTP/1.1"), b"");
        assert_eq!(answer.status, 405, "{path}");
    }
}

#[test]
fn a_reload_is_asked_for_by_post_with_our_header_and_answered_by_its_result() {
    let mut operations = Operations::new();
    let address = operations.address;
    let ask = |head: &str| request(address, head, b"").status;
    assert_eq!(ask("GET /reload HTTP/1.1\r\nX-Consentry-Reload: 1"), 405, "looking is harmless");
    assert_eq!(ask("POST /reload HTTP/1.1"), 403, "a page in a browser sends no such header");
    assert!(operations.reloads.try_recv().is_err(), "neither was passed on");
    for (result, status, body) in [
        (Ok(7), 200, "7\n"),
        (
            Err("line 3: `moode` is not a known key".to_owned()),
            422,
            "line 3: `moode` is not a known key\n",
        ),
    ] {
        let asking = std::thread::spawn(move || {
            request(address, "POST /reload HTTP/1.1\r\nX-Consentry-Reload: 1", b"")
        });
        operations.reloads.blocking_recv().unwrap().send(result).unwrap();
        let answer = asking.join().unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
    }
}
