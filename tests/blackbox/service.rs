//! Under a service manager: what it is told, which sockets it lends, how a stop ends.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use super::house::{House, Running, eventually};
use super::mailer;
use super::newsletter::newsletter;
use super::upstream::{Step, Upstream};

const BUYER: &[&str] = &["buyer@example.org"];

fn signal(running: &Running, name: &str) {
    let sent = Command::new("kill").args([name, &running.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A service manager's ear.
struct Ear(UnixDatagram);

impl Ear {
    fn open(house: &House) -> Self {
        let socket = UnixDatagram::bind(house.path("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(socket)
    }

    /// Listens until somebody says `word`.
    #[track_caller]
    fn hears(&self, word: &str) {
        let mut words = [0; 512];
        loop {
            let length = self.0.recv(&mut words).unwrap_or_else(|_| panic!("never heard {word}"));
            let said = std::str::from_utf8(&words[..length]).unwrap();
            if said.lines().any(|line| line == word) {
                return;
            }
        }
    }
}

#[test]
fn systemd_hears_of_start_life_reload_and_stop() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    let ear = Ear::open(&house);
    let path = house.path("notify");
    let path = path.to_str().unwrap().to_owned();
    let variables = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "200000".to_owned())];
    let running = house.serve_with(&variables);
    ear.hears("READY=1");
    ear.hears("WATCHDOG=1");
    signal(&running, "-HUP");
    ear.hears("RELOADING=1");
    ear.hears("READY=1");
    signal(&running, "-TERM");
    ear.hears("STOPPING=1");
}

#[test]
fn p3_a_stop_waits_for_the_transaction_under_way() {
    let upstream = Upstream::start_counting();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let mut running = house.serve();
    upstream.stall_at(0, Step::Dot);
    let address = house.smtp;
    let sending = std::thread::spawn(move || {
        mailer::send(address, "bounce@example.com", BUYER, &newsletter("Last")).unwrap()
    });
    assert!(upstream.wait_for_stall(Duration::from_secs(20)));
    signal(&running, "-TERM");
    eventually("the stop", || house.log().contains("stopping").then_some(()));
    upstream.release();
    assert_eq!(sending.join().unwrap().code, 250);
    assert!(running.wait().success(), "{}", house.log());
    assert!(house.log().contains("stopped"), "{}", house.log());
}

#[test]
fn a_stop_whose_deadline_passes_names_who_is_left() {
    let upstream = Upstream::start_counting();
    let house = House::new(upstream.port, "bounce");
    house.edit(|text| text.replace("[store]", "drain_deadline = \"1s\"\n[store]"));
    house.import_contacts();
    let mut running = house.serve();
    upstream.stall_at(0, Step::Dot);
    let address = house.smtp;
    let sending = std::thread::spawn(move || {
        mailer::send(address, "bounce@example.com", BUYER, &newsletter("Late"))
    });
    assert!(upstream.wait_for_stall(Duration::from_secs(20)));
    signal(&running, "-TERM");
    running.wait();
    let log = house.log();
    assert!(log.contains("the deadline passed with work under way"), "{log}");
    let named = log.lines().find(|line| line.contains("left without a reply")).unwrap();
    assert!(named.contains("client=\"shop\"") && named.contains("transaction="), "{named}");
    upstream.release();
    let reply = sending.join().unwrap();
    assert!(reply.is_err() || reply.is_ok_and(|reply| reply.code == 421), "no yes was said");
}

#[test]
fn a_second_signal_stops_at_once_and_names_who_is_left() {
    let upstream = Upstream::start_counting();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let mut running = house.serve();
    upstream.stall_at(0, Step::Dot);
    let address = house.smtp;
    let sending = std::thread::spawn(move || {
        mailer::send(address, "bounce@example.com", BUYER, &newsletter("Twice"))
    });
    assert!(upstream.wait_for_stall(Duration::from_secs(20)));
    signal(&running, "-TERM");
    eventually("the stop", || house.log().contains("stopping").then_some(()));
    signal(&running, "-TERM");
    assert_eq!(running.wait().code(), Some(1), "{}", house.log());
    assert!(house.log().contains("left without a reply"), "{}", house.log());
    upstream.release();
    assert!(sending.join().unwrap().is_err(), "no yes was said");
}

#[test]
fn a_lent_socket_is_listened_on_under_the_name_of_its_listener() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _running = house.start(house.lend("main"));
    let reply = mailer::send(house.smtp, "bounce@example.com", BUYER, &newsletter("Lent")).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}\n{}", house.log());
}

#[test]
fn a_lent_socket_nobody_listens_on_is_an_error() {
    let house = House::new(9, "bounce");
    house.edit(|text| text.replace("listen = \"127.0.0.1:", "listen = \"127.0.0.2:"));
    let output = house.lend("stranger").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("no [[listener]] is called `stranger`"), "{said}");
}
