//! The bytes to and from the upstream, in clear or under TLS (RFC 8446).
//!
//! Under TLS nothing counts as written before it is flushed, and a socket may hold bytes that
//! are no reply: session tickets come when the server likes. Nothing here knows SMTP.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connected socket.
#[derive(Debug)]
pub enum Stream {
    /// In clear.
    Clear(TcpStream),
    /// Under TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Reads what has come; 0 is the end.
    pub async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(bytes).await,
            Self::Tls(stream) => stream.read(bytes).await,
        }
    }

    /// Hands all of `bytes` to the kernel.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// Takes some of `slices`: the kernel at once, TLS until [`Stream::flush`].
    pub async fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write_vectored(slices).await,
            // rustls gathers the slices into records, so that small ones cost no record each.
            Self::Tls(stream) => stream.write_vectored(slices).await,
        }
    }

    /// Hands everything taken to the kernel.
    pub async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush().await,
            Self::Tls(stream) => stream.flush().await,
        }
    }

    /// Whether nothing has come and the other end is there, as far as is known now.
    pub fn is_quiet(&mut self) -> bool {
        self.poll_read_now().is_pending()
    }

    /// What the other end said last, if reading fails at once: why it went away.
    pub fn last_error(&mut self) -> Option<io::Error> {
        match self.poll_read_now() {
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(_)) | Poll::Pending => None,
        }
    }

    /// Reads without waiting; bytes read are lost.
    fn poll_read_now(&mut self) -> Poll<io::Result<usize>> {
        let mut byte = [0];
        match self {
            Self::Clear(stream) => match stream.try_read(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
                read => Poll::Ready(read),
            },
            // The TLS layer must read to know: a ticket is taken in and is not a byte of ours.
            Self::Tls(stream) => at_once(|context| {
                let mut buffer = ReadBuf::new(&mut byte);
                let read = Pin::new(&mut *stream).poll_read(context, &mut buffer);
                read.map_ok(|()| buffer.filled().len())
            }),
        }
    }

    /// Writes `bytes` if the socket takes them now, and closes.
    pub fn close_with(self, bytes: &[u8]) {
        // A socket that does not take a few bytes at once is closed without them.
        match self {
            Self::Clear(stream) => {
                let _ = stream.try_write(bytes);
            }
            Self::Tls(mut stream) => {
                let stream = &mut stream;
                let _ = at_once(|context| Pin::new(&mut *stream).poll_write(context, bytes));
                // RFC 8446 §6.1: close_notify, or the end could be somebody else's.
                let _ = at_once(|context| Pin::new(&mut *stream).poll_shutdown(context));
            }
        }
    }
}

/// Polls once. Note: outside tokio's budget, for a spent one says "pending" to everything,
/// and bytes nobody asked for would pass for silence.
fn at_once<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let future = tokio::task::unconstrained(std::future::poll_fn(|context| poll(context)));
    let mut future = std::pin::pin!(future);
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
