//! One transaction's way through the house, over traits.

pub mod ports;
