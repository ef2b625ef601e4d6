//! The keyring and the pseudonyms made with it.
//!
//! A person is known to the store only by [`PersonKey`] and [`AddressTag`], both keyed hashes:
//! without the keyring the evidence names nobody. Every use of a master key goes through a
//! labelled sub-key, so that no two purposes share one.

use std::fmt;

use aws_lc_rs::hmac;
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::{Digest, Mailbox};

/// The number under which a key stands in the keyring, 1 to 255.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId(pub u8);

/// 256 secret bits and their number.
#[derive(Clone)]
pub struct MasterKey {
    id: KeyId,
    secret: [u8; 32],
}

impl MasterKey {
    /// A master key from 32 random bytes.
    pub const fn new(id: KeyId, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    /// The key's number.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The sub-key for the purpose `label` names.
    pub fn sub_key(&self, label: &str) -> SubKey {
        let master = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let mut raw = [0; 32];
        raw.copy_from_slice(hmac::sign(&master, label.as_bytes()).as_ref());
        SubKey { raw, hmac: hmac::Key::new(hmac::HMAC_SHA256, &raw) }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id.0)
    }
}

/// A key for one purpose, derived from a master key by label.
#[derive(Clone)]
pub struct SubKey {
    raw: [u8; 32],
    hmac: hmac::Key,
}

impl SubKey {
    /// The key as HMAC-SHA256 wants it.
    pub const fn hmac(&self) -> &hmac::Key {
        &self.hmac
    }

    /// The 32 raw bytes, for ciphers.
    pub const fn raw(&self) -> &[u8; 32] {
        &self.raw
    }
}

impl fmt::Debug for SubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubKey")
    }
}

/// Why a keyring text cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum KeyError {
    /// The text is not the TOML a keyring is written in.
    #[error("the keyring is not readable: {0}")]
    Syntax(String),
    /// There is no key at all.
    #[error("the keyring holds no key; make one with `consentry key new`")]
    Empty,
    /// A secret does not have 32 bytes in base64.
    #[error("key {0}: the secret must be 32 bytes in base64")]
    Secret(u8),
    /// Two keys share a number, or a number is 0.
    #[error("key {0}: numbers run from 1 to 255 and stand once each")]
    Number(u8),
}

/// All keys of an installation. The first is the live one; the others only open old tokens.
#[derive(Clone, Debug)]
pub struct Keyring {
    keys: Vec<MasterKey>,
    person: SubKey,
    tag: SubKey,
    decision: SubKey,
}

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
}

impl Keyring {
    /// A keyring whose live key is `live`.
    pub fn new(live: MasterKey, older: Vec<MasterKey>) -> Self {
        let person = live.sub_key("consentry person key v1");
        let tag = live.sub_key("consentry address tag v1");
        let decision = live.sub_key("consentry decision id v1");
        let mut keys = vec![live];
        keys.extend(older);
        Self { keys, person, tag, decision }
    }

    /// Reads the TOML text of a keyring file: `[[key]]` tables with `id` and `secret`.
    ///
    /// # Errors
    /// [`KeyError`] says which key is wrong and why; secrets are never shown.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let raw: RawKeyring =
            toml::from_str(text).map_err(|e| KeyError::Syntax(e.message().to_owned()))?;
        let mut keys: Vec<MasterKey> = Vec::with_capacity(raw.key.len());
        for key in raw.key {
            if key.id == 0 || keys.iter().any(|k| k.id.0 == key.id) {
                return Err(KeyError::Number(key.id));
            }
            let secret = BASE64
                .decode(key.secret.as_bytes())
                .ok()
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or(KeyError::Secret(key.id))?;
            keys.push(MasterKey::new(KeyId(key.id), secret));
        }
        if keys.is_empty() {
            return Err(KeyError::Empty);
        }
        let live = keys.remove(0);
        Ok(Self::new(live, keys))
    }

    /// The text [`Keyring::parse`] reads.
    pub fn encode(&self) -> String {
        let mut text = String::from(
            "# Consentry keyring. Keep it apart from the database: together they name people.\n",
        );
        for key in &self.keys {
            let secret = BASE64.encode(&key.secret);
            text.push_str(&format!("\n[[key]]\nid = {}\nsecret = \"{secret}\"\n", key.id.0));
        }
        text
    }

    /// The live master key.
    pub fn live(&self) -> &MasterKey {
        &self.keys[0]
    }

    /// The master key numbered `id`, live or old.
    pub fn find(&self, id: KeyId) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The row a person's evidence stands in: keyed hash of the widened address.
    pub fn person_key(&self, mailbox: &Mailbox) -> PersonKey {
        PersonKey(short_tag(&self.person, mailbox.widened().as_bytes()))
    }

    /// The exact address a permission was given for: keyed hash of the case-folded address.
    pub fn address_tag(&self, mailbox: &Mailbox) -> AddressTag {
        AddressTag(short_tag(&self.tag, mailbox.folded().as_bytes()))
    }

    /// Tells one live key from another without telling anything about it. A store remembers it:
    /// under another key its people would be strangers, and their objections forgotten.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.live().sub_key("consentry keyring fingerprint v1").raw())
    }

    /// The sub-key decision ids are made with.
    pub const fn decision_key(&self) -> &SubKey {
        &self.decision
    }
}

fn short_tag(key: &SubKey, input: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&hmac::sign(key.hmac(), input).as_ref()[..16]);
    short
}

macro_rules! pseudonyms {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The pseudonym with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                HEXLOWER
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or_else(|| serde::de::Error::custom("expected 32 lower-case hex digits"))
            }
        }
    )*};
}

pseudonyms! {
    /// A person, as far as an address tells: case, quoting and sub-address do not matter.
    PersonKey;
    /// One exact address of a person: case does not matter, the sub-address does.
    AddressTag;
}

#[cfg(test)]
mod tests {
    use super::{KeyError, KeyId, Keyring, MasterKey};
    use crate::base::Mailbox;

    fn keyring() -> Keyring {
        Keyring::new(MasterKey::new(KeyId(1), [7; 32]), vec![MasterKey::new(KeyId(2), [8; 32])])
    }

    fn mailbox(text: &str) -> Mailbox {
        Mailbox::parse(text).unwrap()
    }

    #[test]
    fn one_person_has_one_key_and_each_address_its_tag() {
        let ring = keyring();
        let plain = mailbox("jane@example.com");
        for same in ["Jane@EXAMPLE.com.", "\"jane\"@example.com", "jane+shop@example.com"] {
            assert_eq!(ring.person_key(&plain), ring.person_key(&mailbox(same)), "{same}");
        }
        assert_eq!(ring.address_tag(&plain), ring.address_tag(&mailbox("JANE@example.com")));
        assert_ne!(ring.address_tag(&plain), ring.address_tag(&mailbox("jane+shop@example.com")));
        assert_ne!(ring.person_key(&plain), ring.person_key(&mailbox("joan@example.com")));
    }

    #[test]
    fn survives_its_own_text() {
        let ring = Keyring::parse(&keyring().encode()).unwrap();
        let jane = mailbox("jane@example.com");
        assert_eq!(ring.person_key(&jane), keyring().person_key(&jane));
        assert!(ring.find(KeyId(2)).is_some());
        assert!(ring.find(KeyId(3)).is_none());
    }

    #[test]
    fn refuses_unusable_keyrings_without_showing_secrets() {
        assert!(matches!(Keyring::parse("key = 1"), Err(KeyError::Syntax(_))));
        assert_eq!(Keyring::parse("key = []").unwrap_err(), KeyError::Empty);
        let short = "[[key]]\nid = 3\nsecret = \"c2hvcnQ=\"\n";
        assert_eq!(Keyring::parse(short).unwrap_err(), KeyError::Secret(3));
        let twice = keyring().encode().replace("id = 2", "id = 1");
        assert_eq!(Keyring::parse(&twice).unwrap_err(), KeyError::Number(1));
    }
}
