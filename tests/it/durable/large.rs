//! Turns whose writing is larger than what is usually written as one, and outputs that can never be written.

use super::{on, reactor};
use acequia::store::disk::{Cut, SimulatedDisk};
use acequia::store::journal::Settings;
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, EngineState, GraphBuilder, GraphDecl, GraphPlacement, Guarantee, Package, PushError,
    Sink,
};
use std::sync::Arc;
use std::time::Duration;

/// A graph that makes, of each number, a text of `length` bytes that begins with it.
fn inflate(length: usize, placement: GraphPlacement) -> GraphDecl {
    let mut graph = GraphBuilder::new("inflate");
    let number = graph.source::<u64>("numbers");
    let out = graph.node("out", (number,), move |(number,)| format!("{number:<length$}"));
    graph.terminal(out);
    graph.build().unwrap().on("First").placement(placement)
}

/// A graph that says which numbers came.
fn read() -> GraphDecl {
    let mut graph = GraphBuilder::new("read");
    let text = graph.source::<String>("texts");
    let out = graph.node("out", (text,), |(text,)| text.trim().parse::<u64>().unwrap_or(0));
    graph.terminal(out);
    graph.build().unwrap().on("Second")
}

fn package(length: usize, placement: GraphPlacement, guarantee: Guarantee) -> Package {
    let numbers = AccumulatorDecl::passthrough::<u64>("numbers").delivery(guarantee);
    let texts = AccumulatorDecl::passthrough::<String>("texts").delivery(guarantee);
    Package::new("large")
        .reactor(reactor("First", numbers))
        .graph(inflate(length, placement))
        .reactor(reactor("Second", texts))
        .graph(read())
}

async fn start_with(disk: &SimulatedDisk, settings: Settings, package: Package) -> (TestEngine, Probe<u64>) {
    let probe = Probe::new();
    let engine = on(disk)
        .with(|engine| engine.journal_on(Arc::new(disk.clone()), settings))
        .package(package)
        .sink("inflate", "out", Sink::accumulator("texts"))
        .probe("read", "out", &probe)
        .start()
        .await;
    (engine, probe)
}

async fn start(disk: &SimulatedDisk, package: Package) -> (TestEngine, Probe<u64>) {
    start_with(disk, Settings::small(), package).await
}

#[track_caller]
fn demand_running(engine: &TestEngine) {
    let state = engine.engine().state();
    assert!(!matches!(state, EngineState::Failed { .. }), "{state:?}");
}

/// The limit of one payload, as [`Settings::small`] has it.
const PAYLOAD: usize = 8 * 1024;

/// The length of the longest text that goes into one event: a byte of its record and three of its length come first.
const LONGEST: usize = PAYLOAD - 4;

#[tokio::test(start_paused = true)]
async fn a_turn_whose_outputs_are_many_times_a_batch_is_written_as_one_whenever_the_power_goes() {
    for placement in [GraphPlacement::InPlace, GraphPlacement::Detached] {
        for guarantee in [Guarantee::Durable, Guarantee::EffectivelyOnce] {
            for (length, call) in [(100, 9), (1000, 5), (4096, 3), (4096, 7), (LONGEST, 4), (LONGEST, 11)] {
                let case = format!("{placement:?} {guarantee} {length} {call}");
                let disk = SimulatedDisk::new(call);
                let (engine, probe) = start(&disk, package(length, placement, guarantee)).await;
                engine.push_all("numbers", 1..=300_u64).await;
                engine.settle().await;
                assert_eq!(probe.all(), (1..=300).collect::<Vec<_>>(), "{case}");
                demand_running(&engine);
                engine.assert_ledger().await;

                disk.power_off_at(call);
                let handle = engine.engine().accumulator::<u64>("numbers").unwrap();
                let many = handle.push_batch(301..=500_u64);
                let _ = tokio::time::timeout(Duration::from_secs(1), many).await;
                engine.settle().await;
                let found = disk.power_cut(Cut::Torn);
                drop(engine);

                let (engine, probe) = start(&found, package(length, placement, guarantee)).await;
                engine.push("numbers", 1000_u64).await;
                engine.settle().await;
                demand_running(&engine);
                engine.assert_ledger().await;
                assert_eq!(probe.all().last(), Some(&1000), "{case}");
                let fired = engine.engine().reactor("Second").unwrap().firings(1).await;
                let n = fired.first().map_or(0, |firing| firing.id.0 + 1);
                assert!(n == 301 || n == 501, "{case}: each text came once, {n} came");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_output_that_can_never_be_written_is_a_dead_letter_and_nothing_else_is() {
    for placement in [GraphPlacement::InPlace, GraphPlacement::Detached] {
        for (length, n_letters) in [(LONGEST, 0), (LONGEST + 1, 3), (60_000, 3)] {
            let disk = SimulatedDisk::new(5);
            let (engine, probe) = start(&disk, package(length, placement, Guarantee::Durable)).await;
            engine.push_all("numbers", 1..=3_u64).await;
            engine.settle().await;
            demand_running(&engine);
            let letters = engine.engine().dead_letters().list();
            assert_eq!((letters.len(), probe.len()), (n_letters, 3 - n_letters), "{placement:?} {length}");
            for letter in letters {
                let told = letter.cause.unwrap_or_default();
                assert!(told.contains("E0750") && told.contains("payload_bytes"), "{told}");
            }
            engine.assert_ledger().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_turn_sends_beyond_its_limit_becomes_dead_letters() {
    for placement in [GraphPlacement::InPlace, GraphPlacement::Detached] {
        let disk = SimulatedDisk::new(6);
        let settings = Settings { turn_bytes: 40 * 1024, ..Settings::small() };
        let package = package(4000, placement, Guarantee::Durable);
        let (engine, probe) = start_with(&disk, settings, package).await;
        engine.push_all("numbers", 1..=20_u64).await;
        engine.settle().await;
        demand_running(&engine);
        let letters = engine.engine().dead_letters().list();
        assert_eq!(letters.len() + probe.len(), 20, "{placement:?}");
        assert!(!probe.is_empty());
        for letter in &letters {
            let told = letter.cause.clone().unwrap_or_default();
            assert!(told.contains("E0751") && told.contains("turn_bytes"), "{told}");
        }
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_can_never_be_written_is_refused_at_its_push() {
    let disk = SimulatedDisk::new(7);
    let package = package(10, GraphPlacement::InPlace, Guarantee::Durable);
    let (engine, probe) = start(&disk, package).await;
    let handle = engine.engine().accumulator::<String>("texts").unwrap();
    let long = "7".repeat(LONGEST + 1);
    let Err(PushError::NotWritten { item, source }) = handle.push(long.clone()).await else {
        panic!("it was taken");
    };
    assert_eq!(item, long, "it comes back");
    assert!(source.reason.contains("E0510") && source.retry_after.is_none(), "{source:?}");
    handle.push(format!("{:<LONGEST$}", 5)).await.unwrap();
    engine.push_all("texts", (0..100).map(|n| format!("{n:<LONGEST$}"))).await;
    engine.settle().await;
    demand_running(&engine);
    assert_eq!(probe.len(), 101, "many that are larger than a batch together are taken as well");
}
