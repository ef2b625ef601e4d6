//! `consentry demo`: the whole story in one process, on free loopback ports, by real SMTP.
//!
//! A capture stands in for the outbound MTA; everything else is what `serve` runs. Nothing
//! leaves the machine, and the temporary folder goes with the process.

mod capture;
mod mails;
mod play;
mod stage;
mod wire;

use clap::Args;

use super::exit::{Exit, OrExit as _, Outcome};
use super::{output, serve};
use crate::daemon;
use crate::telemetry::{LogSettings, init_logging};

/// Arguments of `demo`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  consentry demo\n  consentry demo --once")]
pub(super) struct DemoArgs {
    /// Play the story and exit instead of staying up.
    #[arg(long)]
    once: bool,
}

/// Runs the demonstration.
pub(super) fn run(args: &DemoArgs) -> Outcome {
    // The account on standard output is the show; the log only speaks up when something is off.
    let filter = std::env::var("CONSENTRY_LOG").unwrap_or_else(|_| "error".to_owned());
    init_logging(&LogSettings { filter, ..LogSettings::default() }).or_exit(Exit::Config)?;
    let stage = stage::Stage::set()?;
    let config = stage.config()?;
    let keyring = super::key::new_keyring()?;
    let imported = super::import::load_file(&config, &keyring, &stage.contacts())?;
    serve::runtime()
        .or_exit(Exit::Unavailable)?
        .block_on(async {
            let capture = capture::Capture::start(stage.upstream()).await?;
            let generation = daemon::Generation::build(config.clone(), keyring, 1)?;
            let daemon = daemon::Daemon::start(generation, daemon::Surroundings::default()).await?;
            let played = play::story(&stage, &config, &capture, &imported).await;
            if played.is_ok() && !args.once {
                stay_up(&stage).await;
            }
            daemon.stop(std::future::pending()).await;
            capture.stop().await;
            played
        })
        .or_exit(Exit::Unavailable)?;
    Ok(Exit::Ok)
}

async fn stay_up(stage: &stage::Stage) {
    output::line("");
    output::line("The relay stays up. Send it mail of your own:");
    output::line(&format!(
        "  swaks --server {} --from bounce@example.com --to buyer@example.org \\\n    --header 'From: Acme <news@example.com>' --header 'Subject: Hello' --body 'An offer'",
        stage.smtp()
    ));
    output::line(&format!("Metrics:  http://{}/metrics", stage.operations()));
    output::line("Ctrl-C ends it and removes its temporary folder.");
    daemon::stop_signal().await;
}
