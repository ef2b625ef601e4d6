//! TLS from the first byte and by STARTTLS, with a real client; what is said in clear before.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::certificates::Issued;
use super::{Behaviour, Client, Duplex, MESSAGE, Running};
use crate::inbound::{Settings, Tls};
use crate::relay::ports::ReplyDelivery;
use crate::smtp::server::{self, TlsOffer};

/// A client that trusts this certificate only.
pub fn connector(der: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(der.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// `stream` after a handshake with whoever shows this certificate.
pub async fn encrypted(
    stream: impl Duplex + 'static,
    der: &CertificateDer<'static>,
) -> std::io::Result<Client> {
    let name = ServerName::try_from("relay.example").unwrap();
    connector(der).connect(name, stream).await.map(Client::over)
}

pub fn implicit(issued: &Issued) -> impl FnOnce(&mut Settings) {
    let identity = issued.identity();
    move |settings| settings.tls = Tls::Implicit(identity)
}

pub fn starttls(issued: &Issued) -> impl FnOnce(&mut Settings) {
    let identity = issued.identity();
    move |settings| {
        settings.tls = Tls::StartTls(identity);
        for client in &mut settings.clients {
            let session = (*client.session).clone();
            client.session = Arc::new(server::Settings { tls: TlsOffer::StartTls, ..session });
        }
    }
}

#[tokio::test]
async fn a_message_comes_in_under_tls_from_the_first_byte() {
    let issued = Issued::new();
    let mut running = Running::start(Behaviour::Accept, implicit(&issued)).await;
    let mut client = encrypted(running.connect_tcp().await, &issued.der).await.unwrap();
    client.send(&format!("{MESSAGE}QUIT\r\n")).await;
    assert_eq!(client.codes(7).await, ["220", "250", "250", "250", "354", "250", "221"]);
    let transaction = running.transaction().await;
    assert!(transaction.peer.via.is_encrypted);
    assert_eq!(running.delivery().await, ReplyDelivery::Written);
    // A rest read to its end without an error saw close_notify.
    assert_eq!(client.rest().await, "");
    running.stop().await;
}

#[tokio::test]
async fn large_messages_and_replies_to_thousands_of_commands_pass_under_tls() {
    let issued = Issued::new();
    let mut running = Running::start(Behaviour::Accept, implicit(&issued)).await;
    let mut client = encrypted(running.connect_tcp().await, &issued.der).await.unwrap();
    let body = "0123456789abcdef\r\n".repeat(100_000);
    client.send(&MESSAGE.replace("body\r\n", &body)).await;
    assert_eq!(client.codes(6).await.last().unwrap(), "250");
    let content = running.transaction().await.content;
    assert_eq!(content.bytes().len(), "Subject: x\r\n\r\n".len() + body.len());
    client.send(&"NOOP\r\n".repeat(5000)).await;
    assert!(client.codes(5000).await.iter().all(|code| code == "250"));
    running.stop().await;
}

#[tokio::test]
async fn strangers_at_an_encrypted_door_hear_the_refusal_under_tls() {
    let issued = Issued::new();
    let encrypt = implicit(&issued);
    let running = Running::start(Behaviour::Accept, |settings| {
        encrypt(settings);
        settings.clients.clear();
    })
    .await;
    let client = encrypted(running.connect_tcp().await, &issued.der).await.unwrap();
    assert!(client.rest().await.starts_with("554 5.7.1"));
    assert_eq!(running.stop().await.of("unknown_client"), 1);
}

/// A ClientHello of TLS 1.1, as an old appliance sends it: no extensions, one CBC cipher suite.
const TLS_1_1_HELLO: &[u8] = &[
    0x16, 0x03, 0x01, 0, 45, // a handshake record
    0x01, 0, 0, 41, 0x03, 0x02, // ClientHello, TLS 1.1
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    0, // no session
    0, 2, 0xc0, 0x13, // one cipher suite
    1, 0, // no compression
];

#[tokio::test]
async fn a_client_that_knows_only_tls_1_1_is_refused_with_an_alert() {
    let running = Running::start(Behaviour::Accept, implicit(&Issued::new())).await;
    let mut stream = running.connect_tcp().await;
    stream.write_all(TLS_1_1_HELLO).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // RFC 5246 §7.2: one record, an alert (21), fatal (2).
    assert!(answer.len() == 7 && answer[0] == 21 && answer[5] == 2, "{answer:?}");
    let counts = running.stop().await;
    assert_eq!((counts.of("incompatible"), counts.of("opened")), (1, 0));
}

#[tokio::test]
async fn noise_and_early_goodbyes_instead_of_a_handshake_are_counted() {
    let issued = Issued::new();
    let running = Running::start(Behaviour::Accept, implicit(&issued)).await;
    let mut stream = running.connect_tcp().await;
    stream.write_all(b"EHLO client.example\r\nMAIL FROM:<a@x.org>\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.windows(3).any(|window| window == b"250"), "nobody answers in clear");
    drop(running.connect_tcp().await);
    let distrusting = encrypted(running.connect_tcp().await, &Issued::new().der).await;
    assert!(distrusting.is_err());
    while running.counts.of("gone") == 0 || running.counts.of("refused_by_peer") == 0 {
        tokio::task::yield_now().await;
    }
    let counts = running.stop().await;
    assert_eq!((counts.of("garbled"), counts.of("opened")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_never_finished_holds_its_place_for_ten_seconds() {
    let issued = Issued::new();
    let encrypt = implicit(&issued);
    let running = Running::start(Behaviour::Accept, |settings| {
        encrypt(settings);
        settings.connections_max = 1;
    })
    .await;
    let began = tokio::time::Instant::now();
    let mut silent = running.connect_tcp().await;
    let refused = encrypted(running.connect_tcp().await, &issued.der).await.unwrap();
    assert!(refused.rest().await.starts_with("421 4.3.2 too many connections"));
    assert_eq!(silent.read(&mut [0; 16]).await.unwrap(), 0, "closed");
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(running.stop().await.of("too_slow"), 1);
}
