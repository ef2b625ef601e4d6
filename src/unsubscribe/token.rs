//! Sealed tokens of constant length, valid for years, with no address in clear.
//!
//! Layout: version and purpose (4 bits each), key id (1 byte), initialisation vector (12),
//! ciphertext (30); 44 bytes, written as 59 characters of base64url without padding (RFC 4648
//! §5). The vector is a cut HMAC-SHA256 over header and plaintext, so it is the seal as well
//! (the synthetic vector of RFC 5297, with AES-256-CTR of SP 800-38A). A keyring's older keys
//! open what they sealed. Deliberately without an expiry: an objection must always be possible.

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;

use crate::base::{DecisionId, KeyId, Keyring, MasterKey, PersonKey};

/// Characters of a token, always.
pub const TOKEN_CHARS: usize = 59;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 2;
const IV_BYTES: usize = 12;
const CLAIMS_BYTES: usize = 30;
const TOKEN_BYTES: usize = HEADER_BYTES + IV_BYTES + CLAIMS_BYTES;

/// No version, present or future, seals with less: 12 bytes of seal and 16 of pseudonym. What
/// is shorter and of no known version is a stranger's guess, not a token we fail to read.
const FOREIGN_TOKEN_CHARS_MIN: usize = 38;

/// What a token is good for; a token for one purpose opens no other page.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Objecting, at `/u/`.
    Unsubscribe,
    /// Choosing what to receive, at `/p/`.
    Preferences,
    /// Reading why a message came, at `/why/`.
    Explanation,
    /// Asking for more, at `/i/`.
    Interest,
}

impl Purpose {
    const fn nibble(self) -> u8 {
        match self {
            Self::Unsubscribe => 1,
            Self::Preferences => 2,
            Self::Explanation => 3,
            Self::Interest => 4,
        }
    }
}

/// What kind of scope a token's number names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ScopeKind {
    /// All marketing of a legal person.
    Entity,
    /// One brand of a legal person.
    Brand,
    /// One topic of a legal person.
    Topic,
}

impl ScopeKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Entity => 0,
            Self::Brand => 1,
            Self::Topic => 2,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Entity),
            1 => Some(Self::Brand),
            2 => Some(Self::Topic),
            _ => None,
        }
    }
}

/// The number of a scope in the store's table of names: 40 bits, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ScopeId(u64);

impl ScopeId {
    /// The highest number a token has room for.
    pub const MAX: u64 = (1 << 40) - 1;

    /// The number, unless it needs more than 40 bits.
    pub const fn new(number: u64) -> Option<Self> {
        if number > Self::MAX {
            return None;
        }
        Some(Self(number))
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claims {
    /// Whose token it is.
    pub person: PersonKey,
    /// What kind of scope it names.
    pub scope_kind: ScopeKind,
    /// Which one.
    pub scope_id: ScopeId,
    /// The decision that let the message carrying it out.
    pub decision: DecisionId,
}

impl Claims {
    fn encode(&self) -> [u8; CLAIMS_BYTES] {
        let mut plain = [0; CLAIMS_BYTES];
        plain[..16].copy_from_slice(self.person.as_bytes());
        plain[16] = self.scope_kind.byte();
        plain[17..22].copy_from_slice(&self.scope_id.0.to_be_bytes()[3..]);
        plain[22..].copy_from_slice(&self.decision.bits().to_be_bytes());
        plain
    }

    /// `None` only for a scope kind this version does not know.
    fn parse(plain: &[u8; CLAIMS_BYTES]) -> Option<Self> {
        let (mut person, mut scope, mut decision) = ([0; 16], [0; 8], [0; 8]);
        person.copy_from_slice(&plain[..16]);
        scope[3..].copy_from_slice(&plain[17..22]);
        decision.copy_from_slice(&plain[22..]);
        Some(Self {
            person: PersonKey::from_bytes(person),
            scope_kind: ScopeKind::from_byte(plain[16])?,
            scope_id: ScopeId(u64::from_be_bytes(scope)),
            decision: DecisionId::from_bits(u64::from_be_bytes(decision)),
        })
    }
}

/// A sealed token: 59 characters that need no escaping in a URL or a header field.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    /// The 59 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Never shows the characters: whoever holds a token can object in its person's name.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// Why a text is not a token we can act on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum OpenError {
    /// Nothing about it looks like a token.
    #[error("not a token; expected 59 characters of base64url")]
    Malformed,
    /// A token of a version (or with a content) that this program is too old for.
    #[error("a token of a version this program does not know; run a newer one here")]
    UnknownVersion,
    /// A token sealed with a key that is not in the keyring.
    #[error("a token sealed with key {}, which the keyring lacks; add the key here", .0.0)]
    UnknownKey(KeyId),
    /// An authentic token for another page.
    #[error("an authentic token, but for another purpose")]
    WrongPurpose,
    /// Version and key are known, but it was altered, cut short or invented.
    #[error("a token whose seal does not hold: altered, cut short or invented")]
    BadSeal,
}

/// Seals `claims` for `purpose` under the live key. Equal claims give equal tokens.
pub fn seal(keyring: &Keyring, purpose: Purpose, claims: &Claims) -> Token {
    let live = keyring.live();
    let keys = TokenKeys::of(live);
    let header = [VERSION << 4 | purpose.nibble(), live.id().0];
    let mut sealed = claims.encode();
    let iv = keys.synthetic_iv(header, &sealed);
    keys.encrypt(iv, &mut sealed);

    let mut bytes = [0; TOKEN_BYTES];
    bytes[..HEADER_BYTES].copy_from_slice(&header);
    bytes[HEADER_BYTES..HEADER_BYTES + IV_BYTES].copy_from_slice(&iv);
    bytes[HEADER_BYTES + IV_BYTES..].copy_from_slice(&sealed);
    Token(BASE64URL_NOPAD.encode(&bytes))
}

/// Opens what [`seal`] made for the same purpose.
///
/// # Errors
/// Unknown versions and keys are told apart from broken seals, because the former are our
/// fault (a node lacks a key) and must never be answered as if the objection had been heard.
pub fn open(keyring: &Keyring, purpose: Purpose, text: &str) -> Result<Claims, OpenError> {
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Err(OpenError::Malformed);
    }
    let header = read_header(text).ok_or(OpenError::Malformed)?;
    if header[0] >> 4 != VERSION {
        return Err(foreign(text, OpenError::UnknownVersion));
    }
    let id = KeyId(header[1]);
    let master = keyring.find(id).ok_or_else(|| foreign(text, OpenError::UnknownKey(id)))?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| OpenError::BadSeal)?;
    let claims = unseal(&TokenKeys::of(master), header, &bytes)?;
    // The seal covers the header: only now is the purpose known to be genuine.
    if header[0] & 0x0f != purpose.nibble() {
        return Err(OpenError::WrongPurpose);
    }
    Claims::parse(&claims).ok_or(OpenError::UnknownVersion)
}

/// The address a `List-Unsubscribe` field names (RFC 8058 §3.1); `base` is the public URL, with
/// or without a final slash.
pub fn unsubscribe_url(base: &str, token: &Token) -> String {
    format!("{}/u/{token}", base.trim_end_matches('/'))
}

/// The first two bytes, read from the first three characters.
fn read_header(text: &str) -> Option<[u8; HEADER_BYTES]> {
    let mut head = text.as_bytes().get(..3)?.to_vec();
    head.push(b'A');
    let bytes = BASE64URL_NOPAD.decode(&head).ok()?;
    Some([*bytes.first()?, *bytes.get(1)?])
}

const fn foreign(text: &str, error: OpenError) -> OpenError {
    if text.len() < FOREIGN_TOKEN_CHARS_MIN { OpenError::Malformed } else { error }
}

fn unseal(
    keys: &TokenKeys,
    header: [u8; HEADER_BYTES],
    bytes: &[u8],
) -> Result<[u8; CLAIMS_BYTES], OpenError> {
    let bytes: &[u8; TOKEN_BYTES] = bytes.try_into().map_err(|_| OpenError::BadSeal)?;
    let (mut iv, mut claims) = ([0; IV_BYTES], [0; CLAIMS_BYTES]);
    iv.copy_from_slice(&bytes[HEADER_BYTES..HEADER_BYTES + IV_BYTES]);
    claims.copy_from_slice(&bytes[HEADER_BYTES + IV_BYTES..]);
    keys.decrypt(iv, &mut claims);
    verify_slices_are_equal(&keys.synthetic_iv(header, &claims), &iv)
        .map_err(|_| OpenError::BadSeal)?;
    Ok(claims)
}

/// The two sub-keys of one master key: one seals, one hides.
struct TokenKeys {
    seal: hmac::Key,
    cipher: [u8; 32],
}

impl TokenKeys {
    fn of(master: &MasterKey) -> Self {
        Self {
            seal: master.sub_key("consentry token seal v1").hmac().clone(),
            cipher: *master.sub_key("consentry token cipher v1").raw(),
        }
    }

    fn synthetic_iv(
        &self,
        header: [u8; HEADER_BYTES],
        claims: &[u8; CLAIMS_BYTES],
    ) -> [u8; IV_BYTES] {
        let mut context = hmac::Context::with_key(&self.seal);
        context.update(&header);
        context.update(claims);
        let mut iv = [0; IV_BYTES];
        iv.copy_from_slice(&context.sign().as_ref()[..IV_BYTES]);
        iv
    }

    fn encrypt(&self, iv: [u8; IV_BYTES], claims: &mut [u8; CLAIMS_BYTES]) {
        EncryptingKey::ctr(self.unbound())
            .and_then(|key| {
                key.less_safe_encrypt(claims, EncryptionContext::Iv128(counter_block(iv)))
            })
            .expect("CTR takes any 16-byte counter block and any length");
    }

    fn decrypt(&self, iv: [u8; IV_BYTES], claims: &mut [u8; CLAIMS_BYTES]) {
        DecryptingKey::ctr(self.unbound())
            .and_then(|key| {
                key.decrypt(claims, DecryptionContext::Iv128(counter_block(iv))).map(|_| ())
            })
            .expect("CTR takes any 16-byte counter block and any length");
    }

    fn unbound(&self) -> UnboundCipherKey {
        UnboundCipherKey::new(&AES_256, &self.cipher).expect("an AES-256 key has 32 bytes")
    }
}

/// 12 bytes of vector, then a 32-bit block counter from zero (SP 800-38A, appendix B.2).
fn counter_block(iv: [u8; IV_BYTES]) -> FixedLength<16> {
    let mut block = [0; 16];
    block[..IV_BYTES].copy_from_slice(&iv);
    FixedLength::from(block)
}
