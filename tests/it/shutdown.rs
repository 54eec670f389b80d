//! Ordered shutdown: refuse, stop sources, flush, drain, report, tear down in reverse.

use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Batch, Component, Engine, GraphBuilder, GraphPlacement, Kind, Overflow, Package,
    Placement, PushError, ReactorDecl, Sink, SourceDecl, SourceOut, StartError, Strategy, when_any,
};
use acequia_tests::{Gate, echo, eventually, numbers, single, started};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn children_stop_in_the_exact_reverse_of_their_start() {
    let (engine, _) = started::<u64>(numbers(Strategy::Sequential)).await;
    let reactor = ReactorDecl::new("S", vec![AccumulatorDecl::passthrough::<u64>("m")], when_any(["m"]));
    let second = Package::new("q").reactor(reactor).graph(echo::<u64>("k", "m").on("S"));
    engine.deploy(second.graph(echo::<u64>("l", "n").on("R")), Vec::new()).await.unwrap();
    let mut names = Vec::new();
    for (name, children) in engine.tree().await.into_iter().filter(|(name, _)| name.starts_with("package")) {
        names.push(name.split(" [").next().unwrap().to_owned());
        names.extend(children.into_iter().map(|child| child.name));
    }
    let started =
        "package p, reactor R, accumulator n, graph g, package q, reactor S, accumulator m, graph k, graph l";
    assert_eq!(names.join(", "), started);

    let report = engine.shutdown(Duration::from_secs(1)).await;

    let stopped: Vec<_> = report.stopped.iter().rev().map(|stopped| stopped.name.as_str()).collect();
    assert_eq!(stopped.join(", "), started);
    assert!(report.stopped.iter().all(|stopped| !stopped.killed));
    report.ledger.check().unwrap();
}

#[tokio::test(start_paused = true)]
async fn new_work_is_refused_and_accepted_work_is_flushed_and_drained() {
    let batch = || Batch::new(None, 100, |events: &[u64]| Ok(Some(events.iter().sum::<u64>())));
    let package = single::<u64>(AccumulatorDecl::new("n", Kind::Batch, batch), Strategy::Sequential);
    let (engine, sums) = started::<u64>(package).await;
    let handle = engine.accumulator::<u64>("n").unwrap();
    engine.push_all("n", [1_u64, 2, 3]).await;

    let report = engine.shutdown(Duration::from_secs(5)).await;

    assert_eq!(sums.all(), [6], "the batch was flushed");
    assert!(report.unsettled.is_empty());
    report.ledger.check().unwrap();
    assert!(matches!(handle.push(4).await, Err(PushError::Closed { item: 4 })));
    assert!(matches!(handle.try_push(4), Err(PushError::Closed { .. })));
    assert!(handle.push_batch([4]).await.is_err() && handle.push_inline(4).is_err());
    let refused = engine.deploy(numbers(Strategy::Latest), Vec::new()).await;
    assert!(matches!(refused, Err(StartError::Stopping)));
}

#[tokio::test]
async fn sources_stop_first() {
    let source = SourceDecl::run(|out: SourceOut<u64>| async move {
        for n in 0.. {
            out.push_at(n, n).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(source);
    let probe = Probe::<u64>::new();
    let builder = Engine::builder().package(single::<u64>(accumulator, Strategy::Sequential));
    let engine = builder.sink("g", "out", probe.sink()).start().await.unwrap();
    eventually("it runs", async || probe.len() > 100).await;

    let report = engine.shutdown(Duration::from_secs(5)).await;

    assert!(report.unsettled.is_empty(), "{}", report.unsettled);
    report.ledger.check().unwrap();
    let accepted = report.ledger.edge("R/events/n").unwrap().accepted;
    assert_eq!(probe.all(), (0..accepted).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_deadline_reports_what_it_leaves_and_a_second_shutdown_does_not_hang() {
    let gate = Arc::new(Gate::default());
    let (held, mut graph) = (Arc::clone(&gate), GraphBuilder::new("stuck"));
    let n = graph.source::<u64>("n");
    let out = graph.node("out", (n,), move |(n,)| {
        held.pass();
        *n
    });
    graph.terminal(out);
    let stuck = graph.on("R").build().unwrap().placement(GraphPlacement::Blocking);
    let engine = Engine::builder().package(numbers(Strategy::Sequential).graph(stuck)).start().await.unwrap();
    let handle = engine.accumulator::<u64>("n").unwrap();
    handle.push(1).await.unwrap();
    eventually("it is inside", async || gate.entered() == 1).await;
    handle.push_batch([2, 3]).await.unwrap();

    let report = engine.shutdown(Duration::from_millis(50)).await;

    assert_eq!(report.unsettled.to_string(), "in flight 1, pending 2");
    assert_eq!(report.unsettled.in_flight[0].source, "R/deliveries/stuck");
    report.ledger.check().unwrap();
    assert!(report.stopped.iter().any(|stopped| stopped.name == "graph stuck"));
    let second = engine.shutdown(Duration::from_secs(5)).await;
    assert!(second.stopped.is_empty());
    assert!(second.took < Duration::from_secs(1));
    gate.open();
}

#[tokio::test]
async fn two_shutdowns_at_once_both_end() {
    let engine = Engine::builder().package(numbers(Strategy::Sequential)).start().await.unwrap();
    let other = engine.clone();
    let limit = Duration::from_secs(5);
    let (first, second) = tokio::join!(engine.shutdown(limit), other.shutdown(limit));
    assert_eq!(first.stopped.len() + second.stopped.len(), 4);
    first.ledger.check().unwrap();
}

#[tokio::test]
async fn a_push_that_waits_for_room_is_told_that_the_engine_stops() {
    let (sink, receiver) = Sink::channel::<u64>(1, Overflow::Block);
    let package = single::<u64>(AccumulatorDecl::passthrough::<u64>("n").capacity(1), Strategy::Sequential);
    let engine = Engine::builder().package(package).sink("g", "out", sink).start().await.unwrap();
    let handle = engine.accumulator::<u64>("n").unwrap();
    let pushed = async {
        while handle.push(1).await.is_ok() {}
        true
    };

    let (report, told) = tokio::join!(engine.shutdown(Duration::from_millis(100)), pushed);

    assert!(told);
    report.ledger.check().unwrap();
    drop(receiver);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_was_put_off_does_not_bring_a_child_back() {
    let (engine, _) = started::<u64>(numbers(Strategy::Sequential)).await;
    for _ in 0..2 {
        assert!(engine.crash(Component::Graph("g")).await);
        engine.settle().await;
    }
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();

    let report = engine.shutdown(Duration::from_millis(10)).await;
    report.ledger.check().unwrap();
    assert!(report.stopped.iter().all(|stopped| stopped.name != "graph g"), "it was not there to be stopped");
    engine.advance(Duration::from_secs(1)).await;
    eventually("all tasks have ended", async || tasks() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_leaves_no_task_behind() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (engine, probe) = started::<u64>(numbers(Strategy::Sequential)).await;
    engine.push("n", 1_u64).await;
    assert_eq!(probe.expect(1).await, [1]);
    let mut firings = engine.reactor("R").unwrap().follow().await.unwrap();

    engine.shutdown(Duration::from_secs(1)).await.ledger.check().unwrap();

    eventually("all tasks have ended", async || tasks() == 0).await;
    assert!(firings.read(10).await.is_empty(), "whoever still asks is told that there is nothing");
}

/// Start an engine in a runtime of its own, drop both; true if that ends.
fn dropped(placement: Placement) -> bool {
    let (ended, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let builder = Engine::builder().package(numbers(Strategy::Sequential)).placement(placement);
            let engine = builder.start().await.unwrap();
            engine.accumulator::<u64>("n").unwrap().push(1).await.unwrap();
            engine.ledger().await.check().unwrap();
        });
        drop(runtime);
        ended.send(()).unwrap();
    });
    wait.recv_timeout(Duration::from_secs(20)).is_ok()
}

#[test]
fn an_engine_that_is_dropped_without_shutdown_holds_nobody_up() {
    assert!(dropped(Placement::Current));
    assert!(dropped(Placement::Shards { n: 2, busy_poll: false }));
    assert!(dropped(Placement::Shards { n: 1, busy_poll: true }));
}

#[tokio::test(start_paused = true)]
async fn a_test_engine_that_is_dropped_ends_its_actors() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let engine = TestEngine::start([numbers(Strategy::Sequential)]).await;
    engine.assert_ledger().await;
    drop(engine);
    eventually("all tasks have ended", async || tasks() == 0).await;
}
