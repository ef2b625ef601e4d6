//! The outbound MTA's own name for a message, found in its reply to the final dot.
//!
//! No standard says how a reply names it, so only shapes that are known are read, and only
//! tokens that cannot be an address or a name of somebody; else there is none.

use crate::smtp::{Reply, ReplyClass};

const LENGTH_MAX: usize = 80;
/// Postfix's short queue ids have at least this many characters.
const LENGTH_MIN: usize = 5;
/// Tokens without a word that introduces them must be so long: providers use UUIDs and longer.
const BARE_LENGTH_MIN: usize = 16;

/// The queue id in a positive `reply`, if it has one in a known place.
pub(super) fn queue_id(reply: &Reply) -> Option<&str> {
    if reply.class() != ReplyClass::Positive {
        return None;
    }
    let text = reply.lines().last()?.trim();
    after(text, "queued as ")
        .or_else(|| after(text, "id="))
        .or_else(|| sendmail(text))
        .or_else(|| bare(text))
}

/// Postfix, Haraka and many more: `Ok: queued as 4F2A1B3C`; Exim: `OK id=1tQ0Xy-000001-2z`.
fn after<'a>(text: &'a str, introduction: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(introduction)?;
    token(rest.split_ascii_whitespace().next()?, LENGTH_MIN)
}

/// Sendmail and OpenSMTPD: `4f3a2b1c Message accepted for delivery`.
fn sendmail(text: &str) -> Option<&str> {
    token(text.strip_suffix(" Message accepted for delivery")?, LENGTH_MIN)
}

/// Providers: `Ok 0100018f3c…-000000` and nothing else.
fn bare(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(' ')?;
    let is_ok = word.trim_end_matches(':').eq_ignore_ascii_case("ok");
    token(rest.trim(), BARE_LENGTH_MIN).filter(|_| is_ok)
}

fn token(text: &str, length_min: usize) -> Option<&str> {
    let text = text.trim_matches(['<', '>', '(', ')', '.', ',', ';']);
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let has_digit = text.bytes().any(|b| b.is_ascii_digit());
    let fits = (length_min..=LENGTH_MAX).contains(&text.len());
    (is_plain && has_digit && fits).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::queue_id;
    use crate::smtp::Reply;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(queue_id(&Reply::new(250, None, text)), expected, "{text}");
    }

    #[test]
    fn known_shapes_are_read() {
        check("Ok: queued as 4F2A1B3C5D", Some("4F2A1B3C5D"));
        check("from MTA(smtp:[127.0.0.1]:10025): 250 Ok: queued as 4XyZ12abc", Some("4XyZ12abc"));
        check("Message Queued (queued as 6F9619FF-8B86)", Some("6F9619FF-8B86"));
        check("OK id=1tQ0Xy-000001-2z", Some("1tQ0Xy-000001-2z"));
        check("4f3a2b1c Message accepted for delivery", Some("4f3a2b1c"));
        let ses = "0100018f3c5d2e1a-6f9619ff-8b86-d011-b42d-00c04fc964ff-000000";
        check(&format!("Ok {ses}"), Some(ses));
    }

    #[test]
    fn what_might_name_somebody_is_no_queue_id() {
        check("Ok jane@example.com", None);
        check("Ok: queued as jane@example.com", None);
        check("Ok: queued as jane", None);
        check("Ok jane1980", None);
        check("Ok delivered to jane 1234567890123456", None);
        check("Ok", None);
        check("", None);
    }

    #[test]
    fn only_a_positive_reply_has_one() {
        let reply = Reply::new(451, None, "queued as 4F2A1B3C5D");
        assert_eq!(queue_id(&reply), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn whatever_is_found_is_short_and_plain(text in "(Ok: queued as |OK id=|Ok )?.{0,200}") {
            let reply = Reply::new(250, None, &text);
            if let Some(found) = queue_id(&reply) {
                prop_assert!(found.len() <= 80);
                prop_assert!(found.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
            }
        }
    }
}
