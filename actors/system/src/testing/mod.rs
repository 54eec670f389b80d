//! The test kit: the real engine in memory, on virtual time, with probes, scripted sources and faults.
//!
//! A test of yours starts a [`TestEngine`], pushes events or lets a [`Script`] emit them, and waits on a
//! [`Probe`]. Nothing sleeps: the clock is tokio's paused one, so waiting costs no time, and what would
//! take an hour takes a moment. The feature `testing` switches the kit on; it belongs into
//! `[dev-dependencies]`.
//!
//! ```
//! use acequia::testing::TestEngine;
//! use acequia::{AccumulatorDecl, GraphBuilder, Package, ReactorDecl, Strategy, when_any};
//!
//! # fn arithmetic() -> Package {
//! let mut graph = GraphBuilder::new("double");
//! let number = graph.source::<u64>("numbers");
//! let doubled = graph.node("doubled", (number,), |(number,)| number * 2);
//! graph.terminal(doubled);
//! let graph = graph.on("Numbers").build().unwrap();
//!
//! let numbers = AccumulatorDecl::passthrough::<u64>("numbers");
//! let reactor = ReactorDecl::new("Numbers", vec![numbers], when_any(["numbers"]));
//! # Package::new("arithmetic").reactor(reactor.strategy(Strategy::Sequential)).graph(graph)
//! # }
//!
//! // In a test: #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let engine = TestEngine::start([arithmetic()]).await;
//! let doubled = engine.probe::<u64>("double", "doubled").await;
//!
//! engine.push_all("numbers", [1_u64, 2, 3]).await;
//!
//! assert_eq!(doubled.expect(3).await, [2, 4, 6]);
//! engine.assert_settled().await;
//! engine.assert_ledger().await;
//! # }
//! ```
//!
//! What the kit finds wrong it says by panicking, as a test does; each method that may do so says when.

#![allow(clippy::panic, reason = "a test kit reports by panicking")]

mod engine;
mod faults;
mod probe;
mod script;

pub use crate::catalog::{Make, Reader, Taken, Unreadable};

pub use engine::{PATIENCE, TestEngine, TestEngineBuilder};
pub use faults::{Faults, faults};
pub use probe::Probe;
pub use script::{Script, script};
