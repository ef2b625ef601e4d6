//! The acts of the story, each done over the wire and told in a line or two.

use anyhow::{Context as _, ensure};

use super::capture::Capture;
use super::mails::{EVERYBODY, newsletter, password_reset};
use super::stage::Stage;
use super::wire;
use crate::cli::explain;
use crate::cli::import::Loaded;
use crate::cli::output::line;
use crate::config::Config;
use crate::store::verify;

const SENDER: &str = "bounce@example.com";

/// Plays the story.
pub(super) async fn story(
    stage: &Stage,
    config: &Config,
    capture: &Capture,
    imported: &Loaded,
) -> anyhow::Result<()> {
    line("Consentry demo: a shop's mailer → the relay → a captured outbound MTA\n");
    line(&format!("1. Imported the evidence of four people from a CSV: {imported}."));
    line("   buyer bought shoes, objector did too but has objected, insured bought insurance,");
    line("   consenter ticked a box; nothing is known about stranger.\n");
    campaign(stage, capture).await?;
    service(stage, capture).await?;
    opt_out(stage, capture).await?;
    proof(stage, config, capture).await
}

async fn campaign(stage: &Stage, capture: &Capture) -> anyhow::Result<()> {
    let reply = wire::send(stage.smtp(), SENDER, &EVERYBODY, &newsletter("New soles")).await?;
    line("2. One newsletter about shoes to all five, in one transaction:");
    line(&format!("   {reply}"));
    for message in capture.messages() {
        let what = if message.from.is_empty() { "the notice" } else { "a copy" };
        line(&format!("   the outbound MTA got {what} for {}", message.to));
    }
    let copy = capture.last_to("buyer@example.org").context("buyer got no copy")?;
    ensure!(capture.messages().len() == 3, "two copies and one notice were expected");
    line("   buyer's copy has its own one-click header and one footer in each part:");
    for wanted in ["List-Unsubscribe: ", "List-Unsubscribe-Post: ", "X-Consentry-Decision: "] {
        line(&format!("     {}", copy.header(wanted).context("a header is missing")?));
    }
    let notice = capture.last_to("mail-ops@example.com").context("there is no notice")?;
    line("   the notice names the three others with their reasons:");
    for text in notice.data.lines().filter(|text| text.starts_with("Diagnostic-Code")) {
        line(&format!("     {text}"));
    }
    line("");
    Ok(())
}

async fn service(stage: &Stage, capture: &Capture) -> anyhow::Result<()> {
    let to = ["objector@example.org"];
    let reply = wire::send(stage.smtp(), SENDER, &to, &password_reset()).await?;
    capture.last_to(to[0]).context("the password reset did not arrive")?;
    line("3. A password reset to objector, who objected to marketing, not to service:");
    line(&format!("   {reply}\n"));
    Ok(())
}

async fn opt_out(stage: &Stage, capture: &Capture) -> anyhow::Result<()> {
    let copy = capture.last_to("buyer@example.org").context("buyer got no copy")?;
    let path = copy.one_click_path().context("buyer's copy has no link")?;
    let status = wire::one_click(stage.public(), &path).await?;
    line("4. buyer's mailbox provider sends the one-click POST:");
    line(&format!("   {status}"));
    let before = capture.messages().len();
    let to = ["buyer@example.org"];
    let reply = wire::send(stage.smtp(), SENDER, &to, &newsletter("More soles")).await?;
    ensure!(capture.messages().len() == before, "something was sent after the opt-out");
    line("   and the next campaign to buyer:");
    line(&format!("   {reply}\n"));
    Ok(())
}

async fn proof(stage: &Stage, config: &Config, capture: &Capture) -> anyhow::Result<()> {
    let metrics = wire::get(stage.operations(), "/metrics").await?;
    line("5. What operations sees:");
    let told = metrics
        .lines()
        .filter(|text| text.starts_with("consentry_recipients_total{") && !text.ends_with(" 0"));
    for text in told {
        line(&format!("   {text}"));
    }
    let report = verify(&config.store.path, config.store.busy_timeout)
        .map_err(|error| anyhow::anyhow!(error))?;
    let entries: u64 = report.chains.iter().map(|chain| chain.entries).sum();
    line(&format!(
        "   and the journal is whole: {entries} entries, {} pieces of evidence, {} records refolded.",
        report.evidence, report.records
    ));
    let copy = capture.last_to("buyer@example.org").context("buyer got no copy")?;
    let header = copy.header("X-Consentry-Decision: ").context("a header is missing")?;
    let id = header.rsplit(' ').next().unwrap_or_default();
    line(&format!("   and why buyer's copy was lawful (consentry explain {id}):\n"));
    let told = explain::by_decision(config, id).await?;
    for text in told.lines() {
        line(&format!("   │ {text}"));
    }
    Ok(())
}
