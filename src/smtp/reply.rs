//! Replies: a code, an enhanced status code and text (RFC 5321 §4.2, RFC 2034, RFC 3463).
//!
//! The class of the enhanced code is not stored: it *is* the first digit of the reply code, so
//! the two can never disagree.

use std::fmt;

use super::catalogue;

/// Subject and detail of an enhanced status code; its class comes from the reply code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Status {
    /// The subject, 0 to 999 (RFC 3463 §3).
    pub subject: u16,
    /// The detail, 0 to 999.
    pub detail: u16,
}

/// Whether a reply settles the matter, and how.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReplyClass {
    /// 2xx: done.
    Positive,
    /// 3xx: go on.
    Intermediate,
    /// 4xx: try again later.
    Transient,
    /// 5xx: do not try again.
    Permanent,
}

/// One SMTP reply, sent or received.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reply {
    code: u16,
    status: Option<Status>,
    lines: Vec<String>,
}

impl Reply {
    /// A reply with a code from 200 to 599; another code becomes 451, for what we cannot
    /// name must not turn into yes or never.
    ///
    /// Text is cut at line ends and stripped of control characters, so that no peer's bytes
    /// can start a line of their own.
    pub fn new(code: u16, status: Option<Status>, text: &str) -> Self {
        let code = if (200..600).contains(&code) { code } else { 451 };
        let lines: Vec<String> = text.lines().map(sanitise).collect();
        let lines = if lines.is_empty() { vec![String::new()] } else { lines };
        Self { code, status, lines }
    }

    /// The three-digit code.
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code without its class, if the reply has one.
    pub const fn status(&self) -> Option<Status> {
        self.status
    }

    /// The text lines without code and enhanced status code; at least one.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The text as one line.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// What the first digit says.
    pub const fn class(&self) -> ReplyClass {
        match self.code {
            200..=299 => ReplyClass::Positive,
            300..=399 => ReplyClass::Intermediate,
            400..=499 => ReplyClass::Transient,
            _ => ReplyClass::Permanent,
        }
    }

    /// The bytes on the wire, each line ended by CRLF and at most 512 octets long.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        for (index, line) in self.lines.iter().enumerate() {
            let mark = if index + 1 == self.lines.len() { ' ' } else { '-' };
            let mut text = format!("{}{mark}{}", self.code, self.prefix());
            text.push_str(line);
            let mut end = text.len().min(crate::base::limits::REPLY_LINE_BYTES_MAX - 2);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            out.extend_from_slice(&text.as_bytes()[..end]);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    fn prefix(&self) -> String {
        match self.status {
            Some(Status { subject, detail }) if self.code / 100 != 3 => {
                format!("{}.{subject}.{detail} ", self.code / 100)
            }
            _ => String::new(),
        }
    }
}

/// What a client is told after the mail data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Replies {
    /// The same for the whole transaction: once, or over LMTP once per recipient.
    All(Reply),
    /// One for each accepted RCPT, in their order (RFC 2033 §4.2).
    Each(Vec<Reply>),
}

impl Replies {
    /// The one that says most about the transaction: something is to come again, else something
    /// was taken, else why not.
    pub fn summary(&self) -> Reply {
        match self {
            Self::All(reply) => reply.clone(),
            Self::Each(each) => {
                let of = |class| each.iter().find(|reply| reply.class() == class);
                of(ReplyClass::Transient)
                    .or_else(|| of(ReplyClass::Positive))
                    .or(each.first())
                    .cloned()
                    .unwrap_or_else(|| catalogue::INTERNAL_ERROR.reply())
            }
        }
    }

    /// The replies to write where `owed` are expected. Danger: were each not for the recipient it
    /// is read for, mail would be lost; so a wrong number makes the client come again.
    pub(super) fn owed(&self, owed: usize) -> Vec<Reply> {
        match self {
            Self::Each(each) if each.len() == owed => each.clone(),
            Self::Each(_) => vec![catalogue::INTERNAL_ERROR.reply(); owed],
            Self::All(reply) => vec![reply.clone(); owed],
        }
    }
}

impl From<Reply> for Replies {
    fn from(reply: Reply) -> Self {
        Self::All(reply)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.code, self.prefix(), self.text())
    }
}

fn sanitise(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Replies, Reply, Status};

    #[track_caller]
    fn check(code: u16, status: Option<(u16, u16)>, text: &str, wire: &str) {
        let status = status.map(|(subject, detail)| Status { subject, detail });
        assert_eq!(String::from_utf8(Reply::new(code, status, text).encode()).unwrap(), wire);
    }

    #[test]
    fn encodes_single_and_multi_line_replies() {
        check(250, Some((0, 0)), "ok", "250 2.0.0 ok\r\n");
        check(550, Some((7, 1)), "a\nb", "550-5.7.1 a\r\n550 5.7.1 b\r\n");
        check(354, Some((0, 0)), "go on", "354 go on\r\n");
        check(220, None, "", "220 \r\n");
    }

    #[test]
    fn the_summary_never_hides_that_something_is_to_come_again() {
        let of = |codes: &[u16]| {
            Replies::Each(codes.iter().map(|code| Reply::new(*code, None, "")).collect())
        };
        for (codes, expected) in
            [(&[250, 550, 450][..], 450), (&[550, 250, 250], 250), (&[550, 554], 550), (&[], 451)]
        {
            assert_eq!(of(codes).summary().code(), expected, "{codes:?}");
        }
        assert_eq!(Replies::from(Reply::new(550, None, "")).summary().code(), 550);
    }

    #[test]
    fn p3_a_wrong_number_of_replies_makes_the_client_come_again() {
        let yes = Reply::new(250, None, "");
        let codes = |replies: Replies, owed| -> Vec<u16> {
            replies.owed(owed).iter().map(Reply::code).collect()
        };
        assert_eq!(codes(Replies::Each(vec![yes.clone(); 2]), 2), [250, 250]);
        assert_eq!(codes(Replies::Each(vec![yes.clone(); 2]), 3), [451, 451, 451]);
        assert_eq!(codes(Replies::Each(vec![yes.clone(); 2]), 1), [451]);
        assert_eq!(codes(Replies::All(yes), 3), [250, 250, 250]);
    }

    #[test]
    fn a_peers_text_cannot_start_a_line() {
        check(451, None, "x\r\r250 y\u{0}", "451 x??250 y?\r\n");
    }

    #[test]
    fn an_impossible_code_becomes_a_transient_failure() {
        check(99, None, "x", "451 x\r\n");
        check(600, None, "x", "451 x\r\n");
    }
}
