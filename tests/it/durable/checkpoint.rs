//! Where replay begins, and what the journal keeps.

use super::{on, package, power_cut, reactor, start};
use acequia::core::accumulator::Stateful;
use acequia::store::disk::SimulatedDisk;
use acequia::testing::Probe;
use acequia::{AccumulatorDecl, Guarantee, Kind, Package};
use acequia_tests::echo;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn what_lies_before_the_last_checkpoints_is_trimmed_and_nothing_is_missing() {
    let mut disk = SimulatedDisk::new(23);
    let mut sum = 0;
    for _ in 0..5 {
        let (engine, probe) = start(&disk, Guarantee::Durable).await;
        for event in 1..=1_500_u64 {
            engine.push("numbers", event).await;
            sum += event;
        }
        engine.settle().await;
        assert_eq!(probe.all().last(), Some(&sum));
        engine.engine().shutdown(Duration::from_secs(1)).await;
        disk = disk.kill();
    }
    let first = "segment-0000000000000001".to_owned();
    assert!(!disk.names().contains(&first), "{:?}", disk.names());

    let (engine, probe) = start(&disk, Guarantee::Durable).await;
    let records = engine.engine().recovery().unwrap().records;
    assert!(records < 6_000, "{records} records, of 7,500 events with their turns");
    engine.push("numbers", 1_u64).await;
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(sum + 1)));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_shutdown_a_start_has_nothing_to_go_through() {
    let disk = SimulatedDisk::new(29);
    let (engine, _) = start(&disk, Guarantee::EffectivelyOnce).await;
    engine.push_all("numbers", [1_u64, 2, 3]).await;
    engine.engine().shutdown(Duration::from_secs(1)).await;
    let disk = disk.kill();

    let (engine, probe) = start(&disk, Guarantee::EffectivelyOnce).await;
    let recovery = engine.engine().recovery().unwrap();
    assert!(!recovery.is_recovery && recovery.recoveries == 0, "{recovery:?}");
    engine.push("numbers", 10_u64).await;
    engine.settle().await;
    assert_eq!(probe.all(), [16]);
    engine.assert_ledger().await;
}

/// Counts what it is given, in place of summing it up.
fn counts() -> Package {
    let make = || {
        Stateful::new(0_u64, |sum: &mut u64, _: &u64| {
            *sum += 1000;
            Ok(Some(*sum))
        })
    };
    let counts = AccumulatorDecl::new("numbers", Kind::Stream, make).delivery(Guarantee::Durable);
    Package::new("sums").reactor(reactor("R", counts)).graph(echo::<u64>("W", "numbers").on("R")).version("2")
}

#[tokio::test(start_paused = true)]
async fn a_new_version_goes_on_after_a_crash_though_it_would_have_done_otherwise() {
    let disk = SimulatedDisk::new(31);
    let probe = Probe::<u64>::new();
    let engine =
        on(&disk).package(package(Guarantee::Durable).version("1")).probe("W", "out", &probe).start().await;
    engine.push_all("numbers", [1_u64, 2]).await;
    engine.settle().await;
    engine.engine().load(counts()).await.unwrap();
    engine.push("numbers", 7_u64).await;
    engine.settle().await;
    assert_eq!(probe.all(), [1, 3, 1003]);
    let disk = power_cut(engine, &disk);

    let probe = Probe::<u64>::new();
    let engine = on(&disk).package(counts()).probe("W", "out", &probe).start().await;
    engine.push("numbers", 7_u64).await;
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&2003));
    engine.assert_ledger().await;
}
