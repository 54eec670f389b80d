//! The state store: every back end against one model, and the guard against damage of every kind.
//!
//! `PROPTEST_CASES` raises the number of cases, `ACEQUIA_STATE_MUTATIONS` that of the mutations.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod state {
    mod folder;
    mod killed;

    mod conformance;
}
