//! The demonstration's outbound MTA: takes everything, keeps it in memory, sends nothing on.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::relay::ports::{Answer, ReplyDelivery, Settlement, Submissions};
use crate::smtp::{Reply, Status, Transaction};

/// One captured message.
#[derive(Clone, Debug)]
pub(super) struct Captured {
    /// The reverse-path; empty for notices.
    pub(super) from: String,
    /// The recipient.
    pub(super) to: String,
    /// The mail data.
    pub(super) data: String,
}

impl Captured {
    /// The first line beginning with `start`.
    pub(super) fn header(&self, start: &str) -> Option<&str> {
        self.data.lines().find(|line| line.starts_with(start))
    }

    /// The path of the one-click link.
    pub(super) fn one_click_path(&self) -> Option<String> {
        let header = self.header("List-Unsubscribe: ")?;
        let url = header.split_once('<')?.1.split_once('>')?.0;
        Some(format!("/u/{}", url.rsplit_once("/u/")?.1))
    }
}

#[derive(Default)]
struct Kept(Mutex<Vec<Captured>>);

impl Submissions for Kept {
    async fn submit(&self, transaction: Transaction, _gone: CancellationToken) -> Answer {
        let data = String::from_utf8_lossy(transaction.content.bytes()).into_owned();
        let from = transaction.envelope.reverse_path.written().to_owned();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for path in &transaction.envelope.forward_paths {
            let to = path.written().to_owned();
            kept.push(Captured { from: from.clone(), to, data: data.clone() });
        }
        let status = Some(Status { subject: 0, detail: 0 });
        Answer::open(Reply::new(250, status, "captured"))
    }

    async fn answered(&self, _closing: Settlement, _delivery: ReplyDelivery) {}
}

/// A running capture.
pub(super) struct Capture {
    kept: Arc<Kept>,
    stop: CancellationToken,
    sessions: TaskTracker,
}

impl Capture {
    /// Listens on `address`.
    pub(super) async fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.context("the capture cannot listen")?;
        let capture = Self {
            kept: Arc::default(),
            stop: CancellationToken::new(),
            sessions: TaskTracker::new(),
        };
        crate::daemon::listen_openly(
            listener,
            Arc::clone(&capture.kept),
            capture.stop.clone(),
            &capture.sessions,
        );
        Ok(capture)
    }

    /// Everything captured so far, in order.
    pub(super) fn messages(&self) -> Vec<Captured> {
        self.kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last message to `recipient`.
    pub(super) fn last_to(&self, recipient: &str) -> Option<Captured> {
        self.messages().into_iter().rev().find(|message| message.to == recipient)
    }

    /// Stops listening.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.sessions.close();
        self.sessions.wait().await;
    }
}
