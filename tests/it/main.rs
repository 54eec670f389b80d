//! The integration tests: one binary, one module per theme.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod kit;
mod passthrough;
mod reactor;
mod tidy;
