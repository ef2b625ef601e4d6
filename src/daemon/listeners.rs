//! The doors: SMTP listeners, the public pages and the operations pages.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use super::doors::Doors;
use super::watching::Counting;
use super::{Daemon, SteadyClock, SystemClock, WiredRelay, sockets};
use crate::config::Config;
use crate::http::{self, ConnectionLimits, operations, public};
use crate::inbound::{self, ClientNetwork};
use crate::relay::ports::Submissions;
use crate::smtp::server;
use crate::telemetry::{Metrics, events};

impl Daemon {
    /// Starts the public and the operations pages.
    pub(super) async fn start_pages(
        &self,
        config: &Config,
        site: watch::Receiver<Arc<public::Settings>>,
        metrics: &Arc<Metrics>,
        reloads: mpsc::Sender<operations::ReloadRequest>,
    ) -> anyhow::Result<()> {
        let evidences = Arc::new(self.store.clone());
        let clock = Arc::new(SteadyClock(self.store.clone()));
        let state =
            public::PublicState::new(site, Arc::clone(&evidences), clock, Arc::clone(metrics));
        let pages = public::router(state);
        self.serve_pages(sockets::PUBLIC, config.http.public_listen, pages).await?;
        let state = operations::OpsState {
            evidences,
            metrics: Arc::clone(metrics),
            draining: self.draining.clone(),
            reloads,
        };
        let pages = operations::router(state);
        self.serve_pages(sockets::OPERATIONS, config.http.operations_listen, pages).await
    }

    async fn serve_pages(
        &self,
        name: &'static str,
        address: SocketAddr,
        router: axum::Router,
    ) -> anyhow::Result<()> {
        let listener = self.sockets.open(name, address).await?;
        let closing = self.closing.clone();
        self.pages.spawn(async move {
            let limits = ConnectionLimits::default();
            if let Err(error) = http::serve(listener, router, limits, closing).await {
                error!(%error, name, "pages are no longer served");
            }
        });
        info!(%address, name, "serving pages");
        Ok(())
    }

    /// Starts the SMTP listeners.
    pub(super) async fn start_listeners(
        &self,
        config: &Config,
        relay: WiredRelay,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<Doors> {
        let relay = Arc::new(relay);
        let (doors, settings) = Doors::new(config)?;
        for (listener, settings) in config.listeners.iter().zip(settings) {
            let socket = self.sockets.open(&listener.name, listener.listen).await?;
            let door = inbound::Listener {
                settings,
                submissions: Arc::clone(&relay),
                clock: Arc::new(SteadyClock(self.store.clone())),
                observer: Arc::new(Counting { metrics: Arc::clone(metrics) }),
                logins: doors.logins(),
            };
            events::ListenerOpened { listener: &listener.name }.emit(metrics);
            let (draining, sessions) = (self.draining.clone(), self.sessions.clone());
            self.sessions.spawn(door.serve(socket, draining, sessions));
            info!(address = %listener.listen, listener = listener.name, "listening");
        }
        Ok(doors)
    }
}

/// Serves SMTP to everybody on loopback with default settings: the demonstration's capture.
pub(crate) fn listen_openly<S: Submissions>(
    listener: TcpListener,
    submissions: Arc<S>,
    shutdown: CancellationToken,
    sessions: &TaskTracker,
) {
    const HOSTNAME: &str = "capture.example.com";
    let session = Arc::new(server::Settings::new(HOSTNAME));
    let loopback = ["127.0.0.0/8", "::1/128"].iter().filter_map(|text| text.parse().ok());
    let clients = loopback.map(|network| ClientNetwork {
        network,
        client: "capture".to_owned(),
        session: Arc::clone(&session),
    });
    let settings = inbound::Settings::new("capture", HOSTNAME, clients.collect());
    let door = inbound::Listener {
        settings: watch::channel(Arc::new(settings)).1,
        submissions,
        clock: Arc::new(SystemClock),
        observer: Arc::new(()),
        logins: Arc::default(),
    };
    sessions.spawn(door.serve(listener, shutdown, sessions.clone()));
}
