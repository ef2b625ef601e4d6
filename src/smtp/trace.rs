//! Counting hops: `Received` fields in the header of a message (RFC 5321 §6.3).
//!
//! It reads field names at line starts and nothing else; `mail` has the real header parser.

use memchr::memchr;

/// The number of `Received` fields before the first empty line.
pub fn received_fields(content: &[u8]) -> usize {
    const NAME: &[u8] = b"received";
    let mut rest = content;
    let mut count = 0;
    while !rest.is_empty() && !rest.starts_with(b"\r\n") {
        if let Some((name, after)) = rest.split_at_checked(NAME.len())
            && name.eq_ignore_ascii_case(NAME)
            && after.trim_ascii_start().starts_with(b":")
        {
            count += 1;
        }
        let Some(end) = memchr(b'\n', rest) else { break };
        rest = &rest[end + 1..];
    }
    count
}

#[cfg(test)]
mod tests {
    use super::received_fields;

    #[track_caller]
    fn check(content: &str, expected: usize) {
        assert_eq!(received_fields(content.as_bytes()), expected, "{content:?}");
    }

    #[test]
    fn counts_received_fields_of_the_header_only() {
        check("", 0);
        check("Received: a\r\n b\r\nRECEIVED : c\r\nReceived-SPF: d\r\n\r\nReceived: body\r\n", 2);
        check("\r\nReceived: body\r\n", 0);
        check("X: \r\n Received: folded\r\nReceived: a", 1);
    }
}
