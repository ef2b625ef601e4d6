//! A wrapper that keeps personal data out of logs and debug output by default.

use std::fmt;

/// A value whose `Debug` and `Display` never show it; reading it is an explicit act.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Hides `value` from formatting.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the few places that are allowed to see it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::Redacted;

    #[test]
    fn formatting_shows_nothing() {
        let hidden = Redacted::new("jane@example.com");
        assert_eq!(format!("{hidden} {hidden:?}"), "[redacted] [redacted]");
        assert_eq!(*hidden.expose(), "jane@example.com");
    }
}
