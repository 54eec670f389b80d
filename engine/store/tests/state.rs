//! The state store: every back end against one model, and the guard against damage of every kind.
//!
//! `PROPTEST_CASES` raises the number of cases, `ACEQUIA_STATE_MUTATIONS` that of the mutations.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these are tests, and a child that is killed says how far it came"
)]

mod state {
    mod folder;
    mod killed;
    mod lab;

    mod conformance;
    mod guard;
    mod mutations;
}
