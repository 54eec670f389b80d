//! Memory: a producer that is faster than its graph is held by backpressure.

use acequia::{AccumulatorDecl, Engine, Overflow, PushError, Sink, Strategy};
use acequia_tests::{Gate, eventually, single};
use std::sync::Arc;
use std::time::Duration;

/// Room in the ring of the accumulator, and in the graph's delivery ring.
const ROOM: usize = 64;

async fn engine(accumulator: AccumulatorDecl, sink: Sink) -> Engine {
    let package = single::<u64>(accumulator.capacity(ROOM), Strategy::Sequential);
    Engine::builder().package(package).sink("g", "out", sink).start().await.unwrap()
}

/// Offer `n` events without waiting; how many were taken.
fn offer(engine: &Engine, n: u64) -> usize {
    let handle = engine.accumulator::<u64>("n").unwrap();
    (0..n).filter(|event| !matches!(handle.try_push(*event), Err(PushError::Full { .. }))).count()
}

#[tokio::test]
async fn a_full_sink_holds_the_producer_within_bounds_of_the_capacities() {
    let (sink, mut receiver) = Sink::channel::<u64>(8, Overflow::Block);
    let engine = engine(AccumulatorDecl::passthrough::<u64>("n"), sink).await;
    let mut taken = 0;
    for _ in 0..200 {
        taken += offer(&engine, 1_000);
        tokio::task::yield_now().await;
        let open = usize::try_from(engine.unsettled().await.n()).unwrap();
        // The ring, what was drawn from it, the boundaries, and one turn's outputs.
        assert!(open <= 3 * ROOM + 8, "{open} are open");
    }
    assert!(taken <= 4 * ROOM, "{taken} were taken of 200,000");
    engine.ledger().await.check().unwrap();

    let drained = async {
        for n in 0..taken {
            assert!(receiver.recv().await.is_some(), "{n} of {taken}");
        }
    };
    tokio::time::timeout(Duration::from_secs(10), drained).await.unwrap();
    let report = engine.shutdown(Duration::from_secs(5)).await;
    report.ledger.check().unwrap();
    assert!(report.unsettled.is_empty());
}

#[tokio::test]
async fn a_blocking_delivery_ring_holds_the_producer_within_bounds_of_the_capacities() {
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let mut graph = acequia::GraphBuilder::new("g");
    let n = graph.source::<u64>("n");
    let out = graph.node("out", (n,), move |(n,)| {
        held.pass();
        *n
    });
    graph.terminal(out);
    let graph = graph.on("R").build().unwrap().placement(acequia::GraphPlacement::Blocking);
    let graph = graph.overflow(Overflow::Block).delivery_capacity(ROOM);
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").capacity(ROOM);
    let reactor = acequia::ReactorDecl::new("R", vec![accumulator], acequia::when_any(["n"]));
    let package = acequia::Package::new("p").reactor(reactor.strategy(Strategy::Sequential)).graph(graph);
    let engine = Engine::builder().package(package).start().await.unwrap();

    let mut taken = 0;
    for _ in 0..200 {
        taken += offer(&engine, 1_000);
        tokio::task::yield_now().await;
        let open = usize::try_from(engine.unsettled().await.n()).unwrap();
        // The ring, what was drawn from it, the boundaries, what is delivered, and what is in hand.
        assert!(open <= 5 * ROOM, "{open} are open");
    }
    assert!(taken <= 5 * ROOM, "{taken} were taken of 200,000");
    engine.ledger().await.check().unwrap();

    gate.open();
    eventually("all of it has gone", async || engine.unsettled().await.is_empty()).await;
    let report = engine.shutdown(Duration::from_secs(5)).await;
    report.ledger.check().unwrap();
    assert_eq!(report.ledger.edge("R/deliveries/g").unwrap().settled(), taken as u64);
}
