//! What a stream wants done to its marketing copies.
//!
//! Everything variable in a copy is bounded here: links and tokens of one message all have the
//! same length and shape, so that verifying one sample verifies them all.

use thiserror::Error;

use super::footer::{Footer, LINK_BYTES_MAX};

/// What becomes of an incoming List-Unsubscribe pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum IncomingListUnsubscribe {
    /// It is removed; ours takes its place.
    #[default]
    Replace,
    /// It stays, and none of ours is added.
    Keep,
}

/// What happens when no footer can be placed safely.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Fallback {
    /// The body leaves as it came, with our header fields.
    #[default]
    HeadersOnly,
    /// The message is refused (550 5.6.0).
    Reject,
}

/// Who signs after us (RFC 6376): an edited body breaks a signature that came in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Resigning {
    /// Nobody: a message that came signed keeps its body.
    #[default]
    Nobody,
    /// The upstream signs with the sender's domain.
    Upstream,
}

/// Why a link, an address or a field of ours cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PolicyError {
    /// Not an https URL of the plain characters that need no escaping anywhere.
    #[error(
        "`{0}` is no usable link: give an https URL with a path, at most {LINK_BYTES_MAX} \
         octets of letters, digits and `-._~:/%?+,@`"
    )]
    Link(String),
    /// Not an address that stands in a URL as it is.
    #[error(
        "`{0}` is no usable unsubscribe mailbox: give local-part@domain of letters, \
         digits and `.-_`"
    )]
    Mailbox(String),
    /// Not a token.
    #[error("`{0}` is no usable token: give letters, digits, `-` and `_`")]
    Token(String),
    /// Not the value of a header field.
    #[error(
        "the Received value is no header field value: fold with CRLF and a \
         tab, at most 998 octets a line"
    )]
    Received,
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// A sample of the links of one message: every real one has its length and its prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkSample {
    url: String,
    token_start: usize,
}

impl LinkSample {
    /// Takes `url` as a sample. What follows its last `/` is the part that differs per
    /// recipient: letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// [`PolicyError::Link`].
    pub fn new(url: &str) -> Result<Self, PolicyError> {
        let refused = || PolicyError::Link(bounded(url));
        // RFC 8058 §3.1 wants https. Plain http is taken on loopback, for demonstrations.
        let is_local = |rest: &&str| rest.starts_with("127.0.0.1") || rest.starts_with("localhost");
        let https = url.strip_prefix("https://");
        let rest = https.or_else(|| url.strip_prefix("http://").filter(is_local));
        let rest = rest.ok_or_else(refused)?;
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/%?+,@".contains(&b);
        let token_start = url.rfind('/').ok_or_else(refused)? + 1;
        let fits = url.len() <= LINK_BYTES_MAX
            && url.bytes().all(is_plain)
            && rest.find('/').is_some_and(|host| host > 0)
            && is_token(&url[token_start..]);
        if fits { Ok(Self { url: url.to_owned(), token_start }) } else { Err(refused()) }
    }

    /// The sample itself.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What all links of the message begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.url[..self.token_start]
    }

    /// The part that differs, in the sample.
    pub(super) fn token(&self) -> &str {
        &self.url[self.token_start..]
    }

    /// Whether `url` may stand where the sample stood.
    pub(super) fn fits(&self, url: &str) -> bool {
        url.len() == self.url.len() && url.strip_prefix(self.prefix()).is_some_and(is_token)
    }
}

/// The mailbox that takes unsubscriptions by mail, with the token as subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailtoSample {
    address: String,
    subject: String,
}

impl MailtoSample {
    /// A mailbox, and a sample of the subjects: every real one has its length.
    ///
    /// # Errors
    /// [`PolicyError::Mailbox`] or [`PolicyError::Token`].
    pub fn new(address: &str, subject: &str) -> Result<Self, PolicyError> {
        let is_plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let is_address = address
            .split_once('@')
            .is_some_and(|(local, domain)| is_plain(local) && is_plain(domain));
        if !is_address || address.len() > 254 {
            return Err(PolicyError::Mailbox(bounded(address)));
        }
        if !is_token(subject) || subject.len() > 128 {
            return Err(PolicyError::Token(bounded(subject)));
        }
        Ok(Self { address: address.to_owned(), subject: subject.to_owned() })
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn fits(&self, subject: &str) -> bool {
        subject.len() == self.subject.len() && is_token(subject)
    }

    /// The URI for one recipient.
    pub(super) fn uri(&self, subject: &str) -> String {
        format!("mailto:{}?subject={subject}", self.address)
    }
}

/// The value of a Received field of ours: checked once, put on top of every copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceivedValue(String);

impl ReceivedValue {
    /// Takes what stands after `Received: `, without the final CRLF; folded at will.
    ///
    /// # Errors
    /// [`PolicyError::Received`] when it could end the field or begin another.
    pub fn new(value: &str) -> Result<Self, PolicyError> {
        let name = "Received: ".len();
        let is_value = value.split("\r\n").enumerate().all(|(index, line)| {
            let is_fold = index == 0 || line.starts_with([' ', '\t']);
            is_fold
                && !line.trim().is_empty()
                && line.len() + name <= crate::base::limits::TEXT_LINE_BYTES_MAX
                && !line.chars().any(|c| c.is_control() && c != '\t')
        });
        if is_value { Ok(Self(value.to_owned())) } else { Err(PolicyError::Received) }
    }

    /// A value for samples.
    pub(super) fn sample() -> Self {
        Self("from sample by sample".to_owned())
    }

    /// The whole field with its CRLF.
    pub(super) fn field(&self) -> String {
        format!("Received: {}\r\n", self.0)
    }
}

/// How the marketing copies of one message are made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// The footer of the brand.
    pub footer: Footer,
    /// What becomes of an incoming List-Unsubscribe pair.
    pub list_unsubscribe: IncomingListUnsubscribe,
    /// What happens when no footer can be placed.
    pub fallback: Fallback,
    /// A sample of the unsubscribe links.
    pub link: LinkSample,
    /// The unsubscribe mailbox, if somebody reads it.
    pub mailto: Option<MailtoSample>,
    /// Who signs after us.
    pub resigning: Resigning,
}

#[cfg(test)]
mod tests {
    use super::{LinkSample, MailtoSample, ReceivedValue};

    #[test]
    fn e15_links_hold_nothing_that_needs_escaping() {
        let sample = LinkSample::new("https://u.example.com/u/AbC-_9").unwrap();
        assert!(sample.fits("https://u.example.com/u/XXXXXX"));
        for bad in [
            "https://u.example.com/u/XXXXX",
            "https://v.example.com/u/XXXXXX",
            "https://u.example.com/u/XX>XXX",
        ] {
            assert!(!sample.fits(bad), "{bad}");
        }
        let bad = [
            "http://u.example.com/u/x",
            "https://u.example.com",
            "https:///x",
            "https://a/u/",
            "https://a/u/x>y",
            "https://a/u x/y",
            "https://a/u/x\r\n",
            "https://a/é/x",
            "https://a/?a=b&c/x",
        ];
        for bad in bad {
            assert!(LinkSample::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn e15_mailboxes_and_subjects_cannot_inject() {
        assert!(MailtoSample::new("unsub@example.com", "token_1").is_ok());
        for bad in ["a@b@c", "a>@b", "a?x=y@b", "@b", "a"] {
            assert!(MailtoSample::new(bad, "t").is_err(), "{bad}");
        }
        assert!(MailtoSample::new("a@b", "x>,y").is_err());
    }

    #[test]
    fn e15_a_received_value_cannot_end_its_field() {
        assert!(ReceivedValue::new("from a by b\r\n\twith ESMTP; now").is_ok());
        for bad in ["", "a\r\n", "a\r\nb: c", "a\nb", "a\r\n \r\n b", "a\u{0}", &"a".repeat(999)] {
            assert!(ReceivedValue::new(bad).is_err(), "{bad:?}");
        }
    }
}
