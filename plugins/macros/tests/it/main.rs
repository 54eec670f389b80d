//! The macros, from the outside: every shape expands and runs, every mistake is shown where it is.

// The harness is test code too, though the lint looks for `#[test]` alone.
#![allow(clippy::unwrap_used)]

mod accumulators;
mod branches;
mod concurrency;
mod faults;
mod harness;
mod notations;
mod reactors;
mod shapes;
mod ui;
