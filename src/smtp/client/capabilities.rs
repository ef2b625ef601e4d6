//! What an upstream said it can do, in its reply to EHLO (RFC 5321 §4.1.1.1).
//!
//! It also says which jobs the upstream cannot take. Nothing is converted to fit: what is
//! lacking is refused with the code the extension's standard names.

use super::job::Job;
use crate::smtp::catalogue;
use crate::smtp::envelope::Body;
use crate::smtp::reply::Reply;

/// The extensions an upstream offers, as far as a relay needs them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capabilities {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// SIZE (RFC 1870).
    pub size: bool,
    /// Bytes of a message at most, if SIZE says so.
    pub size_max: Option<u64>,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// STARTTLS (RFC 3207).
    pub start_tls: bool,
    /// AUTH PLAIN (RFC 4954, RFC 4616).
    pub auth_plain: bool,
    /// AUTH LOGIN, which has no standard.
    pub auth_login: bool,
}

impl Capabilities {
    /// Reads the reply to EHLO; its first line is only a greeting.
    pub fn parse(reply: &Reply) -> Self {
        let mut known = Self::default();
        for line in reply.lines().iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => known.pipelining = true,
                "8BITMIME" => known.eight_bit_mime = true,
                "SMTPUTF8" => known.smtputf8 = true,
                "ENHANCEDSTATUSCODES" => known.enhanced_status_codes = true,
                "CHUNKING" => known.chunking = true,
                "STARTTLS" => known.start_tls = true,
                "AUTH" => words.for_each(|mechanism| known.add_mechanism(mechanism)),
                "SIZE" => {
                    known.size = true;
                    // RFC 1870 §4: zero, like nothing, means no fixed limit.
                    known.size_max = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                }
                _ => {}
            }
        }
        known
    }

    fn add_mechanism(&mut self, mechanism: &str) {
        // RFC 4422 §3.1: names are upper-case; a lower-case one can mean nothing else.
        match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => self.auth_plain = true,
            "LOGIN" => self.auth_login = true,
            _ => {}
        }
    }

    /// Why `job` must not be tried here: what it needs and the upstream lacks.
    pub fn refusal(&self, job: &Job) -> Option<Reply> {
        if job.needs_smtputf8() && !self.smtputf8 {
            // RFC 6531 §3.1, RFC 6533 §4: never downgraded.
            return Some(catalogue::SMTPUTF8_NOT_OFFERED.reply());
        }
        if job.body == Body::EightBitMime && !self.eight_bit_mime {
            // RFC 6152 §3: converting would break what was signed.
            return Some(catalogue::EIGHT_BIT_NOT_OFFERED.reply());
        }
        let size_max = self.size_max.filter(|max| job.size > *max)?;
        Some(catalogue::SIZE_NOT_OFFERED.reply_with(&[&size_max.to_string()]))
    }
}
