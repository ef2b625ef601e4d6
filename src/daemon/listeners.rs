//! The doors: SMTP listeners, the public pages and the operations pages.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use super::{Daemon, SystemClock, WiredRelay};
use crate::base::Keyring;
use crate::config::{BareLfConfig, ClientConfig, Config, ListenerConfig};
use crate::http::{self, ConnectionLimits, operations, public};
use crate::inbound::{self, ClientNetwork, Observer, Refusal};
use crate::relay::ports::Submissions;
use crate::smtp::{BareLf, server};
use crate::telemetry::{Metrics, RefusalLabel, events};

/// How long a page waits for the store before it says 503.
const STORE_WAIT: Duration = Duration::from_secs(5);

impl Daemon {
    /// Starts the public and the operations pages.
    pub(super) async fn start_pages(
        &self,
        config: &Config,
        keyring: Keyring,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<()> {
        let evidences = Arc::new(self.store.clone());
        let settings = public::Settings {
            keyring: Arc::new(keyring),
            names: names(config),
            trusted_proxies: config.http.trusted_proxies.clone(),
            store_wait: STORE_WAIT,
        };
        let clock = Arc::new(SystemClock);
        let state =
            public::PublicState::new(settings, Arc::clone(&evidences), clock, Arc::clone(metrics));
        let pages = public::router(state);
        self.serve_pages("public pages", config.http.public_listen, pages).await?;
        let state = operations::OpsState {
            evidences,
            metrics: Arc::clone(metrics),
            draining: self.draining.clone(),
        };
        let pages = operations::router(state);
        self.serve_pages("operations pages", config.http.operations_listen, pages).await
    }

    async fn serve_pages(
        &self,
        what: &'static str,
        address: SocketAddr,
        router: axum::Router,
    ) -> anyhow::Result<()> {
        let listener = bind(what, address).await?;
        let closing = self.closing.clone();
        self.pages.spawn(async move {
            let limits = ConnectionLimits::default();
            if let Err(error) = http::serve(listener, router, limits, closing).await {
                error!(%error, what, "no longer served");
            }
        });
        info!(%address, "{what}");
        Ok(())
    }

    /// Starts the SMTP listeners.
    pub(super) async fn start_listeners(
        &self,
        config: &Config,
        relay: WiredRelay,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<()> {
        let relay = Arc::new(relay);
        for listener in &config.listeners {
            let socket = bind("listener", listener.listen).await?;
            let door = inbound::Listener {
                settings: Arc::new(listener_settings(config, listener)),
                submissions: Arc::clone(&relay),
                clock: Arc::new(SystemClock),
                observer: Arc::new(Counting { metrics: Arc::clone(metrics) }),
            };
            events::ListenerOpened { listener: &listener.name }.emit(metrics);
            let (draining, sessions) = (self.draining.clone(), self.sessions.clone());
            self.sessions.spawn(door.serve(socket, draining, sessions));
            info!(address = %listener.listen, listener = listener.name, "listening");
        }
        Ok(())
    }
}

async fn bind(what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("the {what} cannot listen on {address}"))
}

fn names(config: &Config) -> public::SenderNames {
    let entities: BTreeMap<_, _> =
        config.entities.iter().map(|entity| (entity.id.clone(), entity.name.clone())).collect();
    let brands: BTreeMap<_, _> =
        config.brands.iter().map(|brand| (brand.id.clone(), brand.name.clone())).collect();
    public::SenderNames { entities, brands }
}

fn listener_settings(config: &Config, listener: &ListenerConfig) -> inbound::Settings {
    let clients = config.clients.iter().flat_map(|client| {
        let session = Arc::new(session_settings(config, listener, client));
        client.networks.iter().map(move |network| ClientNetwork {
            network: *network,
            client: client.name.clone(),
            session: Arc::clone(&session),
        })
    });
    let hostname = config.node.hostname.as_str();
    inbound::Settings {
        connections_max: listener.connections_max,
        ..inbound::Settings::new(&listener.name, hostname, clients.collect())
    }
}

fn session_settings(
    config: &Config,
    listener: &ListenerConfig,
    client: &ClientConfig,
) -> server::Settings {
    server::Settings {
        message_bytes_max: listener.message_bytes_max,
        recipients_max: listener.recipients_max,
        bare_lf: match client.bare_lf {
            BareLfConfig::Reject => BareLf::Reject,
            BareLfConfig::Normalize => BareLf::Normalize,
        },
        reverse_path_domains: (!client.reverse_path_domains.is_empty())
            .then(|| client.reverse_path_domains.clone()),
        ..server::Settings::new(config.node.hostname.as_str())
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
        settings: Arc::new(settings),
        submissions,
        clock: Arc::new(SystemClock),
        observer: Arc::new(()),
    };
    sessions.spawn(door.serve(listener, shutdown, sessions.clone()));
}

struct Counting {
    metrics: Arc<Metrics>,
}

impl Observer for Counting {
    fn connection_opened(&self, listener: &str) {
        events::ConnectionOpened { listener }.emit(&self.metrics);
    }

    fn connection_closed(&self, listener: &str) {
        events::ConnectionClosed { listener }.emit(&self.metrics);
    }

    fn connection_refused(&self, listener: &str, refusal: Refusal) {
        let reason = match refusal {
            Refusal::UnknownClient => RefusalLabel::UnknownClient,
            Refusal::TooManyConnections => RefusalLabel::TooManyConnections,
        };
        events::ConnectionRefused { listener, reason }.emit(&self.metrics);
    }
}
