//! Words every other module speaks: time, identifiers, addresses, keys and protocol bounds.
//!
//! Pure values only. Nothing here reads a clock, a file or a random source; whoever needs a
//! moment or a key is given one. It is not a place for code that "belongs nowhere else".

mod address;
mod digest;
mod ids;
mod keys;
pub mod limits;
mod password;
mod redacted;
mod signing;
mod time;

pub use address::{AddressError, DomainName, Mailbox};
pub use digest::Digest;
pub use ids::{
    BatchId, BrandId, CollectionPointId, DecisionId, EntityId, EvidenceId, JurisdictionId,
    NameError, NodeId, StreamId, TopicId, TransactionId,
};
pub use keys::{AddressTag, KeyError, KeyId, Keyring, MasterKey, PersonKey, SubKey};
pub use password::{Cost, PasswordHash, PasswordHashError};
pub use redacted::Redacted;
pub use signing::{PublicKey, Signature, Signer, StoreId};
pub use time::Timestamp;
