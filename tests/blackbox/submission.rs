//! Submission: STARTTLS and AUTH at the real binary, spoken by swaks and by Python's smtplib.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

use super::house::{House, Running, eventually, require};
use super::mailer;
use super::newsletter::password_reset;
use super::upstream::Upstream;

/// A relay that takes mail from whoever authenticates under TLS, and one such client.
struct Submission {
    house: House,
    upstream: Upstream,
    serve: Running,
    password: String,
}

const TO: &str = "objector@example.org";

impl Submission {
    fn start() -> Self {
        let upstream = Upstream::start();
        let house = House::new(upstream.port, "bounce");
        issue(&house, 2120);
        let made = house.run_ok(&["credential", "new", "--client", "crm"]);
        configure(&house, &made);
        fs::write(house.path("reset.eml"), password_reset()).unwrap();
        let password = word_behind(&made, "password");
        let serve = house.serve();
        Self { house, upstream, serve, password }
    }

    fn swaks(&self, mechanism: &str, password: &str) -> Output {
        Command::new(require("swaks"))
            .args(["--server", &self.house.smtp.to_string(), "--from", "bounce@example.com"])
            .args(["--to", TO, "--data", &format!("@{}", self.house.path("reset.eml").display())])
            .args(["--tls", "--tls-ca-path", self.house.path("ca.pem").to_str().unwrap()])
            .args(["--auth", mechanism, "--auth-user", "crm", "--auth-password", password])
            .output()
            .unwrap()
    }

    /// Runs Python lines with `smtp`, connected and not yet encrypted, and `context`.
    fn python(&self, lines: &str) -> String {
        let program = format!(
            "import smtplib, ssl, sys\n\
             password = sys.argv[2]\n\
             context = ssl.create_default_context(cafile='ca.pem')\n\
             smtp = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), timeout=20)\n{lines}"
        );
        let output = Command::new(require("python3"))
            .args(["-c", &program, &self.house.smtp.port().to_string(), &self.password])
            .current_dir(self.house.path("."))
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}\n{}", self.house.log());
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// A certificate for the relay, from an authority of its own in `ca.pem`.
fn issue(house: &House, until: i32) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    // Of another name than what it signs, or some verifiers take that for self-signed.
    params.distinguished_name.push(DnType::CommonName, "Authority of the test");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let names = ["gate.example.com".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.use_authority_key_identifier_extension = true;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    fs::write(house.path("ca.pem"), authority.pem()).unwrap();
    fs::write(house.path("chain.pem"), certificate.pem()).unwrap();
    fs::write(house.path("key.pem"), key.serialize_pem()).unwrap();
}

/// Demands TLS and AUTH, and pastes what `credential new` printed.
fn configure(house: &House, made: &str) {
    let lines = &made[made.find("[[client]]").unwrap()..];
    let listener = "name = \"main\"\ntls = \"required\"\nauth = \"required\"\n\
                    certificate = \"chain.pem\"\nkey = \"key.pem\"\n";
    let text = fs::read_to_string(house.config()).unwrap();
    assert!(text.contains("name = \"main\"\n"));
    let text = text.replacen("name = \"main\"\n", listener, 1);
    let text = text.replacen("[[upstream]]", &format!("{lines}[[upstream]]"), 1);
    fs::write(house.config(), text).unwrap();
}

fn word_behind(text: &str, key: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn swaks_submits_under_tls_with_the_password_that_was_made_for_it() {
    let submission = Submission::start();
    for mechanism in ["PLAIN", "LOGIN"] {
        let output = submission.swaks(mechanism, &submission.password);
        let talk = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{talk}\n{error}\n{}", submission.house.log());
        let (clear, encrypted) = talk.split_once("=== TLS started").unwrap();
        assert!(clear.contains("250-STARTTLS") || clear.contains("250 STARTTLS"), "{clear}");
        assert!(!clear.contains("AUTH"), "nothing to steal before TLS: {clear}");
        assert!(encrypted.contains("AUTH PLAIN LOGIN") && encrypted.contains("235 2.7.0"));
    }
    let copies = eventually("two copies", || {
        Some(submission.upstream.accepted()).filter(|copies| copies.len() == 2)
    });
    for copy in copies {
        assert_eq!(copy.to, [TO]);
        let data = String::from_utf8_lossy(&copy.data).into_owned();
        assert!(data.contains("with ESMTPSA"), "{data}");
    }
}

#[test]
fn a_wrong_password_sends_nothing_and_stands_in_no_log() {
    let submission = Submission::start();
    let output = submission.swaks("PLAIN", "hunter2-hunter2");
    let talk = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success(), "{talk}");
    assert!(talk.contains("535 5.7.8"), "{talk}");
    let log = submission.house.log();
    assert!(log.contains("login checked") && !log.contains("hunter2"), "{log}");
    assert!(!log.contains(&submission.password));
    assert!(submission.upstream.accepted().is_empty());
}

#[test]
fn p8_nothing_is_taken_before_tls_and_nothing_but_auth_before_auth() {
    let submission = Submission::start();
    let mut client = mailer::Client::try_connect(submission.house.smtp).unwrap();
    let reply = client.command("MAIL FROM:<bounce@example.com>").unwrap();
    assert_eq!(reply.code, 530, "{reply:?}");
    let reply = client.command("AUTH PLAIN AGNybQB4").unwrap();
    assert!([530, 538].contains(&reply.code), "{reply:?}");
    let said = submission.python(
        "smtp.starttls(context=context)\n\
         smtp.ehlo()\n\
         print(smtp.mail('bounce@example.com')[0])\n\
         print(smtp.has_extn('starttls'))\n",
    );
    assert_eq!(said, "530\nFalse");
    assert!(submission.upstream.accepted().is_empty());
}

#[test]
fn smtplib_verifies_the_certificate_logs_in_and_sends() {
    let submission = Submission::start();
    let said = submission.python(
        "smtp.starttls(context=context)\n\
         try:\n\
         \x20   smtp.login('crm', 'not the password')\n\
         except smtplib.SMTPAuthenticationError as error:\n\
         \x20   print(error.smtp_code)\n\
         smtp.login('crm', password)\n\
         data = open('reset.eml', 'rb').read()\n\
         print(smtp.sendmail('bounce@example.com', ['objector@example.org'], data))\n\
         print(smtp.quit()[0])\n",
    );
    assert_eq!(said, "535\n{}\n221");
    assert_eq!(submission.upstream.copies_to(TO), 1);
}

#[test]
fn two_hundred_encrypted_connections_stay_under_100_mib() {
    let submission = Submission::start();
    let program = "import smtplib, ssl, sys\n\
        context = ssl.create_default_context(cafile='ca.pem')\n\
        def connect():\n\
        \x20   smtp = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), timeout=60)\n\
        \x20   smtp.starttls(context=context)\n\
        \x20   smtp.ehlo()\n\
        \x20   return smtp\n\
        all = [connect() for _ in range(200)]\n\
        print(len([smtp for smtp in all if smtp.noop()[0] == 250]), flush=True)\n\
        sys.stdin.read()\n";
    let mut python = Command::new(require("python3"))
        .args(["-c", program, &submission.house.smtp.port().to_string()])
        .current_dir(submission.house.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(python.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let peak = super::footprint::peak_mib(&submission.serve);
    drop(python.stdin.take());
    assert!(python.wait().unwrap().success());
    assert_eq!(said.trim(), "200", "{}", submission.house.log());
    println!("peak {peak} MiB with 200 encrypted connections");
    assert!(peak < 100, "{peak} MiB");
}

#[test]
fn a_chosen_password_is_hashed_from_standard_input_and_short_ones_are_refused() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    let hash = |typed: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_consentry"))
            .args(["credential", "hash"])
            .current_dir(house.path("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let made = hash("correct horse battery\n");
    let line = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success() && line.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{line}");
    let refused = hash("hunter2\n");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(65));
    assert!(said.contains("at least 12") && !said.contains("hunter2"), "{said}");
}

#[test]
fn check_refuses_an_expired_certificate_and_serve_says_so_loudly() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    issue(&house, 2021);
    configure(&house, &house.run_ok(&["credential", "new", "--client", "crm"]));
    let checked = house.run(&["check", "--config", "consentry.toml"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(78));
    assert!(said.contains("expired at 2021-01-01T00:00:00Z: renew it"), "{said}");
    let _serve = house.serve();
    let log = house.log();
    assert!(log.contains("WARN") && log.contains("clients will not trust this listener"), "{log}");
}
