//! The listener and stream that enforce [`ConnectionLimits`] below the HTTP machinery.
//!
//! Knows octets and time, nothing of requests. It replaces the head and body timeouts that the
//! server crate does not expose, and bounds what it may buffer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

use super::ConnectionLimits;

/// Accepts only as many connections as may be open.
pub(crate) struct GuardedListener {
    listener: TcpListener,
    limits: ConnectionLimits,
    room: Arc<Semaphore>,
}

impl GuardedListener {
    pub(super) fn new(listener: TcpListener, limits: ConnectionLimits) -> Self {
        let room = Arc::new(Semaphore::new(limits.connections_max.max(1)));
        Self { listener, limits, room }
    }
}

impl Listener for GuardedListener {
    type Io = GuardedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (GuardedStream, SocketAddr) {
        let room =
            Arc::clone(&self.room).acquire_owned().await.expect("the semaphore is never closed");
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        // Without it a short answer may wait 40 ms for an acknowledgement; not worth failing for.
        stream.set_nodelay(true).ok();
        (GuardedStream::new(stream, self.limits, room), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when it makes no progress.
pub(crate) struct GuardedStream {
    stream: TcpStream,
    progress_wait: Duration,
    deadline: Pin<Box<Sleep>>,
    request_bytes_max: usize,
    request_bytes: usize,
    _room: OwnedSemaphorePermit,
}

impl GuardedStream {
    fn new(stream: TcpStream, limits: ConnectionLimits, room: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            progress_wait: limits.progress_wait,
            deadline: Box::pin(sleep(limits.progress_wait)),
            request_bytes_max: limits.request_bytes_max,
            request_bytes: 0,
            _room: room,
        }
    }

    /// Also registers the task to be woken at the deadline.
    fn check_deadline(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.deadline.as_mut().reset(Instant::now() + self.progress_wait);
            self.request_bytes = 0;
        }
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_deadline(context)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.request_bytes += buffer.filled().len() - before;
        if self.request_bytes > self.request_bytes_max {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        read
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_deadline(context)?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_deadline(context)?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
