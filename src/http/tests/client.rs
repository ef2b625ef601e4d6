//! A minimal HTTP/1.1 client that sends exactly the octets it is told to.
//!
//! One connection per request, blocking, over `std` alone; it asks for `Connection: close` and
//! reads to the end (RFC 9112 §9.6). No redirects, no cookies, no retries.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One response, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The answer without the one field that differs from second to second.
    pub(super) fn undated(mut self) -> Self {
        self.fields.retain(|(name, _)| name != "date");
        self
    }

    fn parse(octets: &[u8]) -> Self {
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap();
        let status = status.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        let fields = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { status, fields, body: body.to_owned() }
    }
}

pub(super) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    // Only a broken server makes a test wait this long.
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub(super) fn read_answer(mut stream: TcpStream) -> Answer {
    let mut octets = Vec::new();
    let read = stream.read_to_end(&mut octets);
    assert!(read.is_ok() || !octets.is_empty(), "{read:?}");
    Answer::parse(&octets)
}

pub(super) fn request(address: SocketAddr, head: &str, body: &[u8]) -> Answer {
    let mut stream = connect(address);
    let length = body.len();
    let text = format!(
        "{head}\r\nHost: mail.example\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[text.as_bytes(), body].concat()).unwrap();
    read_answer(stream)
}

pub(super) fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, &format!("GET {path} HTTP/1.1"), b"")
}

pub(super) fn post(address: SocketAddr, path: &str, content_type: &str, body: &[u8]) -> Answer {
    request(address, &format!("POST {path} HTTP/1.1\r\nContent-Type: {content_type}"), body)
}

/// The request RFC 8058 §8.1 shows.
pub(super) fn one_click(address: SocketAddr, path: &str) -> Answer {
    post(address, path, "application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click")
}
