//! A plain HTTP/1.1 client: one request, one connection, nothing hidden.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A response.
pub struct Response {
    pub status: u16,
    pub body: String,
}

/// Sends `GET path`.
pub fn get(address: SocketAddr, path: &str) -> Response {
    request(address, &format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"))
}

/// Sends the POST a mailbox provider sends for one-click (RFC 8058 §3.2).
pub fn one_click(address: SocketAddr, path: &str) -> Response {
    let body = "List-Unsubscribe=One-Click";
    request(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn request(address: SocketAddr, text: &str) -> Response {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = headers.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Response { status, body: body.to_owned() }
}
