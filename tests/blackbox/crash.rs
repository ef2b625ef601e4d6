//! `kill -9` at seeded points: whatever the instant, nobody is forgotten, nobody unlawful is
//! sent to, and duplicates appear only in the window the design states.

use std::time::{Duration, Instant};

use super::house::{House, eventually};
use super::mailer;
use super::newsletter::newsletter;
use super::story::EVERYBODY;
use super::upstream::{Step, Upstream};

/// Accepted copies are durable at the latest 200 ms after the upstream's 250; the rest is room
/// for a slow disk. Only copies younger than this at the kill may come twice.
const UNSETTLED: Duration = Duration::from_secs(2);

const STEPS: [Step; 6] =
    [Step::Banner, Step::Mail, Step::Rcpt, Step::Data, Step::Dot, Step::After250];

/// Where one run is killed.
#[derive(Clone, Copy, Debug)]
struct Point {
    copy: usize,
    step: Step,
    /// Whether a foreign write lock is held at the kill.
    is_locked: bool,
    /// Whether the kill waits until everything accepted must be settled.
    is_patient: bool,
}

/// Twenty points from a fixed seed: every step of the notice and of both copies, then others.
fn points() -> Vec<Point> {
    let mut seed: u64 = 0x0c05_e1f7_2026_1123;
    let mut random = move |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % bound as u64).unwrap()
    };
    (0..20)
        .map(|index| Point {
            copy: if index < 18 { index / 6 } else { random(3) },
            step: STEPS[if index < 18 { index % 6 } else { random(6) }],
            is_locked: random(4) == 0,
            is_patient: random(3) == 0,
        })
        .collect()
}

#[test]
fn p1_p3_kill_at_twenty_points_leaves_everybody_with_exactly_the_right_fate() {
    let mut stalls = 0;
    for point in points() {
        stalls += usize::from(survives(point));
    }
    assert!(stalls >= 15, "only {stalls} of 20 points were reached");
}

/// Plays the story with a kill at `point`; whether the stall was reached before the reply.
fn survives(point: Point) -> bool {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let mut serve = house.serve();
    upstream.stall_at(point.copy, point.step);
    let sent = newsletter(&format!("Crash {} {:?}", point.copy, point.step));
    let address = house.smtp;
    let copy = sent.clone();
    let client =
        std::thread::spawn(move || mailer::send(address, "bounce@example.com", &EVERYBODY, &copy));
    let is_stalled = upstream.wait_for_stall(Duration::from_secs(3));
    let lock = rusqlite::Connection::open(house.store()).unwrap();
    // With a foreign lock on the store nothing more can be settled: the window freezes there.
    let frozen_at = point.is_locked.then(Instant::now);
    if point.is_locked {
        lock.busy_timeout(Duration::from_secs(10)).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    }
    if point.is_patient {
        let started = Instant::now();
        while started.elapsed() < UNSETTLED + Duration::from_millis(500) {
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
    let killed_at = Instant::now();
    serve.kill();
    drop(lock);
    upstream.release();
    let first_reply = client.join().unwrap();
    let _again = house.serve();
    if !matches!(&first_reply, Ok(reply) if reply.code == 250) {
        eventually("the retry to be answered 250", || {
            let reply = mailer::send(house.smtp, "bounce@example.com", &EVERYBODY, &sent);
            reply.ok().filter(|reply| reply.code == 250)
        });
    }
    right_fates(&upstream, point, frozen_at.unwrap_or(killed_at), is_stalled);
    let verified = house.run_ok(&["journal", "verify", "--config", "consentry.toml"]);
    assert!(verified.contains("whole"), "{point:?}: {verified}");
    is_stalled
}

#[track_caller]
fn right_fates(upstream: &Upstream, point: Point, frozen_at: Instant, is_stalled: bool) {
    for denied in ["objector@example.org", "insured@example.org", "stranger@example.org"] {
        assert_eq!(upstream.copies_to(denied), 0, "{point:?}: {denied} was sent to");
    }
    for owed in ["buyer@example.org", "consenter@example.org", "mail-ops@example.com"] {
        let copies: Vec<Instant> = upstream
            .accepted()
            .into_iter()
            .filter(|message| message.to == [owed.to_owned()])
            .map(|message| message.at)
            .collect();
        assert!(!copies.is_empty(), "{point:?}: {owed} was forgotten (stalled: {is_stalled})");
        assert!(copies.len() <= 2, "{point:?}: {owed} got {} copies", copies.len());
        if copies.len() == 2 {
            let age = frozen_at.saturating_duration_since(copies[0]);
            assert!(age < UNSETTLED, "{point:?}: {owed} got a second copy of a settled one");
        }
    }
}
