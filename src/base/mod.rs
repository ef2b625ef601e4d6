//! Words every other module speaks: time, identifiers, addresses, keys and protocol bounds.
//!
//! Pure values only. Nothing here reads a clock, a file or a random source; whoever needs a
//! moment or a key is given one. It is not a place for code that "belongs nowhere else".

mod address;
mod digest;
mod free_mail;
mod hex;
mod ids;
mod keyring;
mod keys;
pub mod limits;
mod password;
mod redacted;
mod sealed;
mod separators;
mod signing;
mod time;

pub use address::{AddressError, DomainName, Mailbox};
pub use digest::Digest;
pub use ids::{
    BatchId, BrandId, CollectionPointId, DecisionId, EntityId, EvidenceId, JurisdictionId,
    NameError, NodeId, RegisterId, StreamId, TopicId, TransactionId,
};
pub use keyring::{AddressKeys, KeyPrint, Keyring, Listed, PairKeys, PersonKeys};
pub use keys::{
    AddressTag, DomainKey, KeyError, KeyId, ListingKey, MasterKey, Normalization, PersonKey, SubKey,
};
pub use password::{Cost, PasswordHash, PasswordHashError};
pub use redacted::Redacted;
pub use sealed::{SealError, SealRandom, open_text, seal_text};
pub use separators::Separators;
pub use signing::{PublicKey, Signature, Signer, StoreId};
pub use time::Timestamp;
