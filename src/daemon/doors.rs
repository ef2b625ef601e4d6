//! The SMTP listeners' settings, made from the configuration at start and at each reload.
//!
//! A reload is planned whole before anything changes: every certificate is read, every listener
//! is known, and only then do all of them go over at once. Sockets are not opened or closed here:
//! listeners that come, go or move need a restart.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::watch;
use tracing::{debug, warn};

use super::SystemClock;
use crate::base::Timestamp;
use crate::config::{
    AuthConfig, BareLfConfig, ClientConfig, Config, ListenerConfig, ListenerTlsConfig,
    ProtocolConfig,
};
use crate::inbound::{self, ClientNetwork, Credential, Logins, ServerIdentity, Tls};
use crate::relay::ports::Clock as _;
use crate::smtp::BareLf;
use crate::smtp::server::{self, Admission, AuthOffer, Protocol, TlsOffer};

/// The settings of all listeners, as a reload replaces them.
#[derive(Debug)]
pub(super) struct Doors {
    doors: Vec<Door>,
    logins: Arc<Logins>,
}

#[derive(Debug)]
struct Door {
    listener: ListenerConfig,
    settings: watch::Sender<Arc<inbound::Settings>>,
}

/// What all listeners are to become; nothing has changed yet.
#[derive(Debug)]
pub(super) struct DoorsPlan(Vec<inbound::Settings>);

type Receivers = Vec<watch::Receiver<Arc<inbound::Settings>>>;

impl Doors {
    /// The doors of `config`, and what each listener reads its settings from, in its order.
    ///
    /// # Errors
    /// A certificate or key cannot be used. One that is over is served with a warning: some
    /// clients do not look, and the others say why.
    pub(super) fn new(config: &Config) -> anyhow::Result<(Self, Receivers)> {
        let mut doors = Vec::new();
        let mut receivers = Vec::new();
        for listener in &config.listeners {
            let settings = listener_settings(config, listener)?;
            let identity = settings.tls.identity();
            if let Some(Err(error)) = identity.map(|found| found.check_at(SystemClock.now())) {
                warn!(listener = listener.name, %error, "clients will not trust this listener");
            }
            say(&settings);
            let (sender, receiver) = watch::channel(Arc::new(settings));
            doors.push(Door { listener: listener.clone(), settings: sender });
            receivers.push(receiver);
        }
        Ok((Self { doors, logins: Arc::default() }, receivers))
    }

    /// What finds out whether logins are true, for all listeners.
    pub(super) fn logins(&self) -> Arc<Logins> {
        Arc::clone(&self.logins)
    }

    /// What the listeners become under `config`.
    ///
    /// # Errors
    /// A certificate or key cannot be used or is over while the one in use is not, or
    /// listeners come, go or move.
    pub(super) fn plan(&self, config: &Config) -> anyhow::Result<DoorsPlan> {
        let now = SystemClock.now();
        let old = self.doors.iter().map(|door| door.listener.name.as_str());
        if let Some(name) =
            old.clone().find(|name| config.listeners.iter().all(|l| l.name != *name))
        {
            bail!("listener `{name}` is gone from the configuration: this needs a restart");
        }
        if let Some(added) = config.listeners.iter().find(|l| !old.clone().any(|n| n == l.name)) {
            bail!("listener `{}` is new in the configuration: this needs a restart", added.name);
        }
        let plans = self.doors.iter().map(|door| door.plan(config, now));
        plans.collect::<anyhow::Result<_>>().map(DoorsPlan)
    }

    /// Puts a plan into force: new connections find it, open ones go on if they still may.
    pub(super) fn apply(&self, plan: DoorsPlan) {
        for (door, settings) in self.doors.iter().zip(plan.0) {
            say(&settings);
            door.settings.send_replace(Arc::new(settings));
        }
        self.logins.forget();
    }

    /// The end of each listener's certificate in use, by the listener's name.
    pub(super) fn certificate_ends(&self) -> Vec<(String, Timestamp)> {
        let ends = self.doors.iter().filter_map(|door| {
            let settings = door.settings.borrow();
            let end = settings.tls.identity()?.not_after();
            Some((settings.name.clone(), end))
        });
        ends.collect()
    }
}

impl Door {
    fn plan(&self, config: &Config, now: Timestamp) -> anyhow::Result<inbound::Settings> {
        let name = self.listener.name.as_str();
        let mut found = config.listeners.iter();
        let listener = found
            .find(|listener| listener.name == name)
            .with_context(|| format!("listener `{name}` is gone: this needs a restart"))?;
        if listener.listen != self.listener.listen {
            let (old, new) = (self.listener.listen, listener.listen);
            bail!("listener `{name}` moves from {old} to {new}: this needs a restart");
        }
        let settings = listener_settings(config, listener)?;
        let is_good_now = {
            let current = self.settings.borrow();
            current.tls.identity().is_none_or(|identity| identity.check_at(now).is_ok())
        };
        if let Some(Err(error)) = settings.tls.identity().map(|new| new.check_at(now)) {
            if is_good_now {
                return Err(error).with_context(|| format!("listener `{name}`"));
            }
            // Nothing gets worse by it, and the rest of the configuration may be urgent.
            warn!(listener = name, %error, "clients still do not trust this listener");
        }
        Ok(settings)
    }
}

fn say(settings: &inbound::Settings) {
    if let Some(identity) = settings.tls.identity() {
        let (names, until) = (identity.names().join(" "), identity.not_after());
        debug!(listener = settings.name, names, %until, "certificate in use");
    }
}

/// What `consentry check` says about certificates: all must be usable and of this time.
///
/// # Errors
/// The first that is not.
pub(crate) fn check_certificates(config: &Config) -> anyhow::Result<()> {
    let now = SystemClock.now();
    for listener in &config.listeners {
        let settings = listener_settings(config, listener)?;
        if let Some(identity) = settings.tls.identity() {
            identity.check_at(now).with_context(|| format!("listener `{}`", listener.name))?;
        }
    }
    Ok(())
}

/// Whether everything the listeners name can be loaded; what is over is no fault here.
///
/// # Errors
/// The first certificate or key that cannot be used.
pub(super) fn load_all(config: &Config) -> anyhow::Result<()> {
    config.listeners.iter().try_for_each(|listener| listener_settings(config, listener).map(drop))
}

/// The settings of one listener.
///
/// # Errors
/// Its certificate or key cannot be used.
pub(super) fn listener_settings(
    config: &Config,
    listener: &ListenerConfig,
) -> anyhow::Result<inbound::Settings> {
    let hostname = config.node.hostname.as_str();
    let clients = match listener.auth {
        // Nobody is known before AUTH, whatever the address.
        AuthConfig::Required => Vec::new(),
        AuthConfig::Off | AuthConfig::Offered => networks(config, listener),
    };
    let (credentials, before_auth) = match listener.auth {
        AuthConfig::Off => (Vec::new(), None),
        AuthConfig::Offered | AuthConfig::Required => {
            (credentials(config, listener), Some(Arc::new(before_auth(config, listener))))
        }
    };
    Ok(inbound::Settings {
        credentials,
        before_auth,
        has_auth_without_tls: listener.has_auth_without_tls,
        tls: tls(listener).with_context(|| format!("listener `{}`", listener.name))?,
        proxies: listener.proxy_protocol.clone(),
        connections_max: listener.connections_max,
        ..inbound::Settings::new(&listener.name, hostname, clients)
    })
}

fn tls(listener: &ListenerConfig) -> anyhow::Result<Tls> {
    let identity = || {
        let files = listener.certificate.as_ref().context("`certificate` and `key` are missing")?;
        let identity = ServerIdentity::load(&files.certificate, &files.key)?;
        anyhow::Ok(Arc::new(identity))
    };
    Ok(match listener.tls {
        ListenerTlsConfig::Off => Tls::Off,
        ListenerTlsConfig::StartTls | ListenerTlsConfig::Required => Tls::StartTls(identity()?),
        ListenerTlsConfig::Implicit => Tls::Implicit(identity()?),
    })
}

/// The clients whose address is enough.
fn networks(config: &Config, listener: &ListenerConfig) -> Vec<ClientNetwork> {
    let clients = config.clients.iter().filter(|client| client.credential.is_none());
    let networks = clients.flat_map(|client| {
        let session = Arc::new(client_session(config, listener, client));
        client.networks.iter().map(move |network| ClientNetwork {
            network: *network,
            client: client.name.clone(),
            session: Arc::clone(&session),
        })
    });
    networks.collect()
}

fn credentials(config: &Config, listener: &ListenerConfig) -> Vec<Credential> {
    let credentials = config.clients.iter().filter_map(|client| {
        let credential = client.credential.as_ref()?;
        Some(Credential {
            username: credential.username.clone(),
            passwords: credential.passwords.clone(),
            networks: client.networks.clone(),
            client: client.name.clone(),
            session: Arc::new(client_session(config, listener, client)),
        })
    });
    credentials.collect()
}

fn client_session(
    config: &Config,
    listener: &ListenerConfig,
    client: &ClientConfig,
) -> server::Settings {
    let domains = &client.reverse_path_domains;
    server::Settings {
        bare_lf: match client.bare_lf {
            BareLfConfig::Reject => BareLf::Reject,
            BareLfConfig::Normalize => BareLf::Normalize,
        },
        reverse_path_domains: (!domains.is_empty()).then(|| domains.clone()),
        admission: Admission::Known,
        ..session(config, listener)
    }
}

fn before_auth(config: &Config, listener: &ListenerConfig) -> server::Settings {
    server::Settings { admission: Admission::AfterAuth, ..session(config, listener) }
}

/// What is the same for all clients of a listener.
fn session(config: &Config, listener: &ListenerConfig) -> server::Settings {
    server::Settings {
        message_bytes_max: listener.message_bytes_max,
        recipients_max: listener.recipients_max,
        protocol: match listener.protocol {
            ProtocolConfig::Smtp => Protocol::Smtp,
            ProtocolConfig::Lmtp => Protocol::Lmtp,
        },
        tls: match listener.tls {
            ListenerTlsConfig::Off | ListenerTlsConfig::Implicit => TlsOffer::None,
            ListenerTlsConfig::StartTls => TlsOffer::StartTls,
            ListenerTlsConfig::Required => TlsOffer::Required,
        },
        auth: match listener.auth {
            AuthConfig::Off => AuthOffer::None,
            AuthConfig::Offered | AuthConfig::Required => AuthOffer::UnderTls,
        },
        ..server::Settings::new(config.node.hostname.as_str())
    }
}
