//! All keys of an installation: which of them count, and what they make of an address.
//!
//! The first is the newest: tokens are sealed with it and permissions written under it. Further
//! *live* keys are looked up as well, because objections rest on them; the others only open old
//! tokens. Rotation adds a key in front and retires one once nothing rests on it.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::keys::short_tag;
use super::{
    AddressTag, Digest, DomainKey, DomainName, KeyError, KeyId, ListingKey, Mailbox, MasterKey,
    Normalization, PersonKey, Separators, SubKey,
};

mod text;

/// All keys of an installation, newest first.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// Invariant: not empty; the first `pairs.len()` are the live ones.
    keys: Vec<MasterKey>,
    pairs: Vec<LivePair>,
    decision: SubKey,
}

/// What one live key makes of addresses.
#[derive(Clone, Debug)]
struct LivePair {
    id: KeyId,
    normalization: Normalization,
    separators: Separators,
    person: SubKey,
    tag: SubKey,
    domain: SubKey,
    listing: SubKey,
}

impl LivePair {
    fn of(key: &MasterKey) -> Self {
        Self {
            id: key.id(),
            normalization: key.normalization(),
            separators: key.separators().clone(),
            person: key.sub_key("consentry person key v1"),
            tag: key.sub_key("consentry address tag v1"),
            domain: key.sub_key("consentry domain key v1"),
            listing: key.sub_key("consentry register v1"),
        }
    }

    fn widened(&self, mailbox: &Mailbox) -> String {
        match self.normalization {
            Normalization::First => mailbox.widened_as_first(),
            Normalization::Second => mailbox.widened(self.separators.of(mailbox.domain())),
        }
    }

    /// Rows name the key they stand under, so that it can be told when nothing rests on it.
    fn named(&self, mut tag: [u8; 16]) -> [u8; 16] {
        if self.normalization != Normalization::First {
            tag[0] = self.id.0;
        }
        tag
    }

    fn keys(&self, mailbox: &Mailbox) -> PairKeys {
        let domain = mailbox.domain();
        PairKeys {
            person: PersonKey::from_bytes(self.person_bytes(mailbox)),
            tag: self.tag(mailbox),
            domain: (!domain.is_free_mail()).then(|| self.domain(domain)),
        }
    }

    fn person_bytes(&self, mailbox: &Mailbox) -> [u8; 16] {
        self.named(short_tag(&self.person, &[self.widened(mailbox).as_bytes()]))
    }

    fn tag(&self, mailbox: &Mailbox) -> AddressTag {
        AddressTag::from_bytes(short_tag(&self.tag, &[mailbox.folded().as_bytes()]))
    }

    fn domain(&self, domain: &DomainName) -> DomainKey {
        DomainKey::from_bytes(self.named(short_tag(&self.domain, &[domain.as_str().as_bytes()])))
    }

    fn listing(&self, listed: &Listed) -> ListingKey {
        let (kind, bytes): (&[u8], &[u8]) = match listed {
            Listed::Sha1(hash) => (b"sha1", hash),
            Listed::Sha256(hash) => (b"sha256", hash.as_bytes()),
            Listed::Address(mailbox) => {
                let widened = self.widened(mailbox);
                return ListingKey::from_bytes(short_tag(
                    &self.listing,
                    &[b"address", widened.as_bytes()],
                ));
            }
            Listed::Domain(domain) => (b"domain", domain.as_str().as_bytes()),
        };
        ListingKey::from_bytes(short_tag(&self.listing, &[kind, bytes]))
    }
}

/// What one live key makes of one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PairKeys {
    /// The person.
    pub person: PersonKey,
    /// The exact address.
    pub tag: AddressTag,
    /// The domain; `None` where anybody can have an address.
    pub domain: Option<DomainKey>,
}

/// Everything one address is looked up by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressKeys {
    /// Under the newest key.
    pub newest: PairKeys,
    /// Under the other live keys, newest first.
    pub older: Vec<PairKeys>,
    /// How a register may list the address or its domain.
    pub listings: Vec<ListingKey>,
}

impl AddressKeys {
    /// The person under every live key.
    pub fn person(&self) -> PersonKeys {
        let older = self.older.iter().map(|pair| pair.person).collect();
        PersonKeys { newest: self.newest.person, older }
    }

    /// The keys of all domain records, newest first.
    pub fn domains(&self) -> Vec<PersonKey> {
        let pairs = std::iter::once(&self.newest).chain(&self.older);
        pairs.filter_map(|pair| pair.domain).map(DomainKey::row).collect()
    }
}

/// A person of whom no more is known than the row.
impl From<PersonKey> for AddressKeys {
    fn from(person: PersonKey) -> Self {
        let newest = PairKeys { person, tag: AddressTag::default(), domain: None };
        Self { newest, older: Vec::new(), listings: Vec::new() }
    }
}

/// One person, or one domain, under every live key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonKeys {
    /// Under the newest: permissions are written here.
    pub newest: PersonKey,
    /// Under the others: objections are written here too.
    pub older: Vec<PersonKey>,
}

impl PersonKeys {
    /// All of them, newest first.
    pub fn iter(&self) -> impl Iterator<Item = PersonKey> + '_ {
        std::iter::once(self.newest).chain(self.older.iter().copied())
    }
}

impl From<PersonKey> for PersonKeys {
    fn from(person: PersonKey) -> Self {
        Self { newest: person, older: Vec::new() }
    }
}

/// How a register lists somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listed {
    /// SHA-1 of the address in lower case, or of `@` and the domain.
    Sha1([u8; 20]),
    /// SHA-256 of the same.
    Sha256(Digest),
    /// An address in clear.
    Address(Mailbox),
    /// A domain in clear.
    Domain(DomainName),
}

impl Listed {
    /// How a register of hashes may list `text`.
    fn hashes_of(text: &str) -> [Self; 2] {
        let mut sha1 = [0; 20];
        sha1.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref());
        [Self::Sha1(sha1), Self::Sha256(Digest::of(text.as_bytes()))]
    }
}

/// A live key as a store remembers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyPrint {
    /// The key's number.
    pub id: KeyId,
    /// How it widens.
    pub normalization: Normalization,
    /// Tells it from others, and tells nothing about it.
    pub fingerprint: Digest,
}

impl Keyring {
    /// A keyring with one live key; the others only open old tokens.
    pub fn new(live: MasterKey, older: Vec<MasterKey>) -> Self {
        let mut keys = vec![live];
        keys.extend(older);
        Self::of(keys, 1)
    }

    /// A keyring whose first `live` keys are live.
    fn of(keys: Vec<MasterKey>, live: usize) -> Self {
        let pairs = keys.iter().take(live).map(LivePair::of).collect();
        let decision = keys[0].sub_key("consentry decision id v1");
        Self { keys, pairs, decision }
    }

    /// The same keyring with a new live key in front.
    ///
    /// # Errors
    /// [`KeyError::Number`] if its number was given before.
    pub fn rotated(&self, newest: MasterKey) -> Result<Self, KeyError> {
        if newest.id().0 == 0 || self.find(newest.id()).is_some() {
            return Err(KeyError::Number(newest.id().0));
        }
        let mut keys = vec![newest];
        keys.extend(self.keys.iter().cloned());
        Ok(Self::of(keys, self.pairs.len() + 1))
    }

    /// The same keyring with a key that only opens old tokens from now on; `None` if it is not
    /// live, or the only one that is.
    pub fn without_live(&self, id: KeyId) -> Option<Self> {
        let place = self.pairs.iter().position(|pair| pair.id == id)?;
        let live = self.pairs.len() - 1;
        let mut keys = self.keys.clone();
        let retired = keys.remove(place);
        keys.insert(live, retired);
        (live > 0).then(|| Self::of(keys, live))
    }

    /// A number for a new key: the one after the highest given so far.
    ///
    /// # Errors
    /// [`KeyError::Full`] if there is none.
    pub fn next_id(&self) -> Result<KeyId, KeyError> {
        let highest = self.keys.iter().map(|key| key.id().0).max().unwrap_or(0);
        highest.checked_add(1).map(KeyId).ok_or(KeyError::Full)
    }

    /// The newest master key.
    pub fn live(&self) -> &MasterKey {
        &self.keys[0]
    }

    /// All keys and whether they are live, newest first.
    pub fn keys(&self) -> impl Iterator<Item = (&MasterKey, bool)> {
        self.keys.iter().enumerate().map(|(place, key)| (key, place < self.pairs.len()))
    }

    /// The master key numbered `id`, live or old.
    pub fn find(&self, id: KeyId) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// The row a person's evidence stands in: keyed hash of the widened address.
    pub fn person_key(&self, mailbox: &Mailbox) -> PersonKey {
        PersonKey::from_bytes(self.newest().person_bytes(mailbox))
    }

    /// The person under every live key.
    pub fn person_keys(&self, mailbox: &Mailbox) -> PersonKeys {
        let mut keys = self.pairs.iter().map(|p| PersonKey::from_bytes(p.person_bytes(mailbox)));
        let newest = keys.next().unwrap_or_default();
        PersonKeys { newest, older: keys.collect() }
    }

    /// A whole domain under every live key; `None` where anybody can have an address.
    pub fn domain_keys(&self, domain: &DomainName) -> Option<PersonKeys> {
        if domain.is_free_mail() {
            return None;
        }
        let mut keys = self.pairs.iter().map(|pair| pair.domain(domain).row());
        Some(PersonKeys { newest: keys.next()?, older: keys.collect() })
    }

    /// The exact address a permission was given for: keyed hash of the case-folded address.
    pub fn address_tag(&self, mailbox: &Mailbox) -> AddressTag {
        self.newest().tag(mailbox)
    }

    /// Everything the address is looked up by.
    pub fn address_keys(&self, mailbox: &Mailbox) -> AddressKeys {
        let mut pairs = self.pairs.iter().map(|pair| pair.keys(mailbox));
        // Invariant: a keyring has a live key.
        let newest = pairs.next().unwrap_or_else(|| self.newest().keys(mailbox));
        let listings = self.pairs.iter().flat_map(|pair| listings(pair, mailbox)).collect();
        AddressKeys { newest, older: pairs.collect(), listings }
    }

    /// The key under which what a register lists is kept.
    pub fn listing_key(&self, listed: &Listed) -> ListingKey {
        self.newest().listing(listed)
    }

    /// The live keys as a store remembers them, newest first. Under other keys its people would
    /// be strangers, and their objections forgotten.
    pub fn prints(&self) -> Vec<KeyPrint> {
        let live = self.keys.iter().take(self.pairs.len());
        live.map(|key| KeyPrint {
            id: key.id(),
            normalization: key.normalization(),
            fingerprint: key.fingerprint(),
        })
        .collect()
    }

    /// The sub-key decision ids are made with.
    pub const fn decision_key(&self) -> &SubKey {
        &self.decision
    }

    fn newest(&self) -> &LivePair {
        &self.pairs[0]
    }
}

/// How a register may list `mailbox`: as it is, without its sub-address, or by its domain; in
/// clear or hashed.
fn listings(pair: &LivePair, mailbox: &Mailbox) -> Vec<ListingKey> {
    let at_domain = format!("@{}", mailbox.domain());
    let (folded, widened) = (mailbox.folded(), pair.widened(mailbox));
    let mut listed =
        vec![Listed::Address(mailbox.clone()), Listed::Domain(mailbox.domain().clone())];
    listed.extend(Listed::hashes_of(&folded));
    listed.extend(Listed::hashes_of(&at_domain));
    if widened != folded {
        listed.extend(Listed::hashes_of(&widened));
    }
    listed.iter().map(|listed| pair.listing(listed)).collect()
}

#[cfg(test)]
mod tests;
