//! One connection to the upstream: a socket driven by a client session.
//!
//! It writes what the session asks for, reads what it awaits, and keeps its timeouts. It knows
//! neither other connections nor what a result means. Dropping it closes the socket.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use super::Settings;
use crate::mail::MailData;
use crate::smtp::StuffedData;
use crate::smtp::client::{
    Capabilities, Content, Event, Fault, Job, QUIT, RecipientResult, Session,
};

/// Slices handed to the kernel at once.
const SLICES_MAX: usize = 64;

/// Bytes read at once; replies are short.
const READ_BYTES: usize = 4096;

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The upstream cannot be reached.
    #[error("cannot connect to the upstream")]
    Connect(#[source] io::Error),
    /// Connecting took too long.
    #[error("connecting to the upstream took too long")]
    ConnectTimeout,
    /// The upstream was reached and is of no use.
    #[error(transparent)]
    Session(Fault),
}

/// A connection whose greeting is done.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    session: Session,
    reply_wait_max: Duration,
}

impl Connection {
    /// Connects and exchanges greetings.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let stream = timeout(settings.connect_timeout, TcpStream::connect(&settings.address))
            .await
            .map_err(|_| OpenError::ConnectTimeout)?
            .map_err(OpenError::Connect)?;
        // Small writes followed by a wait for the reply: Nagle's algorithm would add 40 ms.
        stream.set_nodelay(true).map_err(OpenError::Connect)?;
        let session = Session::new(settings.helo_name.as_str());
        let mut open = Self { stream, session, reply_wait_max: settings.reply_wait_max };
        while !open.session.is_idle() {
            open.read().await;
            while let Some(event) = open.session.poll_event() {
                match event {
                    Event::Write(bytes) => open.write(&bytes).await,
                    Event::Close(fault) => return Err(OpenError::Session(fault)),
                    Event::WriteContent(_) | Event::Finished(_) => {}
                }
            }
        }
        Ok(open)
    }

    /// Carries out `job` with `data`; one result per recipient, in order.
    pub async fn run(&mut self, job: Job, data: &MailData) -> Vec<RecipientResult> {
        self.session.start(job);
        loop {
            while let Some(event) = self.session.poll_event() {
                match event {
                    Event::Write(bytes) => self.write(&bytes).await,
                    Event::WriteContent(Content::MailData) => self.write_content(data).await,
                    Event::WriteContent(Content::LoneDot) => {
                        self.write_content(&MailData::default()).await;
                    }
                    Event::Finished(results) => return results,
                    Event::Close(fault) => debug!(%fault, "upstream session ended"),
                }
            }
            self.read().await;
        }
    }

    /// Whether another job may be run: the dialogue is in order and the socket quiet.
    pub fn is_reusable(&self) -> bool {
        let mut byte = [0];
        let is_quiet = match self.stream.try_read(&mut byte) {
            // Bytes nobody asked for, or the end: a server closes idle connections too.
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        is_quiet && self.session.is_idle()
    }

    /// Whether the last job may be tried elsewhere without repeating anything.
    pub const fn is_job_untouched(&self) -> bool {
        self.session.is_job_untouched()
    }

    /// What the upstream offers.
    pub const fn capabilities(&self) -> Capabilities {
        self.session.capabilities()
    }

    /// Closes politely, without waiting for the reply to QUIT.
    pub fn quit(self) {
        // A socket that does not take six bytes at once is closed without them.
        let _ = self.stream.try_write(QUIT);
    }

    fn wait(&self) -> Duration {
        self.session.poll_timeout().min(self.reply_wait_max)
    }

    async fn read(&mut self) {
        let mut bytes = [0; READ_BYTES];
        match timeout(self.wait(), self.stream.read(&mut bytes)).await {
            Ok(Ok(0) | Err(_)) => self.session.handle_lost(),
            Ok(Ok(length)) => self.session.handle_bytes(&bytes[..length]),
            Err(_) => self.session.handle_timeout(),
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        match timeout(self.wait(), self.stream.write_all(bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.session.handle_lost(),
            Err(_) => self.session.handle_timeout(),
        }
    }

    async fn write_content(&mut self, data: &MailData) {
        let mut stuffed = StuffedData::new(data);
        while !stuffed.is_finished() {
            let slices = stuffed.slices(SLICES_MAX);
            match timeout(self.wait(), self.stream.write_vectored(&slices)).await {
                Ok(Ok(0) | Err(_)) => return self.session.handle_lost(),
                Ok(Ok(written)) => stuffed.advance(written),
                Err(_) => return self.session.handle_timeout(),
            }
        }
        self.session.handle_content_written();
    }
}
