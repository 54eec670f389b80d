//! Benchmarks of Acequia: workloads, the baselines they are compared with, and the bars.
//!
//! Every bar is a ratio to a baseline measured in the same run, interleaved. Each variant proves its
//! results before it is timed; a wrong answer ends the run. `docs/PERFORMANCE.md` holds the bars.
//!
//! A workload lists its variants; `ours` is one table of functions, so a new engine path is added there
//! and nowhere else.

mod alloc;
mod app;
mod baseline;
mod error;
mod event;
mod flight;
mod folder;
mod harness;
mod json;
mod latency;
mod nodes;
mod ours;
// One builder of fixture packages for tests and benchmarks; neither crate may link the other.
#[path = "../../tests/src/library.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use more of it, from another crate")]
mod packages;
mod probe;
mod report;
mod resources;
mod table;
mod tally;
mod window;
mod workload;

pub use alloc::COUNTED;
pub use app::{Form, run};
