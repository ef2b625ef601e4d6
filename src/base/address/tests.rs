//! Addresses as people, forms and other systems write them, and what becomes of them.

use proptest::prelude::{any, prop};
use proptest::{prop_assert_eq, proptest};

use super::{AddressError, DomainName, Mailbox, case_fold};

#[track_caller]
fn check(text: &str, expected: Result<(&str, &str), AddressError>) {
    let forms = Mailbox::parse(text).map(|m| (m.folded(), m.widened("+")));
    let forms = forms.as_ref().map(|(f, w)| (f.as_str(), w.as_str())).map_err(|e| *e);
    assert_eq!(forms, expected, "{text}");
}

#[test]
fn folds_and_widens() {
    check("A.B+c@Example.COM", Ok(("a.b+c@example.com", "a.b@example.com")));
    check("+tag@x.org", Ok(("+tag@x.org", "+tag@x.org")));
    check("jane+@x.org", Ok(("jane+@x.org", "jane@x.org")));
    check("jane+a+b@x.org", Ok(("jane+a+b@x.org", "jane@x.org")));
    check("a..b@x.org", Ok(("a..b@x.org", "a..b@x.org")));
}

#[test]
fn quotes_do_not_matter() {
    check("\"Jane\"@x.org", Ok(("jane@x.org", "jane@x.org")));
    check("\"jane doe\"@x.org", Ok(("jane doe@x.org", "jane doe@x.org")));
    check("\"j\\ane\"@x.org", Ok(("jane@x.org", "jane@x.org")));
    check("\"A b\\\"\"@x.org", Ok(("a b\"@x.org", "a b\"@x.org")));
    check("\"a@b\"@x.org", Ok(("a@b@x.org", "a@b@x.org")));
    check("\"jane+shop\"@x.org", Ok(("jane+shop@x.org", "jane@x.org")));
    check("\"+\"@x.org", Ok(("+@x.org", "+@x.org")));
}

#[test]
fn domains_have_one_spelling() {
    let umlaut = Ok(("a@xn--mnchen-3ya.de", "a@xn--mnchen-3ya.de"));
    for spelling in [
        "a@münchen.de",
        "a@MÜNCHEN.DE",
        "a@mu\u{308}nchen.de",
        "a@XN--MNCHEN-3YA.De",
        "a@münchen.de.",
        "a@münchen\u{3002}de",
        "a@münchen.de\u{3002}",
    ] {
        check(spelling, umlaut);
    }
    // IDNA 2008: ß is a letter of its own, whose capital is the same.
    check("a@straße.de", Ok(("a@xn--strae-oqa.de", "a@xn--strae-oqa.de")));
    check("a@STRAẞE.de", Ok(("a@xn--strae-oqa.de", "a@xn--strae-oqa.de")));
    check("a@strasse.de", Ok(("a@strasse.de", "a@strasse.de")));
    check("a@[192.0.2.1]", Ok(("a@[192.0.2.1]", "a@[192.0.2.1]")));
    check("a@[IPv6:2001:DB8:0::1]", Ok(("a@[ipv6:2001:db8::1]", "a@[ipv6:2001:db8::1]")));
}

#[test]
fn letters_of_other_scripts_fold() {
    check("josé@x.de", Ok(("josé@x.de", "josé@x.de")));
    check("JOSE\u{301}@x.de", Ok(("josé@x.de", "josé@x.de")));
    check("ΟΔΟΣ@x.gr", Ok(("οδος@x.gr", "οδοσ@x.gr")));
    check("οδος@x.gr", Ok(("οδος@x.gr", "οδοσ@x.gr")));
    check("ﬁn@x.de", Ok(("ﬁn@x.de", "fin@x.de")));
    check("\u{212a}@x.de", Ok(("k@x.de", "k@x.de")));
}

#[test]
fn sharp_s_is_one_person_but_not_one_address() {
    check("straße@x.de", Ok(("straße@x.de", "strasse@x.de")));
    check("STRAẞE@x.de", Ok(("straße@x.de", "strasse@x.de")));
    check("STRASSE@x.de", Ok(("strasse@x.de", "strasse@x.de")));
}

#[test]
fn turkish_letters_are_not_taken_for_an_i() {
    check("ışık@x.tr", Ok(("ışık@x.tr", "ışık@x.tr")));
    check("isik@x.tr", Ok(("isik@x.tr", "isik@x.tr")));
    check("İ@x.tr", Ok(("i\u{307}@x.tr", "i\u{307}@x.tr")));
    check("I@x.tr", Ok(("i@x.tr", "i@x.tr")));
}

#[test]
fn a_domain_may_separate_otherwise() {
    let mailbox = Mailbox::parse("jane-shop+a@x.org").unwrap();
    assert_eq!(mailbox.widened("-"), "jane@x.org");
    assert_eq!(mailbox.widened("+-"), "jane@x.org");
    assert_eq!(mailbox.widened("+"), "jane-shop@x.org");
    assert_eq!(mailbox.widened(""), "jane-shop+a@x.org");
}

#[test]
fn refuses_what_cannot_be_an_address() {
    check("", Err(AddressError::Incomplete));
    check("postmaster", Err(AddressError::Incomplete));
    check("a@", Err(AddressError::Incomplete));
    check("a b@x.org", Err(AddressError::LocalPart));
    check("a\u{0}b@x.org", Err(AddressError::LocalPart));
    check("\"open@x.org", Err(AddressError::Incomplete));
    check("\"a\"b@x.org", Err(AddressError::Incomplete));
    check("a@-x.org", Err(AddressError::Domain));
    check("a@x..org", Err(AddressError::Domain));
    check("a@x.org..", Err(AddressError::Domain));
    check("a@.", Err(AddressError::Domain));
    check("a@xn--a.org", Err(AddressError::Domain));
    check("a@[1.2.3]", Err(AddressError::Domain));
    check("a@[IPv6:]", Err(AddressError::Domain));
    check(&format!("{}@x.org", "a".repeat(65)), Err(AddressError::Length));
}

#[test]
fn keeps_the_written_form() {
    let mailbox = Mailbox::parse("\"John Doe\"@Example.com").unwrap();
    assert_eq!(mailbox.to_string(), "\"John Doe\"@example.com");
    assert!(!format!("{mailbox:?}").contains("John"), "debug output hides the person");
}

#[test]
fn knows_subdomains_from_look_alikes() {
    let parent = DomainName::parse("example.com").unwrap();
    assert!(DomainName::parse("mail.example.com").unwrap().is_within(&parent));
    assert!(!DomainName::parse("badexample.com").unwrap().is_within(&parent));
}

#[test]
fn folding_a_letter_twice_changes_nothing() {
    for c in '\0'..=char::MAX {
        let once = case_fold(c.encode_utf8(&mut [0; 4]));
        assert_eq!(case_fold(&once), once, "U+{:04X}", u32::from(c));
    }
}

proptest! {
    #[test]
    fn any_text_is_an_address_or_an_error(text in any::<String>()) {
        let _ = Mailbox::parse(&text);
        let _ = DomainName::parse(&text);
    }

    #[test]
    fn widening_twice_changes_nothing(local_part in "[a-zA-Z0-9+.\u{df}\u{1e9e}\u{130}\u{131}\u{3a3}\u{3c2}\u{301}\u{345}\u{1f80}-\u{1faf}\u{fb00}-\u{fb17}]{1,12}") {
        if let Ok(mailbox) = Mailbox::parse(&format!("{local_part}@Example.org.")) {
            let widened = mailbox.widened("+");
            if let Ok(again) = Mailbox::parse(&widened) {
                prop_assert_eq!(again.widened("+"), widened);
            }
        }
    }

    #[test]
    fn addresses_folded_alike_are_widened_alike(letters in prop::collection::vec(any::<char>(), 1..6)) {
        let text: String = letters.into_iter().collect();
        let upper = text.to_uppercase();
        let (one, other) = (format!("{text}@x.org"), format!("{upper}@x.org"));
        if let (Ok(one), Ok(other)) = (Mailbox::parse(&one), Mailbox::parse(&other))
            && one.folded() == other.folded()
        {
            prop_assert_eq!(one.widened("+"), other.widened("+"));
        }
    }
}
