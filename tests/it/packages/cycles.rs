//! Many loads and unloads leave nothing behind.

use super::{publisher, subscriber, whole};
use acequia::library::{Library, mapped};
use acequia::testing::TestEngine;
use acequia::{Engine, Package, Placement, Trust};
use acequia_tests::library::library;
use std::time::Duration;

/// Actors (as tasks), names, open files and threads.
async fn counts(engine: &Engine) -> [usize; 4] {
    let files = std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default();
    let threads = std::fs::read_dir("/proc/self/task").map(Iterator::count).unwrap_or_default();
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let names = engine.packages().iter().map(|package| 1 + package.owns.len()).sum();
    [tasks, names, files, threads]
}

/// How many cycles: 10,000 where `ACEQUIA_CYCLES` says so.
fn cycles(few: usize) -> usize {
    std::env::var("ACEQUIA_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

#[test]
fn cycles_of_load_and_unload_end_where_they_began() {
    cycled(cycles(1_000), |_| whole());
}

#[test]
fn cycles_of_a_library_end_where_they_began_and_map_it_once() {
    let path = library("whole", &[]).canonicalize().unwrap();
    let account = || mapped().into_iter().filter(|mapped| mapped.path == path).collect::<Vec<_>>();
    let places = || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        maps.lines().filter(|line| line.ends_with(path.to_str().unwrap())).count()
    };
    drop(Library::open(&path, &Trust::optional()).unwrap());
    let before = (account(), places());

    cycled(cycles(200), |engine| {
        let library = Library::open(&path, &Trust::optional()).unwrap();
        library.package(engine.services()).version("1")
    });

    assert_eq!((account(), places()), before, "mapped once, and held by nobody");
    assert_eq!(before.0[0].live, 0);
}

/// Load and unload the package `whole` so often, with an event in it each time.
fn cycled(n: usize, whole: impl Fn(&Engine) -> Package) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let placement = Placement::Current;
        let builder = Engine::builder().package(publisher()).package(subscriber()).placement(placement);
        let engine = builder.start().await.unwrap();
        let push = async |name: &str, n: usize| {
            engine.accumulator::<u64>(name).unwrap().push(n as u64).await.unwrap();
        };
        let mut before = [0; 4];
        for cycle in 0..n {
            if cycle == 16 {
                before = counts(&engine).await;
            }
            engine.load(whole(&engine)).await.unwrap();
            push("first", cycle).await;
            push("raw_prices", cycle).await;
            let gone = engine.unload("whole").await.unwrap();
            assert_eq!((gone.killed.len(), gone.dropped), (0, 0), "cycle {cycle}: {gone:?}");
        }
        // What ended last may still be on its way out.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        let after = counts(&engine).await;
        assert_eq!(after[1], before[1], "names");
        for (kind, at) in [("actors", 0), ("files", 2)] {
            assert!(after[at] <= before[at], "{kind}: {} before, {} after", before[at], after[at]);
        }
        // Other tests of this binary have threads of their own.
        assert!(after[3] < before[3] + 64, "threads: {} before, {} after", before[3], after[3]);
        let ledger = engine.ledger().await;
        ledger.check().unwrap();
        assert_eq!(ledger.edge("First/events/first").unwrap().accepted, n as u64);
        assert!(ledger.edges.len() < 64, "retired edges are added up by name");
        engine.shutdown(Duration::from_secs(5)).await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_comes_and_goes_leaves_no_trace_at_a_publisher_that_does_not_fire() {
    let engine = TestEngine::start([publisher()]).await;
    let reactor = engine.reactor("PriceReactor").unwrap();
    engine.load(subscriber()).await.unwrap();
    engine.unload("pricing-subscriber").await.unwrap();
    let before = (reactor.inspect().await, tokio::runtime::Handle::current().metrics().num_alive_tasks());
    for _ in 0..100 {
        engine.load(subscriber()).await.unwrap();
        engine.unload("pricing-subscriber").await.unwrap();
    }
    engine.settle().await;
    let after = (reactor.inspect().await, tokio::runtime::Handle::current().metrics().num_alive_tasks());
    assert_eq!(after.0, before.0);
    assert!(after.1 <= before.1);
}
