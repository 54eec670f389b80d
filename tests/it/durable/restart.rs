//! What survives.

use super::{on, package, power_cut, reactor, start};
use acequia::store::disk::SimulatedDisk;
use acequia::testing::Probe;
use acequia::{AccumulatorDecl, Batch, Guarantee, Kind, Package, StateWindow};
use acequia_tests::echo;

#[tokio::test(start_paused = true)]
async fn acknowledged_events_survive_the_power_and_act_on_state_once() {
    for guarantee in [Guarantee::Durable, Guarantee::EffectivelyOnce] {
        let mut disk = SimulatedDisk::new(7);
        let mut sum = 0;
        for life in 0..12_u64 {
            let (engine, probe) = start(&disk, guarantee).await;
            for event in 1..=5 + life {
                engine.push("numbers", event).await;
                sum += event;
            }
            if life % 3 > 0 {
                engine.settle().await;
                assert_eq!(probe.all().last(), Some(&sum), "{guarantee}, life {life}");
                engine.assert_ledger().await;
            }
            disk = power_cut(engine, &disk);
        }
        let (engine, probe) = start(&disk, guarantee).await;
        engine.push("numbers", 1000_u64).await;
        engine.settle().await;
        assert_eq!(probe.all().last(), Some(&(sum + 1000)), "{guarantee}: every event counts once");
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_survives_and_what_waits_behind_it_fires_at_the_resume() {
    let disk = SimulatedDisk::new(3);
    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    engine.engine().reactor("R").unwrap().pause().await;
    engine.push_all("numbers", [1_u64, 2, 3]).await;
    engine.settle().await;
    assert!(probe.is_empty());
    let disk = disk.kill();
    drop(engine);

    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    engine.settle().await;
    assert!(probe.is_empty(), "it is paused still");
    engine.engine().reactor("R").unwrap().resume().await;
    engine.settle().await;
    assert_eq!(probe.all(), [1, 3, 6]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_accumulator_holds_survives() {
    let batches = || {
        let make = || Batch::new(None, 3, |events: &[u64]| Ok(Some(events.to_vec())));
        let batch = AccumulatorDecl::new("held", Kind::Batch, make).delivery(Guarantee::Durable);
        let graph = echo::<Vec<u64>>("W", "held").on("R");
        Package::new("batches").reactor(reactor("R", batch)).graph(graph)
    };
    let mut disk = SimulatedDisk::new(5);
    let mut got = Vec::new();
    for event in 1..=7_u64 {
        let probe = Probe::<Vec<u64>>::new();
        let engine = on(&disk).package(batches()).probe("W", "out", &probe).start().await;
        engine.push("held", event).await;
        engine.settle().await;
        got.extend(probe.all());
        engine.assert_ledger().await;
        disk = disk.kill();
    }
    assert_eq!(got, [vec![1, 2, 3], vec![4, 5, 6]]);
}

#[tokio::test(start_paused = true)]
async fn a_window_goes_on_after_any_number_of_starts_each_of_which_offered_it_anew() {
    let windows = || {
        let make = || StateWindow::new(3, Vec::new(), |event: &u64| Ok(Some(*event)));
        let window = AccumulatorDecl::new("newest", Kind::State, make).delivery(Guarantee::Durable);
        let graph = echo::<Vec<u64>>("W", "newest").on("R");
        Package::new("windows").reactor(reactor("R", window)).graph(graph)
    };
    let mut disk = SimulatedDisk::new(6);
    for event in 1..=6_u64 {
        let probe = Probe::<Vec<u64>>::new();
        let engine = on(&disk).package(windows()).probe("W", "out", &probe).start().await;
        engine.push("newest", event).await;
        engine.settle().await;
        let newest: Vec<u64> = (event.saturating_sub(2).max(1)..=event).collect();
        assert_eq!(probe.all().last(), Some(&newest));
        engine.assert_ledger().await;
        disk = power_cut(engine, &disk);
    }
}

#[tokio::test(start_paused = true)]
async fn firings_go_on_counting_where_they_stopped() {
    let mut disk = SimulatedDisk::new(11);
    for life in 0..3_u64 {
        let (engine, _) = start(&disk, Guarantee::Durable).await;
        engine.push_all("numbers", [1_u64, 1, 1]).await;
        engine.settle().await;
        let firings = engine.engine().reactor("R").unwrap().inspect().await;
        assert!(firings.to_string().contains(&format!("{}", 3 * (life + 1) - 1)), "{firings}");
        disk = disk.kill();
    }
}

#[tokio::test(start_paused = true)]
async fn an_unloaded_reactor_begins_anew() {
    let disk = SimulatedDisk::new(13);
    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    engine.push_all("numbers", [1_u64, 2]).await;
    engine.settle().await;
    assert_eq!(probe.all(), [1, 3]);
    engine.engine().unload("sums").await.unwrap();
    engine.engine().load(package(Guarantee::Durable)).await.unwrap();
    let probe = engine.probe::<u64>("W", "out").await;
    engine.push("numbers", 10_u64).await;
    engine.settle().await;
    assert_eq!(probe.all(), [10], "what was unloaded is history");
    let disk = disk.kill();
    drop(engine);

    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    engine.push("numbers", 1_u64).await;
    engine.settle().await;
    assert_eq!(probe.all(), [11], "and the second life goes on");
}
