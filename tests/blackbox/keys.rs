//! One person, many spellings: linked addresses, whole domains, registers, and rotated keys.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::house::{House, days_ago};
use super::http;
use super::mailer;
use super::newsletter::newsletter;
use super::story::one_click_path;
use super::upstream::Upstream;

const OFFICER: [&str; 4] = ["--by", "jane.roe", "--reason", "asked by letter"];

fn with_officer<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let config = ["--config", "consentry.toml"];
    [arguments, &config, &OFFICER].concat()
}

/// Sends a newsletter to one recipient; the reply's code and text.
fn send(house: &House, recipient: &str, subject: &str) -> (u16, String) {
    let sent = newsletter(subject);
    let reply = mailer::send(house.smtp, "bounce@example.com", &[recipient], &sent).unwrap();
    (reply.code, reply.text)
}

#[track_caller]
fn is_denied(house: &House, recipient: &str, subject: &str, reason: &str) {
    let (code, text) = send(house, recipient, subject);
    assert!(code == 550 && text.contains(reason), "{recipient}: {code} {text}\n{}", house.log());
}

#[track_caller]
fn is_sent(house: &House, recipient: &str, subject: &str) {
    let (code, text) = send(house, recipient, subject);
    assert_eq!(code, 250, "{recipient}: {text}\n{}", house.log());
}

fn pipe(house: &House, line: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_consentry"))
        .args(arguments)
        .current_dir(house.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Links addresses of one person.
pub fn link(house: &House, addresses: &[&str]) -> String {
    house.run_ok(&with_officer(&[&["link"], addresses].concat()))
}

/// Replaces the register `ecg` by `text`.
pub fn import_register(house: &House, format: &str, text: &str) -> Output {
    fs::write(house.path("list.txt"), text).unwrap();
    let about = ["--register", "ecg", "--checked-at", "2026-03-01", "--format", format];
    let command = ["register", "import", "--config", "consentry.toml", "list.txt"];
    house.run(&[command.as_slice(), &about].concat())
}

fn verify(house: &House) {
    house.run_ok(&["journal", "verify", "--config", "consentry.toml"]);
}

#[test]
fn p2_objection_of_a_linked_address_stops_mail_to_all_of_them() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    house.import_contacts();
    let _serve = house.serve();
    is_sent(&house, "consenter@example.org", "Before");
    let said = link(&house, &["CONSENTER@example.org", "\"objector\"@Example.ORG."]);
    assert!(said.contains("linked 2 addresses; 1 objections copied"), "{said}");
    is_denied(&house, "consenter@example.org", "After", "OBJECTED");
    let alone = house.run(&with_officer(&["link", "a@example.org", "A+b@example.org"]));
    assert_eq!(alone.status.code(), Some(64), "one person's spellings are no two addresses");
    house.run_ok(&with_officer(&["unlink", "consenter@example.org"]));
    is_denied(&house, "consenter@example.org", "Later", "OBJECTED");
    verify(&house);
}

#[test]
fn p2_objection_of_a_domain_stops_mail_to_everybody_there() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    house.import_contacts();
    let _serve = house.serve();
    is_sent(&house, "consenter@example.org", "Before");
    let object = ["domain", "object", "EXAMPLE.org.", "--entity", "acme-ltd"];
    house.run_ok(&with_officer(&object));
    let (_, denied) = send(&house, "consenter@example.org", "After");
    assert!(denied.contains("OBJECTED"), "{denied}");
    let id = denied.split("decision ").nth(1).unwrap().split(':').next().unwrap();
    let told = house.run_ok(&["explain", "--config", "consentry.toml", id]);
    assert!(told.contains("objection from domain"), "{told}");
    let free = ["domain", "object", "gmail.com", "--entity", "acme-ltd"];
    let refused = house.run(&with_officer(&free));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("anybody can have"), "{said}");
    let describe = ["domain", "describe", "example.net", "--subject-kind", "legal_person"];
    let source = ["--jurisdiction", "uk", "--source", "companies-house"];
    house.run_ok(&with_officer(&[describe.as_slice(), &source].concat()));
    verify(&house);
}

#[test]
fn registers_are_imported_whole_or_not_at_all() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    let _serve = house.serve();
    let import = |text: &str, format: &str| import_register(&house, format, text);
    // printf '@example.org' | sha1sum
    let hash = "c509f20a5b46d90554a21cbc26552299557842c3\n";
    assert!(import(hash, "hashes").status.success());
    let list = || house.run_ok(&["register", "list", "--config", "consentry.toml"]);
    assert!(list().contains("ecg  1 entries as of 2026-03-01"), "{}", list());
    let refused = import("jane@example.org\nnobody\n", "addresses");
    assert_eq!(refused.status.code(), Some(65));
    assert!(list().contains("ecg  1 entries"), "{}", list());
    assert!(import("jane@example.org\njoe@example.org\n", "addresses").status.success());
    assert!(list().contains("ecg  2 entries"), "{}", list());
    verify(&house);
}

#[test]
fn p2_rotated_keys_forget_no_objection() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    house.import_contacts();
    let at = format!("at={}", days_ago(100));
    let mut consent = vec!["record", "--config", "consentry.toml", "kind=consent_given", &at];
    consent.extend(["address=reader+a@example.org", "entity=acme-ltd", "brand=acme"]);
    consent.extend(["topics=footwear", "mechanism=tick", "wording_version=newsletter-2"]);
    consent.extend(["channel=email", "source=web", "reference=signup-56", "jurisdictions=uk"]);
    house.run_ok(&consent);
    let serve = house.serve();
    is_sent(&house, "consenter@example.org", "Under the first key");
    drop(serve);
    house.run_ok(&["key", "add", "--keyring", "keyring.toml"]);
    let early = house.run(&with_officer(&["link", "a@example.org", "b@example.org"]));
    let said = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(!early.status.success() && said.contains("restart the relay first"), "{said}");

    house.run_ok(&["check", "--config", "consentry.toml"]);

    let serve = house.serve();
    is_denied(&house, "objector@example.org", "Still", "OBJECTED");
    is_sent(&house, "reader+a@example.org", "Permission of the first key");
    // A token of before the rotation still opens, and counts under both keys.
    let old = upstream.accepted().into_iter().find(|m| m.to == ["consenter@example.org"]).unwrap();
    let token = one_click_path(&old.data);
    assert_eq!(http::one_click(house.public, &token).status, 200);
    is_denied(&house, "consenter@example.org", "Gone", "UNSUBSCRIBED");
    drop(serve);

    let retire = house.run(&with_officer(&["key", "retire", "1"]));
    let said = String::from_utf8_lossy(&retire.stdout).into_owned();
    assert!(retire.status.code() == Some(1) && said.contains("key 1 stays"), "{said}");
    let unused = house.run_ok(&with_officer(&["key", "retire", "2"]));
    assert!(unused.contains("only opens old tokens"), "{unused}");
    let list = house.run_ok(&["key", "list", "--keyring", "keyring.toml"]);
    assert!(list.contains("key 1  live") && list.contains("key 2  opens"), "{list}");
    verify(&house);
}

#[test]
fn a_sealed_keyring_opens_with_its_passphrase_only() {
    let house = House::new(9, "reject");
    let export = ["key", "export", "--keyring", "keyring.toml", "--out", "keyring.sealed"];
    assert_eq!(pipe(&house, "short\n", &export).status.code(), Some(65));
    assert!(pipe(&house, "correct horse battery\n", &export).status.success());
    let sealed = fs::read_to_string(house.path("keyring.sealed")).unwrap();
    let keyring = fs::read_to_string(house.path("keyring.toml")).unwrap();
    let secret = keyring.lines().find(|line| line.starts_with("secret")).unwrap();
    assert!(!sealed.contains(secret));
    let import = ["key", "import", "--out", "again.toml", "keyring.sealed"];
    assert_eq!(pipe(&house, "correct horse batterz\n", &import).status.code(), Some(65));
    assert!(pipe(&house, "correct horse battery\n", &import).status.success());
    assert_eq!(fs::read_to_string(house.path("again.toml")).unwrap(), keyring);
}
