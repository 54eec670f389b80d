//! The pure core against naive models: random operations, one event at a time, no runtime.
//!
//! Every model is as simple as can be. `PROPTEST_CASES` raises the number of cases.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod model {
    mod harness;
    mod reference;
    mod slots;

    mod batches;
    mod catalog;
    mod cell_latest;
    mod cell_regressions;
    mod cell_sequential;
    mod codec;
    mod dedupe;
    mod delivery;
    mod exported;
    mod faults;
    mod graphs;
    mod kept;
    mod kinds;
    mod origins;
    mod plans;
    mod refusals;
    mod releases;
    mod remote_parts;
    mod replay;
    mod ring;
    mod ring_threads;
    mod seats;
    mod shared;
    mod supervision;
    mod topology;
    mod tuning;
    mod windows;
}
