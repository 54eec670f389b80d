//! Graphs that leave their cell and send on to a durable accumulator.

use super::chain::chained;
use super::{on, reactor, sums};
use acequia::core::accumulator::Stateful;
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::{CrashPoint, OnCrashPoint, Settings};
use acequia::testing::{Probe, TestEngine};
use acequia::{AccumulatorDecl, GraphPlacement, Guarantee, Kind, Package, Sink};
use acequia_tests::{Gate, echo};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A chain in which every firing is slow: each graph leaves its cell with its first.
async fn start(disk: &SimulatedDisk, guarantee: Guarantee) -> (TestEngine, Probe<u64>) {
    let probe = Probe::new();
    let engine = on(disk)
        .with(|engine| engine.slow_firing(Duration::ZERO))
        .package(chained(guarantee))
        .sink("forward", "out", Sink::accumulator("totals"))
        .probe("watch", "out", &probe)
        .start()
        .await;
    (engine, probe)
}

#[tokio::test(start_paused = true)]
async fn what_a_graph_sent_as_it_left_its_cell_is_in_the_batch_of_its_turn() {
    for guarantee in [Guarantee::Durable, Guarantee::EffectivelyOnce] {
        let disk = SimulatedDisk::new(53);
        let (engine, probe) = start(&disk, guarantee).await;
        engine.push("events", 1_u64).await;
        engine.settle().await;
        assert_eq!(probe.all(), [1], "{guarantee}: nothing else has to fire first");
        let disk = disk.kill();
        drop(engine);

        let (engine, probe) = start(&disk, guarantee).await;
        engine.push_all("events", [10_u64, 100]).await;
        engine.settle().await;
        assert_eq!(probe.all().last(), Some(&111), "{guarantee}");
        engine.assert_ledger().await;
    }
}

/// Settings of a journal that does not come to the end of a sync while `is_slow`.
fn waits_at(gate: &Arc<Gate>, is_slow: &Arc<AtomicBool>) -> Settings {
    let (gate, is_slow) = (Arc::clone(gate), Arc::clone(is_slow));
    let wait = move |reached| {
        if reached == CrashPoint::BeforeSync && is_slow.load(Ordering::Acquire) {
            gate.pass();
        }
    };
    Settings { on_crash_point: Some(OnCrashPoint::new(wait)), ..Settings::default() }
}

/// Two reactors, of which the first makes the disk slow with its first event; its graph runs elsewhere.
fn slows_down(is_slow: &Arc<AtomicBool>) -> Package {
    let is_slow = Arc::clone(is_slow);
    let make = move || {
        let is_slow = Arc::clone(&is_slow);
        Stateful::new((), move |(): &mut (), event: &u64| {
            is_slow.store(true, Ordering::Release);
            Ok(Some(*event))
        })
    };
    let events = AccumulatorDecl::new("events", Kind::Stream, make).delivery(Guarantee::EffectivelyOnce);
    Package::new("chain")
        .reactor(reactor("First", events))
        .graph(echo::<u64>("forward", "events").on("First").placement(GraphPlacement::Detached))
        .reactor(reactor("Second", sums("totals", Guarantee::EffectivelyOnce)))
        .graph(echo::<u64>("watch", "totals").on("Second"))
}

/// Whoever waits for nothing to be open must not go on while an output is on its way to the disk.
#[tokio::test(start_paused = true)]
async fn what_a_graph_elsewhere_made_is_open_until_it_is_on_disk() {
    let (gate, is_slow) = (Arc::<Gate>::default(), Arc::<AtomicBool>::default());
    let disk = Arc::new(SimulatedDisk::new(59));
    let settings = waits_at(&gate, &is_slow);
    let probe = Probe::<u64>::new();
    let engine = TestEngine::builder()
        .with(|engine| engine.journal_on(disk, settings))
        .package(slows_down(&is_slow))
        .sink("forward", "out", Sink::accumulator("totals"))
        .probe("watch", "out", &probe)
        .start()
        .await;
    let handle = engine.engine().accumulator::<u64>("events").unwrap();
    let mut pushing = tokio::task::JoinSet::new();
    pushing.spawn(async move { handle.push(7).await.is_ok() });
    while !is_slow.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
    let mut seen_idle = false;
    for _ in 0..500 {
        seen_idle |= engine.engine().unsettled().await.is_empty();
        tokio::task::yield_now().await;
    }
    gate.open();
    assert_eq!(pushing.join_all().await, [true]);
    assert!(!seen_idle, "something is open all the time");
    engine.settle().await;
    assert_eq!(probe.all(), [7]);
    engine.assert_ledger().await;
}
