//! The watchdog: code that does not return is named while it still runs.

use acequia::core::cell::InHand;
use acequia::{AccumulatorDecl, Engine, Failure, GraphBuilder, Package, Placement, ReactorDecl, when_any};
use acequia_tests::{Gate, echo, eventually};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_does_not_return_is_named_with_its_package_and_its_neighbours_go_on() {
    let gate = Arc::new(Gate::default());
    let passing = Arc::clone(&gate);
    let mut graph = GraphBuilder::new("stuck").on("R");
    let n = graph.source::<u64>("n");
    let out = graph.try_node("out", (n,), move |(n,)| {
        passing.pass();
        Ok::<u64, Failure>(*n)
    });
    graph.terminal(out);
    let numbers = |name: &str| AccumulatorDecl::passthrough::<u64>(name);
    let publisher = Package::new("publisher")
        .reactor(ReactorDecl::new("R", vec![numbers("n")], when_any(["n"])))
        .reactor(ReactorDecl::new("Q", vec![numbers("q")], when_any(["q"])))
        .graph(echo::<u64>("beside", "q").on("Q"));
    let subscriber = Package::new("subscriber").graph(graph.build().unwrap());
    let (tell, told) = channel();
    let engine = Engine::builder()
        .placement(Placement::Shards { n: 2, busy_poll: false })
        .watchdog(Duration::from_millis(40), move |stall| drop(tell.send(stall.clone())))
        .package(publisher)
        .package(subscriber)
        .start()
        .await
        .unwrap();

    engine.accumulator::<u64>("n").unwrap().push(1).await.unwrap();
    let stall = tokio::task::spawn_blocking(move || told.recv().map(|stall| (stall, told))).await.unwrap();
    let (stall, told) = stall.unwrap();

    assert_eq!(stall.part, InHand::Graph("stuck".into(), "subscriber".into()));
    assert_eq!((stall.reactor.as_str(), stall.package.as_str()), ("R", "subscriber"));
    assert!(stall.lasted >= Duration::from_millis(40), "{stall}");
    assert!(stall.to_string().starts_with("graph stuck of package subscriber has kept reactor R"), "{stall}");
    let beside = engine.accumulator::<u64>("q").unwrap();
    beside.push(2).await.unwrap();
    let fired = async || engine.reactor("Q").unwrap().n_firings().await == 1;
    eventually("the other shard goes on", fired).await;

    gate.open();
    eventually("the stuck one as well", async || engine.reactor("R").unwrap().n_firings().await == 1).await;
    assert_eq!(engine.counters().stalls.load(Ordering::Relaxed), 1, "each turn is told of once");
    engine.shutdown(Duration::from_secs(5)).await.ledger.check().unwrap();
    drop(engine);
    assert!(told.recv().is_err(), "the watchdog ends with its engine");
}

#[tokio::test]
async fn a_reactor_that_waits_for_its_turn_behind_a_stuck_one_is_not_told_of() {
    let gate = Arc::new(Gate::default());
    let passing = Arc::clone(&gate);
    let mut graph = GraphBuilder::new("stuck").on("R");
    let n = graph.source::<u64>("n");
    let out = graph.node("out", (n,), move |(n,)| {
        passing.pass();
        *n
    });
    graph.terminal(out);
    let reactor = |name: &str, source: &str| {
        ReactorDecl::new(name, vec![AccumulatorDecl::passthrough::<u64>(source)], when_any([source]))
    };
    let package = Package::new("p").reactor(reactor("R", "n")).reactor(reactor("Q", "q"));
    let package = package.graph(graph.build().unwrap()).graph(echo::<u64>("beside", "q").on("Q"));
    let (tell, told) = channel();
    let opening = Arc::clone(&gate);
    let engine = Engine::builder()
        .watchdog(Duration::from_millis(40), move |stall| {
            let _ = tell.send(stall.reactor.to_string());
            opening.open();
        })
        .package(package)
        .start()
        .await
        .unwrap();

    // One thread: both come to the shard in one pass, in this order.
    engine.accumulator::<u64>("n").unwrap().try_push(1).unwrap();
    engine.accumulator::<u64>("q").unwrap().try_push(2).unwrap();
    let fired = async || engine.reactor("Q").unwrap().n_firings().await == 1;
    eventually("the one behind it has its turn", fired).await;

    engine.shutdown(Duration::from_secs(5)).await.ledger.check().unwrap();
    drop(engine);
    assert_eq!(told.iter().collect::<Vec<_>>(), ["R"]);
}
