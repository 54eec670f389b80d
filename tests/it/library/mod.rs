//! Packages as native libraries: compiled apart, mapped, and run by an engine of this process.

mod exact;
mod graphs;
mod kept;
mod kinds;
mod refused;
mod settings;
mod spoken;
mod states;
mod versions;

use acequia::library::{Instance, Library};
use acequia::testing::{Probe, TestEngine};
use acequia::{Payload, Sink};
use acequia_tests::library::built;
use std::fmt::Debug;
use std::sync::Arc;

/// An engine with the package `kinds`, and the sinks of `probes` at its terminals before the first event.
async fn engine_with(probes: Vec<(&str, &str, Sink)>) -> TestEngine {
    let engine = TestEngine::builder().start().await;
    let instance = kinds(&engine);
    let sinks = probes.into_iter().map(|(graph, terminal, sink)| (graph.into(), terminal.into(), sink));
    engine.deploy(instance.package(), sinks.collect()).await.unwrap();
    engine
}

fn kinds(engine: &TestEngine) -> Arc<Instance> {
    let library = Library::open(built("kinds", &[])).unwrap();
    library.init(engine.services()).unwrap()
}

/// The same with one probe, at the terminal `out` of `graph`.
async fn engine_and_probe<T: Payload + Debug>(graph: &str) -> (TestEngine, Probe<T>) {
    let probe = Probe::new();
    let engine = engine_with(vec![(graph, "out", probe.sink())]).await;
    (engine, probe)
}

/// Cause and place of each dead letter, sorted.
fn causes(engine: &TestEngine) -> Vec<(String, String)> {
    let letters = engine.dead_letters().list().into_iter();
    let mut causes: Vec<_> =
        letters.map(|letter| (letter.place, letter.cause.unwrap_or(letter.why))).collect();
    causes.sort();
    causes
}
