//! Which jurisdictions apply to a recipient, and which rule set stands in where none is known.
//!
//! The sender's establishment always applies; so does the place the person is known to be in,
//! or else the place the stream is for. A country's own top-level domain can add one and never
//! removes one. All that apply must permit.

use super::rules::RuleBook;
use crate::base::{DomainName, JurisdictionId};

/// Member states of the European Union, by ISO 3166-1 code.
const EU_STATES: &[&str] = &[
    "at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu", "ie", "it",
    "lt", "lu", "lv", "mt", "nl", "pl", "pt", "ro", "se", "si", "sk",
];

/// Country codes whose domains are sold to everybody and say nothing about a place.
const GENERIC_CODES: &[&str] = &[
    "ac", "ag", "ai", "am", "as", "bz", "cc", "cd", "cm", "co", "cx", "dj", "eu", "fm", "gd", "gg",
    "gl", "gs", "im", "io", "is", "je", "la", "li", "ly", "me", "ms", "mu", "nu", "pw", "sc", "sh",
    "so", "st", "su", "tc", "tk", "tl", "to", "tv", "vc", "vg", "ws",
];

/// Where the parties to one message are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Places<'a> {
    /// Where the sending entity is established.
    pub establishment: &'a JurisdictionId,
    /// Where the person is known to be; may be empty.
    pub record: &'a [JurisdictionId],
    /// Where the stream's recipients are, or else the configured default.
    pub default: &'a [JurisdictionId],
    /// The domain of the recipient's address.
    pub domain: Option<&'a DomainName>,
}

/// The rule sets to ask, each once: establishment, place of the person, country domain.
pub fn jurisdictions(places: &Places<'_>, book: &RuleBook) -> Vec<JurisdictionId> {
    let known = if places.record.is_empty() { places.default } else { places.record };
    let mut all = vec![governing(places.establishment, book)];
    all.extend(known.iter().map(|place| governing(place, book)));
    all.extend(places.domain.and_then(|domain| of_domain(domain, book)));
    let mut once: Vec<JurisdictionId> = Vec::new();
    for id in all {
        if !once.contains(&id) {
            once.push(id);
        }
    }
    once
}

/// The rule set that speaks for `place`: its own, or `eu` for member states, or `world`.
pub fn governing(place: &JurisdictionId, book: &RuleBook) -> JurisdictionId {
    let code = match place.as_str() {
        // ISO 3166-1 says GB and EL/GR where the rule sets say uk and gr.
        "gb" => "uk",
        "el" => "gr",
        code => code,
    };
    let own = JurisdictionId::parse(code).ok().filter(|id| book.speaks_for(id));
    let stand_in = if EU_STATES.contains(&code) { "eu" } else { "world" };
    own.or_else(|| JurisdictionId::parse(stand_in).ok()).unwrap_or_else(|| place.clone())
}

/// The rule set a country-code domain adds: only its own, and only if the code is used as one.
fn of_domain(domain: &DomainName, book: &RuleBook) -> Option<JurisdictionId> {
    let code = domain.top_label().filter(|label| label.len() == 2)?;
    if GENERIC_CODES.contains(&code) {
        return None;
    }
    JurisdictionId::parse(code).ok().filter(|id| book.speaks_for(id))
}

#[cfg(test)]
mod tests {
    use super::{EU_STATES, GENERIC_CODES, Places, jurisdictions};
    use crate::base::{DomainName, JurisdictionId};
    use crate::eligibility::RuleBook;

    #[track_caller]
    fn check(establishment: &str, record: &[&str], domain: &str, expected: &[&str]) {
        let ids = |names: &[&str]| -> Vec<JurisdictionId> {
            names.iter().map(|name| JurisdictionId::parse(name).unwrap()).collect()
        };
        let domain = DomainName::parse(domain).unwrap();
        let places = Places {
            establishment: &ids(&[establishment])[0],
            record: &ids(record),
            default: &ids(&["uk"]),
            domain: Some(&domain),
        };
        assert_eq!(jurisdictions(&places, &RuleBook::builtin()), ids(expected));
    }

    #[test]
    fn establishment_and_place_apply_together() {
        check("uk", &[], "example.com", &["uk"]);
        check("be", &[], "example.com", &["be", "uk"]);
        check("be", &["be"], "example.com", &["be"]);
        check("gb", &["be", "uk"], "example.com", &["uk", "be"]);
    }

    #[test]
    fn a_country_domain_adds_its_own_set_and_removes_none() {
        check("uk", &["uk"], "example.be", &["uk", "be"]);
        check("uk", &["uk"], "example.fr", &["uk", "fr"]);
        check("uk", &["uk"], "example.lu", &["uk"]);
        check("uk", &["uk"], "example.in", &["uk"]);
        check("uk", &["uk"], "example.io", &["uk"]);
        check("uk", &["be"], "example.co.uk", &["uk", "be"]);
        check("uk", &["uk"], "example.eu", &["uk"]);
        check("uk", &["uk"], "[192.0.2.1]", &["uk"]);
    }

    #[test]
    fn places_without_a_set_fall_back_to_the_union_or_the_world() {
        check("uk", &["lu"], "example.com", &["uk", "eu"]);
        check("uk", &["za", "mx"], "example.com", &["uk", "world"]);
        check("uk", &["in"], "example.com", &["uk", "world"]);
        check("uk", &["nonsense"], "example.com", &["uk", "world"]);
    }

    #[test]
    fn the_code_lists_are_sorted_and_do_not_contradict_each_other() {
        assert!(EU_STATES.is_sorted() && GENERIC_CODES.is_sorted());
        assert_eq!(EU_STATES.len(), 27);
        assert!(EU_STATES.iter().all(|state| !GENERIC_CODES.contains(state)));
    }
}
