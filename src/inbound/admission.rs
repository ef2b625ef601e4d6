//! Who gets a session, and as whom: by address, by password, or not yet.
//!
//! What a client may do in its session stands in that session's settings; what its mail may
//! do is decided much later. After a reload the same question is asked again: whoever would be
//! admitted otherwise now is told to come again.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Credential, Settings, Tls, holds};
use crate::base::PasswordHash;
use crate::smtp::server::{self, AuthOffer};
use crate::smtp::{Reply, catalogue};

/// Why a connection got no session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// No `[[client]]` covers its address.
    UnknownClient,
    /// The listener is full.
    TooManyConnections,
}

impl Refusal {
    /// A label for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::TooManyConnections => "too_many_connections",
        }
    }

    pub(super) fn reply(self) -> Reply {
        match self {
            Self::UnknownClient => catalogue::CLIENT_NOT_ALLOWED.reply(),
            Self::TooManyConnections => catalogue::TOO_MANY_CONNECTIONS.reply(),
        }
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The other end of the TCP connection.
    pub peer: IpAddr,
    /// The client: the peer, unless that is a proxy and named another.
    pub client: IpAddr,
}

impl Origin {
    /// A peer that speaks for itself; IPv4 in IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
    pub fn direct(peer: IpAddr) -> Self {
        let peer = peer.to_canonical();
        Self { peer, client: peer }
    }

    /// Neither the client nor who speaks for it is beyond this machine.
    fn is_local(self) -> bool {
        self.peer.is_loopback() && self.client.is_loopback()
    }
}

/// How a client came to be known.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Standing {
    /// Not yet: its mail waits for AUTH.
    Unknown,
    /// By its address.
    ByAddress { client: String },
    /// By this user name and kept password.
    ByLogin { client: String, username: String, kept: PasswordHash },
}

/// Somebody who has a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted {
    standing: Standing,
    /// What it may do.
    pub session: Arc<server::Settings>,
}

impl Admitted {
    /// The client that proved to own `credential` by the password kept as `kept`.
    pub fn by_login(credential: &Credential, kept: &PasswordHash) -> Self {
        let standing = Standing::ByLogin {
            client: credential.client.clone(),
            username: credential.username.clone(),
            kept: kept.clone(),
        };
        Self { standing, session: Arc::clone(&credential.session) }
    }

    /// The name of its `[[client]]`, empty until AUTH: such a session sends no mail.
    pub fn client(&self) -> &str {
        match &self.standing {
            Standing::Unknown => "",
            Standing::ByAddress { client } | Standing::ByLogin { client, .. } => client,
        }
    }
}

/// Whether and how whoever comes from `origin` is served.
pub fn admit(settings: &Settings, origin: Origin) -> Result<Admitted, Refusal> {
    let known = settings.clients.iter().find(|client| client.network.contains(&origin.client));
    let (standing, session) = match (known, &settings.before_auth) {
        (Some(known), _) => {
            (Standing::ByAddress { client: known.client.clone() }, Arc::clone(&known.session))
        }
        (None, Some(session)) if may_log_in(settings, origin) => {
            (Standing::Unknown, Arc::clone(session))
        }
        (None, _) => return Err(Refusal::UnknownClient),
    };
    Ok(Admitted { standing, session: offered(settings, origin, session) })
}

/// Whether `admitted` would still be, and in the same way, under new settings.
pub fn is_still_admitted(settings: &Settings, origin: Origin, admitted: &Admitted) -> bool {
    let now = match &admitted.standing {
        Standing::Unknown | Standing::ByAddress { .. } => admit(settings, origin).ok(),
        Standing::ByLogin { username, kept, .. } => credential(settings, origin.client, username)
            .filter(|credential| credential.passwords.contains(kept))
            .map(|credential| Admitted::by_login(credential, kept)),
    };
    now.as_ref() == Some(admitted)
}

/// The credential with this user name, if it may be used from `ip`.
pub fn credential<'a>(
    settings: &'a Settings,
    ip: IpAddr,
    username: &str,
) -> Option<&'a Credential> {
    let mut credentials = settings.credentials.iter();
    credentials
        .find(|credential| credential.username == username)
        .filter(|credential| credential.networks.is_empty() || holds(&credential.networks, ip))
}

/// A session that could never reach AUTH would only be a longer way to say no.
fn may_log_in(settings: &Settings, origin: Origin) -> bool {
    !matches!(settings.tls, Tls::Off) || (settings.has_auth_without_tls && origin.is_local())
}

/// RFC 4954 §4: passwords cross no network in clear; on this machine the operator may allow it.
fn offered(
    settings: &Settings,
    origin: Origin,
    session: Arc<server::Settings>,
) -> Arc<server::Settings> {
    let may = settings.has_auth_without_tls && origin.is_local();
    if !may || session.auth != AuthOffer::UnderTls {
        return session;
    }
    Arc::new(server::Settings { auth: AuthOffer::Always, ..(*session).clone() })
}
