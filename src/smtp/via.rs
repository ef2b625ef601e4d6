//! How a message came in: which protocol, encrypted or not, authenticated or not.
//!
//! What `Received` says after `with` (RFC 3848; RFC 6531 §4.3 for internationalised mail).

/// The protocol of a session, by the greeting the client chose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dialect {
    /// HELO.
    Smtp,
    /// EHLO.
    #[default]
    Esmtp,
    /// LHLO (RFC 2033): one reply per recipient after the data.
    Lmtp,
}

/// How a message came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Via {
    /// The protocol.
    pub dialect: Dialect,
    /// Whether TLS was on.
    pub is_encrypted: bool,
    /// Whether the client had authenticated.
    pub is_authenticated: bool,
}

impl Via {
    /// The keyword of the protocol, registered for `Received`.
    pub const fn keyword(self, smtputf8: bool) -> &'static str {
        match (self.dialect, smtputf8, self.is_encrypted, self.is_authenticated) {
            (Dialect::Lmtp, false, false, false) => "LMTP",
            (Dialect::Lmtp, false, false, true) => "LMTPA",
            (Dialect::Lmtp, false, true, false) => "LMTPS",
            (Dialect::Lmtp, false, true, true) => "LMTPSA",
            (Dialect::Lmtp, true, false, false) => "UTF8LMTP",
            (Dialect::Lmtp, true, false, true) => "UTF8LMTPA",
            (Dialect::Lmtp, true, true, false) => "UTF8LMTPS",
            (Dialect::Lmtp, true, true, true) => "UTF8LMTPSA",
            // RFC 3848: without EHLO there is neither STARTTLS nor AUTH, and no word for them.
            (Dialect::Smtp, false, _, _) => "SMTP",
            (Dialect::Esmtp, false, false, false) => "ESMTP",
            (Dialect::Esmtp, false, false, true) => "ESMTPA",
            (Dialect::Esmtp, false, true, false) => "ESMTPS",
            (Dialect::Esmtp, false, true, true) => "ESMTPSA",
            (_, true, false, false) => "UTF8SMTP",
            (_, true, false, true) => "UTF8SMTPA",
            (_, true, true, false) => "UTF8SMTPS",
            (_, true, true, true) => "UTF8SMTPSA",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Via};

    #[test]
    fn keywords_are_built_from_their_letters() {
        for dialect in [Dialect::Esmtp, Dialect::Lmtp] {
            for (is_encrypted, is_authenticated, letters) in
                [(false, false, ""), (false, true, "A"), (true, false, "S"), (true, true, "SA")]
            {
                let via = Via { dialect, is_encrypted, is_authenticated };
                let (plain, utf8) = match dialect {
                    Dialect::Lmtp => ("LMTP", "UTF8LMTP"),
                    Dialect::Smtp | Dialect::Esmtp => ("ESMTP", "UTF8SMTP"),
                };
                assert_eq!(via.keyword(false), format!("{plain}{letters}"));
                assert_eq!(via.keyword(true), format!("{utf8}{letters}"));
            }
        }
        let helo = Via { dialect: Dialect::Smtp, ..Via::default() };
        assert_eq!(helo.keyword(false), "SMTP");
    }
}
