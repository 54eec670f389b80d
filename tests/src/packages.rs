//! Packages of one reactor.

use crate::graphs::{abc, echo};
use acequia::testing::{Probe, TestEngine};
use acequia::{AccumulatorDecl, CriteriaDecl, Package, Payload, ReactorDecl, Strategy, when_any};
use std::fmt::Debug;

/// Package `p`: reactor `R` over `accumulator`, and graph `g`, which hands each boundary to its terminal
/// `out`.
pub fn single<B: Payload>(accumulator: AccumulatorDecl, strategy: Strategy) -> Package {
    let name = accumulator.name.clone();
    let graph = echo::<B>("g", name.as_str()).on("R");
    let reactor = ReactorDecl::new("R", vec![accumulator], when_any([name]));
    Package::new("p").reactor(reactor.strategy(strategy)).graph(graph)
}

/// Package `p` with [`single`] over the passthrough `n` of numbers.
pub fn numbers(strategy: Strategy) -> Package {
    single::<u64>(AccumulatorDecl::passthrough::<u64>("n"), strategy)
}

/// Package `p`: reactor `R` over the passthroughs `a`, `b` and `c` of numbers, and the graph [`abc`],
/// named `g`.
pub fn letters(criteria: CriteriaDecl, strategy: Strategy) -> Package {
    let accumulators = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let reactor = ReactorDecl::new("R", accumulators, criteria).strategy(strategy);
    Package::new("p").reactor(reactor).graph(abc("g").on("R"))
}

/// An engine with `package`, and a probe at the terminal `out` of its graph `g`, attached before the
/// first event.
pub async fn started<B: Payload + Debug>(package: Package) -> (TestEngine, Probe<B>) {
    let probe = Probe::new();
    let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;
    (engine, probe)
}
