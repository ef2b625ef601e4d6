//! Commands and paths, read as they stand (RFC 5321 §4.1.1, §4.1.2).
//!
//! Each case is something a known parser got wrong, or a limit.

use proptest::prelude::{any, proptest};

use super::{Announced, Auth, Command, CommandFault, Extensions, Mail, Mechanism};
use crate::base::Redacted;
use crate::smtp::envelope::{Body, ForwardPath, ReversePath};
use crate::smtp::server::Protocol;

const ALL: Announced = announcing(Extensions { eight_bit_mime: true, smtputf8: true });
const NONE: Announced = announcing(Extensions { eight_bit_mime: false, smtputf8: false });
const SECURE: Announced = Announced { starttls: true, auth: true, ..ALL };

const fn announcing(extensions: Extensions) -> Announced {
    let protocol = Protocol::Smtp;
    Announced { extensions, protocol, starttls: false, auth: false, waits_for_tls: false }
}

fn mail(line: &[u8]) -> Result<Mail, CommandFault> {
    match Command::parse(line, ALL)? {
        Command::Mail(mail) => Ok(mail),
        other => panic!("expected MAIL, found {other:?}"),
    }
}

#[track_caller]
fn check(line: &str, expected: Result<Command, CommandFault>) {
    assert_eq!(Command::parse(line.as_bytes(), ALL), expected, "{line}");
}

#[track_caller]
fn check_rcpt(path: &str, expected: Result<&str, CommandFault>) {
    let line = format!("RCPT TO:{path}");
    let written = match Command::parse(line.as_bytes(), ALL) {
        Ok(Command::Rcpt(path)) => Ok(path.written().to_owned()),
        Ok(other) => panic!("expected RCPT, found {other:?}"),
        Err(fault) => Err(fault),
    };
    assert_eq!(written.as_deref().map_err(|fault| *fault), expected, "{path}");
}

#[track_caller]
fn check_mail(arguments: &str, expected: Result<(&str, Option<u64>, Body, bool), CommandFault>) {
    let found = mail(format!("MAIL FROM:{arguments}").as_bytes());
    let found = found.as_ref().map_err(|fault| *fault);
    let found = found.map(|m| (m.reverse_path.written(), m.size, m.body, m.smtputf8));
    assert_eq!(found, expected, "{arguments}");
}

#[test]
fn reads_verbs_in_any_case_and_their_arguments() {
    check("ehlo mail.example.com", Ok(Command::Ehlo("mail.example.com".into())));
    check("HeLo [192.0.2.1]", Ok(Command::Helo("[192.0.2.1]".into())));
    check("EHLO under_score", Ok(Command::Ehlo("under_score".into())));
    check("EHLO", Err(CommandFault::HelloSyntax));
    check("EHLO two words", Err(CommandFault::HelloSyntax));
    check("EHLO caf\u{e9}", Err(CommandFault::HelloSyntax));
    check(&format!("EHLO {}", "a".repeat(256)), Err(CommandFault::HelloSyntax));
    check("data ", Ok(Command::Data));
    check("DATA junk", Err(CommandFault::ArgumentUnexpected));
    check("RSET", Ok(Command::Rset));
    check("RSET now", Err(CommandFault::ArgumentUnexpected));
    check("QUIT", Ok(Command::Quit));
    check("NOOP whatever", Ok(Command::Noop));
    check("HELP MAIL", Ok(Command::Help));
    check("VRFY someone", Ok(Command::Vrfy));
    check("VRFY", Err(CommandFault::ArgumentMissing));
}

#[test]
fn p8_tells_unknown_verbs_from_unoffered_ones() {
    for line in ["EXPN list", "TURN", "AUTH PLAIN x", "STARTTLS", "BDAT 1 LAST", "ETRN x"] {
        check(line, Err(CommandFault::NotImplemented));
    }
    for line in ["", " ", "FOO", "GET / HTTP/1.1", "MAILFROM:<a@b>", "\u{e9}HLO x"] {
        check(line, Err(CommandFault::Unknown));
    }
}

#[test]
fn p6_keeps_forward_paths_as_written() {
    check_rcpt("<\"john doe\"@x.org>", Ok("\"john doe\"@x.org"));
    check_rcpt("<\"quoted\"@x.org>", Ok("\"quoted\"@x.org"));
    check_rcpt("<\"a>b\\\"@c\"@x.org>", Ok("\"a>b\\\"@c\"@x.org"));
    check_rcpt("<User.Name+Tag@EXAMPLE.Com>", Ok("User.Name+Tag@EXAMPLE.Com"));
    check_rcpt("<u@[127.0.0.1]>", Ok("u@[127.0.0.1]"));
    check_rcpt("<u@[IPv6:::1]>", Ok("u@[IPv6:::1]"));
    check_rcpt("<a..b@x.org>", Ok("a..b@x.org"));
    check_rcpt(" <a@x.org> ", Ok("a@x.org"));
    check_rcpt("<josé@x.org>", Ok("josé@x.org"));
}

#[test]
fn strips_source_routes() {
    check_rcpt("<@one.org,@two.org:u@x.org>", Ok("u@x.org"));
    check_rcpt("<@[IPv6:::1]:u@x.org>", Ok("u@x.org"));
    check_rcpt("<@one.org:>", Err(CommandFault::BadRecipient));
    check_rcpt("<@one.org,two.org:u@x.org>", Err(CommandFault::BadRecipient));
    check_rcpt("<@one.org>", Err(CommandFault::BadRecipient));
}

#[test]
fn refuses_what_is_no_forward_path() {
    check_rcpt("<>", Err(CommandFault::BadRecipient));
    check_rcpt("<user>", Err(CommandFault::BadRecipient));
    check_rcpt("< a@x.org>", Err(CommandFault::BadRecipient));
    check_rcpt("<a@x.org >", Err(CommandFault::BadRecipient));
    check_rcpt("<a b@x.org>", Err(CommandFault::BadRecipient));
    check_rcpt(&format!("<a@{}.org>", "x.".repeat(130)), Err(CommandFault::BadRecipient));
    check_rcpt("a@x.org", Err(CommandFault::RcptSyntax));
    check_rcpt("<a@x.org", Err(CommandFault::RcptSyntax));
    check_rcpt("<\"a@x.org>", Err(CommandFault::RcptSyntax));
    check_rcpt("<a@x.org>,<b@x.org>", Err(CommandFault::ParameterSyntax));
    check_rcpt("<a@x.org> NOTIFY=NEVER", Err(CommandFault::ParameterUnknown));
}

#[test]
fn tells_the_postmaster_from_nobody() {
    let line = b"RCPT TO:<PostMaster>";
    let postmaster = ForwardPath::Postmaster("PostMaster".to_owned());
    assert_eq!(Command::parse(line, ALL), Ok(Command::Rcpt(postmaster)));
    assert_eq!(mail(b"MAIL FROM:<>").unwrap().reverse_path, ReversePath::Null);
    assert_eq!(mail(b"MAIL FROM:<postmaster>"), Err(CommandFault::BadSender));
}

#[test]
fn p8_refuses_bytes_that_are_not_utf8() {
    let line = b"RCPT TO:<a\xff@x.org>";
    assert_eq!(Command::parse(line, ALL), Err(CommandFault::BadRecipient));
    assert_eq!(mail(b"MAIL FROM:<a@\xe9.org> SMTPUTF8"), Err(CommandFault::BadSender));
}

#[test]
fn reads_mail_parameters_with_their_types() {
    let plain = ("a@x.org", None, Body::SevenBit, false);
    check_mail("<a@x.org>", Ok(plain));
    check_mail(" <a@x.org>", Ok(plain));
    check_mail("<a@x.org> BODY=7BIT", Ok(plain));
    check_mail(
        "<a@x.org> size=12 body=8bitmime smtputf8",
        Ok(("a@x.org", Some(12), Body::EightBitMime, true)),
    );
    check_mail(
        "<a@x.org> SIZE=99999999999999999999",
        Ok(("a@x.org", Some(u64::MAX), Body::SevenBit, false)),
    );
    check_mail("<é@x.org> SMTPUTF8", Ok(("é@x.org", None, Body::SevenBit, true)));
    check_mail("<a@münchen.de> SMTPUTF8", Ok(("a@münchen.de", None, Body::SevenBit, true)));
}

#[test]
fn p8_refuses_wrong_mail_parameters_with_the_right_fault() {
    check_mail("<a@x.org> SIZE=", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> SIZE", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> SIZE=-1", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> SIZE=1=2", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> SIZE=999999999999999999999", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> =1", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org>SIZE=1", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> SMTPUTF8=yes", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> BODY", Err(CommandFault::ParameterSyntax));
    check_mail("<a@x.org> BODY=7BIT body=8BITMIME", Err(CommandFault::ParameterTwice));
    check_mail("<a@x.org> BODY=BINARYMIME", Err(CommandFault::ParameterUnknown));
    check_mail("<a@x.org> AUTH=<>", Err(CommandFault::ParameterUnknown));
    check_mail("<a@x.org> RET=HDRS", Err(CommandFault::ParameterUnknown));
    check_mail("<é@x.org>", Err(CommandFault::Smtputf8Needed));
    check_mail("<a@münchen.de>", Err(CommandFault::Smtputf8Needed));
    check_mail("a@x.org", Err(CommandFault::MailSyntax));
    check_mail("", Err(CommandFault::MailSyntax));
}

#[test]
fn takes_only_announced_parameters() {
    for line in ["MAIL FROM:<a@x.org> SMTPUTF8", "MAIL FROM:<a@x.org> BODY=7BIT"] {
        let found = Command::parse(line.as_bytes(), NONE);
        assert_eq!(found, Err(CommandFault::ParameterUnknown), "{line}");
    }
}

proptest! {
    #[test]
    fn survives_any_line(
        line: Vec<u8>,
        verb in "(?i)(MAIL FROM:<|RCPT TO:<|EHLO |)",
        tail: Vec<u8>,
    ) {
        let _ = Command::parse(&line, ALL);
        let mut longer = verb.into_bytes();
        longer.extend(tail);
        let _ = Command::parse(&longer, ALL);
    }

    #[test]
    fn p6_an_accepted_path_goes_on_verbatim(
        local in "[a-zA-Z0-9.+_-]{1,12}|\"[ -!#-\\[\\]-~]{0,12}\"",
        shouts in any::<bool>(),
    ) {
        let domain = if shouts { "EXAMPLE.COM" } else { "example.com" };
        let line = format!("RCPT TO:<{local}@{domain}>");
        if let Ok(Command::Rcpt(path)) = Command::parse(line.as_bytes(), ALL) {
            assert_eq!(path.written(), format!("{local}@{domain}"));
        } else {
            assert!(local.starts_with('.'), "{line}");
        }
    }
}

#[test]
fn p8_reads_starttls_and_auth_where_they_are_announced() {
    let check = |line: &str, expected: Result<Command, CommandFault>| {
        assert_eq!(Command::parse(line.as_bytes(), SECURE), expected, "{line}");
    };
    let auth = |mechanism, initial: Option<&str>| {
        let initial = initial.map(|text| Redacted::new(text.as_bytes().to_vec()));
        Ok(Command::Auth(Auth { mechanism, initial }))
    };
    check("StartTLS", Ok(Command::StartTls));
    check("STARTTLS x", Err(CommandFault::ArgumentUnexpected));
    check("AUTH plain", auth(Mechanism::Plain, None));
    check("AUTH LOGIN =", auth(Mechanism::Login, Some("=")));
    check("AUTH  Plain  AGEAYg==  ", auth(Mechanism::Plain, Some("AGEAYg==")));
    check("AUTH", Err(CommandFault::AuthSyntax));
    check("AUTH PLAIN a b", Err(CommandFault::AuthSyntax));
    check("AUTH XOAUTH2 x", Err(CommandFault::MechanismUnknown));
    for (value, is_right) in
        [("<>", true), ("a+3Db@x.org", true), ("+", false), ("+3d", false), ("a+", false)]
    {
        let line = format!("MAIL FROM:<a@x.org> AUTH={value}");
        let found = Command::parse(line.as_bytes(), SECURE);
        let expected = Command::parse(b"MAIL FROM:<a@x.org>", SECURE);
        let expected = if is_right { expected } else { Err(CommandFault::ParameterSyntax) };
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn p8_each_protocol_has_its_own_greeting() {
    let lmtp = Announced { protocol: Protocol::Lmtp, ..ALL };
    for (line, announced, expected) in [
        ("LHLO c", lmtp, Ok(Command::Lhlo("c".to_owned()))),
        ("LHLO", lmtp, Err(CommandFault::HelloSyntax)),
        ("EHLO c", lmtp, Err(CommandFault::LhloNeeded)),
        ("HELO", lmtp, Err(CommandFault::LhloNeeded)),
        ("LHLO c", ALL, Err(CommandFault::Unknown)),
    ] {
        assert_eq!(Command::parse(line.as_bytes(), announced), expected, "{line}");
    }
}
