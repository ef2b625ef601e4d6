//! The bytes under a session: TCP, or TLS over it.
//!
//! Input is taken through a buffer on the stack that lives only while a poll reads, so an idle
//! connection holds none, and a read given up in between loses nothing. Closing is orderly: the
//! last reply arrives, and under TLS the peer is told that nothing was cut off.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::Error as TlsError;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::observer::HandshakeFault;
use super::tls::ServerIdentity;
use crate::smtp::server::Channel;

/// Bytes read at once.
const READ_BYTES: usize = 32 * 1024;

/// How long a handshake may take.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// How long a closing connection is drained, and how much of it.
const DRAIN_WAIT: Duration = Duration::from_secs(1);
const DRAIN_BYTES_MAX: u64 = 256 * 1024;

/// A connection's bytes.
#[derive(Debug)]
pub enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// Under TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// What a session should know about it.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Plain(_) => Channel::Plain,
            Self::Tls(_) => Channel::Tls,
        }
    }

    /// Waits for input and hands it to `take`; the number of bytes, 0 at the end.
    pub async fn input(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        poll_fn(|cx| self.poll_input(cx, &mut take)).await
    }

    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut bytes = ReadBuf::uninit(&mut space);
        ready!(match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, &mut bytes),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, &mut bytes),
        })?;
        take(bytes.filled());
        Poll::Ready(Ok(bytes.filled().len()))
    }

    /// Writes all of `bytes`.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                // Records wait in the session until the socket takes them.
                stream.flush().await
            }
        }
    }

    /// The stream after a handshake as `identity`. Only a stream in clear can have one.
    pub async fn encrypt(self, identity: &ServerIdentity) -> Result<Self, HandshakeFault> {
        let Self::Plain(stream) = self else { return Err(HandshakeFault::Other) };
        let accepting = TlsAcceptor::from(identity.config()).accept(stream);
        match timeout(HANDSHAKE_WAIT, accepting).await {
            Ok(Ok(stream)) => Ok(Self::Tls(Box::new(stream))),
            Ok(Err(error)) => Err(fault(&error)),
            Err(_) => Err(HandshakeFault::TooSlow),
        }
    }

    /// Writes a last reply, if it is taken soon, and closes.
    pub async fn close_with(mut self, bytes: &[u8]) {
        if let Ok(Ok(())) = timeout(DRAIN_WAIT, self.write(bytes)).await {
            self.close().await;
        }
    }

    /// Closes so that the last reply arrives: unread input would make the kernel reset the
    /// connection and throw our reply away (RFC 1122 §4.2.2.13).
    pub async fn close(self) {
        // Whatever fails here, the client has gone or will not stop: the socket is closed anyway.
        let _ = match self {
            Self::Plain(stream) => timeout(DRAIN_WAIT, drain(stream)).await,
            // RFC 8446 §6.1: shutting down sends close_notify first.
            Self::Tls(stream) => timeout(DRAIN_WAIT, drain(stream)).await,
        };
    }
}

async fn drain<T: AsyncRead + AsyncWrite + Unpin>(mut stream: T) -> io::Result<u64> {
    stream.shutdown().await?;
    let mut rest = stream.take(DRAIN_BYTES_MAX);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
}

fn fault(error: &io::Error) -> HandshakeFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    match inner {
        Some(TlsError::PeerIncompatible(_)) => HandshakeFault::Incompatible,
        Some(TlsError::InvalidMessage(_) | TlsError::InappropriateMessage { .. }) => {
            HandshakeFault::Garbled
        }
        Some(TlsError::AlertReceived(_)) => HandshakeFault::RefusedByPeer,
        Some(_) => HandshakeFault::Other,
        None => HandshakeFault::Gone,
    }
}
