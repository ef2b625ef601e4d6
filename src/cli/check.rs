//! `consentry check`: the same reading `serve` does, without serving.

use std::path::Path;

use super::exit::{Exit, OrExit as _, Outcome};
use super::{output, setup};
use crate::daemon::{self, Generation, SystemClock};
use crate::eligibility::governing;
use crate::pipeline::Enforce;
use crate::relay::ports::Clock as _;

/// Checks the configuration at `path` and what it refers to.
pub(super) fn run(path: &Path) -> Outcome {
    let config = setup::config(path)?;
    let keyring = setup::keyring(&config)?;
    let generation = Generation::build(config, keyring, 1).or_exit(Exit::Config)?;
    let Generation { config, keyring, house, .. } = &generation;
    daemon::check_certificates(config).or_exit(Exit::Config)?;
    let now = SystemClock.now();
    for stream in house.streams.iter().filter(|stream| stream.enforce != Enforce::All) {
        let until = stream.lease().until.date();
        let text = match stream.enforcement(now) {
            Enforce::All => format!("enforces everything: its `until` ({until}) is over"),
            Enforce::Observe | Enforce::Objections => {
                format!("does not enforce everything until {until}")
            }
        };
        output::remark(&format!("warning: stream `{}` {text}", stream.id));
    }
    for stream in &house.streams {
        for place in &stream.jurisdictions {
            let speaks = governing(place, &house.rules);
            if speaks != *place {
                output::remark(&format!(
                    "warning: stream `{}`: no rule set for `{place}`; `{speaks}` speaks for it",
                    stream.id
                ));
            }
        }
    }
    for client in &config.clients {
        for network in client.networks.iter().filter(|network| network.prefix_len() == 0) {
            output::remark(&format!(
                "warning: client `{}` admits everybody ({network}): an open relay",
                client.name
            ));
        }
    }
    if config.store.path.exists() {
        setup::close(setup::look(config, keyring)?)?;
    }
    if config.keys.file.parent() == config.store.path.parent() {
        output::remark(
            "warning: keyring and database share a folder; together they name people, keep them apart",
        );
    }
    if config.store.high_water(&config.node.id).parent() == config.store.path.parent() {
        output::remark(
            "warning: [store] high_water lies in the database's folder; if both are restored together, an old database is not noticed",
        );
    }
    output::line(&format!("{}: ok", path.display()));
    Ok(Exit::Ok)
}
