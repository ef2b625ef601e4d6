//! `consentry journal export`: entries and what they commit to, one JSON object per line.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cli::exit::{Exit, Failure, OrExit as _, Outcome};
use crate::cli::{output, setup};
use crate::store::Store;

/// Entries read at once.
const PAGE: u32 = 1000;

/// Arguments of `journal export`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry journal export --config consentry.toml --from 1 --out journal.jsonl\nIt holds what the store holds about people, under their keyed hashes: keep it as safe."
)]
pub(in crate::cli) struct ExportArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = crate::cli::CONFIG_DEFAULT)]
    config: PathBuf,
    /// The first entry's number, in each chain.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// The file to write; it must not exist yet. Standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &ExportArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let store = setup::visit(&config)?;
    let written = match &args.out {
        Some(path) => {
            let file = File::create_new(path)
                .with_context(|| format!("cannot create {}", path.display()))
                .or_exit(Exit::CannotCreate)?;
            export(&store, args.from, BufWriter::new(file))?
        }
        None => export(&store, args.from, BufWriter::new(io::stdout().lock()))?,
    };
    setup::close(store)?;
    output::remark(&format!("{written} entries"));
    Ok(Exit::Ok)
}

fn export(store: &Store, from: u64, mut out: impl Write) -> Result<u64, Failure> {
    let runtime = setup::runtime()?;
    let (mut after, mut written) = (None, 0);
    loop {
        let page = store.export(after, from, PAGE);
        let page = runtime.block_on(page).or_exit(Exit::Unavailable)?;
        let Some(last) = page.last() else { break };
        after = Some((last.chain.clone(), last.seq));
        for entry in &page {
            let line = serde_json::to_string(entry).or_exit(Exit::Data)?;
            writeln!(out, "{line}").or_exit(Exit::CannotCreate)?;
            written += 1;
        }
    }
    out.flush().or_exit(Exit::CannotCreate)?;
    Ok(written)
}
