//! A database that is older than it was, and a clock that runs backwards: both hold marketing
//! back and let service mail pass, until somebody answers for them by name.

use std::fs;

use rusqlite::Connection;

use super::house::{House, eventually};
use super::mailer::{self, Reply};
use super::newsletter::{newsletter, password_reset};
use super::upstream::Upstream;

const CONFIG: &[&str] = &["--config", "consentry.toml"];
const OFFICER: &[&str] = &["--by", "jane", "--reason", "backup of Monday"];

fn send_newsletter(house: &House, subject: &str) -> Reply {
    let to = ["buyer@example.org"];
    mailer::send(house.smtp, "bounce@example.com", &to, &newsletter(subject)).unwrap()
}

#[track_caller]
fn is_held(house: &House, upstream: &Upstream, code: &str, cause: &str) {
    let before = upstream.copies_to("buyer@example.org");
    let reply = send_newsletter(house, "Held");
    assert!(reply.code == 451 && reply.text.contains(code), "{reply:?}\n{}", house.log());
    assert_eq!(upstream.copies_to("buyer@example.org"), before);
    let passed = upstream.copies_to("objector@example.org");
    let to = ["objector@example.org"];
    let reply = mailer::send(house.smtp, "bounce@example.com", &to, &password_reset()).unwrap();
    assert_eq!(reply.code, 250, "service mail passes: {reply:?}");
    assert_eq!(upstream.copies_to("objector@example.org"), passed + 1);
    let ready = super::http::get(house.operations, "/readyz");
    let expected = format!("degraded: {cause}\n");
    assert_eq!((ready.status, ready.body.as_str()), (200, expected.as_str()));
    let sample = format!("consentry_marketing_held{{cause=\"{cause}\"}}");
    eventually("the metric", || house.metric(&sample).filter(|held| *held > 0.0));
    eventually("the log", || house.log().contains("marketing is held").then_some(()));
}

#[track_caller]
fn flows_again(house: &House) {
    eventually("marketing to flow again", || {
        Some(send_newsletter(house, "Again")).filter(|reply| reply.code == 250)
    });
    assert_eq!(super::http::get(house.operations, "/readyz").body, "ready\n");
}

fn backup(house: &House) -> Vec<u8> {
    // Nobody serves, so all is in the one file.
    assert!(!house.path("consentry.db-wal").exists());
    fs::read(house.store()).unwrap()
}

fn started() -> (Upstream, House) {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "reject");
    house.import_contacts();
    (upstream, house)
}

fn object(house: &House) {
    let fields = ["address=buyer@example.org", "kind=objection", "entity=acme-ltd"];
    house.run_ok(&[&["record"], CONFIG, &fields].concat());
}

#[test]
fn p2_restoring_an_old_backup_resurrects_no_permission() {
    let (upstream, house) = started();
    let serve = house.serve();
    assert_eq!(send_newsletter(&house, "Before").code, 250);
    serve.stop();
    let old = backup(&house);
    object(&house);
    fs::write(house.store(), &old).unwrap();
    let serve = house.serve();
    is_held(&house, &upstream, "HELD_RESTORE", "restore");
    // What is new is taken in meanwhile, and does not make an old database a new one.
    object(&house);
    is_held(&house, &upstream, "HELD_RESTORE", "restore");
    let accept = [&["store", "accept-restore"], CONFIG].concat();
    assert_eq!(house.run(&accept).status.code(), Some(64), "nobody answers for it");
    let told = house.run_ok(&[&accept[..], OFFICER].concat());
    assert!(told.contains("accepted and journalled"), "{told}");
    eventually("the objection to count", || {
        Some(send_newsletter(&house, "Objected")).filter(|reply| reply.code == 550)
    });
    let again = house.run(&[&accept[..], OFFICER].concat());
    assert_eq!(again.status.code(), Some(1), "there is nothing left to accept");
    serve.stop();
    let export = house.run_ok(&[&["journal", "export"], CONFIG].concat());
    assert!(export.contains("accept_restore") && export.contains("jane"), "{export}");
    house.run_ok(&[&["journal", "verify"], CONFIG].concat());
}

#[test]
fn p2_a_backup_put_back_while_serving_is_noticed() {
    let (upstream, house) = started();
    let serve = house.serve();
    serve.stop();
    let old = backup(&house);
    let _serve = house.serve();
    assert_eq!(send_newsletter(&house, "Before").code, 250);
    let marks = house.path("consentry.db.test-1.high-water");
    let before = fs::read(&marks).unwrap();
    object(&house);
    eventually("the marks to move on", || (fs::read(&marks).unwrap() != before).then_some(()));
    let sent = upstream.copies_to("buyer@example.org");
    for name in ["consentry.db-wal", "consentry.db-shm"] {
        fs::remove_file(house.path(name)).unwrap();
    }
    fs::write(house.path("old.db"), &old).unwrap();
    fs::rename(house.path("old.db"), house.store()).unwrap();
    eventually("the store to be opened anew", || {
        Some(send_newsletter(&house, "Old")).filter(|reply| reply.text.contains("HELD_RESTORE"))
    });
    is_held(&house, &upstream, "HELD_RESTORE", "restore");
    assert_eq!(upstream.copies_to("buyer@example.org"), sent, "at no instant");
}

#[test]
fn missing_marks_are_made_with_a_note_and_damaged_ones_hold() {
    let (upstream, house) = started();
    let marks = house.path("consentry.db.test-1.high-water");
    assert!(marks.exists(), "the import left them");
    fs::remove_file(&marks).unwrap();
    let serve = house.serve();
    eventually("the marks", || marks.exists().then_some(()));
    assert_eq!(send_newsletter(&house, "Noted").code, 250);
    serve.stop();
    let export = house.run_ok(&[&["journal", "export"], CONFIG].concat());
    assert!(export.contains("high_water_created"), "{export}");
    fs::write(&marks, "{").unwrap();
    let _serve = house.serve();
    is_held(&house, &upstream, "HELD_RESTORE", "restore");
    house.run_ok(&[&["store", "accept-restore"], CONFIG, OFFICER].concat());
    flows_again(&house);
}

#[test]
fn p5_p7_a_clock_behind_the_journal_holds_marketing_until_somebody_answers_for_it() {
    let (upstream, house) = started();
    let serve = house.serve();
    assert_eq!(send_newsletter(&house, "Before").code, 250);
    serve.stop();
    // As if the clock had been an hour ahead until now.
    let store = Connection::open(house.store()).unwrap();
    let last = "(SELECT max(seq) FROM journal)";
    let later = format!("UPDATE journal SET at = at + 3600000 WHERE seq = {last}");
    assert_eq!(store.execute(&later, []).unwrap(), 1);
    drop(store);
    let serve = house.serve();
    is_held(&house, &upstream, "HELD_CLOCK", "clock");
    let accept = [&["clock", "accept"], CONFIG, OFFICER].concat();
    let told = house.run_ok(&accept);
    assert!(told.contains("accepted and journalled: from "), "{told}");
    flows_again(&house);
    assert_eq!(house.run(&accept).status.code(), Some(1), "there is nothing left to accept");
    serve.stop();
    let export = house.run_ok(&[&["journal", "export"], CONFIG].concat());
    assert!(export.contains("accept_clock"), "{export}");
}
