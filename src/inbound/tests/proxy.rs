//! The PROXY protocol: its header byte by byte, and what comes of it at a listener.

use std::net::IpAddr;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::certificates::Issued;
use super::tls::{encrypted, implicit};
use super::{Behaviour, Client, MESSAGE, Running, network, only_logins};
use crate::inbound::Settings;
use crate::inbound::proxy::{Progress, Spokesman, parse};

/// A version 2 header with this version and command, family and body.
fn binary(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([version_command, family]);
    header.extend(length);
    header.extend(body);
    header
}

fn addresses_v4(source: [u8; 4]) -> Vec<u8> {
    [&source[..], &[10, 0, 0, 1], &[0xc0, 1, 0, 25]].concat()
}

/// Feeds `bytes` as a reader does: never more than was asked for.
fn feed(bytes: &[u8]) -> (Progress, usize) {
    let mut taken = 0;
    loop {
        match parse(&bytes[..taken]) {
            Progress::Needs(count) if taken + count <= bytes.len() => taken += count,
            progress => return (progress, taken),
        }
    }
}

#[track_caller]
fn names(header: &[u8], client: &str) {
    let ip: IpAddr = client.parse().unwrap();
    let with_rest = [header, b"EHLO x\r\n"].concat();
    let expected = (Progress::Whole(Spokesman::Client(ip)), header.len());
    assert_eq!(feed(&with_rest), expected);
}

#[track_caller]
fn names_nobody(header: &[u8]) {
    let with_rest = [header, b"EHLO x\r\n"].concat();
    assert_eq!(feed(&with_rest), (Progress::Whole(Spokesman::Itself), header.len()));
}

#[track_caller]
fn refuses(header: &[u8]) {
    assert_eq!(feed(header).0, Progress::Garbled, "{}", header.escape_ascii());
}

#[test]
fn reads_lines_of_version_1() {
    names(b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 25\r\n", "192.0.2.7");
    names(b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n", "2001:db8::7");
    names(b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n", "192.0.2.7");
    names_nobody(b"PROXY UNKNOWN\r\n");
    names_nobody(b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n");
    let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(107 - 16));
    names_nobody(longest.as_bytes());
}

#[test]
fn refuses_lines_that_are_not_exactly_so() {
    for line in [
        "PROXY TCP4 192.0.2.7 10.0.0.1 56324\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 56324 25 26\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 56324 65536\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 056 25\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 +56 25\r\n",
        "PROXY TCP4 192.0.2.07 10.0.0.1 56324 25\r\n",
        "PROXY TCP4 192.0.2.7  10.0.0.1 56324 25\r\n",
        "PROXY TCP4 2001:db8::7 ::1 1 25\r\n",
        "PROXY TCP6 192.0.2.7 10.0.0.1 1 25\r\n",
        "PROXY UDP4 192.0.2.7 10.0.0.1 1 25\r\n",
        "PROXY TCP4 192.0.2.7 10.0.0.1 1 25\nx",
        "PROXY  UNKNOWN\r\n",
        "proxy TCP4 192.0.2.7 10.0.0.1 1 25\r\n",
        "PROXIES are many\r\n",
        "EHLO client.example\r\n",
    ] {
        refuses(line.as_bytes());
    }
    refuses(format!("PROXY UNKNOWN {}\r\n", "x".repeat(107 - 15)).as_bytes());
}

#[test]
fn reads_headers_of_version_2() {
    names(&binary(0x21, 0x11, &addresses_v4([192, 0, 2, 7])), "192.0.2.7");
    let with_tlv = [&addresses_v4([192, 0, 2, 7])[..], &[4, 0, 3, 0, 0, 0]].concat();
    names(&binary(0x21, 0x11, &with_tlv), "192.0.2.7");
    let mut v6 = [0; 36];
    v6[..2].copy_from_slice(&[0x20, 0x01]);
    v6[15] = 9;
    names(&binary(0x21, 0x21, &v6), "2001::9");
    names_nobody(&binary(0x20, 0x00, &[]));
    names_nobody(&binary(0x20, 0x11, &addresses_v4([192, 0, 2, 7])));
    names_nobody(&binary(0x21, 0x00, &[1, 2, 3]));
    names_nobody(&binary(0x20, 0x00, &[0; 4080]));
}

#[test]
fn refuses_versions_families_and_lengths_it_cannot_use() {
    let v4 = addresses_v4([192, 0, 2, 7]);
    refuses(&binary(0x11, 0x11, &v4));
    refuses(&binary(0x22, 0x11, &v4));
    refuses(&binary(0x21, 0x12, &v4));
    refuses(&binary(0x21, 0x31, &[0; 216]));
    refuses(&binary(0x21, 0x11, &v4[..11]));
    refuses(&binary(0x21, 0x21, &[0; 35]));
    refuses(&binary(0x20, 0x00, &[0; 4081]));
    refuses(b"\r\n\r\n\0\r\nQUIT\rxxxx");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_end_in_an_answer_and_nothing_behind_the_header_is_taken(
        begin in prop_oneof![
            Just(b"PROXY ".to_vec()), Just(b"PROXY TCP4 1.2.3.4 ".to_vec()),
            Just(b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec()), Just(Vec::new()),
        ],
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = [begin, rest].concat();
        let (progress, taken) = feed(&bytes);
        if let Progress::Whole(_) = progress {
            // The same header with anything else behind it says the same.
            let other = [&bytes[..taken], b"\r\n"].concat();
            prop_assert_eq!(feed(&other), (progress, taken));
        }
        if let Progress::Needs(count) = progress {
            prop_assert!(count > 0 && taken + count > bytes.len());
        }
    }

    #[test]
    fn every_client_address_survives_both_versions(ip in any::<u32>(), port in any::<u16>()) {
        let ip = std::net::Ipv4Addr::from(ip);
        let line = format!("PROXY TCP4 {ip} 10.0.0.1 {port} 25\r\n");
        names(line.as_bytes(), &ip.to_string());
        names(&binary(0x21, 0x11, &addresses_v4(ip.octets())), &ip.to_string());
    }
}

fn behind_proxy(settings: &mut Settings) {
    settings.proxies = vec!["127.0.0.1/32".parse().unwrap()];
    settings.clients = vec![network("192.0.2.0/24", "shop")];
}

/// A connection that begins with `header`.
async fn connect(running: &Running, header: &[u8]) -> Client {
    let mut stream = running.connect_tcp().await;
    stream.write_all(header).await.unwrap();
    Client::over(stream)
}

#[tokio::test]
async fn the_client_is_whom_the_proxy_names() {
    let mut running = Running::start(Behaviour::Accept, behind_proxy).await;
    for header in [
        b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 25\r\n".to_vec(),
        binary(0x21, 0x11, &addresses_v4([192, 0, 2, 7])),
    ] {
        // Header and greeting in one packet: no byte of the greeting may be lost.
        let mut client = connect(&running, &[&header[..], MESSAGE.as_bytes()].concat()).await;
        assert_eq!(client.codes(6).await.last().unwrap(), "250");
        let transaction = running.transaction().await;
        assert_eq!(transaction.peer.ip, IpAddr::from([192, 0, 2, 7]));
        assert_eq!(transaction.peer.client, "shop");
        running.delivery().await;
    }
    let stranger = connect(&running, b"PROXY TCP4 198.51.100.1 10.0.0.1 1 25\r\n").await;
    assert!(stranger.rest().await.starts_with("554 5.7.1"));
    let counts = running.stop().await;
    assert_eq!(counts.of("unknown_client"), 1);
    let refused = *counts.refused.lock().unwrap();
    assert_eq!(refused, Some(IpAddr::from([198, 51, 100, 1])), "not the proxy");
}

#[tokio::test]
async fn a_health_check_is_the_proxy_itself() {
    let running = Running::start(Behaviour::Accept, |settings| {
        behind_proxy(settings);
        settings.clients.push(network("127.0.0.1/32", "haproxy"));
    })
    .await;
    for header in [b"PROXY UNKNOWN\r\n".to_vec(), binary(0x20, 0x00, &[])] {
        let mut client = connect(&running, &header).await;
        assert!(client.line().await.starts_with("220 "));
    }
    running.reload(|settings| settings.clients.truncate(1));
    let refused = connect(&running, &binary(0x20, 0x00, &[])).await;
    assert!(refused.rest().await.starts_with("554 5.7.1"), "no client of this address");
    running.stop().await;
}

#[tokio::test]
async fn a_proxy_that_names_nobody_properly_is_closed() {
    let running = Running::start(Behaviour::Accept, |settings| {
        behind_proxy(settings);
        settings.clients.push(network("127.0.0.1/32", "haproxy"));
    })
    .await;
    let client = connect(&running, b"EHLO client.example\r\n").await;
    let mut answer = Vec::new();
    let _ = client.0.into_inner().read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{answer:?}");
    drop(running.connect_tcp().await);
    while running.counts.of("gone") == 0 {
        tokio::task::yield_now().await;
    }
    let counts = running.stop().await;
    assert_eq!((counts.of("garbled"), counts.of("opened")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_proxy_has_five_seconds() {
    let running = Running::start(Behaviour::Accept, behind_proxy).await;
    let mut stream = running.connect_tcp().await;
    stream.write_all(b"PROXY TCP4 192.0.2.7").await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "closed");
    assert_eq!(began.elapsed().as_secs(), 5);
    assert_eq!(running.stop().await.of("too_slow"), 1);
}

#[tokio::test]
async fn p8_whoever_is_no_proxy_cannot_name_another_client() {
    let mut running = Running::start(Behaviour::Accept, |settings| {
        settings.proxies = vec!["192.0.2.0/24".parse().unwrap()];
    })
    .await;
    let mut client = connect(&running, b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 25\r\n").await;
    assert_eq!(client.codes(2).await, ["220", "500"]);
    client.send(MESSAGE).await;
    assert_eq!(client.codes(5).await.last().unwrap(), "250");
    assert_eq!(running.transaction().await.peer.ip, IpAddr::from([127, 0, 0, 1]));
    running.stop().await;
}

#[tokio::test]
async fn the_header_comes_before_the_handshake() {
    let issued = Issued::new();
    let encrypt = implicit(&issued);
    let mut running = Running::start(Behaviour::Accept, |settings| {
        behind_proxy(settings);
        encrypt(settings);
    })
    .await;
    let mut stream = running.connect_tcp().await;
    stream.write_all(&binary(0x21, 0x11, &addresses_v4([192, 0, 2, 7]))).await.unwrap();
    let mut client = encrypted(stream, &issued.der).await.unwrap();
    client.send(MESSAGE).await;
    assert_eq!(client.codes(6).await.last().unwrap(), "250");
    let peer = running.transaction().await.peer;
    assert!(peer.via.is_encrypted && peer.ip == IpAddr::from([192, 0, 2, 7]));
    running.stop().await;
}

#[tokio::test]
async fn p8_a_proxy_cannot_make_a_stranger_local() {
    let running = Running::start(Behaviour::Accept, |settings| {
        only_logins(settings);
        settings.proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    // AUTH in clear is for this machine only, so this client could never send anything.
    let client = connect(&running, b"PROXY TCP4 192.0.2.7 10.0.0.1 1 25\r\n").await;
    assert!(client.rest().await.starts_with("554 5.7.1"));
    let mut local = connect(&running, b"PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n").await;
    assert!(local.line().await.starts_with("220 "));
    running.stop().await;
}
