//! STARTTLS and AUTH over real sockets: from a greeting in clear to a message under a name.

use data_encoding::BASE64;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::certificates::Issued;
use super::tls::{encrypted, starttls};
use super::{Behaviour, Client, MESSAGE, Running, credential, only_logins, session};
use crate::inbound::{Settings, Tls};
use crate::smtp::server::{Admission, Settings as SessionSettings, TlsOffer};

const CHANGED: &str = "421 4.3.2 the configuration of this relay has changed";

fn auth(username: &str, password: &str) -> String {
    format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{username}\0{password}").as_bytes()))
}

/// A client that was let go on to its handshake.
async fn at_handshake(running: &Running) -> Box<dyn super::Duplex> {
    let mut client = running.connect().await;
    client.send("EHLO client.example\r\nSTARTTLS\r\n").await;
    assert_eq!(client.codes(3).await, ["220", "250", "220"]);
    assert!(client.0.buffer().is_empty());
    client.0.into_inner()
}

/// Nobody is known by address; AUTH under STARTTLS only.
fn submission(issued: &Issued) -> impl FnOnce(&mut Settings) {
    let identity = issued.identity();
    move |settings| {
        only_logins(settings);
        settings.has_auth_without_tls = false;
        settings.tls = Tls::StartTls(identity);
        let required =
            SessionSettings { tls: TlsOffer::Required, ..(*session(Admission::AfterAuth)).clone() };
        settings.before_auth = Some(std::sync::Arc::new(required));
    }
}

#[tokio::test]
async fn a_message_comes_in_after_starttls() {
    let issued = Issued::new();
    let mut running = Running::start(Behaviour::Accept, starttls(&issued)).await;
    let mut client = encrypted(at_handshake(&running).await, &issued.der).await.unwrap();
    client.send(&format!("{MESSAGE}QUIT\r\n")).await;
    assert_eq!(client.codes(6).await, ["250", "250", "250", "354", "250", "221"]);
    let peer = running.transaction().await.peer;
    assert!(peer.via.is_encrypted && peer.client == "shop");
    assert_eq!(client.rest().await, "");
    running.stop().await;
}

#[tokio::test]
async fn p8_nothing_said_in_clear_counts_under_tls() {
    let issued = Issued::new();
    let running = Running::start(Behaviour::Accept, starttls(&issued)).await;
    let evil = "MAIL FROM:<evil@x.org>\r\nRCPT TO:<b@y.org>\r\n";
    // In the packet of STARTTLS itself: told so, and closed.
    let mut client = running.connect().await;
    client.send(&format!("EHLO client.example\r\nSTARTTLS\r\n{evil}")).await;
    assert_eq!(client.codes(3).await, ["220", "250", "554"]);
    client.0.into_inner().shutdown().await.unwrap();
    // In a packet of its own after the go-ahead: noise instead of a handshake.
    let mut stream = at_handshake(&running).await;
    stream.write_all(evil.as_bytes()).await.unwrap();
    assert!(encrypted(stream, &issued.der).await.is_err());
    while running.counts.of("garbled") == 0 {
        tokio::task::yield_now().await;
    }
    // And what was agreed on before it is forgotten: EHLO comes first again.
    let mut client = encrypted(at_handshake(&running).await, &issued.der).await.unwrap();
    client.send("MAIL FROM:<a@x.org>\r\n").await;
    assert!(client.line().await.starts_with("503 5.5.1"));
    running.stop().await;
}

#[tokio::test]
async fn a_client_proves_who_it_is_and_then_sends() {
    let issued = Issued::new();
    let mut running = Running::start(Behaviour::Accept, submission(&issued)).await;
    let mut client = encrypted(at_handshake(&running).await, &issued.der).await.unwrap();
    client.send("EHLO client.example\r\nMAIL FROM:<a@x.org>\r\n").await;
    assert_eq!(client.codes(2).await, ["250", "530"]);
    client.send(&auth("crm", "crmcrm")).await;
    assert_eq!(client.codes(1).await, ["235"]);
    client.send(MESSAGE).await;
    assert_eq!(client.codes(5).await.last().unwrap(), "250");
    let peer = running.transaction().await.peer;
    assert_eq!(peer.client, "crm");
    assert!(peer.via.is_encrypted && peer.via.is_authenticated);
    let counts = running.stop().await;
    assert_eq!((counts.of("login"), counts.of("invalid")), (1, 0));
}

#[tokio::test]
async fn auth_is_offered_in_clear_to_this_machine_only_if_configured() {
    let issued = Issued::new();
    let running = Running::start(Behaviour::Accept, submission(&issued)).await;
    let greeting = async |running: &Running| {
        let mut client = running.connect().await;
        client.send("EHLO client.example\r\n").await;
        client.line().await;
        let mut lines = String::new();
        loop {
            let line = client.line().await;
            lines += &line;
            if line.starts_with("250 ") {
                return lines;
            }
        }
    };
    assert!(!greeting(&running).await.contains("AUTH"));
    running.reload(|settings| {
        settings.has_auth_without_tls = true;
        settings.before_auth = Some(session(Admission::AfterAuth));
    });
    assert!(greeting(&running).await.contains("AUTH PLAIN LOGIN"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_are_refused_and_counted_until_nobody_listens() {
    let running = Running::start(Behaviour::Accept, only_logins).await;
    let mut refused = 0;
    for _ in 0..20 {
        let mut client = running.connect().await;
        client.send("EHLO client.example\r\n").await;
        assert_eq!(client.codes(2).await, ["220", "250"]);
        client.send(&auth("crm", "wrong")).await;
        match client.codes(1).await[0].as_str() {
            "535" => refused += 1,
            "421" => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(refused, 10);
    let counts = running.stop().await;
    assert_eq!((counts.of("invalid"), counts.of("too_many"), counts.of("login")), (10, 1, 0));
}

/// A client logged in as `crm` on this machine.
async fn logged_in(running: &Running) -> Client {
    let mut client = running.connect().await;
    client.send("EHLO client.example\r\n").await;
    client.send(&auth("crm", "crmcrm")).await;
    assert_eq!(client.codes(3).await, ["220", "250", "235"]);
    client
}

#[tokio::test]
async fn a_session_ends_with_the_password_it_was_opened_by() {
    let running = Running::start(Behaviour::Accept, only_logins).await;
    let mut client = logged_in(&running).await;
    running.reload(|settings| {
        let new = credential("new").passwords.remove(0);
        settings.credentials[0].passwords.push(new);
        settings.credentials.push(credential("other"));
    });
    client.send("NOOP\r\n").await;
    assert_eq!(client.codes(1).await, ["250"], "another password beside it changes nothing");
    running.reload(|settings| settings.credentials[0].passwords.truncate(0));
    assert!(client.rest().await.starts_with(CHANGED));
    running.stop().await;
}

#[tokio::test]
async fn a_session_ends_with_its_credential_its_network_or_its_rights() {
    let changes: [fn(&mut Settings); 4] = [
        |settings| settings.credentials.clear(),
        |settings| settings.credentials[0].client = "other".to_owned(),
        |settings| settings.credentials[0].networks = vec!["192.0.2.0/24".parse().unwrap()],
        |settings| {
            let mut session = (*settings.credentials[0].session).clone();
            session.reverse_path_domains = Some(Vec::new());
            settings.credentials[0].session = std::sync::Arc::new(session);
        },
    ];
    for change in changes {
        let running = Running::start(Behaviour::Accept, only_logins).await;
        let client = logged_in(&running).await;
        running.reload(change);
        assert!(client.rest().await.starts_with(CHANGED));
        running.stop().await;
    }
}

#[tokio::test]
async fn a_login_outlives_the_end_of_its_address_and_starttls_after_it_does_not_keep_it() {
    let issued = Issued::new();
    let begin = starttls(&issued);
    let mut running = Running::start(Behaviour::Accept, |settings| {
        begin(settings);
        settings.credentials = vec![credential("crm")];
        settings.has_auth_without_tls = true;
        let known = SessionSettings {
            auth: crate::smtp::server::AuthOffer::UnderTls,
            ..(*settings.clients[0].session).clone()
        };
        settings.clients[0].session = std::sync::Arc::new(known);
        settings.credentials[0].session = settings.clients[0].session.clone();
    })
    .await;
    let mut client = logged_in(&running).await;
    client.send("STARTTLS\r\n").await;
    assert_eq!(client.codes(1).await, ["220"]);
    let mut client = encrypted(client.0.into_inner(), &issued.der).await.unwrap();
    client.send(MESSAGE).await;
    assert_eq!(client.codes(5).await.last().unwrap(), "250");
    let peer = running.transaction().await.peer;
    assert_eq!((peer.client.as_str(), peer.via.is_authenticated), ("shop", false));
    running.delivery().await;
    let mut client = logged_in(&running).await;
    running.reload(|settings| settings.clients.clear());
    client.send(MESSAGE).await;
    assert_eq!(client.codes(5).await.last().unwrap(), "250");
    assert_eq!(running.transaction().await.peer.client, "crm");
    assert!(TcpStream::connect(running.address).await.is_ok());
    running.stop().await;
}
