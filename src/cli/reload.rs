//! `consentry reload`: asks the running relay to read its configuration again, and tells the
//! result.
//!
//! The question goes to the operations listener of the configuration, so it works from wherever
//! that is reachable. SIGHUP does the same without an answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{output, setup};
use crate::http::operations::RELOAD_HEADER;

/// How long the relay may take to read, check and swap.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the relay that serves the configuration at `path`.
pub(super) fn run(path: &Path) -> Outcome {
    // What is wrong with the file is told here, with lines and hints.
    let config = setup::config(path)?;
    let address = reachable(config.http.operations_listen);
    let asking = async { tokio::time::timeout(PATIENCE, ask(address)).await };
    let answer = setup::runtime()?.block_on(asking);
    let (status, text) = answer
        .context("the relay did not answer in time")
        .and_then(|answer| answer)
        .with_context(|| format!("no answer from the relay at {address}; is it running?"))
        .or_exit(Exit::Unavailable)?;
    match status {
        StatusCode::OK => {
            output::line(&format!("reloaded; generation {}", text.trim()));
            Ok(Exit::Ok)
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            Err(Failure::new(Exit::Config, anyhow!("nothing was reloaded: {}", text.trim())))
        }
        other => Err(Failure::new(Exit::Unavailable, anyhow!("{other}: {}", text.trim()))),
    }
}

/// Where a listener on every address is reached from this machine.
const fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(address: SocketAddr) -> anyhow::Result<(StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/reload")
        .header(hyper::header::HOST, address.to_string())
        .header(RELOAD_HEADER, "1")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    drop(sender);
    driver.abort();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
