//! What the operator says about a file, checked against the configuration.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, anyhow};

use super::LoadArgs;
use crate::base::{EntityId, Keyring, TopicId};
use crate::cli::exit::{Exit, Failure, OrExit as _};
use crate::config::Config;
use crate::daemon::SystemClock;
use crate::eligibility::import::{Choice, ColumnMap, Names, Terms};
use crate::relay::ports::Clock as _;

/// The terms of an import about which nothing special was said.
pub(super) fn plain(config: &Config, keyring: &Keyring) -> Terms {
    let only_entity = match config.entities.as_slice() {
        [only] => Some(only.id.clone()),
        _ => None,
    };
    Terms {
        imported_at: SystemClock.now(),
        entity: None,
        only_entity,
        topics: BTreeMap::new(),
        date_format: None,
        names: Names {
            entities: config.entities.iter().map(|entity| entity.id.clone()).collect(),
            brands: config.brands.iter().map(|brand| brand.id.clone()).collect(),
            topics: config.topics.iter().map(|topic| topic.id.clone()).collect(),
        },
        keyring: fingerprint(keyring),
    }
}

/// The keyring's fingerprint as rows with keys carry it.
pub(in crate::cli) fn fingerprint(keyring: &Keyring) -> String {
    let newest = keyring.prints().into_iter().next();
    newest.map(|print| print.fingerprint.to_string().chars().take(16).collect()).unwrap_or_default()
}

/// The terms of an import as its arguments say.
pub(super) fn terms(args: &LoadArgs, config: &Config, keyring: &Keyring) -> Result<Terms, Failure> {
    let mut terms = plain(config, keyring);
    terms.date_format.clone_from(&args.date_format);
    if let Some(word) = &args.entity {
        terms.entity = Some(entity(config, word)?);
    }
    for pair in &args.topics {
        let (theirs, ours) = pair.rsplit_once('=').ok_or_else(|| {
            usage(format!("`{pair}` is not THEIRS=OURS, such as 'Shoe news=footwear'"))
        })?;
        let found = terms.names.topics.iter().find(|topic| topic.as_str() == ours.trim());
        let found = found.cloned().ok_or_else(|| unknown_topic(&terms, ours))?;
        terms.topics.insert(theirs.trim().to_owned(), found);
    }
    Ok(terms)
}

/// A configured legal person.
pub(in crate::cli) fn entity(config: &Config, word: &str) -> Result<EntityId, Failure> {
    let known = config.entities.iter().find(|entity| entity.id.as_str() == word.trim());
    known.map(|entity| entity.id.clone()).ok_or_else(|| {
        let ids: Vec<&str> = config.entities.iter().map(|entity| entity.id.as_str()).collect();
        usage(format!("`{word}` is no [[entity]]; one of {}", ids.join(", ")))
    })
}

fn unknown_topic(terms: &Terms, word: &str) -> Failure {
    let ids: Vec<&str> = terms.names.topics.iter().map(TopicId::as_str).collect();
    usage(format!("`{word}` is no [[topic]]; one of {}", ids.join(", ")))
}

/// How the format is chosen.
pub(super) fn choice(args: &LoadArgs) -> Result<Choice, Failure> {
    match (&args.map, &args.format) {
        (Some(path), _) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))
                .or_exit(Exit::NoInput)?;
            let map = ColumnMap::parse(&text)
                .with_context(|| format!("in {}", path.display()))
                .or_exit(Exit::Data)?;
            Ok(Choice::Map(Box::new(map)))
        }
        (None, Some(name)) => Ok(Choice::Named(name.clone())),
        (None, None) => Ok(Choice::Recognise),
    }
}

/// A failure of the arguments.
pub(in crate::cli) fn usage(message: String) -> Failure {
    Failure::new(Exit::Usage, anyhow!("{message}"))
}
