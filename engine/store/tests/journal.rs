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
    mod crash_points;
    mod failing;
    mod full;
    mod mutations;
    mod pending;
    mod power;
    mod reading;
    mod reopen;
    mod trim;
}
