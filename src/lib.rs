//! Consentry: an SMTP relay that lets marketing mail out only to people it may lawfully be sent
//! to, and keeps the proof for every copy.
//!
//! The house has a purity line. Below it, [`base`], [`mail`], [`smtp`], [`classify`],
//! [`unsubscribe`], [`eligibility`], [`rewrite`] and [`pipeline`] turn values into values. Above
//! it, [`relay`] walks one transaction down the street over traits, and [`store`], [`telemetry`],
//! [`inbound`], [`outbound`] and [`http`] do the input and output. [`config`], [`daemon`] and
//! [`cli`] wire them together. Imports point downwards only; `tests/tidy.rs` checks it.

#[doc = include_str!("manual/architecture.md")]
pub mod architecture {}
#[doc = include_str!("manual/installing.md")]
pub mod installing {}
#[doc = include_str!("manual/in_front.md")]
pub mod in_front {}
#[doc = include_str!("manual/upstreams.md")]
pub mod upstreams {}
#[doc = include_str!("manual/addresses.md")]
pub mod addresses {}
#[doc = include_str!("manual/operations.md")]
pub mod operations {}
#[doc = include_str!("manual/jurisdictions.md")]
pub mod jurisdictions {}
#[doc = include_str!("manual/cases.md")]
pub mod case_files {}
#[doc = include_str!("manual/importing.md")]
pub mod importing {}
#[doc = include_str!("manual/officers.md")]
pub mod officers {}
#[doc = include_str!("manual/subjects.md")]
pub mod subjects {}
#[doc = include_str!("manual/compliance.md")]
pub mod compliance {}
#[doc = include_str!("manual/compliance_texts.md")]
pub mod compliance_texts {}
#[doc = include_str!("manual/upkeep.md")]
pub mod upkeep {}
#[doc = include_str!("manual/troubleshooting.md")]
pub mod troubleshooting {}
#[doc = include_str!("manual/proofs.md")]
pub mod proofs {}
#[doc = include_str!("manual/metrics.md")]
pub mod metrics_reference {}

pub mod base;
pub mod classify;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod eligibility;
pub mod http;
pub mod inbound;
pub mod mail;
pub mod outbound;
pub mod pipeline;
pub mod relay;
pub mod rewrite;
pub mod smtp;
pub mod store;
pub mod telemetry;
pub mod unsubscribe;
