//! Durable accumulators: what was acknowledged survives the power, and acts once on state.

mod chain;
mod checkpoint;
mod dedupe;
mod elsewhere;
mod full;
mod kill;
mod large;
mod letters;
mod library;
mod lineage;
mod origins;
mod outputs;
mod refusals;
mod restart;
mod unread;

use acequia::core::accumulator::Stateful;
use acequia::store::disk::{Cut, SimulatedDisk};
use acequia::store::journal::Settings;
use acequia::testing::{Probe, TestEngine, TestEngineBuilder};
use acequia::{AccumulatorDecl, Guarantee, Kind, Package, ReactorDecl, Strategy, when_any};
use acequia_tests::echo;
use std::sync::Arc;

/// Sums what it is given.
fn sums(name: &str, guarantee: Guarantee) -> AccumulatorDecl {
    let make = || {
        Stateful::new(0_u64, |sum: &mut u64, event: &u64| {
            *sum += event;
            Ok(Some(*sum))
        })
    };
    AccumulatorDecl::new(name, Kind::Stream, make).delivery(guarantee)
}

/// Reactor `name` over `accumulator`, firing for each boundary.
fn reactor(name: &str, accumulator: AccumulatorDecl) -> ReactorDecl {
    let criteria = when_any([accumulator.name.clone()]);
    ReactorDecl::new(name, vec![accumulator], criteria).strategy(Strategy::Sequential)
}

fn package(guarantee: Guarantee) -> Package {
    let graph = echo::<u64>("W", "numbers").on("R");
    Package::new("sums").reactor(reactor("R", sums("numbers", guarantee))).graph(graph)
}

fn on(disk: &SimulatedDisk) -> TestEngineBuilder {
    let disk = Arc::new(disk.clone());
    TestEngine::builder().with(|engine| engine.journal_on(disk, Settings::small()))
}

/// Start the package over `disk`.
async fn start(disk: &SimulatedDisk, guarantee: Guarantee) -> (TestEngine, Probe<u64>) {
    let probe = Probe::new();
    let engine = on(disk).package(package(guarantee)).probe("W", "out", &probe).start().await;
    (engine, probe)
}

/// The power goes; what is found when it is back.
fn power_cut(engine: TestEngine, disk: &SimulatedDisk) -> SimulatedDisk {
    let found = disk.power_cut(Cut::Torn);
    drop(engine);
    found
}
