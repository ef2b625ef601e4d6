//! New settings while copies are under way.
//!
//! What began under the old ones ends under them; everything else goes the new way at once.

use super::script::{ENVELOPE, GREETING, ScriptedUpstream, TAKEN, describe, listen};
use crate::base::Redacted;
use crate::outbound::Settings;
use crate::smtp::client::Login;

const QUEUED: &str = "accepted 250 2.0.0 queued";
const ONCE: &[&str] = &[GREETING, ENVELOPE, TAKEN];

/// A second upstream; its settings, and the script to be awaited.
async fn other(scripts: &[&[&str]]) -> (Settings, tokio::task::JoinHandle<()>) {
    let (settings, mut data, script) = listen(None, scripts).await;
    tokio::spawn(async move { while data.recv().await.is_some() {} });
    (settings, script)
}

#[tokio::test]
async fn idle_connections_are_closed_and_later_copies_go_the_new_way() {
    let old = ScriptedUpstream::start(&[&[GREETING, ENVELOPE, TAKEN, "C:QUIT|gone"]], |_| {}).await;
    assert_eq!(describe(&old.send().await), [QUEUED]);
    let (settings, script) = other(&[ONCE]).await;
    old.pool.replace(settings);
    assert_eq!(old.pool.capabilities(), None, "nothing is known of the new one yet");
    assert_eq!(describe(&old.send().await), [QUEUED]);
    script.await.unwrap();
    old.finish().await;
}

#[tokio::test]
async fn p3_a_copy_under_way_finishes_as_it_began() {
    let slow = [GREETING, ENVELOPE, "S:250 ok|S:250 ok|S:354 go|data", "S:250 2.0.0 queued|C:QUIT"];
    let mut old = ScriptedUpstream::start(&[&slow], |_| {}).await;
    let (settings, script) = other(&[ONCE]).await;
    let pool = &old.pool;
    let data = super::script::content("x\r\n");
    let under_way = pool.transact(super::script::job(&["b@y.org"]), &data);
    let (outcomes, ()) = tokio::join!(under_way, async {
        old.data.recv().await.unwrap();
        pool.replace(settings);
    });
    assert_eq!(describe(&outcomes), [QUEUED]);
    assert_eq!(describe(&old.send().await), [QUEUED]);
    script.await.unwrap();
    old.finish().await;
}

#[tokio::test]
async fn who_waits_for_a_connection_gets_one_under_the_new_settings() {
    let mut old = ScriptedUpstream::start(&[&[GREETING, ENVELOPE, "stall"]], |settings| {
        settings.connections_max = 1;
    })
    .await;
    let (settings, script) = other(&[ONCE, ONCE]).await;
    let (pool, data) = (&old.pool, super::script::content("x\r\n"));
    let send = || pool.transact(super::script::job(&["b@y.org"]), &data);
    let stalled = send();
    let served = async {
        assert_eq!(old.data.recv().await.unwrap(), b"stalled");
        let replaced = async {
            tokio::task::yield_now().await;
            pool.replace(Settings { connections_max: 2, ..settings });
        };
        tokio::join!(send(), send(), replaced)
    };
    let (one, two, ()) = tokio::select! {
        _ = stalled => panic!("nobody answers it"),
        served = served => served,
    };
    assert_eq!((describe(&one), describe(&two)), (describe(&two), vec![QUEUED.to_owned()]));
    script.await.unwrap();
    old.finish().await;
}

#[tokio::test]
async fn a_refused_login_is_tried_at_once_after_new_settings() {
    let greeting = "S:220 mx|C:EHLO relay.example|S:250-mx|S:250-PIPELINING|S:250 AUTH PLAIN";
    let login = |password: &str| {
        Some(Login { username: "key".to_owned(), password: Redacted::new(password.to_owned()) })
    };
    let refused: &[&str] = &[greeting, "C:AUTH PLAIN AGtleQBvbGQ=", "S:535 wrong"];
    let taken: &[&str] = &[greeting, "C:AUTH PLAIN AGtleQBuZXc=", "S:235 ok", ENVELOPE, TAKEN];
    let mut address = String::new();
    let upstream = ScriptedUpstream::start(&[refused, taken], |settings| {
        settings.login = login("old");
        address = settings.address.clone();
    })
    .await;
    assert_eq!(describe(&upstream.send().await), ["failed login"]);
    assert_eq!(describe(&upstream.send().await), ["failed login"]);
    let settings = Settings { login: login("new"), ..Settings::new(address, "relay.example") };
    upstream.pool.replace(settings);
    assert_eq!(describe(&upstream.send().await), [QUEUED]);
    upstream.finish().await;
}
