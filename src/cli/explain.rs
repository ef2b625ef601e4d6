//! `consentry explain`: a decision, or all of a transaction, in plain words.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{output, setup};
use crate::base::{DecisionId, EvidenceId, TransactionId};
use crate::config::Config;
use crate::pipeline::{DecisionRecord, OutcomeRecord, ToldEvidence, ToldOutcome, explain};
use crate::store::{Store, StoredDecision};

/// Arguments of `explain`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  consentry explain --config consentry.toml 3f7k2m9qzx0ab                (a decision)\n  consentry explain --config consentry.toml 36frvj4grvrh914bsgpsrfsy3d   (a transaction)"
)]
pub(super) struct ExplainArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// A decision id (13 characters) or a transaction id (26 characters).
    #[arg(value_name = "ID")]
    id: String,
}

/// Runs the command.
pub(super) fn run(args: &ExplainArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let store = setup::visit(&config)?;
    let runtime = setup::runtime()?;
    let id = args.id.trim();
    let decisions = match (DecisionId::parse(id), TransactionId::parse(id)) {
        (Some(id), _) => {
            runtime.block_on(store.decision(id)).or_exit(Exit::Unavailable)?.into_iter().collect()
        }
        (None, Some(id)) => runtime.block_on(store.transaction(id)).or_exit(Exit::Unavailable)?,
        (None, None) => {
            let error = anyhow!("`{id}` is neither a decision id nor a transaction id");
            return Err(Failure::new(Exit::Usage, error));
        }
    };
    if decisions.is_empty() {
        output::remark(&format!("nothing is recorded under `{id}`"));
        return Ok(Exit::No);
    }
    for decision in decisions {
        let told = runtime.block_on(tell(&store, &decision)).or_exit(Exit::Data)?;
        output::line(&told);
    }
    Ok(Exit::Ok)
}

/// The account of one decision.
pub(super) async fn by_decision(config: &Config, id: &str) -> anyhow::Result<String> {
    let store = setup::visit(config).map_err(|failure| anyhow!(failure.text()))?;
    let id = DecisionId::parse(id).context("not a decision id")?;
    let decision = store.decision(id).await?.context("the decision is not recorded")?;
    tell(&store, &decision).await
}

async fn tell(store: &Store, decision: &StoredDecision) -> anyhow::Result<String> {
    let record: DecisionRecord = serde_json::from_slice(&decision.payload)
        .with_context(|| format!("the payload of decision {}", decision.id))?;
    let outcomes: Vec<ToldOutcome> = decision
        .outcomes
        .iter()
        .map(|outcome| ToldOutcome {
            at: outcome.at,
            what: serde_json::from_slice::<OutcomeRecord>(&outcome.payload)
                .map_or_else(|_| "unreadable".to_owned(), |outcome| outcome.in_words()),
        })
        .collect();
    let mut evidence = Vec::new();
    if let Some(marketing) = &record.marketing {
        // By number, not by person: a domain's, or those under an older key, count as well.
        let mut wanted: Vec<EvidenceId> =
            marketing.verdict.by_rule_set.iter().flat_map(|v| v.evidence.clone()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for (id, piece) in store.evidence(wanted).await? {
            evidence.push(ToldEvidence { id: id.to_string(), at: piece.at, what: what(&piece) });
        }
    }
    Ok(explain(&record, &evidence, &outcomes))
}

fn what(piece: &crate::eligibility::Evidence) -> String {
    let source = piece.provenance.source.as_deref().unwrap_or("an unnamed source");
    let reference = piece.provenance.reference.as_deref().unwrap_or("no reference");
    format!("{} from {source} ({reference})", piece.fact.kind())
}
