//! A full disk: what was acknowledged stays, what comes is refused with a time to try again, everything can be
//! looked at, and room brings it back without a restart.

use super::{on, package, reactor, sums};
use acequia::core::accumulator::Stateful;
use acequia::store::disk::{Disk, FolderDisk, SimulatedDisk};
use acequia::store::journal::Settings;
use acequia::testing::Probe;
use acequia::{
    AccumulatorDecl, AccumulatorHandle, Engine, EngineState, GraphPlacement, Guarantee, Kind, Package,
    PushError, Sink,
};
use acequia_tests::{Small, SmallDisk, echo, eventually};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Push 1, 2, 3 and so on until one is refused; the sum of those that were not.
async fn fill(handle: &AccumulatorHandle<u64>) -> u64 {
    let mut sum = 0;
    for number in 1..100_000 {
        match handle.push(number).await {
            Ok(_) => sum += number,
            Err(refused) => {
                demand_refusal(&refused, number);
                return sum;
            }
        }
    }
    panic!("the disk never became full");
}

#[track_caller]
fn demand_refusal(refused: &PushError<u64>, number: u64) {
    let told = refused.to_string();
    assert!(told.contains("E0125") && told.contains("E0521: the disk is full"), "{told}");
    let PushError::NotWritten { item, source } = refused else { panic!("{told}") };
    assert_eq!(*item, number, "the event comes back");
    assert!(source.retry_after.is_some_and(|after| after > Duration::ZERO), "{source:?}");
}

/// Everything can be looked at, and nothing is wrong.
async fn demand_readable(engine: &Engine) {
    assert!(!matches!(engine.state(), EngineState::Failed { .. }), "{:?}", engine.state());
    assert_eq!(engine.ledger().await.check(), Ok(()));
    assert!(engine.unsettled().await.is_empty());
    assert!(!engine.tree().await.is_empty());
    let reactor = engine.reactor("R").unwrap();
    assert!(!reactor.firings(10).await.is_empty());
    assert_eq!(reactor.subscribers().await.len(), 1);
}

/// Five segments, and the mark.
const ROOM: u64 = 5 * 64 * 1024 + 8192;

#[tokio::test(start_paused = true)]
async fn on_a_full_disk_pushes_are_refused_all_is_read_and_room_brings_them_back() {
    let disk = SimulatedDisk::new(41);
    disk.set_capacity(ROOM);
    let probe = Probe::<u64>::new();
    let engine = on(&disk).package(package(Guarantee::Durable)).probe("W", "out", &probe).start().await;
    let handle = engine.engine().accumulator::<u64>("numbers").unwrap();

    let sum = fill(&handle).await;
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&sum), "what was acknowledged is worked off");
    demand_readable(engine.engine()).await;
    demand_refusal(&handle.push(7).await.unwrap_err(), 7);

    disk.set_capacity(2 * ROOM);
    handle.push(5).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(sum + 5)));
    engine.assert_ledger().await;

    let disk = super::power_cut(engine, &disk);
    let (engine, probe) = super::start(&disk, Guarantee::Durable).await;
    engine.push("numbers", 1_u64).await;
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(sum + 6)), "and survives the power");
}

#[tokio::test(start_paused = true)]
async fn an_engine_comes_up_on_a_full_disk_and_takes_events_once_there_is_room() {
    let disk = SimulatedDisk::new(43);
    disk.set_capacity(ROOM);
    let (engine, _) = super::start(&disk, Guarantee::EffectivelyOnce).await;
    let sum = fill(&engine.engine().accumulator("numbers").unwrap()).await;
    engine.settle().await;
    drop(engine);
    let disk = disk.kill();
    disk.set_capacity(ROOM);

    let (engine, probe) = super::start(&disk, Guarantee::EffectivelyOnce).await;
    engine.settle().await;
    let handle = engine.engine().accumulator::<u64>("numbers").unwrap();
    demand_refusal(&handle.push(7).await.unwrap_err(), 7);
    assert!(!matches!(engine.engine().state(), EngineState::Failed { .. }));
    disk.set_capacity(2 * ROOM);
    handle.push(5).await.unwrap();
    engine.settle().await;
    assert_eq!(probe.all().last(), Some(&(sum + 5)));
    engine.assert_ledger().await;
}

/// Room of rings that take more than a small disk.
const LONG: usize = 64 * 1024;

/// A package of two durable reactors in a row, with long rings.
fn chain(placement: GraphPlacement, guarantee: Guarantee) -> Package {
    let made = || Stateful::new(0_u64, |_: &mut u64, number: &u64| Ok(Some(*number)));
    let first = AccumulatorDecl::new("first", Kind::Stream, made).delivery(guarantee).capacity(LONG);
    Package::new("chain")
        .reactor(reactor("First", first))
        .graph(echo::<u64>("forward", "first").on("First").placement(placement).delivery_capacity(2 * LONG))
        .reactor(reactor("R", sums("numbers", guarantee).capacity(LONG)))
        .graph(echo::<u64>("W", "numbers").on("R"))
}

async fn start_chain(
    disk: &SimulatedDisk,
    placement: GraphPlacement,
    guarantee: Guarantee,
) -> (acequia::testing::TestEngine, Probe<u64>) {
    let probe = Probe::<u64>::new();
    let engine = on(disk)
        .package(chain(placement, guarantee))
        .sink("forward", "out", Sink::accumulator("numbers"))
        .probe("W", "out", &probe)
        .start()
        .await;
    (engine, probe)
}

/// Push 1, 2, 3 and so on into a paused chain until one is refused, and let it go on: there is not nearly room for
/// what follows. The sum of what was taken.
async fn overfill(engine: &Engine) -> u64 {
    let reactor = engine.reactor("First").unwrap();
    reactor.pause().await;
    let sum = fill(&engine.accumulator::<u64>("first").unwrap()).await;
    reactor.resume().await;
    sum
}

/// More was taken than can be worked off: what finds no room waits, and nothing is lost or failed.
#[tokio::test(start_paused = true)]
async fn what_finds_no_room_along_a_chain_of_long_rings_waits_until_there_is_some() {
    for placement in [GraphPlacement::InPlace, GraphPlacement::Detached] {
        for guarantee in [Guarantee::Durable, Guarantee::EffectivelyOnce] {
            let disk = SimulatedDisk::new(49);
            disk.set_capacity(ROOM);
            let (engine, probe) = start_chain(&disk, placement, guarantee).await;
            let sum = overfill(engine.engine()).await;
            tokio::time::advance(Duration::from_millis(10)).await;
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            assert!(
                !matches!(engine.engine().state(), EngineState::Failed { .. }),
                "{placement:?} {guarantee}"
            );
            assert_eq!(engine.engine().ledger().await.check(), Ok(()));
            assert!(!engine.engine().unsettled().await.is_empty(), "the room is not enough for all of it");
            assert!(!engine.engine().tree().await.is_empty());
            let handle = engine.engine().accumulator::<u64>("first").unwrap();
            demand_refusal(&handle.push(7).await.unwrap_err(), 7);

            disk.set_capacity(100 * ROOM);
            handle.push(5).await.unwrap();
            engine.settle().await;
            assert_eq!(probe.all().last(), Some(&(sum + 5)), "{placement:?} {guarantee}");
            engine.assert_ledger().await;

            let disk = super::power_cut(engine, &disk);
            let (engine, probe) = start_chain(&disk, placement, guarantee).await;
            engine.push("first", 1_u64).await;
            engine.settle().await;
            assert_eq!(probe.all().last(), Some(&(sum + 6)), "{placement:?} {guarantee}: after the power");
        }
    }
}

/// An engine that ends, or is killed, while its work waits for room takes that up again.
#[tokio::test(start_paused = true)]
async fn what_waited_for_room_as_the_engine_ended_is_done_by_the_next() {
    for placement in [GraphPlacement::InPlace, GraphPlacement::Detached] {
        for is_killed in [true, false] {
            let disk = SimulatedDisk::new(50);
            disk.set_capacity(ROOM);
            let (engine, _) = start_chain(&disk, placement, Guarantee::Durable).await;
            let sum = overfill(engine.engine()).await;
            tokio::time::advance(Duration::from_millis(10)).await;
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            if !is_killed {
                engine.engine().shutdown(Duration::from_secs(1)).await;
                let state = engine.engine().state();
                assert!(!matches!(state, EngineState::Failed { .. }), "{state:?}");
            }
            let disk = disk.kill();
            drop(engine);
            disk.set_capacity(100 * ROOM);

            let (engine, probe) = start_chain(&disk, placement, Guarantee::Durable).await;
            engine.push("first", 5_u64).await;
            engine.settle().await;
            assert_eq!(probe.all().last(), Some(&(sum + 5)), "{placement:?}, killed: {is_killed}");
            engine.assert_ledger().await;
        }
    }
}

/// What a detached graph ended, and what a reactor without marks of its own sends on, is written on a full disk.
#[tokio::test(start_paused = true)]
async fn what_was_taken_is_worked_off_along_a_chain_on_a_full_disk() {
    let disk = SimulatedDisk::new(47);
    disk.set_capacity(2 * ROOM);
    let made = || Stateful::new(0_u64, |_: &mut u64, number: &u64| Ok(Some(*number)));
    // What is under way is written once more on its way along the chain; the journal keeps so much room.
    let first = AccumulatorDecl::new("first", Kind::Stream, made).delivery(Guarantee::Durable).capacity(64);
    let chain = Package::new("chain")
        .reactor(reactor("First", first))
        .graph(echo::<u64>("forward", "first").on("First").placement(GraphPlacement::Detached))
        .reactor(reactor("R", sums("numbers", Guarantee::Durable).capacity(64)))
        .graph(echo::<u64>("W", "numbers").on("R"));
    let probe = Probe::<u64>::new();
    let engine = on(&disk)
        .package(chain)
        .sink("forward", "out", Sink::accumulator("numbers"))
        .probe("W", "out", &probe)
        .start()
        .await;
    let sum = fill(&engine.engine().accumulator("first").unwrap()).await;
    engine.settle().await;
    demand_readable(engine.engine()).await;
    assert_eq!(probe.all().last(), Some(&sum));
}

/// Small enough for a file system of a few MiB.
fn settings() -> Settings {
    let (segment_bytes, batch_bytes, payload_bytes) = (256 * 1024, 64 * 1024, 32 * 1024);
    let (group_bytes, keep_free) = (64 * 1024, 64 * 1024);
    let retry_after = Duration::from_millis(5);
    Settings {
        segment_bytes,
        batch_bytes,
        payload_bytes,
        group_bytes,
        keep_free,
        retry_after,
        ..Settings::default()
    }
}

async fn start_in(disk: &SmallDisk, newest: &Arc<AtomicU64>) -> Engine {
    let disk = Arc::new(FolderDisk::open(disk.root().join("journal")).unwrap()) as Arc<dyn Disk>;
    let newest = Arc::clone(newest);
    Engine::builder()
        .journal_on(disk, settings())
        .package(package(Guarantee::Durable))
        .sink("W", "out", Sink::callback(move |sum: &u64| newest.store(*sum, Ordering::Relaxed)))
        .start()
        .await
        .unwrap()
}

async fn a_real_disk_is_full_and_has_room_again(kind: Small) {
    let Some(disk) = SmallDisk::try_new("durable::full", kind, 6) else { return };
    disk.take(3).unwrap();
    let newest = Arc::<AtomicU64>::default();
    let engine = start_in(&disk, &newest).await;
    let handle = engine.accumulator::<u64>("numbers").unwrap();

    let sum = fill(&handle).await;
    eventually("all is worked off", async || newest.load(Ordering::Relaxed) == sum).await;
    assert!(engine.settled(Duration::from_secs(10)).await);
    demand_readable(&engine).await;

    disk.give_back().unwrap();
    eventually("there is room", async || handle.push(5).await.is_ok()).await;
    assert!(engine.settled(Duration::from_secs(10)).await);
    assert_eq!(newest.load(Ordering::Relaxed), sum + 5);
    engine.shutdown(Duration::from_secs(10)).await;
    drop((handle, engine));

    let engine = start_in(&disk, &newest).await;
    engine.accumulator::<u64>("numbers").unwrap().push(1).await.unwrap();
    eventually("all is there again", async || newest.load(Ordering::Relaxed) == sum + 6).await;
    engine.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_disk_in_memory_is_full_and_has_room_again() {
    a_real_disk_is_full_and_has_room_again(Small::Tmpfs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_disk_on_a_loop_device_is_full_and_has_room_again() {
    a_real_disk_is_full_and_has_room_again(Small::Ext4).await;
}

/// With threads, and nobody who pushes: what waits for room goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_room_on_a_real_disk_goes_on_by_itself_once_there_is_some() {
    let Some(disk) = SmallDisk::try_new("durable::full", Small::Tmpfs, 12) else { return };
    disk.take(10).unwrap();
    let newest = Arc::<AtomicU64>::default();
    let journal = Arc::new(FolderDisk::open(disk.root().join("journal")).unwrap()) as Arc<dyn Disk>;
    let told = Arc::clone(&newest);
    let engine = Engine::builder()
        .journal_on(journal, settings())
        .package(chain(GraphPlacement::InPlace, Guarantee::Durable))
        .sink("forward", "out", Sink::accumulator("numbers"))
        .sink("W", "out", Sink::callback(move |sum: &u64| told.store(*sum, Ordering::Relaxed)))
        .start()
        .await
        .unwrap();

    let sum = overfill(&engine).await;
    assert!(!engine.settled(Duration::from_millis(300)).await, "the room is not enough for all of it");
    assert!(!matches!(engine.state(), EngineState::Failed { .. }), "{:?}", engine.state());
    assert_eq!(engine.ledger().await.check(), Ok(()));
    assert_ne!(newest.load(Ordering::Relaxed), sum);

    disk.give_back().unwrap();
    eventually("all is worked off", async || newest.load(Ordering::Relaxed) == sum).await;
    assert!(engine.settled(Duration::from_secs(10)).await);
    assert_eq!(engine.ledger().await.check(), Ok(()));
    engine.shutdown(Duration::from_secs(10)).await;
}
