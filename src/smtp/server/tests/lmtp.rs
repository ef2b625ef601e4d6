//! LMTP where a dialogue cannot show it: replies that do not fit, and every number of them.

use std::sync::Arc;

use proptest::prelude::{ProptestConfig, proptest};

use super::{Channel, Replies, Reply, Session, settings, written};

/// A session that awaits the answer for so many recipients.
fn awaiting(recipients: usize) -> Session {
    let mut session = Session::new(Arc::new(settings("lmtp")), Channel::Plain);
    session.handle_bytes(b"LHLO c\r\nMAIL FROM:<a@x.org>\r\n");
    session.handle_bytes("RCPT TO:<b@y.org>\r\n".repeat(recipients).as_bytes());
    session.handle_bytes(b"DATA\r\n.\r\n");
    assert_eq!(written(&mut session).last().unwrap(), "submission");
    session
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn p8_every_recipient_gets_exactly_one_reply_in_one_write(
        recipients in 1_usize..9,
        given in 0_usize..9,
    ) {
        let each = (0..given).map(|number| Reply::new(250, None, &format!("copy {number}")));
        let mut session = awaiting(recipients);
        session.handle_answer(&Replies::Each(each.collect()));
        let found = written(&mut session);
        assert_eq!(found.len(), 1, "{found:?}");
        let lines: Vec<&str> = found[0].lines().collect();
        assert_eq!(lines.len(), recipients, "{found:?}");
        for (number, line) in lines.into_iter().enumerate() {
            let expected = match given == recipients {
                true => format!("250 copy {number}"),
                // Replies that cannot be told apart would lose mail: all come again.
                false => "451 4.3.0 internal error, try again later".to_owned(),
            };
            assert_eq!(line, expected);
        }
        session.handle_bytes(b"NOOP\r\n");
        assert_eq!(written(&mut session).len(), 1, "the session goes on");
    }
}

#[test]
fn p3_an_smtp_client_is_never_told_of_one_recipient_only() {
    let mut session = Session::new(Arc::new(settings("")), Channel::Plain);
    session.handle_bytes(b"EHLO c\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\n");
    session.handle_bytes(b"RCPT TO:<c@y.org>\r\nDATA\r\n.\r\n");
    written(&mut session);
    let each = [250, 550].map(|code| Reply::new(code, None, "")).to_vec();
    session.handle_answer(&Replies::Each(each));
    assert_eq!(written(&mut session), ["451 4.3.0 internal error, try again later\r\n"]);
}
