//! The unsubscribe page in a real browser: looking changes nothing, the button does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::house::{House, PATIENCE, eventually, free_port, require};
use super::mailer;
use super::newsletter::newsletter;
use super::story::one_click_path;
use super::upstream::Upstream;

/// The key under which WebDriver names elements (W3C WebDriver §11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    fn start() -> Self {
        let port = free_port();
        let driver = Command::new(require("chromedriver"))
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("chromedriver", || TcpStream::connect(("127.0.0.1", port)).ok());
        let profile = tempfile::tempdir().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let options = json!({
            "binary": require("chromium").display().to_string(),
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-sync",
                "--disable-component-update", "--disable-dev-shm-usage", folder],
        });
        let body = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        let answer = browser.call("POST", "/session", &body);
        browser.session = answer["sessionId"].as_str().unwrap_or_default().to_owned();
        assert!(!browser.session.is_empty(), "no session: {answer}");
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        serde_json::from_slice::<Value>(&body_of(stream)).unwrap()["value"].clone()
    }

    fn open(&self, url: &str) {
        self.call("POST", &format!("/session/{}/url", self.session), &json!({ "url": url }));
    }

    fn source(&self) -> String {
        let page = self.call("GET", &format!("/session/{}/source", self.session), &Value::Null);
        page.as_str().unwrap_or_default().to_owned()
    }

    fn click(&self, css: &str) {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.call("POST", &format!("/session/{}/element", self.session), &wanted);
        let id = found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {css}: {found}"));
        let path = format!("/session/{}/element/{id}/click", self.session);
        self.call("POST", &path, &json!({}));
    }
}

/// The driver keeps connections open: its body ends where its length says.
fn body_of(stream: TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.call("DELETE", &format!("/session/{}", self.session), &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn p2_a_browser_that_looks_changes_nothing_and_its_button_unsubscribes() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    house.import_contacts();
    let _serve = house.serve();
    let send = |subject: &str| {
        let to = ["buyer@example.org"];
        mailer::send(house.smtp, "bounce@example.com", &to, &newsletter(subject)).unwrap()
    };
    assert_eq!(send("First").code, 250, "{}", house.log());
    let path = one_click_path(&upstream.accepted()[0].data);
    let browser = Browser::start();
    browser.open(&format!("http://{}{path}", house.public));
    let page = browser.source();
    assert!(page.contains("Acme"), "the page names the sender:\n{page}");
    assert!(!page.contains("<script") && !page.contains("buyer@"), "{page}");
    assert_eq!(send("Second").code, 250, "looking, scripts running, changed nothing");
    browser.click("button");
    eventually("the page to say so", || {
        Some(browser.source()).filter(|after| *after != page && !after.contains("<button"))
    });
    assert_eq!(send("Third").code, 550);
}
