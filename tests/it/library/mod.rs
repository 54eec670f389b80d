//! Packages as native libraries: compiled apart, mapped, and run by an engine of this process.

mod exact;
mod graphs;
mod kept;
mod kinds;
mod own;
mod recovery;
mod refused;
mod releases;
mod settings;
mod spoken;
mod states;
mod upgrading;
mod versions;

use acequia::library::{Instance, Library};
use acequia::testing::{Probe, TestEngine};
use acequia::{Payload, Sink, Trust};
use acequia_tests::Folder;
use acequia_tests::library::built;
use std::fmt::Debug;
use std::sync::Arc;

/// The folder of a package with a fixture's library, and a manifest that names it and `release`; `rest`
/// follows in it.
pub(crate) fn package_folder(fixture: &str, features: &[&str], release: &str, rest: &str) -> Folder {
    let library = built(fixture, features);
    let folder = Folder::new().unwrap();
    let place = folder.join("lib").join(acequia_host::TARGET);
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(&library, place.join(format!("lib{fixture}{}", std::env::consts::DLL_SUFFIX))).unwrap();
    let manifest = format!("[package]\nname = \"{fixture}\"\nversion = \"{release}\"\n{rest}");
    std::fs::write(folder.join("package.toml"), manifest).unwrap();
    folder
}

/// An engine with the package `kinds`, and the sinks of `probes` at its terminals before the first event.
async fn engine_with(probes: Vec<(&str, &str, Sink)>) -> TestEngine {
    let engine = TestEngine::builder().start().await;
    let instance = kinds(&engine);
    let sinks = probes.into_iter().map(|(graph, terminal, sink)| (graph.into(), terminal.into(), sink));
    engine.deploy(instance.package(), sinks.collect()).await.unwrap();
    engine
}

fn kinds(engine: &TestEngine) -> Arc<Instance> {
    let library = Library::open(built("kinds", &[]), &Trust::optional()).unwrap();
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
