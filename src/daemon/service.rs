//! What the service manager says and is told (sd_notify(3), systemd.service(5)).
//!
//! Outside a service manager every word to it goes nowhere.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// SIGHUPs, one after the other.
pub(super) struct Hangups(Option<Signal>);

impl Hangups {
    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Listens for SIGHUP from now on: it no longer ends the process.
pub(super) fn hangups() -> Hangups {
    match signal(SignalKind::hangup()) {
        Ok(signal) => Hangups(Some(signal)),
        Err(error) => {
            warn!(%error, "SIGHUP is not heard; use `consentry reload`");
            Hangups(None)
        }
    }
}

/// Waits for SIGTERM or SIGINT.
pub async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        // Without a handler for SIGTERM, Ctrl-C still stops in order.
        let _ = interrupted.await;
        return;
    };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
}

/// The start, or a reload, is complete; `generation` is what `systemctl status` shows.
pub(super) fn ready(generation: u64) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("generation {generation}"))]);
}

/// A reload begins.
pub(super) fn reloading() {
    // systemd 253 and newer want the time beside it.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The stop begins and may take `deadline`.
pub(super) fn stopping(deadline: Duration) {
    let micros = u32::try_from(deadline.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros)]);
}

/// Tells the watchdog twice per interval that the runtime still turns, until `stop`.
pub(super) async fn feed_watchdog(stop: CancellationToken) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    let mut beats = tokio::time::interval(interval / 2);
    while stop.run_until_cancelled(beats.tick()).await.is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        debug!(%error, "the service manager was not told");
    }
}
