//! Where listening sockets come from: the service manager's, by name, or bound here.
//!
//! systemd hands sockets over by number and names them in `LISTEN_FDNAMES` (sd_listen_fds(3));
//! a name is that of a `[[listener]]`, or `public` or `operations` for the pages.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use listenfd::ListenFd;
use tokio::net::TcpListener;

/// The name of the public pages' socket.
pub(super) const PUBLIC: &str = "public";
/// The name of the operations pages' socket.
pub(super) const OPERATIONS: &str = "operations";

/// Sockets the service manager opened for us and that nobody has taken yet.
#[derive(Debug, Default)]
pub struct Sockets {
    lent: Mutex<BTreeMap<String, std::net::TcpListener>>,
}

impl Sockets {
    /// Takes over the sockets of the service manager, if there are any.
    ///
    /// Note: to be called before there are threads, for it clears environment variables.
    ///
    /// # Errors
    /// A socket has no name, or is no listening TCP socket.
    pub fn lent() -> anyhow::Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed = ListenFd::from_env();
        let mut lent = BTreeMap::new();
        let mut names = names.split(':');
        for index in 0..handed.len() {
            let name = names.next().filter(|name| !name.is_empty());
            let name = name.context("a socket of the service manager has no name")?;
            let socket = handed
                .take_tcp_listener(index)
                .with_context(|| format!("the socket `{name}` is no listening TCP socket"))?
                .with_context(|| format!("the socket `{name}` was handed over closed"))?;
            if lent.insert(name.to_owned(), socket).is_some() {
                bail!("two sockets are called `{name}`: set FileDescriptorName= on each");
            }
        }
        Ok(Self { lent: Mutex::new(lent) })
    }

    /// The socket called `name`: the one lent, else one bound to `address`.
    pub(super) async fn open(
        &self,
        name: &str,
        address: SocketAddr,
    ) -> anyhow::Result<TcpListener> {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        match lent {
            Some(socket) => {
                let why = || format!("the socket `{name}` of the service manager cannot be used");
                socket.set_nonblocking(true).with_context(why)?;
                TcpListener::from_std(socket).with_context(why)
            }
            None => TcpListener::bind(address)
                .await
                .with_context(|| format!("`{name}` cannot listen on {address}")),
        }
    }

    /// Fails if a lent socket belongs to nobody: mail sent there would wait for ever.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = lent.keys().map(String::as_str).collect();
        if names.is_empty() {
            return Ok(());
        }
        bail!("no [[listener]] is called `{}`: see FileDescriptorName=", names.join("`, `"))
    }
}
