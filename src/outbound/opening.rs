//! How a connection comes about: TCP, TLS, and the session's greeting over them.
//!
//! Encryption that is demanded is never done without. Where it is only preferred, a failed
//! handshake costs a second connection, in clear; the choice is forgotten with the connection.

use std::io;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Settings;
use super::connection::Connection;
use super::open_error::{OpenError, TlsFailure};
use super::stream::Stream;
use super::tls::{Protection, Tls};
use crate::smtp::client::{Channel, Event, Fault, Introduction, Session, StartTls};

/// What protects a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Encryption {
    /// Nothing.
    Clear,
    /// Nothing, because the handshake failed and encryption is only preferred.
    ClearAfterFailure,
    /// TLS, with whoever answered.
    Unproven,
    /// TLS, with an upstream that proved its name.
    Proven,
}

/// Connects, encrypts as told, and exchanges greetings.
pub async fn open(settings: &Settings) -> Result<Connection, OpenError> {
    match &settings.protection {
        Protection::Off => in_clear(settings).await,
        Protection::Opportunistic(tls) => {
            match by_start_tls(settings, tls, StartTls::IfOffered).await {
                Err(
                    failed
                    @ OpenError::Tls(TlsFailure::Handshake(_) | TlsFailure::HandshakeTimeout),
                ) => {
                    let mut connection = in_clear(settings).await?;
                    connection.encryption = Encryption::ClearAfterFailure;
                    connection.failed_handshake = Some(failed.whole());
                    Ok(connection)
                }
                opened => opened,
            }
        }
        Protection::StartTls(tls) => by_start_tls(settings, tls, StartTls::Demanded).await,
        Protection::AtOnce(tls) => at_once(settings, tls).await,
    }
}

async fn in_clear(settings: &Settings) -> Result<Connection, OpenError> {
    Opening::new(settings, StartTls::Never).await?.greet(None).await
}

async fn by_start_tls(
    settings: &Settings,
    tls: &Tls,
    start_tls: StartTls,
) -> Result<Connection, OpenError> {
    Opening::new(settings, start_tls).await?.greet(Some(tls)).await
}

async fn at_once(settings: &Settings, tls: &Tls) -> Result<Connection, OpenError> {
    let opening = Opening::new(settings, StartTls::Never).await?;
    let mut opening = opening.encrypt(tls).await?;
    let channel = opening.channel_under(tls);
    opening.connection.session = session(settings, channel, StartTls::Never);
    opening.greet(None).await
}

fn session(settings: &Settings, channel: Channel, start_tls: StartTls) -> Session {
    Session::new(Introduction {
        helo_name: settings.helo_name.clone(),
        channel,
        start_tls,
        login: settings.login.clone(),
    })
}

/// A connection whose greeting is not done.
struct Opening<'a> {
    settings: &'a Settings,
    connection: Connection,
    is_local: bool,
    /// Under TLS, and not a byte has come: the server may still refuse the handshake.
    is_on_probation: bool,
}

impl<'a> Opening<'a> {
    async fn new(settings: &'a Settings, start_tls: StartTls) -> Result<Self, OpenError> {
        let stream = timeout(settings.connect_timeout, TcpStream::connect(&settings.address))
            .await
            .map_err(|_| OpenError::ConnectTimeout)?
            .map_err(OpenError::Connect)?;
        // Small writes followed by a wait for the reply: Nagle's algorithm would add 40 ms.
        stream.set_nodelay(true).map_err(OpenError::Connect)?;
        // What was connected to counts, not what the configuration calls it.
        let is_local = stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        let channel = if is_local { Channel::Trusted } else { Channel::Exposed };
        let connection = Connection {
            stream: Stream::Clear(stream),
            session: session(settings, channel, start_tls),
            encryption: Encryption::Clear,
            reply_wait_max: settings.reply_wait_max,
            failed_handshake: None,
            trouble: None,
        };
        Ok(Self { settings, connection, is_local, is_on_probation: false })
    }

    const fn channel_under(&self, tls: &Tls) -> Channel {
        if self.is_local { Channel::Trusted } else { tls.channel() }
    }

    async fn encrypt(mut self, tls: &Tls) -> Result<Self, OpenError> {
        let stream = match self.connection.stream {
            Stream::Clear(stream) => stream,
            encrypted @ Stream::Tls(_) => {
                self.connection.stream = encrypted;
                return Ok(self);
            }
        };
        let connector = TlsConnector::from(tls.config().clone());
        let handshake = connector.connect(tls.server_name().clone(), stream);
        let stream = timeout(self.settings.connect_timeout, handshake)
            .await
            .map_err(|_| OpenError::Tls(TlsFailure::HandshakeTimeout))?
            .map_err(|error| OpenError::Tls(TlsFailure::Handshake(error)))?;
        self.connection.stream = Stream::Tls(Box::new(stream));
        self.connection.encryption = match tls.channel() {
            Channel::Exposed => Encryption::Unproven,
            Channel::Trusted => Encryption::Proven,
        };
        self.is_on_probation = true;
        Ok(self)
    }

    async fn greet(mut self, tls: Option<&Tls>) -> Result<Connection, OpenError> {
        while !self.connection.session.is_idle() {
            let length = self.connection.read().await;
            if length > 0 {
                self.is_on_probation = false;
            }
            while let Some(event) = self.connection.session.poll_event() {
                match (event, tls) {
                    (Event::Write(bytes), _) => self.connection.write(&bytes).await,
                    (Event::StartTls, Some(tls)) => {
                        self = self.encrypt(tls).await?;
                        let channel = self.channel_under(tls);
                        self.connection.session.handle_tls_started(channel);
                    }
                    (Event::Close(fault), _) => return Err(self.why(fault)),
                    // Nothing of this is asked for: no job runs, and no STARTTLS without TLS.
                    (Event::StartTls, None) | (Event::WriteContent(_) | Event::Finished(_), _) => {}
                }
            }
        }
        Ok(self.connection)
    }

    fn why(self, fault: Fault) -> OpenError {
        match fault {
            Fault::TlsNotOffered | Fault::TlsRefused(_) | Fault::Injected => {
                OpenError::Tls(TlsFailure::NotBegun(fault))
            }
            Fault::Lost if self.is_on_probation => {
                let trouble = self.connection.trouble;
                let lost = || io::Error::from(io::ErrorKind::UnexpectedEof);
                OpenError::Tls(TlsFailure::Handshake(trouble.unwrap_or_else(lost)))
            }
            Fault::LoginNotOffered | Fault::LoginExposed | Fault::LoginRefused(_) => {
                OpenError::Login(fault)
            }
            Fault::Refused(_)
            | Fault::Closing(_)
            | Fault::Unfitting(_)
            | Fault::Unasked
            | Fault::Garbled(_)
            | Fault::Lost
            | Fault::Timeout => OpenError::Session(fault),
        }
    }
}
