//! Tests of both routers over real loopback sockets.
//!
//! The client is written by hand over `std`, so that it can send what no library would. The
//! store is a fake with moods; everything else is the real thing.

mod client;
mod objections;
mod operations;
mod pages;
mod paths;
mod servers;
mod site;
