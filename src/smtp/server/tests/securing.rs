//! STARTTLS and AUTH where a dialogue cannot show it: what is never said, and who waits for whom.

use std::sync::Arc;

use data_encoding::BASE64;
use proptest::prelude::{ProptestConfig, proptest};

use super::{Channel, Event, LoginRefusal, Session, answer, channel, settings, written};
use crate::base::limits::AUTH_LINE_BYTES_MAX;
use crate::smtp::catalogue;

fn session(options: &str) -> Session {
    let mut session = Session::new(Arc::new(settings(options)), channel(options));
    session.handle_bytes(b"EHLO c\r\n");
    while session.poll_event().is_some() {}
    session
}

fn login_event(session: &mut Session) -> bool {
    std::iter::from_fn(|| session.poll_event()).any(|event| matches!(event, Event::Login(_)))
}

const REFUSAL: &str = "554 5.7.0 STARTTLS must be the last command before the handshake\r\n";

#[test]
fn p8_bytes_that_come_with_starttls_end_the_session_unread() {
    for behind in ["R", "RSET\r\n", "EHLO evil\r\nMAIL FROM:<a@x.org>\r\n", "\x16\x03\x01"] {
        let mut session = session("starttls");
        session.handle_bytes(format!("NOOP\r\nSTARTTLS\r\n{behind}").as_bytes());
        let noop = "250 2.0.0 nothing done, as asked\r\n";
        assert_eq!(written(&mut session), [format!("{noop}{REFUSAL}"), "close".to_owned()]);
        session.handle_encrypted();
        session.handle_bytes(b"NOOP\r\n");
        assert_eq!(written(&mut session), Vec::<String>::new(), "{behind:?} has no sequel");
    }
}

#[test]
fn p8_bytes_before_the_handshake_end_the_session_unread() {
    let mut session = session("starttls");
    session.handle_bytes(b"STARTTLS\r\n");
    assert_eq!(written(&mut session), ["220 ready to start TLS\r\n", "StartTls"]);
    session.handle_bytes(b"EHLO evil\r\n");
    assert_eq!(written(&mut session), [REFUSAL, "close"]);
    session.handle_encrypted();
    assert_eq!(written(&mut session), Vec::<String>::new());
}

#[test]
fn p8_half_a_line_before_starttls_is_impossible_after_it() {
    let mut session = session("starttls");
    session.handle_bytes(b"STARTTLS\r\n");
    while session.poll_event().is_some() {}
    session.handle_encrypted();
    session.handle_bytes(b"NOOP\r\n");
    let noop = "250 2.0.0 nothing done, as asked\r\n";
    assert_eq!(written(&mut session), [noop], "no second banner, and a state of its own");
    session.handle_bytes(b"MAIL FROM:<a@x.org>\r\n");
    let refusal = "503 5.5.1 bad sequence of commands: send EHLO first\r\n";
    assert_eq!(written(&mut session), [refusal], "EHLO is forgotten");
}

#[test]
fn a_login_before_starttls_is_forgotten() {
    let mut session = session("starttls auth after-auth");
    session.handle_bytes(b"AUTH PLAIN AGEAYg==\r\n");
    assert!(login_event(&mut session));
    let mut rights = settings("bound starttls");
    rights.hostname = "known.example".to_owned();
    session.handle_login(Ok(Arc::new(rights)));
    session.handle_bytes(b"STARTTLS\r\n");
    session.handle_encrypted();
    session.handle_bytes(b"EHLO c\r\nMAIL FROM:<a@x.org>\r\n");
    let found = written(&mut session);
    let last = found.last().unwrap();
    assert!(last.starts_with("250-relay.example greets c\r\n"), "{last}");
    assert!(last.ends_with("530 5.7.0 authentication required\r\n"), "{last}");
}

#[test]
fn a_handshake_that_never_ends_is_closed_without_a_word_in_clear() {
    let mut session = session("starttls");
    session.handle_bytes(b"STARTTLS\r\n");
    while session.poll_event().is_some() {}
    session.handle_shutdown();
    assert_eq!(written(&mut session), Vec::<String>::new(), "not in clear");
    session.handle_timeout();
    assert_eq!(written(&mut session), ["close"]);
}

#[test]
fn p8_a_shutdown_during_the_handshake_is_told_under_tls() {
    let mut session = session("starttls");
    session.handle_bytes(b"STARTTLS\r\n");
    while session.poll_event().is_some() {}
    session.handle_shutdown();
    session.handle_encrypted();
    let goodbye = "421 4.3.2 relay.example is shutting down, try again later\r\n";
    assert_eq!(written(&mut session), [goodbye, "close"]);
}

#[test]
fn input_behind_a_login_waits_for_its_answer() {
    let mut session = session("auth");
    session.handle_bytes(b"AUTH PLAIN AGEAYg==\r\nNOOP\r\n");
    session.handle_bytes(b"NOOP\r\n");
    assert_eq!(written(&mut session), ["Login(Login { mechanism: Plain, .. })"]);
    assert_eq!(session.pending_bytes(), 12);
    session.handle_timeout();
    assert_eq!(written(&mut session), Vec::<String>::new(), "our own slowness is not the client's");
    session.handle_login(Err(LoginRefusal::Unavailable));
    let found = written(&mut session).concat();
    assert_eq!(found.lines().count(), 3, "{found}");
    assert!(found.starts_with("454 4.7.0 "), "{found}");
    assert_eq!(session.pending_bytes(), 0);
}

#[test]
fn p8_a_shutdown_during_a_login_is_told_behind_its_reply() {
    let goodbye = "421 4.3.2 relay.example is shutting down, try again later\r\n";
    for (result, reply) in [
        (Ok(Arc::new(settings("auth"))), &catalogue::AUTHENTICATED),
        (Err(LoginRefusal::Invalid), &catalogue::LOGIN_INVALID),
    ] {
        let mut session = session("auth");
        session.handle_bytes(b"AUTH PLAIN AGEAYg==\r\n");
        assert!(login_event(&mut session));
        session.handle_shutdown();
        assert_eq!(written(&mut session), Vec::<String>::new());
        session.handle_login(result);
        let reply = String::from_utf8(reply.reply().encode()).unwrap();
        assert_eq!(written(&mut session), [format!("{reply}{goodbye}"), "close".to_owned()]);
        session.handle_login(Err(LoginRefusal::Invalid));
        assert_eq!(written(&mut session), Vec::<String>::new());
    }
}

#[test]
fn a_challenge_holds_up_neither_silence_nor_shutdown() {
    for end in [Session::handle_timeout, Session::handle_shutdown, Session::handle_outdated] {
        let mut session = session("auth");
        session.handle_bytes(b"AUTH LOGIN\r\n");
        assert_eq!(written(&mut session), ["334 VXNlcm5hbWU6\r\n"]);
        end(&mut session);
        let found = written(&mut session);
        assert!(found[0].starts_with("421 4.") && found[1] == "close", "{found:?}");
    }
}

#[test]
fn p8_a_long_response_is_taken_up_to_its_own_limit() {
    let longest = "QUFB".repeat((AUTH_LINE_BYTES_MAX - 2) / 4);
    let mut session = session("auth");
    session.handle_bytes(format!("AUTH PLAIN\r\n{longest}\r\n").as_bytes());
    let found = written(&mut session).concat();
    assert!(
        found.ends_with("501 5.5.2 the response is not [authzid] NUL authcid NUL password\r\n")
    );
    for (wire, asked) in [
        (format!("AUTH PLAIN\r\n{longest}QUFB\r\nNOOP\r\n"), "334 \r\n"),
        (format!("AUTH PLAIN {longest}\r\nNOOP\r\n"), ""),
    ] {
        session.handle_bytes(wire.as_bytes());
        let expected = format!(
            "{asked}500 5.5.6 authentication exchange line too long\r\n\
             250 2.0.0 nothing done, as asked\r\n"
        );
        assert_eq!(written(&mut session), [expected]);
    }
}

#[test]
fn nothing_of_an_exchange_shows_in_debug_output() {
    let secret = BASE64.encode(b"\0kurt\0xipj3plmq");
    let shows = |session: &Session| {
        let text = format!("{session:?}");
        // Bytes are shown as numbers where they are shown.
        let numbers = secret.bytes().take(6).map(|b| b.to_string()).collect::<Vec<_>>().join(", ");
        text.contains("xipj") || text.contains(&secret[..6]) || text.contains(&numbers)
    };
    let wire = format!("AUTH PLAIN {secret}\r\nAUTH PLAIN {secret}\r\nAUTH PLAIN {secret}");
    for cut in 0..=wire.len() {
        let mut session = session("auth");
        session.handle_bytes(&wire.as_bytes()[..cut]);
        assert!(!shows(&session), "cut at {cut}: {session:?}");
    }
    let mut session = session("auth");
    session.handle_bytes(b"AUTH LOGIN\r\n");
    session.handle_bytes(secret.as_bytes());
    assert!(!shows(&session), "{session:?}");
    session.handle_bytes(b"\r\n");
    assert!(!shows(&session), "{session:?}");
}

#[test]
fn no_reply_repeats_what_the_client_said_of_itself() {
    let secret = "xipj3plmq";
    let encoded = BASE64.encode(format!("\0kurt\0{secret}").as_bytes());
    for result in [LoginRefusal::Invalid, LoginRefusal::TooMany, LoginRefusal::Unavailable] {
        for wire in [
            format!("AUTH PLAIN {encoded}\r\n"),
            format!("AUTH {encoded}\r\n"),
            format!("AUTH PLAIN {encoded} {encoded}\r\n"),
            format!("AUTH PLAIN {secret}!\r\n"),
            format!("AUTH LOGIN\r\n{encoded}\r\n{encoded}\r\n"),
            format!("{encoded}\r\n{secret}\r\n"),
        ] {
            let mut session = session("auth");
            session.handle_bytes(wire.as_bytes());
            session.handle_login(Err(result));
            let found = written(&mut session).concat();
            assert!(!found.contains("kurt") && !found.contains("xipj"), "{found}");
            assert!(!found.contains(&encoded), "{found}");
        }
    }
}

/// A final reply, or the last line of one.
fn replies(events: &[String]) -> usize {
    events.concat().lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn p8_every_command_gets_exactly_one_reply(
        lines in "((EHLO c|HELO c|LHLO c|STARTTLS x|STARTTLS|AUTH PLAIN|AUTH LOGIN|AUTH LOGIN YQ==\
            |AUTH PLAIN AGEAYg==|AUTH FOO|AUTH|YQ==|\\*|=|RSET|NOOP|HELP|VRFY x|MAIL FROM:<a@x.org>\
            |MAIL FROM:<a@x.org> AUTH=<>|RCPT TO:<b@y.org>|[ -~]{0,9})\n){1,12}",
        offer in "(starttls|tls-required|) (auth|auth-under-tls|) (after-auth|) (implicit-tls|) (lmtp|)",
        verdicts: u64,
    ) {
        let mut session = Session::new(Arc::new(settings(&offer)), channel(&offer));
        assert_eq!(replies(&written(&mut session)), 1, "the greeting");
        for (number, line) in lines.lines().enumerate() {
            session.handle_bytes(format!("{line}\r\n").as_bytes());
            let mut found = written(&mut session);
            let is_end = |event: &String| event == "close";
            if found.last().is_some_and(|event| event.starts_with("Login")) {
                assert_eq!(found.len(), 1, "{found:?}");
                session.handle_login(match verdicts >> number & 3 {
                    0 => Ok(Arc::new(settings("auth"))),
                    1 => Err(LoginRefusal::Invalid),
                    2 => Err(LoginRefusal::TooMany),
                    _ => Err(LoginRefusal::Unavailable),
                });
                found = written(&mut session);
            } else if found.last().is_some_and(|event| event == "StartTls") {
                session.handle_encrypted();
            }
            // A session that ends may say so in a reply of its own.
            let many = if found.iter().any(is_end) { 1..=2 } else { 1..=1 };
            assert!(many.contains(&replies(&found)), "{line:?} of {lines:?} got {found:?}");
            if found.iter().any(is_end) {
                break;
            }
        }
    }

    #[test]
    fn survives_any_bytes_while_securing(
        wire: Vec<u8>,
        words in "((EHLO c|STARTTLS|AUTH PLAIN|AUTH LOGIN|YQ==|\\*|MAIL FROM:<a@b.c>)\r\n){0,9}",
    ) {
        let mut session = session("starttls auth");
        for bytes in [words.as_bytes(), &wire] {
            session.handle_bytes(bytes);
            while let Some(event) = session.poll_event() {
                match event {
                    Event::Login(_) => session.handle_login(Err(LoginRefusal::Invalid)),
                    Event::StartTls => session.handle_encrypted(),
                    Event::Submission(_) => session.handle_answer(&answer("250 2.0.0 ok")),
                    Event::Write(_) | Event::Close => {}
                }
            }
        }
    }
}

#[test]
fn tls_from_the_first_byte_is_announced_as_nothing() {
    let mut session = Session::new(Arc::new(settings("starttls auth-under-tls")), Channel::Tls);
    session.handle_bytes(b"EHLO c\r\n");
    let found = written(&mut session).concat();
    assert!(
        !found.contains("STARTTLS") && found.contains("\r\n250-AUTH PLAIN LOGIN\r\n"),
        "{found}"
    );
}
