//! The integration tests: one binary, one module per theme.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

// Sources of packages name the sdk, and are compiled into this program too.
extern crate acequia as acequia_sdk;

mod archive;
mod batch;
mod catalog;
mod chaos;
mod cli;
mod command;
mod dead_letter;
mod durable;
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
mod manifest;
mod memory;
mod overflow;
mod packages;
mod passthrough;
mod polling;
mod pricing;
mod reactor;
mod replay;
mod shared;
mod shelf;
mod shutdown;
mod signature;
mod sink;
mod slow_graph;
mod source;
mod stall;
mod state;
mod stream;
mod supervision;
mod tidy;
mod version;
mod wide;
mod window;
