//! Black-box tests: the real binary, real sockets, real clients and upstreams.
//!
//! Nothing here reaches into the library; what an operator cannot do, these tests cannot do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]

mod browser;
mod commands;
mod crash;
mod footprint;
mod house;
mod http;
mod importing;
mod keys;
mod mailer;
mod monitoring;
mod newsletter;
mod officers;
mod outage;
mod packaging;
mod proofs;
mod reload;
mod restoring;
mod service;
mod story;
mod submission;
mod tools;
mod upstream;
mod upstream_tls;
