//! The client session by dialogue: every file of `dialogues/client`, cut at every place.
//!
//! Marks beside `C:` and `S:`: `I:` the introduction, `J:` a job, `T:` TLS asked for, `H:` TLS
//! begun, `W:` content asked for, `L:` lost or timeout, `R:` a recipient's result, `X:` closed
//! and why.

use std::collections::HashSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, any, prop_oneof, proptest};

use super::{
    Channel, Content, Event, Introduction, Job, Login, OnDeferred, RecipientResult, Session,
    StartTls,
};
use crate::base::{Mailbox, Redacted, limits};
use crate::smtp::dialogue_tests::{self, Line};
use crate::smtp::{Body, ForwardPath, Path, ReversePath};

fn path(written: &str) -> Path {
    Path::new(written, Mailbox::parse(written).unwrap())
}

/// Reads `size=N [8bit] [utf8] [abort] from=PATH to=PATH…`.
fn job(text: &str) -> Job {
    let mut job = Job {
        reverse_path: ReversePath::Null,
        forward_paths: Vec::new(),
        body: Body::SevenBit,
        smtputf8: false,
        size: 0,
        on_deferred: OnDeferred::SendToOthers,
    };
    for word in text.split(' ') {
        match word.split_once('=').unwrap_or((word, "")) {
            ("size", size) => job.size = size.parse().unwrap(),
            ("8bit", _) => job.body = Body::EightBitMime,
            ("utf8", _) => job.smtputf8 = true,
            ("abort", _) => job.on_deferred = OnDeferred::Abort,
            ("from", "") => {}
            ("from", from) => job.reverse_path = ReversePath::Path(path(from)),
            ("to", "Postmaster") => {
                job.forward_paths.push(ForwardPath::Postmaster("Postmaster".to_owned()));
            }
            ("to", to) => job.forward_paths.push(ForwardPath::Path(path(to))),
            (other, _) => panic!("unknown word {other}"),
        }
    }
    job
}

/// Reads `[tls=if_offered|demanded] [trusted] [login=USER:PASSWORD]`.
fn introduction(text: &str) -> Introduction {
    let mut introduction = Introduction::of("relay.example");
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match word.split_once('=').unwrap_or((word, "")) {
            ("tls", "if_offered") => introduction.start_tls = StartTls::IfOffered,
            ("tls", "demanded") => introduction.start_tls = StartTls::Demanded,
            ("trusted", "") => introduction.channel = Channel::Trusted,
            ("login", login) => {
                let (username, password) = login.split_once(':').unwrap();
                introduction.login = Some(Login {
                    username: username.to_owned(),
                    password: Redacted::new(password.to_owned()),
                });
            }
            (other, _) => panic!("unknown word {other}"),
        }
    }
    introduction
}

fn describe(result: &RecipientResult) -> String {
    match result {
        RecipientResult::Accepted(reply) => format!("accepted {reply}"),
        RecipientResult::Refused(reply) => format!("refused {reply}"),
        RecipientResult::Deferred(reply) => format!("deferred {reply}"),
        RecipientResult::Failed(failure) => format!("failed {failure:?}"),
        RecipientResult::InDoubt => "doubt".to_owned(),
    }
}

/// Everything the session wants now, in the notation of the dialogues.
fn drain(session: &mut Session) -> Vec<(char, String)> {
    let mut found = Vec::new();
    while let Some(event) = session.poll_event() {
        match event {
            Event::Write(bytes) => {
                let text = String::from_utf8(bytes).unwrap();
                found.extend(text.split_inclusive('\n').map(|line| ('C', line.to_owned())));
            }
            Event::WriteContent(Content::MailData) => found.push(('W', "content".to_owned())),
            Event::WriteContent(Content::LoneDot) => found.push(('W', "dot".to_owned())),
            Event::StartTls => found.push(('T', "handshake".to_owned())),
            Event::Finished(results) => {
                found.extend(results.iter().map(|result| ('R', describe(result))));
            }
            Event::Close(fault) => found.push(('X', fault.to_string())),
        }
    }
    found
}

/// Plays the server's lines in pieces; what the client did between them must be as written.
fn play(name: &str, lines: &[Line], cut: impl Fn(&[u8], usize) -> Vec<Vec<u8>>) {
    let mut session = Session::new(introduction(""));
    let mut seen = Vec::new();
    let mut fed = 0;
    let mut lines = lines.iter().peekable();
    while let Some(line) = lines.next() {
        let text = String::from_utf8_lossy(&line.bytes).into_owned();
        match line.mark {
            'S' => {
                let mut block = line.bytes.clone();
                while let Some(next) = lines.next_if(|next| next.mark == 'S') {
                    block.extend_from_slice(&next.bytes);
                }
                for piece in cut(&block, fed) {
                    session.handle_bytes(&piece);
                }
                fed += block.len();
            }
            'I' => session = Session::new(introduction(&text)),
            'J' => session.start(job(&text)),
            'H' if text == "trusted" => session.handle_tls_started(Channel::Trusted),
            'H' => session.handle_tls_started(Channel::Exposed),
            'L' if text == "lost" => session.handle_lost(),
            'L' => session.handle_timeout(),
            mark => {
                let is_partial = text.ends_with(", partly");
                let wanted = (mark, text.replace(", partly", ""));
                assert_eq!(seen.first(), Some(&wanted), "{name}");
                seen.remove(0);
                if mark == 'W' && !is_partial {
                    session.handle_content_written();
                }
                continue;
            }
        }
        assert_eq!(seen, Vec::new(), "{name}: more than expected");
        seen = drain(&mut session);
    }
    assert_eq!(seen, Vec::new(), "{name}: more than expected at the end");
}

#[test]
fn p8_dialogues_hold_at_every_cut() {
    for (name, lines) in dialogue_tests::read_all("client") {
        play(&name, &lines, |block, _| vec![block.to_vec()]);
        play(&name, &lines, |block, _| block.chunks(1).map(<[u8]>::to_vec).collect());
        let total: usize = lines.iter().filter(|l| l.mark == 'S').map(|l| l.bytes.len()).sum();
        for at in 1..total {
            let halves = |block: &[u8], fed: usize| match at.checked_sub(fed) {
                Some(at) if at < block.len() => vec![block[..at].to_vec(), block[at..].to_vec()],
                _ => vec![block.to_vec()],
            };
            play(&name, &lines, halves);
        }
    }
}

fn idle(capabilities: &str) -> Session {
    let mut session = Session::new(introduction(""));
    session.handle_bytes(b"220 mx\r\n");
    session.handle_bytes(format!("250-mx\r\n250 {capabilities}\r\n").as_bytes());
    drain(&mut session);
    assert!(session.is_idle());
    session
}

#[test]
fn p8_each_wait_is_the_one_of_the_standard() {
    let mut session = Session::new(introduction(""));
    let minutes = |session: &Session| session.poll_timeout().as_secs() / 60;
    let mut waits = vec![minutes(&session)];
    let replies = ["220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"];
    for reply in replies {
        session.handle_bytes(reply.as_bytes());
        if session.is_idle() {
            session.start(job("size=1 from=a@x.org to=b@y.org"));
        }
        waits.push(minutes(&session));
    }
    session.handle_content_written();
    waits.push(minutes(&session));
    // Banner, EHLO, MAIL, RCPT, DATA, a block of content, the final dot.
    assert_eq!(waits, [5, 5, 5, 5, 2, 3, 10]);
    assert_eq!(session.poll_timeout(), limits::FINAL_REPLY_WAIT);
    assert!(session.poll_timeout() > Duration::ZERO);
}

#[test]
fn a_job_is_untouched_until_its_first_reply() {
    let mut session = idle("PIPELINING");
    session.start(job("size=1 from=a@x.org to=b@y.org"));
    assert!(session.is_job_untouched());
    session.handle_bytes(b"421 bye\r\n");
    assert!(session.is_job_untouched(), "a 421 took nothing");
    let mut session = idle("PIPELINING");
    session.start(job("size=1 from=a@x.org to=b@y.org"));
    session.handle_bytes(b"250 ok\r\n");
    assert!(!session.is_job_untouched());
    session.handle_lost();
    assert_eq!(drain(&mut session).last().unwrap().0, 'X');
    session.start(job("size=1 from=a@x.org to=b@y.org"));
    assert_eq!(drain(&mut session), [('R', "failed Session".to_owned())]);
}

#[test]
fn a_thousand_recipients_are_asked_in_windows() {
    let mut session = idle("PIPELINING");
    let mut text = "size=1 from=a@x.org".to_owned();
    (0..1000).for_each(|n| text.push_str(&format!(" to=r{n}@y.org")));
    session.start(job(&text));
    let mut asked = HashSet::new();
    let mut open = 0_usize;
    let mut is_data_sent = false;
    loop {
        for (mark, line) in drain(&mut session) {
            assert_eq!(mark, 'C');
            open += 1;
            is_data_sent |= line == "DATA\r\n";
            if line.starts_with("RCPT") {
                asked.insert(line);
            }
        }
        assert!(open <= 128, "{open} commands without reply");
        if is_data_sent {
            break;
        }
        session.handle_bytes(b"250 ok\r\n");
        open -= 1;
    }
    assert_eq!(asked.len(), 1000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn p7_never_claims_acceptance_without_a_2xx_to_the_dot(
        replies in vec(prop_oneof![
            4 => Just("250 ok\r\n"), 2 => Just("354 go\r\n"), 1 => Just("450 no\r\n"),
            1 => Just("550 no\r\n"), 1 => Just("421 bye\r\n"), 1 => Just("junk\r\n"),
        ], 0..12),
        pipelining in any::<bool>(),
        abort in any::<bool>(),
    ) {
        let mut session = idle(if pipelining { "PIPELINING" } else { "X" });
        let on_deferred = if abort { "abort" } else { "size=1" };
        session.start(job(&format!("{on_deferred} from=a@x.org to=b@y.org to=c@y.org")));
        let (mut results, mut is_content_out, mut last) = (Vec::new(), false, "");
        for reply in replies.into_iter().map(Some).chain([None]) {
            for (mark, text) in drain(&mut session) {
                match mark {
                    'R' => results.push((text, is_content_out, last)),
                    'W' => {
                        is_content_out |= text == "content";
                        session.handle_content_written();
                    }
                    _ => {}
                }
            }
            match reply {
                Some(reply) if results.is_empty() => {
                    last = reply;
                    session.handle_bytes(reply.as_bytes());
                }
                Some(_) => {}
                None => session.handle_lost(),
            }
        }
        for (mark, text) in drain(&mut session) {
            if mark == 'R' {
                results.push((text, is_content_out, last));
            }
        }
        assert_eq!(results.len(), 2, "one result per recipient");
        for (text, is_content_out, last) in results {
            if text.starts_with("accepted") {
                assert!(is_content_out && last == "250 ok\r\n", "{text}");
            }
            if text == "doubt" {
                assert!(is_content_out, "doubt only after the dot");
            }
        }
    }

    #[test]
    fn p7_no_reply_gets_mail_out_in_clear_or_a_password_to_anybody(
        replies in vec(prop_oneof![
            3 => Just("220 go\r\n"), 3 => Just("250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"),
            1 => Just("250-mx\r\n250 AUTH LOGIN\r\n"), 1 => Just("250 mx\r\n"),
            1 => Just("334 next\r\n"), 1 => Just("235 welcome\r\n"), 1 => Just("535 no\r\n"),
            1 => Just("454 later\r\n"), 1 => Just("502 what\r\n"),
            1 => Just("220 go\r\n250 AUTH PLAIN\r\n"),
        ], 0..10),
        is_trusted in any::<bool>(),
    ) {
        let mut session = Session::new(introduction("tls=demanded login=key:secret"));
        let mut is_encrypted = false;
        for reply in replies {
            session.handle_bytes(reply.as_bytes());
            session.start(job("size=1 from=a@x.org to=b@y.org"));
            for (mark, text) in drain(&mut session) {
                let is_greeting = ["EHLO ", "HELO ", "STARTTLS"].iter().any(|c| text.starts_with(c));
                match mark {
                    'T' => {
                        is_encrypted = true;
                        let channel = if is_trusted { Channel::Trusted } else { Channel::Exposed };
                        session.handle_tls_started(channel);
                    }
                    'C' => assert!(is_greeting || (is_encrypted && is_trusted), "{text}"),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn survives_any_bytes(noise in vec(vec(any::<u8>(), 0..20), 0..6)) {
        let mut handshaking = Session::new(introduction("tls=if_offered login=key:secret"));
        handshaking.handle_bytes(b"220 mx\r\n250-mx\r\n250 STARTTLS\r\n");
        for mut session in [Session::new(introduction("")), handshaking, idle("PIPELINING")] {
            session.start(job("size=1 from=a@x.org to=b@y.org"));
            for bytes in &noise {
                session.handle_bytes(bytes);
            }
            session.handle_lost();
            let found = drain(&mut session);
            assert_eq!(found.iter().filter(|(mark, _)| *mark == 'R').count(), 1);
            assert_eq!(found.iter().filter(|(mark, _)| *mark == 'X').count(), 1);
        }
    }
}
