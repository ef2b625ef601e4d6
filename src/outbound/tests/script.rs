//! A scripted upstream: what it says, what it demands to hear, and when TLS begins.
//!
//! A script is a list of steps per connection, `|` between them: `S:` sends a line, `C:` demands
//! one, `raw:` sends bytes, `hear` reads some, `tls` demands a handshake and `tls-fails` a failed one, `rekey` sends
//! what is no byte of ours, `data` reads to the end of the mail data, `stall` says so and waits
//! until the client goes, `gone` demands that it goes without a word. The end of a list closes.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::base::Mailbox;
use crate::mail::MailData;
use crate::outbound::{Observed, Pool, Settings};
use crate::pipeline::Outcome;
use crate::smtp::client::{Job, OnDeferred};
use crate::smtp::{Body, ForwardPath, Path, ReversePath};

pub const GREETING: &str =
    "S:220 mx|C:EHLO relay.example|S:250-mx|S:250-PIPELINING|S:250 SIZE 10000000";
pub const ENVELOPE: &str = "C:MAIL FROM:<a@x.org>|C:RCPT TO:<b@y.org>|C:DATA";
pub const TAKEN: &str = "S:250 ok|S:250 ok|S:354 go|data|S:250 2.0.0 queued";

/// An upstream playing one script per connection, in order.
pub struct ScriptedUpstream {
    pub pool: Pool,
    /// What it read as mail data, and `stalled`.
    pub data: mpsc::UnboundedReceiver<Vec<u8>>,
    observed: Arc<Mutex<Vec<Observed>>>,
    script: tokio::task::JoinHandle<()>,
}

impl ScriptedUpstream {
    pub async fn start(scripts: &[&[&str]], change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_with(None, scripts, change).await
    }

    /// With what the server needs for TLS.
    pub async fn start_with(
        tls: Option<Arc<ServerConfig>>,
        scripts: &[&[&str]],
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let (settings, data, script) = listen(tls, scripts).await;
        let mut settings = settings;
        change(&mut settings);
        let observed = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&observed);
        let pool = Pool::observed(settings, move |event| seen.lock().unwrap().push(event));
        Self { pool, data, observed, script }
    }

    pub async fn send(&self) -> Vec<Outcome> {
        self.pool.transact(job(&["b@y.org"]), &content("Subject: x\r\n\r\n.dot\r\n")).await
    }

    pub fn observed(&self) -> Vec<Observed> {
        self.observed.lock().unwrap().clone()
    }

    /// Waits until the whole script was played, which checks all it demands; the mail data.
    pub async fn finish(self) -> Vec<Vec<u8>> {
        let Self { pool, mut data, script, .. } = self;
        drop(pool);
        script.await.expect("the client said what the script demands");
        std::iter::from_fn(|| data.try_recv().ok()).collect()
    }
}

type Played = (Settings, mpsc::UnboundedReceiver<Vec<u8>>, tokio::task::JoinHandle<()>);

/// A listener that plays `scripts`, and the plainest settings to reach it.
pub async fn listen(tls: Option<Arc<ServerConfig>>, scripts: &[&[&str]]) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::new(listener.local_addr().unwrap().to_string(), "relay.example");
    let (sender, data) = mpsc::unbounded_channel();
    let scripts: Vec<String> = scripts.iter().map(|parts| parts.join("|")).collect();
    let script = tokio::spawn(async move {
        for script in scripts {
            let (stream, _) = listener.accept().await.unwrap();
            // What is said unasked must not wait for an acknowledgement.
            stream.set_nodelay(true).unwrap();
            let wire = Wire::Clear(BufReader::new(stream));
            play(wire, &script, tls.clone(), &sender).await;
        }
    });
    (settings, data, script)
}

enum Wire {
    Clear(BufReader<TcpStream>),
    Tls(Box<BufReader<TlsStream<TcpStream>>>),
}

impl Wire {
    async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        match self {
            Self::Clear(stream) => stream.read_until(b'\n', &mut line).await?,
            Self::Tls(stream) => stream.read_until(b'\n', &mut line).await?,
        };
        Ok(line)
    }

    async fn hear(&mut self) {
        let Self::Clear(stream) = self else { panic!("nothing to be understood is heard here") };
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
    }

    async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A client may go in any way.
        let _ = match self {
            Self::Clear(stream) => stream.read_to_end(&mut rest).await,
            Self::Tls(stream) => stream.read_to_end(&mut rest).await,
        };
        rest
    }

    async fn encrypt(self, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let Self::Clear(stream) = self else { panic!("TLS within TLS") };
        let acceptor = TlsAcceptor::from(tls.expect("the script knows TLS"));
        let stream = acceptor.accept(stream.into_inner()).await?;
        Ok(Self::Tls(Box::new(BufReader::new(stream))))
    }

    async fn rekey(&mut self) {
        let Self::Tls(stream) = self else { panic!("keys are TLS's") };
        stream.get_mut().get_mut().1.refresh_traffic_keys().unwrap();
        stream.flush().await.unwrap();
    }
}

async fn play(
    mut wire: Wire,
    script: &str,
    tls: Option<Arc<ServerConfig>>,
    data: &mpsc::UnboundedSender<Vec<u8>>,
) {
    for step in script.split('|') {
        match step.split_once(':').unwrap_or((step, "")) {
            ("S", line) => wire.say(format!("{line}\r\n").as_bytes()).await.unwrap(),
            ("C", line) => {
                let found = String::from_utf8(wire.line().await.unwrap()).unwrap();
                let found = found.replace(" SIZE=20", "");
                assert_eq!(found, format!("{line}\r\n"), "{script}");
            }
            ("raw", bytes) => {
                let bytes = bytes.replace("\\r\\n", "\r\n");
                wire.say(bytes.as_bytes()).await.unwrap();
            }
            ("hear", _) => wire.hear().await,
            ("tls", _) => wire = wire.encrypt(tls.clone()).await.expect("a handshake"),
            ("tls-fails", _) => {
                assert!(wire.encrypt(tls).await.is_err(), "{script}");
                return;
            }
            ("rekey", _) => wire.rekey().await,
            ("data", _) => {
                let mut content = Vec::new();
                while content != b".\r\n" && !content.ends_with(b"\r\n.\r\n") {
                    let line = wire.line().await.unwrap();
                    assert_ne!(line, b"", "the data end");
                    content.extend(line);
                }
                data.send(content).unwrap();
            }
            ("stall", _) => {
                data.send(b"stalled".to_vec()).unwrap();
                wire.rest().await;
            }
            ("gone", _) => assert_eq!(String::from_utf8_lossy(&wire.rest().await), "", "{script}"),
            (other, _) => panic!("unknown step {other}"),
        }
    }
}

pub fn job(recipients: &[&str]) -> Job {
    let path = |written: &str| Path::new(written, Mailbox::parse(written).unwrap());
    Job {
        reverse_path: ReversePath::Path(path("a@x.org")),
        forward_paths: recipients.iter().map(|to| ForwardPath::Path(path(to))).collect(),
        body: Body::SevenBit,
        smtputf8: false,
        size: 20,
        on_deferred: OnDeferred::SendToOthers,
    }
}

pub fn content(text: &str) -> MailData {
    MailData::new([Bytes::copy_from_slice(text.as_bytes())])
}

pub fn describe(outcomes: &[Outcome]) -> Vec<String> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Accepted(reply) => format!("accepted {reply}"),
            Outcome::Refused(reply) => format!("refused {reply}"),
            Outcome::Deferred(reply) => format!("deferred {reply}"),
            Outcome::Failed(fault) => format!("failed {}", fault.as_str()),
            Outcome::InDoubt => "in doubt".to_owned(),
        })
        .collect()
}
