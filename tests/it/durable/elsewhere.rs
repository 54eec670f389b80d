//! Graphs that leave their cell and send on to a durable accumulator.

use super::chain::chained;
use super::on;
use acequia::Guarantee;
use acequia::Sink;
use acequia::store::disk::SimulatedDisk;
use acequia::testing::{Probe, TestEngine};
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
