//! The listener over real loopback sockets, before a relay that only pretends.
//!
//! Dialogue details are the session's tests; here it is about sockets: who gets in, who went
//! away, what happens at shutdown.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::admit;
use super::{ClientNetwork, Listener, Observer, Refusal, Settings};
use crate::base::Timestamp;
use crate::pipeline::Fingerprint;
use crate::relay::ports::{Answer, Clock, ReplyDelivery, Settlement, Submissions};
use crate::smtp::{Dialect, Reply, ReversePath, Status, Transaction, server};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000)
    }
}

#[derive(Default)]
struct Counts(Mutex<HashMap<&'static str, usize>>);

impl Counts {
    fn add(&self, what: &'static str) {
        *self.0.lock().unwrap().entry(what).or_default() += 1;
    }

    fn of(&self, what: &str) -> usize {
        self.0.lock().unwrap().get(what).copied().unwrap_or(0)
    }
}

impl Observer for Counts {
    fn connection_opened(&self, _: &str) {
        self.add("opened");
    }
    fn connection_closed(&self, _: &str) {
        self.add("closed");
    }
    fn connection_refused(&self, _: &str, refusal: Refusal) {
        self.add(refusal.as_str());
    }
}

/// What the pretended relay does with a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Accept,
    Panic,
    AwaitRelease,
    AwaitClientGone,
}

#[derive(Debug)]
enum Seen {
    Transaction(Box<Transaction>),
    Answered(ReplyDelivery),
}

struct PretendedRelay {
    behaviour: Behaviour,
    seen: mpsc::UnboundedSender<Seen>,
    release: Semaphore,
}

impl Submissions for PretendedRelay {
    async fn submit(&self, transaction: Transaction, client_gone: CancellationToken) -> Answer {
        let at = transaction.received_at;
        self.seen.send(Seen::Transaction(Box::new(transaction))).unwrap();
        match self.behaviour {
            Behaviour::Accept => {}
            Behaviour::Panic => panic!("as the test wants"),
            Behaviour::AwaitRelease => self.release.acquire().await.unwrap().forget(),
            Behaviour::AwaitClientGone => client_gone.cancelled().await,
        }
        let closing = Settlement {
            fingerprint: Fingerprint::of("test", &ReversePath::Null, b""),
            fates: Vec::new(),
            outcomes: Vec::new(),
            closes: Vec::new(),
            at,
        };
        let status = Status { subject: 0, detail: 0 };
        let replies = Reply::new(250, Some(status), "relayed").into();
        Answer { replies, closing: Some(closing) }
    }

    async fn answered(&self, _: Settlement, delivery: ReplyDelivery) {
        self.seen.send(Seen::Answered(delivery)).unwrap();
    }
}

struct Running {
    address: SocketAddr,
    relay: Arc<PretendedRelay>,
    counts: Arc<Counts>,
    seen: mpsc::UnboundedReceiver<Seen>,
    shutdown: CancellationToken,
    tracker: TaskTracker,
}

impl Running {
    async fn start(behaviour: Behaviour, change: impl FnOnce(&mut Settings)) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut settings =
            Settings::new("main", "relay.example", vec![network("127.0.0.0/8", "shop")]);
        change(&mut settings);
        let (sender, seen) = mpsc::unbounded_channel();
        let relay = PretendedRelay { behaviour, seen: sender, release: Semaphore::new(0) };
        let listener = Listener {
            settings: Arc::new(settings),
            submissions: Arc::new(relay),
            clock: Arc::new(FixedClock),
            observer: Arc::new(Counts::default()),
        };
        let (relay, counts) = (listener.submissions.clone(), listener.observer.clone());
        let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.spawn(listener.serve(socket, shutdown.clone(), tracker.clone()));
        Self { address, relay, counts, seen, shutdown, tracker }
    }

    async fn connect(&self) -> Client {
        Client(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    async fn transaction(&mut self) -> Transaction {
        match self.seen.recv().await {
            Some(Seen::Transaction(transaction)) => *transaction,
            other => panic!("expected a transaction, found {other:?}"),
        }
    }

    async fn delivery(&mut self) -> ReplyDelivery {
        match self.seen.recv().await {
            Some(Seen::Answered(delivery)) => delivery,
            other => panic!("expected an answer, found {other:?}"),
        }
    }

    /// Stops accepting and waits until every task is over.
    async fn stop(self) -> Arc<Counts> {
        self.shutdown.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.counts
    }
}

fn network(network: &str, client: &str) -> ClientNetwork {
    let session = Arc::new(server::Settings::new("relay.example"));
    ClientNetwork { network: network.parse().unwrap(), client: client.to_owned(), session }
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// The codes of the next replies.
    async fn codes(&mut self, count: usize) -> Vec<String> {
        let mut codes = Vec::new();
        while codes.len() < count {
            let line = self.line().await;
            assert!(line.len() > 3, "a reply, not {line:?}");
            if !line[3..].starts_with('-') {
                codes.push(line[..3].to_owned());
            }
        }
        codes
    }

    async fn rest(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).await.unwrap();
        rest
    }
}

const MESSAGE: &str = "EHLO client.example\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nDATA\r\n\
                       Subject: x\r\n\r\nbody\r\n.\r\n";

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
    let client =
        |ip: &str| admit(&settings, ip.parse().unwrap()).map(|found| found.client.as_str());
    assert_eq!(client("192.0.2.7"), Ok("a"));
    assert_eq!(client("::ffff:192.0.2.8"), Ok("b"), "IPv4 in IPv6 is IPv4");
    assert_eq!(client("2001:db8::1"), Ok("c"));
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
    let (reader, mut writer) = client.0.into_inner().into_split();
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
