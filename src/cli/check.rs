//! `consentry check`: the same reading `serve` does, without serving.

use std::path::Path;

use super::exit::{Exit, Outcome};
use super::{output, setup};
use crate::daemon;
use crate::pipeline::Enforce;

/// Checks the configuration at `path` and what it refers to.
pub(super) fn run(path: &Path) -> Outcome {
    let config = setup::config(path)?;
    let keyring = setup::keyring(&config)?;
    daemon::house(&config, keyring)
        .map_err(|error| super::exit::Failure::new(Exit::Config, error))?;
    for stream in config.streams.iter().filter(|stream| stream.enforce != Enforce::All) {
        let until = stream.until.map(|date| date.to_string()).unwrap_or_default();
        output::remark(&format!(
            "warning: stream `{}` does not enforce everything until {until}",
            stream.id
        ));
    }
    if config.keys.file.parent() == config.store.path.parent() {
        output::remark(
            "warning: keyring and database share a folder; together they name people, keep them apart",
        );
    }
    output::line(&format!("{}: ok", path.display()));
    Ok(Exit::Ok)
}
