//! Identifiers: names an operator chooses, and numbers the system makes.
//!
//! Names are the configuration's ids of legal persons, brands, topics and so on; numbers name
//! transactions, decisions and evidence. Making a number random is the shell's business.

use std::fmt;

use aws_lc_rs::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::keys::SubKey;

/// Why a text is not a usable name.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "`{text}` is not a name: use 1 to 64 lower-case letters, digits, `-`, `_` or `.`, starting with a letter or digit"
)]
pub struct NameError {
    text: String,
}

fn check_name(text: &str) -> Result<(), NameError> {
    let mut bytes = text.bytes();
    let starts_well = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let goes_on_well = bytes
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if starts_well && goes_on_well && text.len() <= 64 {
        return Ok(());
    }
    Err(NameError { text: text.chars().take(80).collect() })
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// Checks `text` as a name: 1 to 64 of `a-z 0-9 - _ .`, first a letter or digit.
            ///
            /// # Errors
            /// [`NameError`] names the text and the rule.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check_name(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// A legal person: who collected an address and who sends. Brands are its faces.
    EntityId;
    /// A face of an entity, as recipients know it.
    BrandId;
    /// A product category; similarity between topics is an explicit map.
    TopicId;
    /// A stream of messages with one purpose and one set of settings.
    StreamId;
    /// A rule set and the jurisdiction it speaks for (`uk`, `be`, `eu`).
    JurisdictionId;
    /// A point where addresses are collected, with attested facts.
    CollectionPointId;
    /// One running relay process; its journal chain and claims carry this name.
    NodeId;
    /// A public opt-out register, as rule sets name it (`ecg`).
    RegisterId;
    /// One import, as a unit that can be counted and undone.
    BatchId;
}

/// One SMTP transaction, 128 random bits made by the shell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TransactionId([u8; 16]);

impl TransactionId {
    /// A transaction id from 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the 26 characters written by `Display`; upper case is taken as lower.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(crockford_decode(text, 26)?.to_be_bytes()))
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crockford(u128::from_be_bytes(self.0), 26))
    }
}

/// One decision about one recipient of one transaction: 64 bits, shown as 13 lower-case
/// Crockford base32 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DecisionId(u64);

impl DecisionId {
    /// HMAC-SHA256 of the transaction id and the recipient's index, cut to 64 bits, so that
    /// one id tells nothing about its neighbours.
    pub fn derive(key: &SubKey, transaction: TransactionId, index: u32) -> Self {
        let mut input = [0_u8; 20];
        input[..16].copy_from_slice(transaction.as_bytes());
        input[16..].copy_from_slice(&index.to_be_bytes());
        let tag = hmac::sign(key.hmac(), &input);
        let mut first = [0; 8];
        first.copy_from_slice(&tag.as_ref()[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// A decision id from its 64 bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Reads the 13 characters written by `Display`; upper case is taken as lower.
    pub fn parse(text: &str) -> Option<Self> {
        u64::try_from(crockford_decode(text, 13)?).ok().map(Self)
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crockford(u128::from(self.0), 13))
    }
}

/// One piece of evidence, numbered by the store in the order it was written.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EvidenceId(pub u64);

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

macro_rules! as_text {
    ($($name:ident: $what:literal;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("expected ", $what)))
            }
        }
    )*};
}

as_text! {
    TransactionId: "a transaction id of 26 base32 characters";
    DecisionId: "a decision id of 13 base32 characters";
}

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn crockford(value: u128, width: usize) -> String {
    (0..width)
        .rev()
        .map(|place| {
            let shift = u32::try_from(place * 5).unwrap_or(0);
            char::from(CROCKFORD[usize::try_from((value >> shift) & 31).unwrap_or(0)])
        })
        .collect()
}

fn crockford_decode(text: &str, width: usize) -> Option<u128> {
    if text.len() != width {
        return None;
    }
    let mut value: u128 = 0;
    for byte in text.bytes().map(|b| b.to_ascii_lowercase()) {
        let digit = CROCKFORD.iter().position(|&c| c == byte)?;
        // A first digit too large for the width would push bits out at the top.
        if value.leading_zeros() < 5 {
            return None;
        }
        value = (value << 5) | digit as u128;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::{DecisionId, EntityId, TransactionId};

    #[test]
    fn decision_ids_survive_their_text() {
        for bits in [0, 1, 31, 32, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = DecisionId::from_bits(bits);
            assert_eq!(id.to_string().len(), 13);
            assert_eq!(DecisionId::parse(&id.to_string()), Some(id));
            assert_eq!(DecisionId::parse(&id.to_string().to_uppercase()), Some(id));
        }
        assert_eq!(DecisionId::parse("zzzzzzzzzzzzz"), None, "65 bits do not fit");
        assert_eq!(DecisionId::parse("short"), None);
    }

    #[test]
    fn transaction_ids_survive_their_text() {
        for byte in [0, 0x5a, 0xff] {
            let id = TransactionId::from_bytes([byte; 16]);
            assert_eq!(TransactionId::parse(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn names_are_short_and_lower_case() {
        for good in ["a", "shoes-2", "0x", "acme.uk"] {
            assert!(EntityId::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "Acme", "-a", "a b", "é", "a\n", long.as_str()] {
            assert!(EntityId::parse(bad).is_err(), "{bad}");
        }
    }
}
