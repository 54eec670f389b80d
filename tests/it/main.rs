//! The integration tests: one binary, one module per theme.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch;
mod chaos;
mod command;
mod dead_letter;
mod encoded;
mod faults;
mod firing_log;
mod flights;
mod graph;
mod health;
mod kit;
mod ledger;
mod library;
mod lookup;
mod memory;
mod overflow;
mod passthrough;
mod polling;
mod reactor;
mod shutdown;
mod sink;
mod slow_graph;
mod source;
mod state;
mod stream;
mod supervision;
mod tidy;
mod window;
