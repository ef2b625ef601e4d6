//! Programs of others as judges: promtool, smtp-sink, swaks.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use super::house::{House, eventually, free_port, require};
use super::newsletter::{newsletter, password_reset};

/// Feeds a metrics page to `promtool check metrics`, which must have nothing to say.
#[track_caller]
pub fn promtool_is_content(page: &str) {
    let mut child = Command::new(require("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

struct Sink {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Sink {
    /// Postfix's own test upstream, writing each message to a file.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new(require("smtp-sink"));
        if is_root() {
            command.args(["-u", "root"]);
        }
        let child = command
            .args(["-d", "m.", &format!("127.0.0.1:{port}"), "64"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        eventually("smtp-sink", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Self { child, folder, port }
    }

    fn messages(&self) -> Vec<String> {
        std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .filter(|text| text.contains("Received"))
            .collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim() == "0"
}

#[test]
fn swaks_and_smtp_sink_play_the_story_too() {
    let sink = Sink::start();
    let house = House::new(sink.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    for (name, data, to) in [
        ("letter.eml", newsletter("By swaks"), super::story::EVERYBODY.join(",")),
        ("reset.eml", password_reset(), "objector@example.org".to_owned()),
    ] {
        std::fs::write(house.path(name), data).unwrap();
        let output = Command::new(require("swaks"))
            .args(["--server", &house.smtp.to_string(), "--from", "bounce@example.com"])
            .args(["--to", &to, "--data", &format!("@{}", house.path(name).display())])
            .output()
            .unwrap();
        let talk = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{talk}\n{}", house.log());
    }
    let messages = eventually("four messages", || {
        Some(sink.messages()).filter(|messages| messages.len() == 4)
    });
    let to = |address: &str| {
        messages.iter().filter(|m| m.contains(&format!("X-Rcpt-Args: <{address}>"))).count()
    };
    assert_eq!(to("buyer@example.org"), 1);
    assert_eq!(to("consenter@example.org"), 1);
    assert_eq!(to("objector@example.org"), 1, "the password reset");
    assert_eq!(to("mail-ops@example.com"), 1, "the notice");
}
