//! Sessions in clear: who gets one, who goes away, what happens at shutdown.

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Behaviour, FixedClock, MESSAGE, Running, network};
use crate::inbound::admission::{Origin, admit};
use crate::inbound::{Refusal, Settings};
use crate::relay::ports::{Clock as _, ReplyDelivery};
use crate::smtp::Dialect;

#[tokio::test]
async fn hands_a_message_over_and_tells_that_the_reply_was_written() {
    let mut running = Running::start(Behaviour::Accept, |_| {}).await;
    let mut client = running.connect().await;
    client.send(MESSAGE).await;
    assert_eq!(client.codes(6).await, ["220", "250", "250", "250", "354", "250"]);
    let transaction = running.transaction().await;
    assert_eq!(&transaction.content.bytes()[..], b"Subject: x\r\n\r\nbody\r\n");
    assert_eq!(transaction.peer.ip, IpAddr::from([127, 0, 0, 1]));
    assert_eq!(transaction.peer.helo, "client.example");
    assert_eq!(transaction.peer.via.dialect, Dialect::Esmtp);
    assert_eq!(
        (transaction.peer.listener.as_str(), transaction.peer.client.as_str()),
        ("main", "shop")
    );
    assert_eq!(transaction.received_at, FixedClock.now());
    assert_eq!(running.delivery().await, ReplyDelivery::Written);
    client.send(&format!("{MESSAGE}QUIT\r\n")).await;
    assert_eq!(client.codes(6).await, ["250", "250", "250", "354", "250", "221"]);
    let second = running.transaction().await;
    assert_ne!(second.id, transaction.id);
    assert_eq!(client.rest().await, "");
    let counts = running.stop().await;
    assert_eq!((counts.of("opened"), counts.of("closed")), (1, 1));
}

#[tokio::test]
async fn p8_strangers_get_no_session() {
    let running = Running::start(Behaviour::Accept, |settings| {
        settings.clients = vec![network("192.0.2.0/24", "a"), network("2001:db8::/32", "b")];
    })
    .await;
    let mut client = running.connect().await;
    client.send(MESSAGE).await;
    let refusal = "554 5.7.1 this client address may not use this relay\r\n";
    assert_eq!(client.rest().await, refusal);
    let counts = running.stop().await;
    assert_eq!((counts.of("unknown_client"), counts.of("opened")), (1, 0));
}

#[test]
fn the_first_network_that_holds_the_address_counts() {
    let clients =
        vec![network("192.0.2.7/32", "a"), network("192.0.2.0/24", "b"), network("::/0", "c")];
    let settings = Settings::new("main", "relay.example", clients);
    let client = |ip: &str| {
        let origin = Origin::direct(ip.parse().unwrap());
        admit(&settings, origin).map(|found| found.client().to_owned())
    };
    assert_eq!(client("192.0.2.7").as_deref(), Ok("a"));
    assert_eq!(client("::ffff:192.0.2.8").as_deref(), Ok("b"), "IPv4 in IPv6 is IPv4");
    assert_eq!(client("2001:db8::1").as_deref(), Ok("c"));
    assert_eq!(client("198.51.100.1"), Err(Refusal::UnknownClient));
}

#[tokio::test]
async fn a_full_listener_says_so_until_somebody_leaves() {
    let running = Running::start(Behaviour::Accept, |settings| settings.connections_max = 1).await;
    let mut first = running.connect().await;
    assert_eq!(first.codes(1).await, ["220"]);
    let second = running.connect().await;
    assert!(second.rest().await.starts_with("421 4.3.2 too many connections"));
    first.send("QUIT\r\n").await;
    assert_eq!(first.codes(1).await, ["221"]);
    assert_eq!(first.rest().await, "");
    loop {
        // The slot comes free just after the socket closes.
        let mut third = running.connect().await;
        if third.line().await.starts_with("220") {
            break;
        }
    }
    let counts = running.stop().await;
    assert!(counts.of("too_many_connections") >= 1);
    assert_eq!((counts.of("opened"), counts.of("closed")), (2, 2));
}

#[tokio::test]
async fn p3_a_client_that_goes_is_noticed_and_its_message_stays_open() {
    let mut running = Running::start(Behaviour::AwaitClientGone, |_| {}).await;
    let mut client = running.connect().await;
    client.send(MESSAGE).await;
    assert_eq!(client.codes(5).await.last().unwrap(), "354");
    running.transaction().await;
    drop(client);
    // The relay is let go only by the token, so an answer shows that it was cancelled.
    assert_eq!(running.delivery().await, ReplyDelivery::Lost);
    running.stop().await;
}

#[tokio::test]
async fn p7_a_panic_costs_one_message_and_is_never_a_yes() {
    let mut running = Running::start(Behaviour::Panic, |_| {}).await;
    let mut client = running.connect().await;
    client.send(MESSAGE).await;
    assert_eq!(client.codes(5).await.last().unwrap(), "354");
    assert_eq!(client.line().await, "451 4.3.0 internal error, try again later");
    running.transaction().await;
    client.send("NOOP\r\n").await;
    assert_eq!(client.codes(1).await, ["250"]);
    running.stop().await;
}

#[tokio::test]
async fn input_behind_a_message_is_answered_after_it_and_in_order() {
    let mut running = Running::start(Behaviour::AwaitRelease, |_| {}).await;
    let client = running.connect().await;
    let (reader, mut writer) = tokio::io::split(client.0.into_inner());
    let noops = 100_000;
    let writing = tokio::spawn(async move {
        writer.write_all(MESSAGE.as_bytes()).await.unwrap();
        writer.write_all("NOOP\r\n".repeat(noops).as_bytes()).await.unwrap();
        writer
    });
    running.transaction().await;
    running.relay.release.add_permits(1);
    let mut lines = BufReader::new(reader).lines();
    let mut found = Vec::new();
    while found.len() < noops + 6 {
        let line = lines.next_line().await.unwrap().expect("an open connection");
        if !line[3..].starts_with('-') {
            found.push(line);
        }
    }
    assert_eq!(found[5], "250 2.0.0 relayed");
    assert!(found[6..].iter().all(|line| line.starts_with("250 2.0.0 nothing done")));
    drop(writing.await.unwrap());
    running.stop().await;
}

#[tokio::test]
async fn shutdown_tells_idle_clients_and_finishes_open_transactions() {
    let mut running = Running::start(Behaviour::AwaitRelease, |_| {}).await;
    let (mut idle, mut busy) = (running.connect().await, running.connect().await);
    assert_eq!(idle.codes(1).await, ["220"]);
    busy.send(MESSAGE).await;
    assert_eq!(busy.codes(5).await.last().unwrap(), "354");
    running.transaction().await;
    running.shutdown.cancel();
    assert!(idle.rest().await.starts_with("421 4.3.2 relay.example is shutting down"));
    running.relay.release.add_permits(1);
    assert_eq!(busy.line().await, "250 2.0.0 relayed");
    assert!(busy.rest().await.starts_with("421 4.3.2"));
    assert_eq!(running.delivery().await, ReplyDelivery::Written);
    let address = running.address;
    let counts = running.stop().await;
    assert_eq!(counts.of("closed"), 2);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_silent_client_is_told_and_closed() {
    let running = Running::start(Behaviour::Accept, |settings| {
        settings.idle_timeout = Duration::from_millis(50);
    })
    .await;
    let mut client = running.connect().await;
    client.send("EHLO c\r\n").await;
    assert!(client.rest().await.ends_with("421 4.4.2 relay.example waited too long for input\r\n"));
    running.stop().await;
}

#[tokio::test]
async fn p8_a_smuggler_reads_the_refusal_although_it_keeps_talking() {
    let running = Running::start(Behaviour::Accept, |_| {}).await;
    let mut client = running.connect().await;
    client.send(&MESSAGE.replace("body\r\n", "body\n.\r\nMAIL FROM:<evil@x.org>\r\n")).await;
    client.send(&"NOOP\r\n".repeat(1000)).await;
    assert!(
        client.rest().await.ends_with("550 5.6.0 mail data hold a bare LF: lines end in CRLF\r\n")
    );
    running.stop().await;
}

#[tokio::test]
async fn lettre_is_understood() {
    use lettre::address::Envelope;
    use lettre::{SmtpTransport, Transport};

    let mut running = Running::start(Behaviour::Accept, |_| {}).await;
    let port = running.address.port();
    let content = "Subject: caf\u{e9}\r\n\r\n.dot\r\n..two\r\nlast\r\n";
    let sending = tokio::task::spawn_blocking(move || {
        let mailer = SmtpTransport::builder_dangerous("127.0.0.1").port(port).build();
        let recipients = ["b@y.org", "\"c d\"@y.org"].map(|to| to.parse().unwrap());
        let envelope =
            Envelope::new(Some("a@x.org".parse().unwrap()), recipients.to_vec()).unwrap();
        mailer.send_raw(&envelope, content.as_bytes()).map(|response| response.is_positive())
    });
    assert!(sending.await.unwrap().unwrap());
    let transaction = running.transaction().await;
    let recipients = transaction.envelope.forward_paths.iter().map(|path| path.written());
    assert_eq!(recipients.collect::<Vec<_>>(), ["b@y.org", "\"c d\"@y.org"]);
    // lettre always appends a line end of its own before the final dot.
    let expected = format!("{content}\r\n");
    assert_eq!(&transaction.content.bytes()[..], expected.as_bytes());
    running.stop().await;
}
