//! Outages: the upstream is gone, the store is locked, garbage or missing.

use std::fs;
use std::time::{Duration, Instant};

use super::house::{House, eventually};
use super::mailer::{self, Reply};
use super::newsletter::{newsletter, password_reset};
use super::upstream::Upstream;

const BUYER: &[&str] = &["buyer@example.org"];

fn send_newsletter(house: &House, subject: &str) -> Reply {
    mailer::send(house.smtp, "bounce@example.com", BUYER, &newsletter(subject)).unwrap()
}

/// A password reset must pass, and no store may hold it up: promise P5 grants the store 50 ms,
/// the rest of the bound here is room for a busy test machine.
#[track_caller]
fn reset_passes(house: &House, upstream: &Upstream) {
    let before = upstream.copies_to("objector@example.org");
    let started = Instant::now();
    let to = ["objector@example.org"];
    let reply = mailer::send(house.smtp, "bounce@example.com", &to, &password_reset()).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    assert_eq!(upstream.copies_to("objector@example.org"), before + 1);
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}

#[test]
fn p3_with_the_upstream_stopped_the_client_keeps_the_message() {
    let upstream = Upstream::start();
    let port = upstream.port;
    let house = House::new(port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    drop(upstream);
    let reply = send_newsletter(&house, "Wait");
    assert_eq!(reply.code, 451, "{reply:?}");
    let upstream = Upstream::start_on(port);
    let reply = send_newsletter(&house, "Wait");
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    assert_eq!(upstream.copies_to("buyer@example.org"), 1);
}

#[test]
fn p3_a_deferred_recipient_is_retried_and_the_others_are_not_sent_to_again() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    upstream.answer_rcpt("consenter@example.org", "450 4.2.1 mailbox busy");
    let sent = newsletter("Partly");
    let everybody = super::story::EVERYBODY;
    let reply = mailer::send(house.smtp, "bounce@example.com", &everybody, &sent).unwrap();
    assert_eq!(reply.code, 451, "{reply:?}");
    upstream.answer_rcpt("consenter@example.org", "");
    let reply = mailer::send(house.smtp, "bounce@example.com", &everybody, &sent).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    for recipient in ["buyer@example.org", "consenter@example.org", "mail-ops@example.com"] {
        assert_eq!(upstream.copies_to(recipient), 1, "{recipient}");
    }
}

#[test]
fn p4_a_recipient_the_upstream_refuses_is_named_in_a_notice() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    upstream.answer_rcpt("consenter@example.org", "550 5.1.1 no such mailbox");
    let to = ["buyer@example.org", "consenter@example.org"];
    let reply =
        mailer::send(house.smtp, "bounce@example.com", &to, &newsletter("Refused")).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    let notices: Vec<String> = upstream
        .accepted()
        .into_iter()
        .filter(|message| message.to == ["mail-ops@example.com"])
        .map(|message| String::from_utf8(message.data).unwrap())
        .collect();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("Final-Recipient: rfc822; consenter@example.org"));
    assert!(notices[0].contains("Status: 5.1.1"), "{}", notices[0]);
}

#[test]
fn p5_p7_a_foreign_write_lock_holds_marketing_and_lets_service_pass() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    let lock = rusqlite::Connection::open(house.store()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reply = send_newsletter(&house, "Locked");
    assert_eq!(reply.code, 451, "{reply:?}");
    reset_passes(&house, &upstream);
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    eventually("the store to be free again", || {
        Some(send_newsletter(&house, "Locked")).filter(|reply| reply.code == 250)
    });
    assert_eq!(upstream.copies_to("buyer@example.org"), 1);
}

#[test]
fn p5_p7_a_store_overwritten_by_garbage_holds_marketing_and_lets_service_pass() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    assert_eq!(send_newsletter(&house, "Before").code, 250);
    for name in ["consentry.db", "consentry.db-wal", "consentry.db-shm"] {
        if house.path(name).exists() {
            fs::write(house.path(name), vec![0xA5; 65_536]).unwrap();
        }
    }
    let reply = send_newsletter(&house, "After");
    assert_eq!(reply.code, 451, "{reply:?}");
    reset_passes(&house, &upstream);
    let ready = super::http::get(house.operations, "/readyz");
    assert_eq!(ready.status, 200);
    assert!(ready.body.contains("degraded"), "{}", ready.body);
    assert_eq!(upstream.copies_to("buyer@example.org"), 1);
}

#[test]
fn p5_p7_a_start_without_a_store_is_degraded_and_recovers() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let aside = house.path("aside.db");
    fs::rename(house.store(), &aside).unwrap();
    let _serve = house.serve();
    let reply = send_newsletter(&house, "Missing");
    assert_eq!(reply.code, 451, "{reply:?}");
    reset_passes(&house, &upstream);
    assert!(!house.store().exists(), "serve never creates a store");
    fs::rename(&aside, house.store()).unwrap();
    eventually("the store to be found", || {
        Some(send_newsletter(&house, "Missing")).filter(|reply| reply.code == 250)
    });
}

#[test]
fn p7_strip_and_reject_answer_as_the_table_says() {
    for (mode, code, text, copies) in
        [("reject", 550, "5.7.1", 0), ("strip", 250, "relayed to 2 of 5", 1)]
    {
        let upstream = Upstream::start();
        let house = House::new(upstream.port, mode);
        house.import_contacts();
        let _serve = house.serve();
        let everybody = super::story::EVERYBODY;
        let sent = newsletter("Mode");
        let reply = mailer::send(house.smtp, "bounce@example.com", &everybody, &sent).unwrap();
        assert_eq!(reply.code, code, "{mode}: {reply:?}\n{}", house.log());
        assert!(reply.text.contains(text), "{mode}: {reply:?}");
        assert_eq!(upstream.copies_to("buyer@example.org"), copies, "{mode}");
        assert_eq!(upstream.copies_to("mail-ops@example.com"), 0, "{mode}");
    }
}

#[test]
fn p2_another_keyring_never_writes_to_the_store_and_marketing_is_held() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    fs::remove_file(house.path("keyring.toml")).unwrap();
    house.run_ok(&["key", "new", "--out", "keyring.toml"]);
    let import = house.run(&["import", "--config", "consentry.toml", "contacts.csv"]);
    let said = String::from_utf8_lossy(&import.stderr).into_owned();
    assert!(!import.status.success() && said.contains("another keyring"), "{said}");
    let check = house.run(&["check", "--config", "consentry.toml"]);
    assert!(!check.status.success());
    let _serve = house.serve();
    let reply = send_newsletter(&house, "Strangers");
    assert_eq!(reply.code, 451, "{reply:?}");
    reset_passes(&house, &upstream);
}

#[test]
fn p9_observed_mail_without_a_store_is_a_counted_gap() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    let until = super::house::days_ago(-90);
    let observe = format!("mode = \"bounce\"\nenforce = \"observe\"\nuntil = {until}\n");
    house.edit(|text| text.replacen("mode = \"bounce\"\n", &observe, 1));
    let _serve = house.serve();
    let reply = send_newsletter(&house, "Unseen");
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
    eventually("the gap to be counted", || {
        house.metric("consentry_journal_gaps_total").filter(|gaps| *gaps >= 1.0)
    });
}
