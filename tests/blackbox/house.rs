//! An installation in a temporary folder: configuration, keyring, store and the running binary.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The evidence of the story's five people, as a CRM would export it.
pub const CONTACTS: &str = include_str!("contacts.csv");

/// The date so many days ago: evidence must not grow old with the test.
pub fn days_ago(days: i64) -> String {
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    today.checked_sub(jiff::Span::new().days(days)).unwrap().to_string()
}

/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A port nobody listens on at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Tries `probe` until it answers, at most [`PATIENCE`].
#[track_caller]
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An installation: its folder and its addresses.
pub struct House {
    folder: tempfile::TempDir,
    pub smtp: SocketAddr,
    pub public: SocketAddr,
    pub operations: SocketAddr,
}

/// The running binary; killed when dropped.
pub struct Running {
    child: Child,
}

impl Running {
    /// The process number, for /proc.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, once it has.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    /// `kill -TERM`, and waits until it has ended in order.
    #[track_caller]
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.wait().success());
    }

    /// `kill -9`: no destructor, no drain, no last word.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl House {
    /// An installation whose upstream listens on `upstream_port`, with a keyring and an empty
    /// store; `extra` is appended to the configuration.
    pub fn new(upstream_port: u16, mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let house = Self { folder, smtp: address(), public: address(), operations: address() };
        fs::write(house.config(), house.config_text(upstream_port, mode)).unwrap();
        house.run_ok(&["key", "new", "--out", house.path("keyring.toml").to_str().unwrap()]);
        house
    }

    fn config_text(&self, upstream_port: u16, mode: &str) -> String {
        include_str!("consentry.toml")
            .replace("PUBLIC_ADDRESS", &self.public.to_string())
            .replace("OPERATIONS_ADDRESS", &self.operations.to_string())
            .replace("SMTP_ADDRESS", &self.smtp.to_string())
            .replace("UPSTREAM_ADDRESS", &format!("127.0.0.1:{upstream_port}"))
            .replace("MODE", mode)
    }

    /// A path within the installation's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("consentry.toml")
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.path("consentry.db")
    }

    /// Runs a command of the binary with this installation's configuration.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_consentry"))
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    #[track_caller]
    pub fn run_ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {}\n{out}\n{err}", output.status);
        out.into_owned()
    }

    /// Imports the story's five people.
    pub fn import_contacts(&self) -> String {
        let dated = [90, 50, 170].iter().fold(CONTACTS.to_owned(), |text, days| {
            text.replace(&format!("{{{days}}}"), &days_ago(*days))
        });
        fs::write(self.path("contacts.csv"), dated).unwrap();
        self.run_ok(&["import", "--config", "consentry.toml", "contacts.csv"])
    }

    /// Starts `serve` and waits until it answers.
    pub fn serve(&self) -> Running {
        self.serve_with(&[])
    }

    /// The same with these variables in its environment.
    pub fn serve_with(&self, environment: &[(&str, String)]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consentry"));
        command.args(["serve", "--config", "consentry.toml"]);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        self.start(command)
    }

    /// The same with the SMTP socket opened by somebody else and lent under `name`, as systemd
    /// does: bound already, so that whoever binds it again fails.
    pub fn lend(&self, name: &str) -> Command {
        let program = "import os, socket, sys\n\
            lent = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n\
            os.dup2(lent.fileno(), 3); os.set_inheritable(3, True)\n\
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES=sys.argv[2])\n\
            os.execv(sys.argv[3], ['consentry', 'serve', '--config', 'consentry.toml'])";
        let mut command = Command::new(require("python3"));
        let port = self.smtp.port().to_string();
        command.args(["-c", program, &port, name, env!("CARGO_BIN_EXE_consentry")]);
        command.current_dir(self.folder.path());
        command
    }

    /// Starts a command that ends up as `serve`, and waits until it answers.
    pub fn start(&self, mut command: Command) -> Running {
        let log = fs::File::create(self.path("serve.log")).unwrap();
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let mut running = Running { child: command.stderr(log).spawn().unwrap() };
        let started = Instant::now();
        loop {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("serve ended with {status}:\n{}", self.log());
            }
            let is_up = TcpStream::connect(self.smtp).is_ok()
                && TcpStream::connect(self.operations).is_ok();
            if is_up {
                return running;
            }
            assert!(started.elapsed() < PATIENCE, "serve does not listen:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Rewrites the configuration file.
    pub fn edit(&self, edit: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.config()).unwrap();
        let edited = edit(text.clone());
        assert_ne!(text, edited, "the edit changes something");
        fs::write(self.config(), edited).unwrap();
    }

    /// What `serve` logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }

    /// The value of a metric sample whose line starts with `sample`.
    pub fn metric(&self, sample: &str) -> Option<f64> {
        let page = super::http::get(self.operations, "/metrics").body;
        let lines = BufReader::new(page.as_bytes()).lines();
        lines
            .map_while(Result::ok)
            .find(|line| line.starts_with(sample))
            .and_then(|line| line.rsplit(' ').next()?.parse().ok())
    }
}

/// Whether a program is on the search path.
#[track_caller]
pub fn require(program: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/sbin"])
        .map(|folder| Path::new(folder).join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed; `tests/run` installs it"))
}
