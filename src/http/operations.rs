//! The operations listener: metrics and health, for the operator's own network.
//!
//! `/healthz` says that the process lives, `/readyz` whether mail should be sent to this node:
//! without a store, service mail still flows, so the node stays ready and says "degraded"
//! (promise P5). `POST /reload` asks for another configuration. Nothing here names a person, and
//! nothing but that changes anything.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::routing::{get, post};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::relay::ports::{Evidences, Hold};
use crate::telemetry::{Metrics, StoreObserved, StoreState};

/// The header a reload must carry: no page a browser shows can send it to another origin
/// without asking first.
pub const RELOAD_HEADER: &str = "x-consentry-reload";

/// A wish for the configuration to be read again; answered with the number of the generation,
/// or with why nothing changed.
pub type ReloadRequest = oneshot::Sender<Result<u64, String>>;

/// Everything the operations router needs.
pub struct OpsState<E> {
    /// Asked whether the store answers.
    pub evidences: Arc<E>,
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Cancelled when the node starts to drain.
    pub draining: CancellationToken,
    /// Where reloads are asked for.
    pub reloads: mpsc::Sender<ReloadRequest>,
}

impl<E> Clone for OpsState<E> {
    fn clone(&self) -> Self {
        Self {
            evidences: Arc::clone(&self.evidences),
            metrics: Arc::clone(&self.metrics),
            draining: self.draining.clone(),
            reloads: self.reloads.clone(),
        }
    }
}

impl<E> fmt::Debug for OpsState<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpsState").field("draining", &self.draining).finish_non_exhaustive()
    }
}

impl<E: Evidences> OpsState<E> {
    fn observe_store(&self) -> StoreState {
        let state =
            if self.evidences.is_usable() { StoreState::Usable } else { StoreState::Unusable };
        StoreObserved { state }.emit(&self.metrics);
        state
    }
}

/// The operations router; run it with [`super::serve`].
pub fn router<E: Evidences>(state: OpsState<E>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::<E>))
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(readiness::<E>))
        .route("/reload", post(reload::<E>))
        .with_state(state)
}

async fn metrics<E: Evidences>(
    State(state): State<OpsState<E>>,
) -> ([(HeaderName, &'static str); 1], String) {
    state.observe_store();
    let version = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, version)], state.metrics.render())
}

async fn readiness<E: Evidences>(State(state): State<OpsState<E>>) -> (StatusCode, &'static str) {
    if state.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match (state.observe_store(), state.evidences.hold()) {
        (StoreState::Unusable, _) => (StatusCode::OK, "degraded: store\n"),
        (StoreState::Usable, Some(Hold::Restored)) => (StatusCode::OK, "degraded: restore\n"),
        (StoreState::Usable, Some(Hold::ClockBack | Hold::ClockBeforeBuild)) => {
            (StatusCode::OK, "degraded: clock\n")
        }
        (StoreState::Usable, None) => (StatusCode::OK, "ready\n"),
    }
}

async fn reload<E: Evidences>(
    State(state): State<OpsState<E>>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    if !headers.contains_key(RELOAD_HEADER) {
        return (StatusCode::FORBIDDEN, format!("the header {RELOAD_HEADER} is missing\n"));
    }
    let (request, result) = oneshot::channel();
    if state.reloads.try_send(request).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping, or busy with reloads\n".to_owned());
    }
    match result.await {
        Ok(Ok(generation)) => (StatusCode::OK, format!("{generation}\n")),
        Ok(Err(why)) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{why}\n")),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned()),
    }
}
