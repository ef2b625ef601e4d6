//! The server session by dialogue: every file of `dialogues/server`, cut at every place.
//!
//! Marks beside those of all dialogues: `O` options of the session, `M` a submission and `A` its
//! answer, `L` a login and what becomes of it, `H` a finished handshake, `X` the end. What a text
//! file cannot say (how writes are grouped, silence, shutdown) follows as code.

mod lmtp;
mod securing;

use std::sync::Arc;

use proptest::prelude::{ProptestConfig, proptest};

use super::{
    Admission, AuthOffer, Channel, Event, Login, LoginRefusal, Protocol, Session, Settings,
    Submission, TlsOffer,
};
use crate::base::DomainName;
use crate::smtp::dialogue_tests::{self, Line};
use crate::smtp::{BareLf, Body, Extensions, Replies, Reply, Status};

fn settings(options: &str) -> Settings {
    let mut settings = Settings { message_bytes_max: 1000, ..Settings::new("relay.example") };
    for option in options.split_ascii_whitespace() {
        match option {
            "normalize" => settings.bare_lf = BareLf::Normalize,
            "roomy" => settings.message_bytes_max = 100_000,
            "bound" => {
                let domain = DomainName::parse("example.com").unwrap();
                settings.reverse_path_domains = Some(vec![domain]);
            }
            "plain" => {
                // SMTPUTF8 without 8BITMIME is not announced either.
                settings.extensions = Extensions { eight_bit_mime: false, smtputf8: true };
            }
            "starttls" => settings.tls = TlsOffer::StartTls,
            "tls-required" => settings.tls = TlsOffer::Required,
            "auth" => settings.auth = AuthOffer::Always,
            "auth-under-tls" => settings.auth = AuthOffer::UnderTls,
            "after-auth" => settings.admission = Admission::AfterAuth,
            "lmtp" => settings.protocol = Protocol::Lmtp,
            "implicit-tls" => {}
            other => panic!("unknown option {other}"),
        }
    }
    settings
}

fn channel(options: &str) -> Channel {
    if options.contains("implicit-tls") { Channel::Tls } else { Channel::Plain }
}

/// What came out of a session: bytes, submissions, whether it closed.
#[derive(Default, PartialEq, Eq, Debug)]
struct Outcome {
    sent: String,
    submissions: Vec<String>,
    is_closed: bool,
}

fn describe(submission: &Submission) -> String {
    let mut text = format!("{} {}", submission.helo, submission.via.keyword(false));
    text.push_str(if submission.envelope.body == Body::SevenBit { " 7BIT" } else { " 8BIT" });
    text.push_str(if submission.envelope.smtputf8 { " UTF8" } else { "" });
    text.push_str(&format!(" <{}>", submission.envelope.reverse_path.written()));
    for path in &submission.envelope.forward_paths {
        text.push_str(&format!(" <{}>", path.written()));
    }
    let content = String::from_utf8(submission.content.bytes().to_vec()).unwrap();
    format!("{text} {content}").trim_end_matches(' ').to_owned()
}

/// One reply, or one per recipient separated by ` | `.
fn answer(text: &str) -> Replies {
    match text.split(" | ").map(reply).collect::<Vec<_>>().as_slice() {
        [reply] => Replies::All(reply.clone()),
        each => Replies::Each(each.to_vec()),
    }
}

fn reply(text: &str) -> Reply {
    let (code, rest) = text.split_once(' ').unwrap();
    let (status, rest) = rest.split_once(' ').unwrap();
    let mut numbers = status.split('.').skip(1).map(|n| n.parse().unwrap());
    let status = Status { subject: numbers.next().unwrap(), detail: numbers.next().unwrap() };
    Reply::new(code.parse().unwrap(), Some(status), rest)
}

/// `user password verdict`, as an `L` line says it.
fn judge(login: &Login, line: &str) -> Result<Arc<Settings>, LoginRefusal> {
    let (credentials, verdict) = line.rsplit_once(' ').unwrap();
    assert_eq!(format!("{} {}", login.username, login.password.expose()), credentials);
    match verdict {
        // A credential brings rights of its own: here, a domain.
        "ok" => Ok(Arc::new(settings("bound"))),
        "invalid" => Err(LoginRefusal::Invalid),
        "too-many" => Err(LoginRefusal::TooMany),
        "unavailable" => Err(LoginRefusal::Unavailable),
        other => panic!("unknown verdict {other}"),
    }
}

/// A session as a dialogue drives it.
struct Run {
    session: Session,
    answers: Vec<Replies>,
    logins: Vec<String>,
    wants_tls: bool,
    outcome: Outcome,
}

impl Run {
    fn new(lines: &[Line]) -> Self {
        let of = |mark| lines.iter().filter(move |line: &&Line| line.mark == mark).map(Line::text);
        let options: String = of('O').collect();
        let mut run = Self {
            session: Session::new(Arc::new(settings(&options)), channel(&options)),
            answers: of('A').map(|text| answer(&text)).collect(),
            logins: of('L').collect(),
            wants_tls: false,
            outcome: Outcome::default(),
        };
        run.drain();
        run
    }

    fn drain(&mut self) {
        while let Some(event) = self.session.poll_event() {
            let outcome = &mut self.outcome;
            assert!(!outcome.is_closed, "nothing comes after closing, but {event:?}");
            match event {
                Event::Write(bytes) => outcome.sent.push_str(std::str::from_utf8(&bytes).unwrap()),
                Event::Submission(submission) => {
                    outcome.submissions.push(describe(&submission));
                    self.session.handle_answer(&self.answers.remove(0));
                }
                Event::StartTls => self.wants_tls = true,
                Event::Login(login) => {
                    self.session.handle_login(judge(&login, &self.logins.remove(0)));
                }
                Event::Close => outcome.is_closed = true,
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.session.handle_bytes(bytes);
        self.drain();
    }

    fn shake_hands(&mut self) {
        assert!(std::mem::take(&mut self.wants_tls), "a handshake was asked for");
        self.session.handle_encrypted();
        self.drain();
    }

    fn end(self) -> Outcome {
        assert!(self.answers.is_empty() && self.logins.is_empty(), "all were asked for");
        assert!(!self.wants_tls, "every handshake is in the dialogue");
        self.outcome
    }
}

/// What the client sends, in one piece up to each handshake.
fn flights(lines: &[Line]) -> Vec<Vec<u8>> {
    let flights = lines.split(|line| line.mark == 'H');
    let sent = |line: &&Line| line.mark == 'C';
    flights
        .map(|part| part.iter().filter(sent).flat_map(|line| line.bytes.clone()).collect())
        .collect()
}

/// Runs a dialogue, each flight cut as `cuts` says.
fn run(lines: &[Line], cuts: impl Fn(usize, &[u8]) -> Vec<&[u8]>) -> Outcome {
    let mut run = Run::new(lines);
    for (number, flight) in flights(lines).iter().enumerate() {
        if number > 0 {
            run.shake_hands();
        }
        for piece in cuts(number, flight) {
            run.feed(piece);
        }
    }
    run.end()
}

#[test]
fn p8_dialogues_hold_at_every_cut() {
    for (name, lines) in dialogue_tests::read_all("server") {
        let of = |mark| lines.iter().filter(move |line: &&Line| line.mark == mark);
        let expected = Outcome {
            sent: of('S').map(Line::text).collect(),
            submissions: of('M').map(Line::text).collect(),
            is_closed: of('X').any(|line| line.bytes == b"close"),
        };
        assert_eq!(run(&lines, |_, all| vec![all]), expected, "{name} at once");
        assert_eq!(run(&lines, |_, all| all.chunks(1).collect()), expected, "{name} by bytes");
        for (flight, wire) in flights(&lines).iter().enumerate() {
            for cut in 1..wire.len() {
                let found = run(&lines, |number, all| match number == flight {
                    true => vec![&all[..cut], &all[cut..]],
                    false => vec![all],
                });
                assert_eq!(found, expected, "{name} cut at {cut} of flight {flight}");
            }
        }
    }
}

fn session_after(commands: &str) -> Session {
    let mut session = Session::new(Arc::new(settings("")), Channel::Plain);
    session.handle_bytes(commands.as_bytes());
    while session.poll_event().is_some() {}
    session
}

const OPEN: &str = "HELO c\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\n";

fn written(session: &mut Session) -> Vec<String> {
    std::iter::from_fn(|| session.poll_event())
        .map(|event| match event {
            Event::Write(bytes) => String::from_utf8(bytes).unwrap(),
            Event::Submission(_) => "submission".to_owned(),
            Event::StartTls | Event::Login(_) => format!("{event:?}"),
            Event::Close => "close".to_owned(),
        })
        .collect()
}

#[test]
fn p8_replies_to_a_pipelined_group_leave_in_one_write() {
    let mut session = session_after("HELO c\r\n");
    session.handle_bytes(b"MAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nRCPT TO:<>\r\nDATA\r\n");
    let found = written(&mut session);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].lines().count(), 4);
}

#[test]
fn input_behind_a_submission_waits_for_its_answer() {
    let mut session = session_after(OPEN);
    session.handle_bytes(b"DATA\r\n.\r\nRSET\r\n");
    session.handle_bytes(b"NOOP\r\n");
    assert_eq!(written(&mut session).last().unwrap(), "submission");
    assert_eq!(session.pending_bytes(), 12);
    session.handle_timeout();
    assert_eq!(written(&mut session), Vec::<String>::new(), "our own slowness is not the client's");
    session.handle_answer(&answer("250 2.0.0 ok"));
    let found = written(&mut session).concat();
    assert_eq!(found.lines().count(), 3, "{found}");
    assert!(found.starts_with("250 2.0.0 ok\r\n"));
    assert_eq!(session.pending_bytes(), 0);
}

#[test]
fn p8_shutdown_waits_for_an_open_transaction() {
    let goodbye = "421 4.3.2 relay.example is shutting down, try again later\r\n";
    for idle in ["", "HELO c\r\n"] {
        let mut session = session_after(idle);
        session.handle_shutdown();
        assert_eq!(written(&mut session), [goodbye, "close"]);
    }
    let mut session = session_after(OPEN);
    session.handle_shutdown();
    assert_eq!(written(&mut session), Vec::<String>::new());
    session.handle_bytes(b"DATA\r\n.\r\n");
    written(&mut session);
    session.handle_answer(&answer("250 2.0.0 ok"));
    assert_eq!(written(&mut session), [&format!("250 2.0.0 ok\r\n{goodbye}"), "close"]);
    let mut session = session_after(OPEN);
    session.handle_shutdown();
    session.handle_bytes(b"RSET\r\nNOOP\r\n");
    let reset = format!("250 2.0.0 transaction reset\r\n{goodbye}");
    assert_eq!(written(&mut session), [&reset, "close"]);
}

#[test]
fn p8_a_silent_client_is_told_and_closed_once() {
    let mut session = session_after("HELO c\r\n");
    session.handle_timeout();
    let farewell = "421 4.4.2 relay.example waited too long for input\r\n";
    assert_eq!(written(&mut session), [farewell, "close"]);
    session.handle_timeout();
    session.handle_shutdown();
    session.handle_bytes(b"NOOP\r\n");
    assert_eq!(written(&mut session), Vec::<String>::new());
}

#[test]
fn p8_takes_at_least_a_hundred_recipients_and_then_says_452() {
    let mut few = settings("");
    few.recipients_max = 3;
    let mut session = Session::new(Arc::new(few), Channel::Plain);
    session.handle_bytes(OPEN.as_bytes());
    session.handle_bytes("RCPT TO:<c@y.org>\r\n".repeat(99).as_bytes());
    let found = written(&mut session).concat();
    assert_eq!(found.matches("250 2.1.5").count(), 100);
    session.handle_bytes(b"RCPT TO:<d@y.org>\r\n");
    let refusal = "452 4.5.3 too many recipients: send the rest in another transaction\r\n";
    assert_eq!(written(&mut session), [refusal]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn survives_any_bytes(
        noise: Vec<u8>,
        words in "((MAIL FROM:<a@b.c>|RCPT TO:<a@b.c>|DATA|\\.|x)\r\n){0,12}",
    ) {
        for wire in [noise, [OPEN.as_bytes(), words.as_bytes()].concat()] {
            let mut session = Session::new(Arc::new(settings("")), Channel::Plain);
            session.handle_bytes(&wire);
            let mut replies = 0;
            while let Some(event) = session.poll_event() {
                match event {
                    Event::Submission(_) => session.handle_answer(&answer("250 2.0.0 ok")),
                    Event::Write(bytes) => replies += bytes.split(|&b| b == b'\n').count(),
                    Event::StartTls | Event::Login(_) | Event::Close => {}
                }
            }
            assert!(replies > 0, "the greeting at least");
        }
    }
}
