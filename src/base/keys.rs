//! Keys, and the pseudonyms made with them.
//!
//! A person is known to the store only by keyed hashes: without the keyring the evidence names
//! nobody. Every use of a master key goes through a labelled sub-key, so that no two purposes
//! share one. Which keys there are and which count is the keyring's business.

use std::fmt;

use aws_lc_rs::hmac;
use thiserror::Error;

use super::hex::hex_bytes;
use super::{Digest, Separators};

/// The number under which a key stands in the keyring, 1 to 255.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId(pub u8);

/// How a key's pseudonyms are made. A number once given keeps its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Normalization {
    /// Lower case, `+` everywhere, and pseudonyms that do not say which key made them.
    First,
    /// Full case folding, each domain's separators, and a first byte that names the key.
    #[default]
    Second,
}

impl Normalization {
    /// The number in keyrings and stores.
    pub const fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// The normalisation with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::First),
            2 => Some(Self::Second),
            _ => None,
        }
    }
}

/// 256 secret bits, their number, and how addresses are widened under them.
#[derive(Clone)]
pub struct MasterKey {
    id: KeyId,
    secret: [u8; 32],
    normalization: Normalization,
    separators: Separators,
}

impl MasterKey {
    /// A master key from 32 random bytes, of the newest normalisation.
    pub const fn new(id: KeyId, secret: [u8; 32]) -> Self {
        let normalization = Normalization::Second;
        Self { id, secret, normalization, separators: Separators::new() }
    }

    /// The same key with another way to widen addresses.
    #[must_use]
    pub fn widening(self, normalization: Normalization, separators: Separators) -> Self {
        Self { normalization, separators, ..self }
    }

    /// The key's number.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// How its pseudonyms are made.
    pub const fn normalization(&self) -> Normalization {
        self.normalization
    }

    /// What begins a sub-address for it.
    pub const fn separators(&self) -> &Separators {
        &self.separators
    }

    pub(super) const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Tells this key, and how it widens, from others without telling anything about it.
    pub(super) fn fingerprint(&self) -> Digest {
        let print = Digest::of(self.sub_key("consentry keyring fingerprint v1").raw());
        if self.normalization == Normalization::First {
            return print;
        }
        let mut said = Vec::new();
        for (domain, characters) in self.separators.iter() {
            said.extend_from_slice(format!("{domain} {characters}\n").as_bytes());
        }
        Digest::of_parts(&[print.as_bytes(), &[self.normalization.number()], &said])
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
    /// A key is of a normalisation this program does not know.
    #[error("key {0}: its normalization is not 1 or 2; use a newer program")]
    Normalization(u8),
    /// Separators are declared for something that is no domain, or are not of the few allowed.
    #[error("separators of `{0}`: expected a domain and characters from `!#$%&*+-./=_~`")]
    Separators(String),
    /// Live keys do not stand together at the front.
    #[error("key {0}: live keys stand before all others")]
    Order(u8),
    /// There is no free number left for a new key.
    #[error("all 255 key numbers were given")]
    Full,
}

/// The first 16 bytes of the keyed hash of `parts`, one after the other.
pub(super) fn short_tag(key: &SubKey, parts: &[&[u8]]) -> [u8; 16] {
    let mut context = hmac::Context::with_key(key.hmac());
    for part in parts {
        context.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&context.sign().as_ref()[..16]);
    short
}

hex_bytes! {
    /// A person, as far as an address tells: case, quoting and sub-address do not matter.
    #[derive(Default)]
    PersonKey: 16, "32 lower-case hex digits";
    /// One exact address of a person: case does not matter, the sub-address does.
    #[derive(Default)]
    AddressTag: 16, "32 lower-case hex digits";
    /// A whole domain, whose firm may object for all who have an address there.
    #[derive(Default)]
    DomainKey: 16, "32 lower-case hex digits";
    /// What an opt-out register lists: an address, a domain, or the hash of either.
    #[derive(Default)]
    ListingKey: 16, "32 lower-case hex digits";
}

impl DomainKey {
    /// The key of the domain's own record, which stands beside those of persons.
    pub const fn row(self) -> PersonKey {
        PersonKey(self.0)
    }
}
