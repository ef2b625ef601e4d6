//! Passwords as they are kept: never themselves, only what recognises them.
//!
//! A generated password has 256 random bits, so one SHA-256 keeps it (`sha256:` and 64 hex
//! digits) and recognising it costs nothing. What a person chose needs argon2 (RFC 9106, a PHC
//! string), which costs some 20 ms and 19 MiB on purpose: whoever asks bounds how often.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc;
use argon2::{Argon2, Params};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::HEXLOWER_PERMISSIVE;
use thiserror::Error;

use super::Digest;

const SHA256: &str = "sha256:";

/// What a kept password must look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "is not a kept password: expected `sha256:` and 64 hex digits, or `$argon2id$…`; \
     make one with `consentry credential new` or `consentry credential hash`"
)]
pub struct PasswordHashError;

/// What recognising a password costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// A microsecond.
    Cheap,
    /// Tens of milliseconds and tens of megabytes.
    Dear,
}

/// What recognises one password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Kept);

#[derive(Clone, PartialEq, Eq)]
enum Kept {
    Sha256([u8; 32]),
    Argon2(Box<phc::PasswordHash>),
}

/// RFC 9106 §4 recommends up to 2 GiB; more than this would let a typing slip stop the relay.
const ARGON2_KIBIBYTES_MAX: u32 = 256 * 1024;
const ARGON2_PASSES_MAX: u32 = 32;

impl PasswordHash {
    /// The digest of a generated password.
    pub fn sha256(password: &[u8]) -> Self {
        Self(Kept::Sha256(*Digest::of(password).as_bytes()))
    }

    /// What [`PasswordHash::matches`] costs.
    pub const fn cost(&self) -> Cost {
        match self.0 {
            Kept::Sha256(_) => Cost::Cheap,
            Kept::Argon2(_) => Cost::Dear,
        }
    }

    /// Whether `password` is the one that was kept, in time that does not depend on how much
    /// of it is right.
    pub fn matches(&self, password: &[u8]) -> bool {
        match &self.0 {
            Kept::Sha256(kept) => {
                verify_slices_are_equal(kept, Digest::of(password).as_bytes()).is_ok()
            }
            Kept::Argon2(kept) => {
                Argon2::default().verify_password(password, kept.as_ref()).is_ok()
            }
        }
    }
}

impl FromStr for PasswordHash {
    type Err = PasswordHashError;

    fn from_str(text: &str) -> Result<Self, PasswordHashError> {
        if let Some(hex) = text.strip_prefix(SHA256) {
            let bytes =
                HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| PasswordHashError)?;
            return bytes
                .try_into()
                .map(|digest| Self(Kept::Sha256(digest)))
                .map_err(|_| PasswordHashError);
        }
        let kept = phc::PasswordHash::new(text).map_err(|_| PasswordHashError)?;
        let params = Params::try_from(&kept).map_err(|_| PasswordHashError)?;
        let is_bounded =
            params.m_cost() <= ARGON2_KIBIBYTES_MAX && params.t_cost() <= ARGON2_PASSES_MAX;
        let is_whole = kept.algorithm.as_str() == "argon2id" && kept.hash.is_some();
        match is_whole && is_bounded && kept.salt.is_some() {
            true => Ok(Self(Kept::Argon2(Box::new(kept)))),
            false => Err(PasswordHashError),
        }
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Sha256(digest) => {
                write!(f, "{SHA256}{}", data_encoding::HEXLOWER.encode(digest))
            }
            Kept::Argon2(kept) => fmt::Display::fmt(kept, f),
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher as _;
    use argon2::{Algorithm, Argon2, Params, Version};

    use super::{Cost, PasswordHash};

    fn argon2(memory: u32) -> String {
        let params = Params::new(memory, 1, 1, None).unwrap();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        hasher.hash_password(b"open sesame").unwrap().to_string()
    }

    #[test]
    fn recognises_its_password_and_no_other() {
        for (kept, cost) in [
            (PasswordHash::sha256(b"open sesame").to_string(), Cost::Cheap),
            (argon2(64), Cost::Dear),
        ] {
            let hash: PasswordHash = kept.parse().unwrap();
            assert_eq!((hash.cost(), hash.to_string()), (cost, kept));
            assert!(hash.matches(b"open sesame"));
            assert!(!hash.matches(b"open sesam"));
            assert!(!hash.matches(b""));
        }
    }

    #[test]
    fn refuses_passwords_kept_in_clear_or_at_a_ruinous_price() {
        for text in ["open sesame", "sha256:12", "sha256:", "", "$argon2id$", "$2b$10$abc"] {
            assert!(text.parse::<PasswordHash>().is_err(), "{text}");
        }
        let ruinous = argon2(64).replace("m=64", "m=1000000");
        assert!(ruinous.parse::<PasswordHash>().is_err());
    }

    #[test]
    fn debug_output_tells_nothing() {
        let hash = PasswordHash::sha256(b"open sesame");
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }
}
