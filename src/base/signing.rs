//! Ed25519 signatures over states of the journal (RFC 8032), and the key they are made with.
//!
//! The signing key is a labelled sub-key of a master key, so that a keyring is all there is to
//! keep. Its public half may be known to everybody. What is signed is the store's business.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use data_encoding::BASE64;

use super::hex::hex_bytes;
use super::{KeyId, Keyring, MasterKey};

const LABEL: &str = "consentry checkpoint signature v1";

/// The head of a SubjectPublicKeyInfo for Ed25519 (RFC 8410 §4): what follows is the key.
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0];

hex_bytes! {
    /// The public half of a signing key.
    PublicKey: 32, "32 bytes in lower-case hex";
    /// A signature.
    Signature: 64, "64 bytes in lower-case hex";
    /// What names a store: random bytes made with it.
    StoreId: 16, "16 bytes in lower-case hex";
}

impl PublicKey {
    /// Whether `signature` over `message` was made with this key's other half.
    pub fn has_signed(&self, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, &signature.0).is_ok()
    }

    /// The key as PEM (RFC 7468 §13), which OpenSSL reads.
    pub fn to_pem(&self) -> String {
        let info = BASE64.encode(&[SPKI_HEAD.as_slice(), &self.0].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{info}\n-----END PUBLIC KEY-----")
    }
}

/// Signs for one master key.
pub struct Signer {
    key: KeyId,
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Signer {
    /// The signer that belongs to `master`.
    pub fn new(master: &MasterKey) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(master.sub_key(LABEL).raw())
            .expect("any 32 bytes are an Ed25519 seed (RFC 8032 §5.1.5)");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self { key: master.id(), pair, public: PublicKey(public) }
    }

    /// The signer of the live key.
    pub fn live(keyring: &Keyring) -> Self {
        Self::new(keyring.live())
    }

    /// The signers of all keys of `keyring`, the live one first.
    pub fn all(keyring: &Keyring) -> Vec<Self> {
        let live = keyring.live().id();
        let others = (1..=u8::MAX).map(KeyId).filter(|id| *id != live);
        let others = others.filter_map(|id| keyring.find(id));
        std::iter::once(keyring.live()).chain(others).map(Self::new).collect()
    }

    /// The number of the master key.
    pub const fn key_id(&self) -> KeyId {
        self.key
    }

    /// The public half.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `message`; the same message always gets the same signature.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        Signature(signature)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {})", self.key.0, self.public)
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicKey, Signature, Signer};
    use crate::base::{KeyId, Keyring, MasterKey};

    #[test]
    fn agrees_with_the_standards_vector() {
        // RFC 8032 §7.1, test 2.
        let key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        let (key, signature) =
            (PublicKey::parse(key).unwrap(), Signature::parse(signature).unwrap());
        assert!(key.has_signed(&[0x72], &signature));
        assert!(!key.has_signed(&[0x73], &signature));
    }

    #[test]
    fn each_key_of_a_ring_has_a_signer_of_its_own() {
        let (live, old) = (MasterKey::new(KeyId(2), [7; 32]), MasterKey::new(KeyId(1), [8; 32]));
        let ring = Keyring::new(live, vec![old]);
        let all = Signer::all(&ring);
        assert_eq!(all.iter().map(|s| s.key_id().0).collect::<Vec<_>>(), [2, 1]);
        assert_ne!(all[0].public(), all[1].public());
        let signature = Signer::live(&ring).sign(b"state");
        assert!(all[0].public().has_signed(b"state", &signature));
        assert!(!all[1].public().has_signed(b"state", &signature));
    }

    #[test]
    fn the_pem_form_is_as_long_as_openssl_writes_it() {
        let pem = PublicKey::from_bytes([0; 32]).to_pem();
        assert_eq!(pem.lines().nth(1).map(str::len), Some(60));
    }
}
