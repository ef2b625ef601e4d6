//! What begins a sub-address, domain by domain (RFC 5233).
//!
//! It belongs to a key, not to the configuration: changing it changes which addresses are one
//! person, and objections written before would no longer be found.

use std::collections::BTreeMap;

use super::{DomainName, KeyError};

/// What a domain uses that nobody said anything about.
const DEFAULT: &str = "+";

/// The characters that begin a sub-address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Separators {
    by_domain: BTreeMap<DomainName, String>,
}

impl Separators {
    /// `+` everywhere.
    pub const fn new() -> Self {
        Self { by_domain: BTreeMap::new() }
    }

    /// Says what `domain` uses; nothing at all means that it knows no sub-addresses.
    ///
    /// # Errors
    /// [`KeyError::Separators`] unless the characters are from `!#$%&*+-./=_~`.
    pub fn declare(&mut self, domain: DomainName, characters: &str) -> Result<(), KeyError> {
        if !characters.chars().all(|c| "!#$%&*+-./=_~".contains(c)) {
            return Err(KeyError::Separators(domain.to_string()));
        }
        self.by_domain.insert(domain, characters.to_owned());
        Ok(())
    }

    /// What `domain` uses.
    pub fn of(&self, domain: &DomainName) -> &str {
        self.by_domain.get(domain).map_or(DEFAULT, String::as_str)
    }

    /// What was said, by domain.
    pub fn iter(&self) -> impl Iterator<Item = (&DomainName, &str)> {
        self.by_domain.iter().map(|(domain, characters)| (domain, characters.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::Separators;
    use crate::base::DomainName;

    #[test]
    fn each_domain_has_its_own_separators() {
        let own = DomainName::parse("example.com").unwrap();
        let mut separators = Separators::new();
        separators.declare(own.clone(), "-=").unwrap();
        assert_eq!(separators.of(&own), "-=");
        assert_eq!(separators.of(&DomainName::parse("example.org").unwrap()), "+");
        for letter in ["a", "@", "\"", "é"] {
            assert!(separators.declare(own.clone(), letter).is_err(), "{letter}");
        }
    }
}
