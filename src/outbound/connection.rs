//! One connection to the upstream: a stream driven by a client session.
//!
//! It writes what the session asks for, reads what it awaits, and keeps its timeouts. It knows
//! neither other connections nor what a result means. Dropping it closes the socket.

use std::io;
use std::time::Duration;

use tokio::time::timeout;
use tracing::debug;

use super::opening::Encryption;
use super::stream::Stream;
use crate::mail::MailData;
use crate::smtp::StuffedData;
use crate::smtp::client::{Capabilities, Content, Event, Job, QUIT, RecipientResult, Session};

/// Slices handed to the kernel at once.
const SLICES_MAX: usize = 64;

/// Bytes read at once; replies are short.
const READ_BYTES: usize = 4096;

/// A connection; made by [`super::opening`], where its greeting is done.
#[derive(Debug)]
pub struct Connection {
    pub(super) stream: Stream,
    pub(super) session: Session,
    pub(super) encryption: Encryption,
    pub(super) reply_wait_max: Duration,
    /// Why it is in clear although encryption is preferred.
    pub(super) failed_handshake: Option<String>,
    /// Why the stream failed, if it did.
    pub(super) trouble: Option<io::Error>,
}

impl Connection {
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
                    Event::Close(fault) => {
                        debug!(%fault, trouble = ?self.trouble, "upstream session ended");
                    }
                    // Asked for while opening only.
                    Event::StartTls => {}
                }
            }
            self.read().await;
        }
    }

    /// Whether another job may be run: the dialogue is in order and the stream quiet.
    pub fn is_reusable(&mut self) -> bool {
        // Bytes nobody asked for, or the end: a server closes idle connections too.
        self.session.is_idle() && self.stream.is_quiet()
    }

    /// Whether the last job may be tried elsewhere without repeating anything.
    pub const fn is_job_untouched(&self) -> bool {
        self.session.is_job_untouched()
    }

    /// What the upstream offers.
    pub const fn capabilities(&self) -> Capabilities {
        self.session.capabilities()
    }

    /// What protects it.
    pub const fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// Why it is in clear although encryption is preferred and offered.
    pub fn failed_handshake(&self) -> Option<&str> {
        self.failed_handshake.as_deref()
    }

    /// Closes politely, without waiting for the reply to QUIT.
    pub fn quit(self) {
        self.stream.close_with(QUIT);
    }

    fn wait(&self) -> Duration {
        self.session.poll_timeout().min(self.reply_wait_max)
    }

    /// Reads once; how many bytes came.
    pub(super) async fn read(&mut self) -> usize {
        let mut bytes = [0; READ_BYTES];
        match timeout(self.wait(), self.stream.read(&mut bytes)).await {
            Ok(Ok(0)) => self.lose(io::ErrorKind::UnexpectedEof.into()),
            Ok(Ok(length)) => {
                self.session.handle_bytes(&bytes[..length]);
                return length;
            }
            Ok(Err(error)) => self.lose(error),
            Err(_) => self.session.handle_timeout(),
        }
        0
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        match timeout(self.wait(), self.stream.write_all(bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.lose(error),
            Err(_) => self.session.handle_timeout(),
        }
    }

    async fn write_content(&mut self, data: &MailData) {
        let mut stuffed = StuffedData::new(data);
        while !stuffed.is_finished() {
            let slices = stuffed.slices(SLICES_MAX);
            match timeout(self.wait(), self.stream.write_vectored(&slices)).await {
                Ok(Ok(0)) => return self.lose(io::ErrorKind::WriteZero.into()),
                Ok(Ok(written)) => stuffed.advance(written),
                Ok(Err(error)) => return self.lose(error),
                Err(_) => return self.session.handle_timeout(),
            }
        }
        match timeout(self.wait(), self.stream.flush()).await {
            Ok(Ok(())) => self.session.handle_content_written(),
            Ok(Err(error)) => self.lose(error),
            Err(_) => self.session.handle_timeout(),
        }
    }

    fn lose(&mut self, error: io::Error) {
        // Who closes on us often said why just before, and writing never shows it.
        let said = self.stream.last_error();
        self.trouble.get_or_insert(said.unwrap_or(error));
        self.session.handle_lost();
    }
}
