//! Reload: another configuration for the running process, or none of it.
//!
//! Everything is read, checked and built first; only then is it swapped in, one pointer per
//! room. Transactions under way finish under what they began with. A file that is wrong changes
//! nothing, and whoever asked is told why.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::generation::Generation;
use super::{service, upkeep};
use crate::http::operations::ReloadRequest;
use crate::http::public;
use crate::pipeline::House;
use crate::store::Store;

/// Where the rooms look for what they serve under.
pub(super) struct Rooms {
    /// The relay's.
    pub(super) house: watch::Sender<Arc<House>>,
    /// The public pages'.
    pub(super) site: watch::Sender<Arc<public::Settings>>,
    /// Upkeep's.
    pub(super) generation: watch::Sender<Arc<Generation>>,
}

/// Reloads when asked to.
pub(super) struct Reloader {
    /// The file; `None` where there is none, as in a demonstration.
    pub(super) path: Option<PathBuf>,
    /// What must know new scopes first.
    pub(super) store: Store,
    /// Where the result goes.
    pub(super) rooms: Rooms,
}

impl Reloader {
    /// Answers `requests` and SIGHUP until `stop`.
    pub(super) async fn run(
        self,
        mut requests: mpsc::Receiver<ReloadRequest>,
        stop: CancellationToken,
    ) {
        let mut hangups = service::hangups();
        loop {
            let request = tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => Some(request),
                    None => return,
                },
                () = hangups.next() => None,
                () = stop.cancelled() => return,
            };
            service::reloading();
            let result = self.reload().await;
            service::ready(self.rooms.generation.borrow().house.generation);
            match &result {
                Ok(generation) => info!(generation, "configuration reloaded"),
                Err(why) => error!(why, "configuration not reloaded, the old one stays"),
            }
            if let Some(request) = request {
                // Whoever asked may have gone; the log has the result.
                let _ = request.send(result);
            }
        }
    }

    async fn reload(&self) -> Result<u64, String> {
        let Some(path) = self.path.clone() else {
            return Err("there is no configuration file to reload".to_owned());
        };
        let current = Arc::clone(&self.rooms.generation.borrow());
        let number = current.house.generation + 1;
        // Reading files may take as long as the disk likes; sessions go on meanwhile.
        let reading = tokio::task::spawn_blocking(move || Generation::read(&path, number));
        let next = match reading.await {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => return Err(format!("{error:#}")),
            Err(failure) => return Err(failure.to_string()),
        };
        current.needs_restart(&next).map_err(|error| error.to_string())?;
        let next = Arc::new(next);
        // Tokens need the numbers of new scopes. Without a store there is no marketing, and
        // upkeep tries again.
        let _ = upkeep::first(&self.store, &next).await;
        self.swap(&next);
        Ok(number)
    }

    /// The house goes first: a session admitted under the new settings finds its client in it,
    /// and one whose client is gone is told to connect again.
    fn swap(&self, next: &Arc<Generation>) {
        self.rooms.house.send_replace(Arc::clone(&next.house));
        self.rooms.site.send_replace(Arc::new(next.site()));
        self.rooms.generation.send_replace(Arc::clone(next));
    }
}
