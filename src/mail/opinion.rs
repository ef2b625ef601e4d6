//! The second opinion: what another, independent parser sees in the same bytes.
//!
//! All use of `mail-parser` stands here. Its `parse_headers` never looks at a body and is free
//! of traps; its full `parse` recurses over nested messages when dropped, rescans for missing
//! boundaries and decodes every body at once, so it is asked only behind [`is_safe_to_ask`].

use std::ops::Range;

use mail_parser::{Encoding, MessageParser, MimeHeaders, PartType};

use super::{Entity, Message, Parameter, TransferEncoding};

/// Octets of a message that is still parsed in full.
const BYTES_MAX: usize = 5 * 1024 * 1024;
/// The same where nested messages occur: some 100 octets of stack per level, a level from 29
/// octets of message, and content we cannot count inside encoded ones.
const NESTED_BYTES_MAX: usize = 128 * 1024;
const DEPTH_MAX: usize = 16;
const PARTS_MAX: usize = 200;
/// Octets it may have to rescan: each boundary it cannot find costs the whole rest.
const RESCANNED_BYTES_MAX: usize = 200 * 1024 * 1024;

/// One part as the other parser sees it.
#[derive(Debug)]
pub struct PartView<'a> {
    /// Its media type as given, or empty.
    pub media: String,
    /// Its raw body.
    pub body: Range<usize>,
    /// The parts of a multipart, by position.
    pub children: &'a [u32],
    /// The decoded content of a leaf, texts in UTF-8; nothing for nested messages.
    pub content: &'a [u8],
    /// The charset it was read in as given, if one is.
    charset: Option<&'a str>,
    /// The encoding it was read in; a broken one is read as none.
    encoding: Encoding,
}

impl PartView<'_> {
    /// Whether the other parser read the part in the very charset and transfer encoding that
    /// `entity` names.
    pub fn is_read_like(&self, entity: &Entity) -> bool {
        let encoding = match self.encoding {
            Encoding::None => entity.encoding().is_identity(),
            Encoding::QuotedPrintable => entity.encoding() == TransferEncoding::QuotedPrintable,
            Encoding::Base64 => entity.encoding() == TransferEncoding::Base64,
        };
        encoding
            && match (self.charset, entity.media().parameter("charset")) {
                (None, Parameter::Absent) => true,
                (Some(theirs), Parameter::Value(ours)) => theirs.eq_ignore_ascii_case(ours),
                (Some(_) | None, _) => false,
            }
    }
}

/// The other parser's view of one message.
pub struct Opinion<'a>(mail_parser::Message<'a>);

impl<'a> Opinion<'a> {
    /// Parses `raw` in full; `None` when the other parser sees no message at all.
    ///
    /// Invariant: [`is_safe_to_ask`] holds for `raw` or for the message it was edited from.
    pub fn of(raw: &'a [u8]) -> Option<Self> {
        MessageParser::default().parse(raw).map(Self)
    }

    /// All parts in order; those of nested messages are not among them.
    pub fn parts(&self) -> impl Iterator<Item = PartView<'_>> {
        self.0.parts.iter().map(|part| {
            let media = part.content_type().map_or_else(String::new, |media| {
                format!("{}/{}", media.ctype(), media.subtype().unwrap_or_default())
            });
            let (children, content): (&[u32], &[u8]) = match &part.body {
                PartType::Text(text) | PartType::Html(text) => (&[], text.as_bytes()),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => (&[], bytes),
                PartType::Message(_) => (&[], &[]),
                PartType::Multipart(children) => (children, &[]),
            };
            PartView {
                media,
                body: offset(part.offset_body)..offset(part.offset_end),
                children,
                content,
                charset: part.content_type().and_then(|media| media.attribute("charset")),
                encoding: part.encoding,
            }
        })
    }
}

fn offset(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Whether a full parse of `message` is bounded in time, memory and stack.
pub fn is_safe_to_ask(message: &Message) -> bool {
    let bytes = message.bytes();
    let size_max = if may_nest(bytes) { NESTED_BYTES_MAX } else { BYTES_MAX };
    bytes.len() <= size_max
        && message.depth() <= DEPTH_MAX
        && message.entities().len() <= PARTS_MAX
        && find_folded(bytes, b"boundary").count() * bytes.len() <= RESCANNED_BYTES_MAX
}

/// The addresses in one From, To or similar field, given with its name; empty where there is
/// none to read.
pub(super) fn addresses(field: &[u8]) -> Vec<String> {
    let block = [field, b"\r\n\r\n"].concat();
    let Some(parsed) = MessageParser::default().parse_headers(&block) else { return Vec::new() };
    let Some(from) = parsed.from() else { return Vec::new() };
    from.iter().filter_map(|one| one.address.as_deref().map(str::to_owned)).collect()
}

/// An unstructured field such as Subject, given with its name, its encoded words decoded
/// (RFC 2047).
pub(super) fn subject(field: &[u8]) -> Option<String> {
    let block = [field, b"\r\n\r\n"].concat();
    let parsed = MessageParser::default().parse_headers(&block)?;
    parsed.subject().map(str::to_owned)
}

/// The only mailbox in a From field, given with its name: what is shown for it, and its address.
pub(super) fn sole_mailbox(field: &[u8]) -> Option<(String, String)> {
    let block = [field, b"\r\n\r\n"].concat();
    let parsed = MessageParser::default().parse_headers(&block)?;
    let mut all = parsed.from()?.iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    let shown = only.name.as_deref().unwrap_or_default().to_owned();
    Some((shown, only.address.as_deref()?.to_owned()))
}

/// Whether the other parser could see a message within the message: it needs the words
/// `message/rfc822`, `message/global` or `multipart/digest` in plain sight at the first level.
fn may_nest(bytes: &[u8]) -> bool {
    let after = |word: &'static [u8]| {
        find_folded(bytes, word)
            .map(move |at| &bytes[at + word.len()..])
            .map(<[u8]>::trim_ascii_start)
    };
    let names = |rest: &[u8], subtypes: &[&[u8]]| match rest.split_first() {
        // A comment could stand between; whoever writes one is not worth the risk.
        Some((b'(', _)) => true,
        Some((b'/', rest)) => {
            let rest = rest.trim_ascii_start();
            rest.starts_with(b"(")
                || subtypes.iter().any(|subtype| {
                    rest.get(..subtype.len()).is_some_and(|head| head.eq_ignore_ascii_case(subtype))
                })
        }
        _ => false,
    };
    after(b"message").any(|rest| names(rest, &[b"rfc822", b"global"]))
        || after(b"multipart").any(|rest| names(rest, &[b"digest"]))
}

/// Bytes looked at together.
const BLOCK_BYTES: usize = 64;

/// Where `word` (lower-case letters) occurs in any case.
fn find_folded<'a>(bytes: &'a [u8], word: &'static [u8]) -> impl Iterator<Item = usize> + 'a {
    // First and last letter at their distance are rare enough to skip whole blocks by.
    let (first, last) = (word[0], word[word.len() - 1]);
    let (heads, _) = bytes.as_chunks::<BLOCK_BYTES>();
    let (tails, _) = bytes.get(word.len() - 1..).unwrap_or_default().as_chunks::<BLOCK_BYTES>();
    let blocks = heads.iter().zip(tails);
    let rest = blocks.len() * BLOCK_BYTES..bytes.len();
    // Without an early end, so that the compiler compares many bytes at once.
    let may_hold = move |(heads, tails): (&[u8; BLOCK_BYTES], &[u8; BLOCK_BYTES])| {
        heads.iter().zip(tails).fold(0, |found, (head, tail)| {
            found | (u8::from(head | 0x20 == first) & u8::from(tail | 0x20 == last))
        }) != 0
    };
    blocks
        .enumerate()
        .filter(move |(_, block)| may_hold(*block))
        .flat_map(|(block, _)| block * BLOCK_BYTES..(block + 1) * BLOCK_BYTES)
        .chain(rest)
        .filter(move |&at| bytes[at] | 0x20 == first)
        .filter(move |&at| {
            bytes.get(at..at + word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word))
        })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::{Opinion, find_folded, is_safe_to_ask};
    use crate::mail::{Message, RawMessage};

    fn message(raw: impl Into<Vec<u8>>) -> Message {
        Message::scan(RawMessage::new(Bytes::from(raw.into())))
    }

    #[test]
    fn sees_the_parts_of_an_ordinary_message() {
        let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b--\r\n";
        let opinion = Opinion::of(raw.as_bytes()).unwrap();
        let parts: Vec<_> = opinion.parts().collect();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].content, b"hi");
        assert_eq!(&raw[parts[1].body.clone()], "hi");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn finds_words_in_any_case_wherever_they_stand(
            text in "([a-c]{0,70}|Boundary|bOUNDARY|boundary|boundar|b.{6}y){0,8}",
        ) {
            let bytes = text.as_bytes();
            let folded: Vec<usize> = bytes.windows(8).enumerate()
                .filter(|(_, window)| window.eq_ignore_ascii_case(b"boundary"))
                .map(|(at, _)| at).collect();
            prop_assert_eq!(find_folded(bytes, b"boundary").collect::<Vec<_>>(), folded);
        }
    }

    #[test]
    fn is_not_asked_about_large_messages() {
        let body = "x".repeat(5 * 1024 * 1024);
        assert!(!is_safe_to_ask(&message(format!("A: b\r\n\r\n{body}"))));
    }

    #[test]
    fn is_not_asked_where_missing_boundaries_cost_seconds() {
        let part = "--b\r\nContent-Type: multipart/mixed; boundary=none\r\n\r\n";
        let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
        let raw = format!("{head}{}{}--b--\r\n", part.repeat(150), "x".repeat(2_000_000));
        assert!(!is_safe_to_ask(&message(raw)));
    }

    #[test]
    fn c46_nested_messages_within_the_guard_need_little_stack() {
        let level = "Content-Type:message/rfc822\r\n\r\n";
        let raw = level.repeat(super::NESTED_BYTES_MAX / level.len());
        assert!(is_safe_to_ask(&message(raw.clone())));
        // A quarter of what a thread has by default.
        let small = std::thread::Builder::new().stack_size(1024 * 1024);
        let parts = small.spawn(move || Opinion::of(raw.as_bytes()).map(|o| o.parts().count()));
        assert!(parts.unwrap().join().unwrap().is_some());
        let more = level.repeat(super::NESTED_BYTES_MAX / level.len() + 1);
        assert!(!is_safe_to_ask(&message(more)));
    }
}
