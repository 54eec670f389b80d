//! The flight recorder: what was recorded is gone through again, and compared.

mod command;
mod different;
mod equal;
mod lineage;

use acequia::replay::{Replay, Report};
use acequia::store::disk::{Cut, SimulatedDisk};
use acequia::store::journal::Settings;
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Batch, Failure, Guarantee, Kind, Package, ReactorDecl, Sink, StateWindow, Strategy,
    when_all, when_any,
};
use acequia_tests::{abc, echo};
use std::sync::Arc;

/// One reactor of every kind that remembers something: passthroughs merged by arrival, under both strategies, a
/// window that is offered at each start, a batch, and one reactor that feeds another.
fn every_kind() -> Package {
    let window = AccumulatorDecl::new("window", Kind::State, || {
        StateWindow::new(3, vec![7], |event: &u64| Ok::<_, Failure>(Some(*event)))
    });
    let batch = AccumulatorDecl::new("batch", Kind::Batch, || {
        Batch::new(None, 3, |events: &[u64]| Ok(Some(events.to_vec())))
    });
    let of = |name: &str, accumulator: AccumulatorDecl| {
        let criteria = when_any([accumulator.name.clone()]);
        ReactorDecl::new(name, vec![accumulator], criteria).strategy(Strategy::Sequential)
    };
    let three = |names: [&'static str; 3]| names.map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let package = Package::new("kinds")
        .reactor(
            ReactorDecl::new("Merged", three(["a", "b", "c"]), when_any(["a", "b"]))
                .strategy(Strategy::Sequential),
        )
        .graph(abc("merged").on("Merged"))
        .reactor(of("Windowed", window))
        .graph(echo::<Vec<u64>>("windowed", "window").on("Windowed"))
        .reactor(of("Batched", batch))
        .graph(echo::<Vec<u64>>("batched", "batch").on("Batched"))
        .reactor(ReactorDecl::new(
            "Latest",
            vec![AccumulatorDecl::passthrough::<u64>("x"), AccumulatorDecl::passthrough::<u64>("y")],
            when_all(["x", "y"]),
        ))
        .graph(echo::<u64>("latest", "x").on("Latest"))
        .reactor(of("Fed", AccumulatorDecl::passthrough::<u64>("fed")))
        .graph(echo::<u64>("end", "fed").on("Fed"));
    durable(package)
}

fn durable(package: Package) -> Package {
    package.map_reactors(|mut reactor| {
        let accumulators = std::mem::take(&mut reactor.accumulators);
        reactor.accumulators = accumulators.into_iter().map(|it| it.delivery(Guarantee::Durable)).collect();
        reactor
    })
}

/// An engine over `disk`, all of whose terminals are listened to.
async fn start(disk: &SimulatedDisk, package: Package) -> TestEngine {
    let on = Arc::new(disk.clone());
    let mut engine = TestEngine::builder().with(|it| it.journal_on(on, Settings::small()));
    for graph in package.graphs() {
        for terminal in graph.terminals.iter() {
            engine = engine.sink(graph.name.clone(), terminal.name.clone(), Sink::json(|_| ()));
        }
    }
    engine.package(package).sink("latest", "out", Sink::accumulator("fed")).start().await
}

/// What is left of an engine that was cut off.
fn cut_off(engine: TestEngine, disk: &SimulatedDisk) -> SimulatedDisk {
    let found = disk.power_cut(Cut::Torn);
    drop(engine);
    found
}

fn replayed(disk: &SimulatedDisk, package: Package) -> Report {
    Replay::on(Arc::new(disk.copy())).package(package).run().unwrap()
}

/// Reactor `R` over the durable passthrough `numbers`, and a graph on it.
fn numbers(graph: acequia::GraphDecl) -> Package {
    let numbers = AccumulatorDecl::passthrough::<u64>("numbers");
    let reactor = ReactorDecl::new("R", vec![numbers], when_any(["numbers"])).strategy(Strategy::Sequential);
    durable(Package::new("numbers").reactor(reactor).graph(graph.on("R")))
}

/// The journal of an engine with `package` that was given 1 to 40, four at a time.
async fn recorded(package: Package) -> SimulatedDisk {
    let disk = SimulatedDisk::new(5);
    let on = Arc::new(disk.clone());
    let probe = Probe::<u64>::new();
    let engine = TestEngine::builder().with(|it| it.journal_on(on, Settings::small())).package(package);
    let engine = engine.probe("W", "out", &probe).start().await;
    for first in (1..=40_u64).step_by(4) {
        engine.push_all("numbers", first..first + 4).await;
        engine.settle().await;
    }
    assert_eq!(probe.all().len(), 40);
    cut_off(engine, &disk)
}
