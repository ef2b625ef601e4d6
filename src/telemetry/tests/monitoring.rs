//! Tests that rules and dashboard speak of metrics there are.
