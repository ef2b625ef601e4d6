//! One person under every spelling and every live key; keyrings that must not be used.

use super::{Keyring, Listed};
use crate::base::{
    Digest, DomainName, KeyError, KeyId, Mailbox, MasterKey, Normalization, Separators,
};

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
fn no_purpose_shares_a_pseudonym_with_another() {
    let ring = keyring();
    let jane = mailbox("jane@example.com");
    let keys = ring.address_keys(&jane).newest;
    let domain = keys.domain.unwrap();
    assert_ne!(keys.person.as_bytes(), keys.tag.as_bytes());
    assert_ne!(&domain.as_bytes()[1..], &keys.person.as_bytes()[1..]);
    assert_eq!(ring.domain_keys(jane.domain()).unwrap().newest, domain.row());
    assert_eq!(ring.address_keys(&mailbox("jane@gmail.com")).newest.domain, None);
    assert_eq!(ring.domain_keys(&DomainName::parse("gmail.com").unwrap()), None);
}

#[test]
fn rotation_puts_a_live_key_in_front() {
    let (old, jane) = (keyring(), mailbox("jane@example.com"));
    assert_eq!(old.next_id(), Ok(KeyId(3)));
    let ring = old.rotated(MasterKey::new(KeyId(3), [9; 32])).unwrap();
    let ring = Keyring::parse(&ring.encode()).unwrap();
    let keys = ring.address_keys(&jane);
    assert_eq!(keys.older[0].person, old.person_key(&jane));
    assert_eq!(keys.older[0].tag, old.address_tag(&jane));
    assert_ne!(keys.newest.person, old.person_key(&jane));
    assert_eq!(keys.older.len(), 1, "key 2 only opens tokens");
    assert_eq!(keys.person(), ring.person_keys(&jane));
    assert_eq!(keys.newest.person.as_bytes()[0], 3, "a row names its key");
    let ids: Vec<u8> = ring.prints().iter().map(|print| print.id.0).collect();
    assert_eq!(ids, [3, 1]);
    let retired = ring.without_live(KeyId(1)).unwrap();
    assert_eq!(retired.prints().len(), 1);
    assert!(retired.find(KeyId(1)).is_some(), "its tokens still open");
    assert!(retired.without_live(KeyId(3)).is_none(), "one must be live");
    assert!(ring.without_live(KeyId(2)).is_none(), "it is not live");
}

#[test]
fn keyrings_of_old_keep_their_pseudonyms() {
    let text = "[[key]]\nid = 1\nsecret = \"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"\n";
    let ring = Keyring::parse(text).unwrap();
    assert_eq!(ring.live().normalization(), Normalization::First);
    let [street, other] =
        ["straße@x.de", "strasse@x.de"].map(|text| ring.person_key(&mailbox(text)));
    assert_ne!(street, other, "full case folding came later");
    let again = Keyring::parse(&ring.encode()).unwrap();
    assert_eq!(again.prints(), ring.prints());
    assert_ne!(ring.prints(), keyring().prints(), "the same secret widening otherwise");
}

#[test]
fn separators_belong_to_the_key() {
    let domain = DomainName::parse("example.com").unwrap();
    let mut separators = Separators::new();
    separators.declare(domain, "-").unwrap();
    let key = MasterKey::new(KeyId(1), [7; 32]).widening(Normalization::Second, separators);
    let ring = Keyring::parse(&Keyring::new(key, vec![]).encode()).unwrap();
    let person = |text: &str| ring.person_key(&mailbox(text));
    assert_eq!(person("jane-shop@example.com"), person("jane@example.com"));
    assert_ne!(person("jane+shop@example.com"), person("jane@example.com"));
    assert_eq!(person("jane+shop@example.org"), person("jane@example.org"));
    assert_ne!(ring.prints(), keyring().prints(), "a store must notice");
}

#[test]
fn registers_find_an_address_however_they_list_it() {
    let ring = keyring();
    let jane = mailbox("Jane+shop@example.com");
    let sha1 = |hex: &str| {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        Listed::Sha1(bytes.try_into().unwrap())
    };
    for listed in [
        Listed::Address(mailbox("jane@example.com")),
        Listed::Domain(DomainName::parse("EXAMPLE.com").unwrap()),
        // printf 'jane+shop@example.com' | sha1sum, and so on.
        sha1("635c1a9c77798207b6204c4cab3ca9909cd1eef5"),
        sha1("0850a4cffb73cbc53fd33e8990c2184c915ff041"),
        sha1("4d41800f99266b580deee554fa2cc467dfa83909"),
        Listed::Sha256(Digest::of(b"jane@example.com")),
        Listed::Sha256(Digest::of(b"@example.com")),
    ] {
        let key = ring.listing_key(&listed);
        assert!(ring.address_keys(&jane).listings.contains(&key), "{listed:?}");
        assert!(!ring.address_keys(&mailbox("joan@example.org")).listings.contains(&key));
    }
}

#[test]
fn survives_its_own_text() {
    let ring = Keyring::parse(&keyring().encode()).unwrap();
    let jane = mailbox("jane@example.com");
    assert_eq!(ring.person_key(&jane), keyring().person_key(&jane));
    assert_eq!(ring.prints(), keyring().prints());
    assert!(ring.find(KeyId(2)).is_some());
    assert!(ring.find(KeyId(3)).is_none());
}

#[test]
fn refuses_unusable_keyrings_without_showing_secrets() {
    assert!(matches!(Keyring::parse("key = 1"), Err(KeyError::Syntax(_))));
    assert_eq!(Keyring::parse("key = []").unwrap_err(), KeyError::Empty);
    let short = "[[key]]\nid = 3\nsecret = \"c2hvcnQ=\"\n";
    assert_eq!(Keyring::parse(short).unwrap_err(), KeyError::Secret(3));
    let changed = |from: &str, to: &str| Keyring::parse(&keyring().encode().replace(from, to));
    assert_eq!(changed("id = 2", "id = 1").unwrap_err(), KeyError::Number(1));
    assert_eq!(
        changed("normalization = 2", "normalization = 3").unwrap_err(),
        KeyError::Normalization(1)
    );
    let separated = "normalization = 2\n[key.separators]\n\"x.org\" = \"a\"";
    let error = changed("normalization = 2", separated).unwrap_err();
    assert_eq!(error, KeyError::Separators("x.org".to_owned()));
    let mut three = keyring().rotated(MasterKey::new(KeyId(3), [9; 32])).unwrap().encode();
    three = three.replacen("live = true\n", "", 2).replace("id = 2", "live = true\nid = 2");
    assert_eq!(Keyring::parse(&three).unwrap_err(), KeyError::Order(2));
}
