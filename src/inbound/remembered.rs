//! Logins found true a short while ago, so that a client that connects for each message does
//! not pay argon2's price each time.
//!
//! What is kept is an HMAC over user name, password and kept password under a key that exists in
//! this process only: nothing here recognises a password elsewhere, and a changed one is not
//! found. The table is bounded.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use tokio::time::Instant;

use crate::base::PasswordHash;
use crate::smtp::server::Login;

/// How long a success is remembered.
pub const REMEMBERED: Duration = Duration::from_mins(5);

/// Successes remembered at once.
const LOGINS_MAX: usize = 1000;

/// One login as it is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag([u8; 32]);

/// Logins found true.
pub struct Remembered {
    /// Without randomness nothing is remembered.
    key: Option<hmac::Key>,
    until: HashMap<Tag, Instant>,
}

impl Remembered {
    /// Remembers nothing yet, under a new key.
    pub fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok();
        Self { key, until: HashMap::new() }
    }

    /// What `login` would be remembered as, if `kept` recognised its password.
    pub fn tag(&self, login: &Login, kept: &PasswordHash) -> Option<Tag> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        let (password, kept) = (login.password.expose(), kept.to_string());
        for text in [&login.username, password, &kept] {
            // The length first: no two triples run into the same bytes.
            context.update(&text.len().to_be_bytes());
            context.update(text.as_bytes());
        }
        context.sign().as_ref().try_into().ok().map(Tag)
    }

    /// Whether the login was found true not long before `now`.
    pub fn holds(&self, tag: Tag, now: Instant) -> bool {
        self.until.get(&tag).is_some_and(|until| now < *until)
    }

    /// Remembers the login from `now` on.
    pub fn add(&mut self, tag: Tag, now: Instant) {
        if self.until.len() >= LOGINS_MAX && !self.until.contains_key(&tag) {
            self.until.retain(|_, until| now < *until);
            let oldest = self.until.iter().min_by_key(|(_, until)| **until);
            if self.until.len() >= LOGINS_MAX
                && let Some(oldest) = oldest.map(|(tag, _)| *tag)
            {
                self.until.remove(&oldest);
            }
        }
        self.until.insert(tag, now + REMEMBERED);
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.until.clear();
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").field("logins", &self.until.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{LOGINS_MAX, REMEMBERED, Remembered, Tag};
    use crate::base::{PasswordHash, Redacted};
    use crate::smtp::server::{Login, Mechanism};

    fn login(username: &str, password: &str) -> Login {
        Login {
            mechanism: Mechanism::Plain,
            username: username.to_owned(),
            password: Redacted::new(password.to_owned()),
        }
    }

    #[test]
    fn a_success_is_remembered_five_minutes_and_no_longer() {
        let (mut remembered, now) = (Remembered::new(), Instant::now());
        let kept = PasswordHash::sha256(b"b");
        let tag = remembered.tag(&login("a", "b"), &kept).unwrap();
        assert!(!remembered.holds(tag, now));
        remembered.add(tag, now);
        assert!(remembered.holds(tag, now));
        assert!(!remembered.holds(tag, now + REMEMBERED));
        remembered.clear();
        assert!(!remembered.holds(tag, now));
    }

    #[test]
    fn every_part_of_a_login_makes_another_tag_and_so_does_another_process() {
        let remembered = Remembered::new();
        let (one, other) = (PasswordHash::sha256(b"1"), PasswordHash::sha256(b"2"));
        let tag = |username, password, kept| remembered.tag(&login(username, password), kept);
        let tags = [
            tag("ab", "c", &one),
            tag("a", "bc", &one),
            tag("ab", "d", &one),
            tag("ab", "c", &other),
            Remembered::new().tag(&login("ab", "c"), &one),
        ];
        for (index, tag) in tags.iter().enumerate() {
            assert!(tag.is_some() && !tags[..index].contains(tag), "{index}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_goes() {
        let (mut remembered, now) = (Remembered::new(), Instant::now());
        let tag = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            Tag(bytes)
        };
        for number in 0..=LOGINS_MAX {
            let age = u32::try_from(number).unwrap();
            remembered.add(tag(number), now + std::time::Duration::from_millis(1) * age);
        }
        assert_eq!(remembered.until.len(), LOGINS_MAX);
        assert!(!remembered.holds(tag(0), now));
        assert!(remembered.holds(tag(1), now) && remembered.holds(tag(LOGINS_MAX), now));
    }
}
