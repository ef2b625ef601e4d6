//! An upstream MTA under the test's control: it records what it accepts, refuses what it is
//! told to, and stalls at a given step of a given copy.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A message the upstream answered 250 for.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub from: String,
    pub to: Vec<String>,
    pub data: Vec<u8>,
    pub at: Instant,
}

/// Where the upstream may stall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Banner,
    Mail,
    Rcpt,
    Data,
    /// The final dot is in, nothing is answered: the copy does not count as accepted.
    Dot,
    /// The copy is accepted and 250 was said.
    After250,
}

#[derive(Default)]
struct State {
    accepted: Vec<Accepted>,
    stall: Option<(usize, Step)>,
    is_stalled: bool,
    refuse: Vec<(String, String)>,
    connections: Vec<TcpStream>,
    /// Whether content is only counted, not kept.
    is_counting: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    copies: AtomicUsize,
    connected: AtomicUsize,
    stopped: AtomicBool,
}

/// A running upstream; stops when dropped.
pub struct Upstream {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Upstream {
    /// Starts on a free port.
    pub fn start() -> Self {
        Self::start_on(0)
    }

    /// Starts on a free port and forgets the content of what it accepts.
    pub fn start_counting() -> Self {
        let upstream = Self::start();
        upstream.shared.state.lock().unwrap().is_counting = true;
        upstream
    }

    /// Starts on `port`.
    pub fn start_on(port: u16) -> Self {
        let listener = super::house::eventually("the upstream's port", || {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
        });
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            copies: AtomicUsize::new(0),
            connected: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Self { port, shared }
    }

    /// Stalls once, when copy number `copy` (from 0, notices count) reaches `step`.
    pub fn stall_at(&self, copy: usize, step: Step) {
        let mut state = self.shared.state.lock().unwrap();
        state.stall = Some((copy, step));
        state.is_stalled = false;
        self.shared.copies.store(0, Ordering::SeqCst);
        self.shared.connected.store(0, Ordering::SeqCst);
    }

    /// Waits until it stalls; `false` if it has not after `patience`.
    pub fn wait_for_stall(&self, patience: Duration) -> bool {
        let state = self.shared.state.lock().unwrap();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |state| !state.is_stalled)
            .unwrap();
        state.is_stalled
    }

    /// Lets a stalled connection go on.
    pub fn release(&self) {
        self.shared.state.lock().unwrap().stall = None;
        self.shared.changed.notify_all();
    }

    /// Answers RCPT for `recipient` with `reply` from now on; an empty reply ends that.
    pub fn answer_rcpt(&self, recipient: &str, reply: &str) {
        let mut state = self.shared.state.lock().unwrap();
        state.refuse.retain(|(known, _)| known != recipient);
        if !reply.is_empty() {
            state.refuse.push((recipient.to_owned(), reply.to_owned()));
        }
    }

    /// Everything accepted so far.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.shared.state.lock().unwrap().accepted.clone()
    }

    /// How many accepted messages went to `recipient`.
    pub fn copies_to(&self, recipient: &str) -> usize {
        self.accepted().iter().filter(|message| message.to.iter().any(|to| to == recipient)).count()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.release();
        for connection in &self.shared.state.lock().unwrap().connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        // Wakes the accepting thread, which then ends and frees the port.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn pass(&self, copy: usize, step: Step) {
        let mut state = self.state.lock().unwrap();
        if state.stall != Some((copy, step)) {
            return;
        }
        state.is_stalled = true;
        self.changed.notify_all();
        while state.stall.is_some() && !self.stopped.load(Ordering::SeqCst) {
            state = self.changed.wait(state).unwrap();
        }
    }

    fn answer_to(&self, recipient: &str) -> String {
        let state = self.state.lock().unwrap();
        let told = state.refuse.iter().find(|(known, _)| known == recipient);
        told.map_or_else(|| "250 2.1.5 ok".to_owned(), |(_, reply)| reply.clone())
    }
}

fn serve(shared: &Shared, stream: TcpStream) {
    shared.state.lock().unwrap().connections.push(stream.try_clone().unwrap());
    let _ = stream.set_nodelay(true);
    let connection = shared.connected.fetch_add(1, Ordering::SeqCst);
    shared.pass(connection, Step::Banner);
    let mut session = Session { reader: BufReader::new(stream), copy: 0, from: String::new(), to: Vec::new() };
    let _ = session.run(shared);
}

struct Session {
    reader: BufReader<TcpStream>,
    copy: usize,
    from: String,
    to: Vec<String>,
}

impl Session {
    fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes())
    }

    fn run(&mut self, shared: &Shared) -> std::io::Result<()> {
        self.say("220 upstream.test ESMTP")?;
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let upper = line.to_ascii_uppercase();
            if upper.starts_with("EHLO") {
                self.say("250-upstream.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 200000000")?;
            } else if upper.starts_with("MAIL FROM:") {
                self.copy = shared.copies.fetch_add(1, Ordering::SeqCst);
                shared.pass(self.copy, Step::Mail);
                self.from = between(&line);
                self.to.clear();
                self.say("250 2.1.0 ok")?;
            } else if upper.starts_with("RCPT TO:") {
                shared.pass(self.copy, Step::Rcpt);
                let recipient = between(&line);
                let reply = shared.answer_to(&recipient);
                if reply.starts_with('2') {
                    self.to.push(recipient);
                }
                self.say(&reply)?;
            } else if upper.starts_with("DATA") {
                shared.pass(self.copy, Step::Data);
                if self.to.is_empty() {
                    self.say("554 5.5.1 no valid recipients")?;
                } else {
                    self.data(shared)?;
                }
            } else if upper.starts_with("QUIT") {
                return self.say("221 2.0.0 bye");
            } else {
                self.say("250 2.0.0 ok")?;
            }
        }
    }

    fn data(&mut self, shared: &Shared) -> std::io::Result<()> {
        self.say("354 go on")?;
        let mut data = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line == b".\r\n" {
                break;
            }
            if !shared.state.lock().unwrap().is_counting {
                data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
        }
        shared.pass(self.copy, Step::Dot);
        let accepted =
            Accepted { from: self.from.clone(), to: self.to.clone(), data, at: Instant::now() };
        shared.state.lock().unwrap().accepted.push(accepted);
        self.say("250 2.0.0 ok: queued as T1")?;
        shared.pass(self.copy, Step::After250);
        Ok(())
    }
}

fn between(line: &str) -> String {
    let start = line.find('<').map_or(0, |at| at + 1);
    let end = line.find('>').unwrap_or(line.len());
    line[start..end].to_owned()
}
