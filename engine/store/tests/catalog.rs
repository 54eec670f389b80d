//! The catalog on disk: its records and rows, and what they are after crashes and damage.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod catalog {
    mod history;

    mod checkpoint;
    mod recovery;
    mod rows;
    mod wire;
}
