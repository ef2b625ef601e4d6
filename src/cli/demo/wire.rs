//! A mailer and a mailbox provider in thirty lines each, over real sockets.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Sends one message by SMTP; the reply that settles it.
pub(super) async fn send(
    address: SocketAddr,
    from: &str,
    to: &[&str],
    data: &str,
) -> anyhow::Result<String> {
    let stream = TcpStream::connect(address).await.context("the relay does not answer")?;
    stream.set_nodelay(true)?;
    let mut wire = BufReader::new(stream);
    reply(&mut wire).await?;
    command(&mut wire, "EHLO shop.example.com").await?;
    command(&mut wire, &format!("MAIL FROM:<{from}>")).await?;
    for recipient in to {
        command(&mut wire, &format!("RCPT TO:<{recipient}>")).await?;
    }
    command(&mut wire, "DATA").await?;
    let stuffed = data.replace("\r\n.", "\r\n..");
    wire.write_all(stuffed.as_bytes()).await?;
    let answer = command(&mut wire, ".").await?;
    command(&mut wire, "QUIT").await?;
    Ok(answer)
}

async fn command(wire: &mut BufReader<TcpStream>, line: &str) -> anyhow::Result<String> {
    wire.write_all(format!("{line}\r\n").as_bytes()).await?;
    reply(wire).await
}

async fn reply(wire: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    loop {
        let mut line = String::new();
        if wire.read_line(&mut line).await? == 0 {
            bail!("the relay closed the connection");
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line.trim_end().to_owned());
        }
    }
}

/// What mailbox providers send for one click (RFC 8058 §3.2); the status line.
pub(super) async fn one_click(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let body = "List-Unsubscribe=One-Click";
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(address, &head).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// A page's text.
pub(super) async fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    exchange(address, &head).await
}

async fn exchange(address: SocketAddr, request: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await.context("the pages do not answer")?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
