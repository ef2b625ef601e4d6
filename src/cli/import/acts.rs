//! What can be done about imports: undo one, list them, show the formats.

use std::path::Path;

use anyhow::{Context as _, anyhow};

use super::UndoArgs;
use crate::base::BatchId;
use crate::cli::exit::{Exit, Failure, OrExit as _, Outcome};
use crate::cli::{output, setup};
use crate::config::Right;
use crate::eligibility::import::{ColumnMap, built_in};
use crate::store::{ImportRow, Reach};

/// Runs `import undo`.
pub(super) fn undo(args: &UndoArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let batch = BatchId::parse(&args.batch).or_exit(Exit::Usage)?;
    let mut acts = vec![args.officer.act(&config, Right::UndoImport)?];
    let reach = match args.objections_too {
        true => {
            acts.push(args.officer.act(&config, Right::LiftObjection)?);
            Reach::Everything
        }
        false => Reach::Permissions,
    };
    let about = serde_json::json!({ "acts": acts, "objections_too": args.objections_too });
    let store = setup::visit(&config)?;
    let undone = setup::runtime()?
        .block_on(store.undo_import(&batch, reach, about, |_| {}))
        .context("undoing stopped; run it again to go on")
        .or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    match undone {
        Some(undone) => {
            let rest = match reach {
                Reach::Permissions => "; its objections stay",
                Reach::Everything => ", its objections among them",
            };
            output::line(&format!(
                "undone {batch}: {undone} pieces of evidence no longer count{rest}"
            ));
            Ok(Exit::Ok)
        }
        None => {
            let error = anyhow!("there is no import `{batch}`; `consentry import list` shows them");
            Err(Failure::new(Exit::Data, error))
        }
    }
}

/// How a list is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Print {
    /// For people.
    Lines,
    /// For programs.
    Json,
}

/// Runs `import list`.
pub(super) fn list(config: &Path, print: Print) -> Outcome {
    let config = setup::config(config)?;
    let store = setup::visit(&config)?;
    let imports = setup::runtime()?.block_on(store.imports()).or_exit(Exit::Unavailable)?;
    setup::close(store)?;
    if imports.is_empty() && print == Print::Lines {
        output::line("nothing was imported yet");
    }
    for import in &imports {
        output::line(&match print {
            Print::Json => as_json(import).to_string(),
            Print::Lines => as_text(import),
        });
    }
    Ok(Exit::Ok)
}

fn source(import: &ImportRow) -> serde_json::Value {
    let about = import.about.as_deref();
    about.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn as_json(import: &ImportRow) -> serde_json::Value {
    serde_json::json!({
        "batch": import.batch,
        "opened_at": import.opened_at,
        "completed_at": import.completed_at,
        "fresh": import.fresh,
        "known": import.known,
        "undone": import.undone,
        "source": source(import),
    })
}

fn as_text(import: &ImportRow) -> String {
    let about = source(import);
    let word = |name: &str| about[name].as_str().unwrap_or("-").to_owned();
    let state = match import.completed_at {
        Some(_) => format!("{} new, {} known", import.fresh, import.known),
        None => String::from("not complete: its permissions do not count"),
    };
    let undone = match import.undone {
        0 => String::new(),
        n => format!(", {n} undone"),
    };
    format!(
        "{}  {}  {} ({}) by {}: {state}{undone}",
        import.batch,
        import.opened_at,
        word("file"),
        word("format"),
        word("by")
    )
}

/// Runs `import formats`.
pub(super) fn formats(name: Option<&str>) -> Outcome {
    let Some(name) = name else {
        output::line("own         Consentry's own columns, as CSV or JSON lines");
        for built in built_in() {
            let about = ColumnMap::parse(built.text).map(|map| map.about).unwrap_or_default();
            output::line(&format!("{:<11} {about}", built.format));
        }
        return Ok(Exit::Ok);
    };
    let found: Vec<&str> =
        built_in().iter().filter(|built| built.format == name).map(|built| built.text).collect();
    if found.is_empty() {
        return Err(super::told::usage(format!(
            "there is no column map `{name}`; `consentry import formats` lists them"
        )));
    }
    found.iter().for_each(|text| output::line(text));
    Ok(Exit::Ok)
}
