//! Promises of the journal, on the simulated disk and on a real one.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod journal {
    mod kit;

    mod append;
    mod reading;
    mod reopen;
    mod trim;
}
