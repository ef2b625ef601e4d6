//! Tests of the token: layout, refusals, rotation of keys, strangers' bytes.
//!
//! One token is pinned to a value computed by other tools, so that links in mail already sent
//! keep opening.

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{
    Claims, OpenError, Purpose, ScopeId, ScopeKind, TOKEN_BYTES, TOKEN_CHARS, TokenKeys, open,
    seal, unsubscribe_url,
};
use crate::base::{DecisionId, KeyId, Keyring, MasterKey, PersonKey};

fn master(id: u8) -> MasterKey {
    MasterKey::new(KeyId(id), [id; 32])
}

fn keyring() -> Keyring {
    Keyring::new(master(1), vec![])
}

fn claims() -> Claims {
    Claims {
        person: PersonKey::from_bytes([0xab; 16]),
        scope_kind: ScopeKind::Brand,
        scope_id: ScopeId::new(0x01_0203_0405).unwrap(),
        decision: DecisionId::from_bits(0x0123_4567_89ab_cdef),
    }
}

fn sealed() -> String {
    seal(&keyring(), Purpose::Unsubscribe, &claims()).to_string()
}

#[track_caller]
fn check(text: &str, expected: Result<Claims, OpenError>) {
    assert_eq!(open(&keyring(), Purpose::Unsubscribe, text), expected, "{text}");
}

#[test]
fn opens_what_it_sealed() {
    check(&sealed(), Ok(claims()));
    assert_eq!(sealed(), sealed(), "equal claims, equal token");
}

#[test]
fn layout_is_44_bytes_and_59_characters() {
    let bytes = BASE64URL_NOPAD.decode(sealed().as_bytes()).unwrap();
    assert_eq!((bytes.len(), sealed().len()), (TOKEN_BYTES, TOKEN_CHARS));
    assert_eq!(bytes[..2], [0x11, 1], "version and purpose, key id");
    let plain = claims().encode();
    assert_eq!(plain[16..22], [1, 1, 2, 3, 4, 5], "scope kind and 40-bit number");
    assert!(!bytes.windows(8).any(|w| plain.windows(8).any(|p| p == w)), "nothing in clear");
}

#[test]
fn sealing_stays_the_same_across_releases() {
    // Computed apart from this code, with Python's hmac and `openssl enc -aes-256-ctr`.
    assert_eq!(sealed(), "EQEwK3P0mi7N43vWUHiugUlxwZNlNRcyiUjqgI1WGwRj1bcMdbkIodlhOKM");
}

#[test]
fn refuses_every_flipped_bit() {
    let bytes = BASE64URL_NOPAD.decode(sealed().as_bytes()).unwrap();
    for bit in 0..TOKEN_BYTES * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit {
            4..=7 => OpenError::UnknownVersion,
            8..=15 => OpenError::UnknownKey(KeyId(flipped[1])),
            _ => OpenError::BadSeal,
        };
        check(&BASE64URL_NOPAD.encode(&flipped), Err(expected));
    }
}

#[test]
fn refuses_the_unused_bits_of_the_last_character() {
    let text = sealed();
    let genuine = text.chars().last().unwrap();
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        if last != genuine {
            check(&format!("{}{last}", &text[..TOKEN_CHARS - 1]), Err(OpenError::BadSeal));
        }
    }
}

#[test]
fn each_purpose_opens_only_its_own_page() {
    let all = [Purpose::Unsubscribe, Purpose::Preferences, Purpose::Explanation, Purpose::Interest];
    for made in all {
        let token = seal(&keyring(), made, &claims());
        for asked in all {
            let expected = if made == asked { Ok(claims()) } else { Err(OpenError::WrongPurpose) };
            assert_eq!(open(&keyring(), asked, token.as_str()), expected, "{made:?} {asked:?}");
        }
    }
}

#[test]
fn a_retired_key_still_opens_its_tokens() {
    let token = seal(&keyring(), Purpose::Unsubscribe, &claims());
    let rotated = Keyring::new(master(2), vec![master(1)]);
    assert_eq!(open(&rotated, Purpose::Unsubscribe, token.as_str()), Ok(claims()));
    let fresh = seal(&rotated, Purpose::Unsubscribe, &claims());
    assert_ne!(fresh, token, "the live key seals");
}

#[test]
fn p2_a_missing_key_is_told_apart_from_a_broken_seal() {
    let foreign = seal(&Keyring::new(master(9), vec![]), Purpose::Unsubscribe, &claims());
    check(foreign.as_str(), Err(OpenError::UnknownKey(KeyId(9))));
    let renumbered = Keyring::new(MasterKey::new(KeyId(1), [77; 32]), vec![]);
    let invented = seal(&renumbered, Purpose::Unsubscribe, &claims());
    check(invented.as_str(), Err(OpenError::BadSeal));
}

#[test]
fn tells_strangers_guesses_from_damaged_tokens() {
    let whole = sealed();
    for no_token in ["", "x", "xy", "admin", "robots.txt", "wp-login.php", "../../etc/passwd"] {
        check(no_token, Err(OpenError::Malformed));
    }
    check(&format!("{}%3D", &whole[..56]), Err(OpenError::Malformed));
    check(&format!("{whole}."), Err(OpenError::Malformed));
    check(&whole[..40], Err(OpenError::BadSeal));
    check(&whole[..3], Err(OpenError::BadSeal));
    check(&format!("{whole}A"), Err(OpenError::BadSeal));
    check(&format!("Z{}", &whole[1..]), Err(OpenError::UnknownVersion));
}

#[test]
fn an_authentic_token_with_an_unknown_scope_kind_is_a_newer_versions() {
    let keys = TokenKeys::of(&master(1));
    let mut plain = claims().encode();
    plain[16] = 3;
    let iv = keys.synthetic_iv([0x11, 1], &plain);
    keys.encrypt(iv, &mut plain);
    let bytes = [&[0x11, 1][..], &iv, &plain].concat();
    check(&BASE64URL_NOPAD.encode(&bytes), Err(OpenError::UnknownVersion));
}

#[test]
fn scope_numbers_have_forty_bits() {
    assert!(ScopeId::new(ScopeId::MAX).is_some());
    assert_eq!(ScopeId::new(ScopeId::MAX + 1), None);
}

#[test]
fn url_has_one_slash_between_base_and_path() {
    let token = seal(&keyring(), Purpose::Unsubscribe, &claims());
    let expected = format!("https://mail.example/u/{token}");
    for base in ["https://mail.example", "https://mail.example/"] {
        assert_eq!(unsubscribe_url(base, &token), expected);
    }
}

#[test]
fn debug_output_shows_no_token() {
    let token = seal(&keyring(), Purpose::Unsubscribe, &claims());
    assert!(!format!("{token:?}").contains(token.as_str()));
}

proptest! {
    #[test]
    fn every_claim_survives_sealing(
        person in any::<[u8; 16]>(),
        number in 0..=ScopeId::MAX,
        bits in any::<u64>(),
        kind in 0_u8..3,
    ) {
        let claims = Claims {
            person: PersonKey::from_bytes(person),
            scope_kind: ScopeKind::from_byte(kind).unwrap(),
            scope_id: ScopeId::new(number).unwrap(),
            decision: DecisionId::from_bits(bits),
        };
        let token = seal(&keyring(), Purpose::Unsubscribe, &claims);
        prop_assert_eq!(token.as_str().len(), TOKEN_CHARS);
        prop_assert_eq!(open(&keyring(), Purpose::Unsubscribe, token.as_str()), Ok(claims));
    }

    #[test]
    fn no_strangers_text_opens(text in "\\PC{0,80}", tail in "[A-Za-z0-9_-]{56}") {
        prop_assert!(open(&keyring(), Purpose::Unsubscribe, &text).is_err());
        let plausible = format!("EQE{tail}");
        prop_assert_eq!(
            open(&keyring(), Purpose::Unsubscribe, &plausible),
            Err(OpenError::BadSeal)
        );
    }
}
