//! Reload: another configuration while mail flows, all of it or nothing.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::house::{House, eventually};
use super::mailer::{self, Client};
use super::newsletter::newsletter;
use super::upstream::{Step, Upstream};

const RELOAD: &[&str] = &["reload", "--config", "consentry.toml"];
const BUYER: &[&str] = &["buyer@example.org"];
const MIXED: &[&str] = &["buyer@example.org", "objector@example.org"];

fn started() -> (Upstream, House) {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    (upstream, house)
}

fn reply_to_mixed(house: &House, subject: &str) -> u16 {
    mailer::send(house.smtp, "bounce@example.com", MIXED, &newsletter(subject)).unwrap().code
}

#[test]
fn a_reload_takes_effect_and_names_its_generation() {
    let (_upstream, house) = started();
    let _serve = house.serve();
    assert_eq!(reply_to_mixed(&house, "Bounce"), 250);
    house.edit(|text| text.replace("mode = \"bounce\"", "mode = \"reject\""));
    assert_eq!(house.run_ok(RELOAD), "reloaded; generation 2\n");
    assert_eq!(reply_to_mixed(&house, "Reject"), 550);
    let journal = house.run_ok(&["journal", "verify", "--config", "consentry.toml"]);
    assert!(journal.contains("whole"), "{journal}");
}

#[test]
fn a_hangup_reloads_too() {
    let (_upstream, house) = started();
    let serve = house.serve();
    house.edit(|text| text.replace("mode = \"bounce\"", "mode = \"reject\""));
    let hung_up = Command::new("kill").args(["-HUP", &serve.id().to_string()]).status().unwrap();
    assert!(hung_up.success());
    eventually("the reload", || house.log().contains("configuration reloaded").then_some(()));
    assert_eq!(reply_to_mixed(&house, "Reject"), 550);
}

#[test]
fn a_wrong_file_changes_nothing_and_says_why() {
    let (_upstream, house) = started();
    let serve = house.serve();
    let good = fs::read_to_string(house.config()).unwrap();
    for (from, to, expected) in [
        ("mode = \"bounce\"", "mode = \"boumce\"", "one of: bounce, reject, strip"),
        (
            "id = \"test-1\"",
            "id = \"test-2\"",
            "[node] id, [store] high_water changed: that needs a restart",
        ),
        ("name = \"Acme\"", "name = \"Acme\"\nfooter_html = \"none.html\"", "none.html"),
    ] {
        fs::write(house.config(), good.replace(from, to)).unwrap();
        let output = house.run(RELOAD);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(text.contains(expected), "{text}");
        assert_eq!(reply_to_mixed(&house, from), 250, "the old configuration serves on");
    }
    // A signal has no answer, so the log has it.
    fs::write(house.config(), good.replace("mode = \"bounce\"", "mode = 7")).unwrap();
    Command::new("kill").args(["-HUP", &serve.id().to_string()]).status().unwrap();
    let why = "expected text in quotes, found integer";
    eventually("the refusal", || house.log().contains(why).then_some(()));
}

#[test]
fn p3_a_transaction_finishes_under_the_configuration_it_began_with() {
    let upstream = Upstream::start_counting();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    upstream.stall_at(0, Step::Dot);
    let address = house.smtp;
    let sending = std::thread::spawn(move || {
        mailer::send(address, "bounce@example.com", BUYER, &newsletter("Long")).unwrap()
    });
    assert!(upstream.wait_for_stall(Duration::from_secs(20)));
    house.edit(|text| text.replace("id = \"newsletter\"\n", "id = \"letters\"\n"));
    house.run_ok(RELOAD);
    upstream.release();
    assert_eq!(sending.join().unwrap().code, 250);
    assert_eq!(upstream.copies_to("buyer@example.org"), 1);
}

#[test]
fn a_client_that_left_the_configuration_is_told_to_connect_again() {
    let (_upstream, house) = started();
    let _serve = house.serve();
    let mut kept = Client::try_connect(house.smtp).unwrap();
    house.edit(|text| text.replace("name = \"shop\"", "name = \"store\""));
    house.run_ok(RELOAD);
    let reply = kept.send("bounce@example.com", BUYER, &newsletter("Gone"));
    assert!(reply.is_err() || reply.is_ok_and(|reply| reply.code == 421));
    let reply = mailer::send(house.smtp, "bounce@example.com", BUYER, &newsletter("New")).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}");
}

#[test]
fn nobody_to_reload_is_an_error() {
    let (_upstream, house) = started();
    let output = house.run(RELOAD);
    assert_eq!(output.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is it running?"));
}
