//! The keyring as the text of its file: `[[key]]` tables, newest first.
//!
//! Files written before keys could widen differently say nothing about it; they mean the first
//! normalisation, and that only their first key is live.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::Keyring;
use crate::base::{DomainName, KeyError, KeyId, MasterKey, Normalization, Separators};

const HEADING: &str =
    "# Consentry keyring. Keep it apart from the database: together they name people.\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeyring {
    key: Vec<RawKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: u8,
    secret: String,
    #[serde(default)]
    live: bool,
    normalization: Option<u8>,
    #[serde(default)]
    separators: BTreeMap<String, String>,
}

impl RawKey {
    fn read(self) -> Result<MasterKey, KeyError> {
        let secret = BASE64
            .decode(self.secret.as_bytes())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or(KeyError::Secret(self.id))?;
        let number = self.normalization.unwrap_or(Normalization::First.number());
        let normalization =
            Normalization::from_number(number).ok_or(KeyError::Normalization(self.id))?;
        let mut separators = Separators::new();
        for (domain, characters) in self.separators {
            let name =
                DomainName::parse(&domain).map_err(|_| KeyError::Separators(domain.clone()))?;
            if normalization == Normalization::First {
                return Err(KeyError::Separators(domain));
            }
            separators.declare(name, &characters)?;
        }
        Ok(MasterKey::new(KeyId(self.id), secret).widening(normalization, separators))
    }
}

impl Keyring {
    /// Reads the TOML text of a keyring file: `[[key]]` tables with `id`, `secret`, whether it is
    /// `live` (the first always is), `normalization` and `[key.separators]`.
    ///
    /// # Errors
    /// [`KeyError`] says which key is wrong and why; secrets are never shown.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let raw: RawKeyring =
            toml::from_str(text).map_err(|e| KeyError::Syntax(e.message().to_owned()))?;
        let mut keys: Vec<MasterKey> = Vec::with_capacity(raw.key.len());
        let mut live = 0;
        for key in raw.key {
            if key.id == 0 || keys.iter().any(|k| k.id().0 == key.id) {
                return Err(KeyError::Number(key.id));
            }
            if key.live || keys.is_empty() {
                if live < keys.len() {
                    return Err(KeyError::Order(key.id));
                }
                live += 1;
            }
            keys.push(key.read()?);
        }
        if keys.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(Self::of(keys, live))
    }

    /// The text [`Keyring::parse`] reads.
    pub fn encode(&self) -> String {
        let mut text = String::from(HEADING);
        for (key, is_live) in self.keys() {
            let secret = BASE64.encode(key.secret());
            text.push_str(&format!("\n[[key]]\nid = {}\nsecret = \"{secret}\"\n", key.id().0));
            if is_live {
                text.push_str("live = true\n");
            }
            text.push_str(&format!("normalization = {}\n", key.normalization().number()));
            let mut said = key.separators().iter().peekable();
            if said.peek().is_some() {
                text.push_str("[key.separators]\n");
            }
            for (domain, characters) in said {
                text.push_str(&format!("\"{domain}\" = \"{characters}\"\n"));
            }
        }
        text
    }
}
