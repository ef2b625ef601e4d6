//! A text sealed with a passphrase, so that a keyring can be kept where others can reach it.
//!
//! Argon2id (RFC 9106) makes a key of the passphrase, AES-256-GCM (SP 800-38D) seals with it.
//! The result is TOML in plain characters: it can be printed, and typed in again.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes.
const MEMORY_KIBIBYTES: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// What a sealed text may ask for, so that a forged one cannot exhaust the machine.
const MEMORY_KIBIBYTES_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 64;
const LANES_MAX: u32 = 16;

const VERSION: u8 = 1;

/// Why a sealed text was not made or opened.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SealError {
    /// The text is not one that was sealed here, or a newer program sealed it.
    #[error("this is no sealed keyring of version 1: {0}")]
    Format(String),
    /// The passphrase is wrong, or the text was altered.
    #[error("the passphrase is wrong, or the file was altered")]
    Passphrase,
    /// The machine does not have the memory it takes.
    #[error("the key cannot be derived: {0}")]
    Derivation(String),
}

/// 28 random bytes that must never be used twice with one passphrase.
#[derive(Clone, Copy, Debug)]
pub struct SealRandom {
    /// For the passphrase.
    pub salt: [u8; 16],
    /// For the cipher.
    pub nonce: [u8; 12],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    version: u8,
    memory_kibibytes: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

impl Sealed {
    /// Everything but the secret itself is covered by the seal.
    fn covered(&self) -> Aad<String> {
        Aad::from(format!(
            "consentry sealed keyring v{} m={} t={} p={} {} {}",
            self.version, self.memory_kibibytes, self.passes, self.lanes, self.salt, self.nonce
        ))
    }

    fn key(&self, passphrase: &str, salt: &[u8]) -> Result<LessSafeKey, SealError> {
        let failed = |error: argon2::Error| SealError::Derivation(error.to_string());
        let params = Params::new(self.memory_kibibytes, self.passes, self.lanes, Some(32));
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(failed)?);
        let mut key = [0; 32];
        argon2.hash_password_into(passphrase.as_bytes(), salt, &mut key).map_err(failed)?;
        let key = UnboundKey::new(&AES_256_GCM, &key);
        Ok(LessSafeKey::new(key.expect("an AES-256 key has 32 bytes")))
    }
}

/// Seals `text` with `passphrase`.
///
/// # Errors
/// [`SealError::Derivation`] if the machine does not have the memory.
pub fn seal_text(text: &str, passphrase: &str, random: SealRandom) -> Result<String, SealError> {
    let mut sealed = Sealed {
        version: VERSION,
        memory_kibibytes: MEMORY_KIBIBYTES,
        passes: PASSES,
        lanes: LANES,
        salt: BASE64.encode(&random.salt),
        nonce: BASE64.encode(&random.nonce),
        sealed: String::new(),
    };
    let key = sealed.key(passphrase, &random.salt)?;
    let mut bytes = text.as_bytes().to_vec();
    let nonce = Nonce::assume_unique_for_key(random.nonce);
    key.seal_in_place_append_tag(nonce, sealed.covered(), &mut bytes)
        .map_err(|_| SealError::Derivation("the text is too long".to_owned()))?;
    sealed.sealed = BASE64.encode(&bytes);
    toml::to_string(&sealed).map_err(|error| SealError::Format(error.to_string()))
}

/// Opens what [`seal_text`] made.
///
/// # Errors
/// [`SealError`]; a wrong passphrase and an altered text look alike.
pub fn open_text(sealed: &str, passphrase: &str) -> Result<String, SealError> {
    let sealed: Sealed =
        toml::from_str(sealed).map_err(|error| SealError::Format(error.message().to_owned()))?;
    let is_bounded = sealed.memory_kibibytes <= MEMORY_KIBIBYTES_MAX
        && sealed.passes <= PASSES_MAX
        && sealed.lanes <= LANES_MAX;
    if sealed.version != VERSION || !is_bounded {
        return Err(SealError::Format("its version or its costs are out of range".to_owned()));
    }
    let decode = |name: &str, text: &str| {
        let bytes = BASE64.decode(text.as_bytes());
        bytes.map_err(|_| SealError::Format(format!("`{name}` is not base64")))
    };
    let (salt, nonce) = (decode("salt", &sealed.salt)?, decode("nonce", &sealed.nonce)?);
    let mut bytes = decode("sealed", &sealed.sealed)?;
    let nonce = Nonce::try_assume_unique_for_key(&nonce)
        .map_err(|_| SealError::Format("`nonce` does not have 12 bytes".to_owned()))?;
    let key = sealed.key(passphrase, &salt)?;
    let plain = key
        .open_in_place(nonce, sealed.covered(), &mut bytes)
        .map_err(|_| SealError::Passphrase)?;
    String::from_utf8(plain.to_vec()).map_err(|_| SealError::Passphrase)
}

#[cfg(test)]
mod tests {
    use super::{SealError, SealRandom, open_text, seal_text};

    const RANDOM: SealRandom = SealRandom { salt: [1; 16], nonce: [2; 12] };

    #[test]
    fn opens_with_its_passphrase_only() {
        let sealed = seal_text("id = 1\n", "correct horse", RANDOM).unwrap();
        assert!(!sealed.contains("id = 1"));
        assert_eq!(open_text(&sealed, "correct horse").as_deref(), Ok("id = 1\n"));
        assert_eq!(open_text(&sealed, "correct horsf"), Err(SealError::Passphrase));
    }

    #[test]
    fn refuses_what_was_altered() {
        let sealed = seal_text("id = 1\n", "correct horse", RANDOM).unwrap();
        let altered = |from: &str, to: &str| {
            let text = sealed.replace(from, to);
            assert_ne!(text, sealed);
            open_text(&text, "correct horse").unwrap_err()
        };
        assert_eq!(altered("passes = 3", "passes = 2"), SealError::Passphrase);
        assert_eq!(altered("nonce = \"Ag", "nonce = \"Aw"), SealError::Passphrase);
        assert!(matches!(altered("passes = 3", "passes = 3000000"), SealError::Format(_)));
        assert!(matches!(altered("version = 1", "version = 2"), SealError::Format(_)));
        assert!(matches!(altered("nonce = \"Ag", "nonce = \"*"), SealError::Format(_)));
        assert!(matches!(open_text("[[key]]", "x"), Err(SealError::Format(_))));
    }
}
