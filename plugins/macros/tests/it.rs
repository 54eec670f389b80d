//! The macros, from the outside: every shape expands and runs, every mistake is shown where it is.

// The harness is test code too, though the lint looks for `#[test]` alone.
#![allow(clippy::unwrap_used)]

#[path = "it/accumulators.rs"]
mod accumulators;
#[path = "it/branches.rs"]
mod branches;
#[path = "it/concurrency.rs"]
mod concurrency;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/harness.rs"]
mod harness;
#[path = "it/notations.rs"]
mod notations;
#[path = "it/reactors.rs"]
mod reactors;
#[path = "it/shapes.rs"]
mod shapes;
#[path = "it/ui.rs"]
mod ui;
