//! What comes before a session: a proxy's header, admission, a TLS handshake.
//!
//! All of it under time limits of its own and within the listener's number of connections, so
//! that whoever opens and says nothing costs little and not for long.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::admission::{Admitted, Origin, Refusal, admit};
use super::observer::HandshakeFault;
use super::proxy::{self, Progress, ProxyFault, Spokesman};
use super::stream::Stream;
use super::{Settings, Tls};

/// How long a proxy may take for its header.
const HEADER_WAIT: Duration = Duration::from_secs(5);

/// A connection on which a session may begin.
#[derive(Debug)]
pub struct Opened {
    pub stream: Stream,
    pub origin: Origin,
    pub admitted: Admitted,
}

/// Why no session begins.
#[derive(Debug)]
pub enum Unopened {
    /// The client gets none, and may be told so.
    Refused(TcpStream, IpAddr, Refusal),
    /// The handshake with the client failed.
    Handshake(IpAddr, HandshakeFault),
    /// The proxy's header did not come.
    Header(ProxyFault),
}

/// Opens a connection from `peer`.
pub async fn open(
    mut stream: TcpStream,
    peer: IpAddr,
    settings: &Settings,
) -> Result<Opened, Unopened> {
    let mut origin = Origin::direct(peer);
    if settings.is_proxy(peer) {
        let spokesman = header(&mut stream).await.map_err(Unopened::Header)?;
        if let Spokesman::Client(client) = spokesman {
            origin.client = client;
        }
    }
    let admitted = match admit(settings, origin) {
        Ok(admitted) => admitted,
        Err(refusal) => return Err(Unopened::Refused(stream, origin.client, refusal)),
    };
    let encrypted = encrypt_if_implicit(stream, settings).await;
    let stream = encrypted.map_err(|fault| Unopened::Handshake(origin.client, fault))?;
    Ok(Opened { stream, origin, admitted })
}

/// Tells a client why it gets no session, and closes.
pub async fn refuse(stream: TcpStream, refusal: Refusal, settings: &Settings) {
    // A client that expects TLS would take a reply in clear for noise.
    if let Ok(stream) = encrypt_if_implicit(stream, settings).await {
        stream.close_with(&refusal.reply().encode()).await;
    }
}

async fn encrypt_if_implicit(
    stream: TcpStream,
    settings: &Settings,
) -> Result<Stream, HandshakeFault> {
    let stream = Stream::Plain(stream);
    match &settings.tls {
        Tls::Implicit(identity) => stream.encrypt(identity).await,
        Tls::Off | Tls::StartTls(_) => Ok(stream),
    }
}

async fn header(stream: &mut TcpStream) -> Result<Spokesman, ProxyFault> {
    timeout(HEADER_WAIT, read_header(stream)).await.unwrap_or(Err(ProxyFault::TooSlow))
}

/// Takes the header's bytes and none of those behind it.
async fn read_header(stream: &mut TcpStream) -> Result<Spokesman, ProxyFault> {
    let mut bytes = Vec::new();
    loop {
        match proxy::parse(&bytes) {
            Progress::Whole(spokesman) => return Ok(spokesman),
            Progress::Garbled => return Err(ProxyFault::Garbled),
            Progress::Needs(count) => {
                let at = bytes.len();
                bytes.resize(at + count, 0);
                let read = stream.read_exact(&mut bytes[at..]).await;
                read.map_err(|_| ProxyFault::Gone)?;
            }
        }
    }
}
