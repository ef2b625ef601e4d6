//! Reloads under open connections: who goes on, who is told to come again, and when.

use std::sync::Arc;

use super::certificates::Issued;
use super::tls::{encrypted, implicit};
use super::{Behaviour, Client, MESSAGE, Running, network};
use crate::inbound::{Settings, Tls};
use crate::relay::ports::ReplyDelivery;
use crate::smtp::server;

const CHANGED: &str = "421 4.3.2 the configuration of this relay has changed";

/// A client greeted by a listener of default settings.
async fn greeted(running: &Running) -> Client {
    let mut client = running.connect().await;
    client.send("EHLO client.example\r\n").await;
    assert_eq!(client.codes(2).await, ["220", "250"]);
    client
}

async fn goes_on(change: impl FnOnce(&mut Settings)) {
    let running = Running::start(Behaviour::Accept, |_| {}).await;
    let mut client = greeted(&running).await;
    running.reload(change);
    client.send("NOOP\r\n").await;
    assert_eq!(client.codes(1).await, ["250"]);
    // A listener that stops waits for clients to hear its last reply.
    drop(client);
    running.stop().await;
}

async fn is_told_to_come_again(change: impl FnOnce(&mut Settings)) {
    let running = Running::start(Behaviour::Accept, |_| {}).await;
    let client = greeted(&running).await;
    running.reload(change);
    let rest = client.rest().await;
    assert!(rest.starts_with(CHANGED), "{rest}");
    running.stop().await;
}

fn other_session(settings: &mut Settings, change: impl FnOnce(&mut server::Settings)) {
    let mut session = (*settings.clients[0].session).clone();
    change(&mut session);
    settings.clients[0].session = Arc::new(session);
}

#[tokio::test]
async fn whoever_would_be_admitted_in_the_same_way_goes_on() {
    goes_on(|_| {}).await;
    goes_on(|settings| settings.clients.push(network("192.0.2.0/24", "other"))).await;
    goes_on(|settings| settings.clients[0] = network("127.0.0.1/32", "shop")).await;
    goes_on(|settings| settings.connections_max = 1).await;
    goes_on(|settings| other_session(settings, |_| {})).await;
}

#[tokio::test]
async fn whoever_would_be_admitted_otherwise_is_told_to_come_again() {
    is_told_to_come_again(|settings| settings.clients.clear()).await;
    is_told_to_come_again(|settings| settings.clients[0].client = "other".to_owned()).await;
    is_told_to_come_again(|settings| {
        other_session(settings, |session| session.message_bytes_max = 100_000);
    })
    .await;
    is_told_to_come_again(|settings| {
        settings.proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let identity = Issued::new().identity();
    is_told_to_come_again(|settings| settings.tls = Tls::Implicit(identity)).await;
}

#[tokio::test]
async fn a_session_outlives_many_reloads_and_ends_with_the_one_that_ends_it() {
    let running = Running::start(Behaviour::Accept, |_| {}).await;
    let mut client = greeted(&running).await;
    for limit in 1..20 {
        running.reload(|settings| settings.connections_max = limit);
        client.send("NOOP\r\n").await;
        assert_eq!(client.codes(1).await, ["250"]);
    }
    running.reload(|settings| settings.clients.clear());
    assert!(client.rest().await.starts_with(CHANGED));
    running.stop().await;
}

#[tokio::test]
async fn p7_what_is_sent_after_a_reload_is_not_taken_under_the_old_terms() {
    let running = Running::start(Behaviour::Accept, |_| {}).await;
    for _ in 0..20 {
        let mut client = greeted(&running).await;
        running.reload(|settings| settings.clients.clear());
        client.send("MAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\n").await;
        assert!(client.rest().await.starts_with(CHANGED), "and nothing before");
        running.reload(|settings| settings.clients = vec![network("127.0.0.0/8", "shop")]);
    }
    running.stop().await;
}

#[tokio::test]
async fn p3_a_transaction_under_way_finishes_under_the_old_terms() {
    let mut running = Running::start(Behaviour::AwaitRelease, |_| {}).await;
    let (mut sending, mut waiting) = (running.connect().await, running.connect().await);
    waiting.send(MESSAGE).await;
    assert_eq!(waiting.codes(5).await.last().unwrap(), "354");
    running.transaction().await;
    let (before, after) = MESSAGE.split_at(MESSAGE.find("body").unwrap());
    sending.send(before).await;
    assert_eq!(sending.codes(5).await.last().unwrap(), "354");
    running.reload(|settings| settings.clients.clear());
    sending.send(after).await;
    assert_eq!(running.transaction().await.peer.client, "shop");
    running.relay.release.add_permits(2);
    for mut client in [sending, waiting] {
        assert_eq!(client.line().await, "250 2.0.0 relayed");
        assert!(client.rest().await.starts_with(CHANGED));
        assert_eq!(running.delivery().await, ReplyDelivery::Written);
    }
    assert!(running.connect().await.rest().await.starts_with("554 5.7.1"));
    running.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_drops_nobody_and_is_shown_to_whoever_comes() {
    let (old, new) = (Issued::new(), Issued::new());
    let running = Running::start(Behaviour::Accept, implicit(&old)).await;
    let mut client = encrypted(running.connect_tcp().await, &old.der).await.unwrap();
    running.reload(implicit(&new));
    client.send("EHLO client.example\r\n").await;
    assert_eq!(client.codes(2).await, ["220", "250"]);
    assert!(encrypted(running.connect_tcp().await, &old.der).await.is_err());
    let mut second = encrypted(running.connect_tcp().await, &new.der).await.unwrap();
    assert!(second.line().await.starts_with("220 "));
    client.send("NOOP\r\n").await;
    assert_eq!(client.codes(1).await, ["250"]);
    running.stop().await;
}

#[tokio::test]
async fn a_new_number_of_connections_counts_at_once() {
    let running = Running::start(Behaviour::Accept, |settings| settings.connections_max = 1).await;
    let _first = greeted(&running).await;
    assert!(running.connect().await.rest().await.starts_with("421 4.3.2 too many"));
    running.reload(|settings| settings.connections_max = 2);
    let _second = greeted(&running).await;
    assert!(running.connect().await.rest().await.starts_with("421 4.3.2 too many"));
    running.reload(|settings| settings.connections_max = 1);
    assert!(running.connect().await.rest().await.starts_with("421 4.3.2 too many"));
    running.stop().await;
}

#[tokio::test]
async fn sessions_go_on_when_nobody_can_reload_any_more() {
    let mut running = Running::start(Behaviour::Accept, |_| {}).await;
    let mut client = greeted(&running).await;
    let last = tokio::sync::watch::channel(Arc::new(Settings::new("", "", Vec::new()))).0;
    drop(std::mem::replace(&mut running.settings, last));
    client.send("NOOP\r\n").await;
    assert_eq!(client.codes(1).await, ["250"]);
    running.stop().await;
}
