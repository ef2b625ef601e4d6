//! HTTP: the public pages of recipients, and the operations listener.
//!
//! Two routers that share nothing but the server: `public` is for the Internet (behind a proxy
//! that speaks TLS), `operations` for the operator's own network. HTTP/1.1 (RFC 9112) only. No
//! rule of law lives here: what people say becomes evidence, through the `relay` ports.

pub mod operations;
mod pages;
pub mod public;
mod server;
#[cfg(test)]
mod tests;

pub use server::{ConnectionLimits, PeerAddress, serve};
