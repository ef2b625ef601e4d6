//! The listener over real loopback sockets, before a relay that only pretends.
//!
//! Dialogue details are the session's tests; here it is about sockets: who gets in and as whom,
//! what is encrypted, who went away, what happens at reload and shutdown.

mod certificates;
mod logins;
mod proxy;
mod reload;
mod securing;
mod sessions;
mod tls;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{
    ClientNetwork, Credential, HandshakeFault, Listener, Observer, ProxyFault, Refusal, Settings,
};
use crate::base::{PasswordHash, Timestamp};
use crate::pipeline::Fingerprint;
use crate::relay::ports::{Answer, Clock, ReplyDelivery, Settlement, Submissions};
use crate::smtp::server::{self, Admission, AuthOffer, LoginRefusal};
use crate::smtp::{Reply, ReversePath, Status, Transaction};

pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000)
    }
}

#[derive(Default)]
struct Counts {
    numbers: Mutex<HashMap<&'static str, usize>>,
    /// The last client refused.
    refused: Mutex<Option<IpAddr>>,
}

impl Counts {
    fn add(&self, what: &'static str) {
        *self.numbers.lock().unwrap().entry(what).or_default() += 1;
    }

    fn of(&self, what: &str) -> usize {
        self.numbers.lock().unwrap().get(what).copied().unwrap_or(0)
    }
}

impl Observer for Counts {
    fn connection_opened(&self, _: &str) {
        self.add("opened");
    }
    fn connection_closed(&self, _: &str) {
        self.add("closed");
    }
    fn connection_refused(&self, _: &str, ip: IpAddr, refusal: Refusal) {
        *self.refused.lock().unwrap() = Some(ip);
        self.add(refusal.as_str());
    }
    fn handshake_failed(&self, _: &str, _: IpAddr, fault: HandshakeFault) {
        self.add(fault.as_str());
    }
    fn proxy_header_refused(&self, _: &str, _: IpAddr, fault: ProxyFault) {
        self.add(fault.as_str());
    }
    fn login_accepted(&self, _: &str, _: &str) {
        self.add("login");
    }
    fn login_refused(&self, _: &str, _: IpAddr, refusal: LoginRefusal) {
        self.add(match refusal {
            LoginRefusal::Invalid => "invalid",
            LoginRefusal::TooMany => "too_many",
            LoginRefusal::Unavailable => "unavailable",
        });
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
        Answer { replies: Reply::new(250, Some(status), "relayed").into(), closing: Some(closing) }
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
    settings: watch::Sender<Arc<Settings>>,
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
        let (settings, newest) = watch::channel(Arc::new(settings));
        let listener = Listener {
            settings: newest,
            submissions: Arc::new(relay),
            clock: Arc::new(FixedClock),
            observer: Arc::new(Counts::default()),
            logins: Arc::default(),
        };
        let (relay, counts) = (listener.submissions.clone(), listener.observer.clone());
        let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.spawn(listener.serve(socket, shutdown.clone(), tracker.clone()));
        Self { address, relay, counts, seen, shutdown, tracker, settings }
    }

    async fn connect(&self) -> Client {
        Client::over(self.connect_tcp().await)
    }

    async fn connect_tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What a reload does.
    fn reload(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = (**self.settings.borrow()).clone();
        change(&mut settings);
        self.settings.send_replace(Arc::new(settings));
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

/// A client of user name `name`, whose generated password is its name twice.
fn credential(name: &str) -> Credential {
    Credential {
        username: name.to_owned(),
        passwords: vec![PasswordHash::sha256(name.repeat(2).as_bytes())],
        networks: Vec::new(),
        client: name.to_owned(),
        session: session(Admission::Known),
    }
}

fn session(admission: Admission) -> Arc<server::Settings> {
    let auth = AuthOffer::UnderTls;
    Arc::new(server::Settings { auth, admission, ..server::Settings::new("relay.example") })
}

/// Nobody is known by address, and AUTH is offered in clear on this machine.
fn only_logins(settings: &mut Settings) {
    settings.clients.clear();
    settings.credentials = vec![credential("crm")];
    settings.before_auth = Some(session(Admission::AfterAuth));
    settings.has_auth_without_tls = true;
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// What a client says and hears, whatever carries it.
struct Client(BufReader<Box<dyn Duplex>>);

impl Client {
    fn over(stream: impl Duplex + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

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
