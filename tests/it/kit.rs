//! The test kit itself: its checks can fail, and its clock and faults do what they say.

use acequia::testing::{Probe, TestEngine, faults, script};
use acequia::{AccumulatorDecl, FaultBudget, GraphDecl, Package, ReactorDecl, Strategy, when_any};
use acequia_tests::{echo, numbers, single, started};
use std::time::Duration;

/// Whether `future` panics; what it says goes to the standard error.
async fn panics(future: impl Future<Output = ()>) -> bool {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        let poll = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| future.as_mut().poll(cx)));
        match poll {
            Ok(poll) => poll.map(|()| false),
            Err(_) => std::task::Poll::Ready(true),
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_hidden_event_makes_the_ledger_check_fail() {
    let (engine, _) = started::<u64>(numbers(Strategy::Sequential)).await;
    engine.push_all("n", [1_u64, 2]).await;
    assert!(!panics(engine.assert_ledger()).await);

    engine.push("n", 3_u64).await;
    assert!(engine.hide_one("n").await);

    assert!(panics(engine.assert_ledger()).await);
    assert!(engine.ledger().await.check().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_probe_waits_for_values_and_for_silence() {
    let (engine, probe) = started::<u64>(numbers(Strategy::Sequential)).await;
    engine.push_all("n", [1_u64, 2, 3]).await;

    assert_eq!(probe.expect(2).await, [1, 2]);
    assert!(panics(probe.none_within(Duration::from_secs(1))).await, "3 waits");
    assert_eq!(probe.expect(1).await, [3]);
    probe.none_within(Duration::from_secs(3600)).await;
    assert!(panics(async { drop(probe.expect(1).await) }).await, "nothing comes");
    assert_eq!(probe.all(), [1, 2, 3]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn settling_leaves_the_clock_alone_and_advancing_moves_it_exactly() {
    let (engine, probe) = started::<u64>(numbers(Strategy::Sequential)).await;
    let before = engine.clock().now();

    engine.push("n", 1_u64).await;
    engine.settle().await;
    assert_eq!(probe.all(), [1]);
    assert_eq!(engine.clock().now(), before);

    engine.advance(Duration::from_millis(12_345)).await;
    assert_eq!(engine.clock().now().since(before), Duration::from_millis(12_345));
}

#[tokio::test(start_paused = true)]
async fn a_scripted_source_does_each_step_once_and_counts_its_starts() {
    let feed = script::<u64>();
    feed.emit(1).wait(Duration::from_secs(5)).emit(2).fail("reset").emit(3).panic("boom").emit(4).end();
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(feed.source());
    let (engine, probe) = started::<u64>(single::<u64>(accumulator, Strategy::Sequential)).await;

    engine.settle().await;
    assert_eq!(probe.all(), [1], "the wait takes virtual time");
    assert_eq!(probe.expect(4).await, [1, 2, 3, 4]);
    assert_eq!(feed.starts(), 3);
    assert_eq!(feed.resumed_after(), [None, Some(1), Some(2)]);
    engine.assert_ledger().await;
}

fn patient(graph: GraphDecl) -> GraphDecl {
    graph.budget(FaultBudget::unlimited(3))
}

#[tokio::test(start_paused = true)]
async fn faults_come_at_the_given_runs() {
    let plan = faults().panic_at(1).error_at(4).sleep_at(6, Duration::from_secs(1));
    let graph = plan.wrap(patient(echo::<u64>("g", "n"))).on("R");
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    let package = Package::new("p").reactor(reactor.strategy(Strategy::Sequential)).graph(graph);
    let (engine, probe) = started::<u64>(package).await;

    engine.push_all("n", 0..8_u64).await;

    // Runs: 0, 1 (panic), 1 again, 2, 3 (error), 3 again, 4 (sleeps), 5, 6, 7.
    assert_eq!(probe.expect(8).await, (0..8).collect::<Vec<_>>());
    assert_eq!((plan.runs(), plan.injected()), (10, 3));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn seeded_faults_are_the_same_each_time() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let plan = faults().seeded(7, 100);
        let graph = plan.wrap(patient(echo::<u64>("g", "n"))).on("R");
        let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
        let package = Package::new("p").reactor(reactor.strategy(Strategy::Sequential)).graph(graph);
        let (engine, probe) = started::<u64>(package).await;
        engine.push_all("n", 0..300_u64).await;
        engine.assert_settled().await;
        engine.assert_ledger().await;
        seen.push((plan.injected(), probe.all()));
    }
    assert!(seen[0].0 > 10, "{} faults", seen[0].0);
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_test_engine_does_not_hang() {
    let feed = script::<u64>();
    feed.emit(1).wait(Duration::from_secs(1_000_000));
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(feed.source());
    let probe = Probe::<u64>::new();
    let engine = TestEngine::builder()
        .package(single::<u64>(accumulator, Strategy::Latest))
        .probe("g", "out", &probe)
        .start()
        .await;
    probe.expect(1).await;
    drop(engine);
}
