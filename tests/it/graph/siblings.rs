//! Several graphs on one reactor: each on its own, at its own pace.

use acequia::testing::{Probe, TestEngine, faults};
use acequia::{AccumulatorDecl, FaultBudget, GraphDecl, Package, ReactorDecl, Strategy, when_any};
use acequia_tests::echo;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Reactor `R` over `n` with these graphs, and a probe at each one's `out`.
async fn reactor<const N: usize>(
    strategy: Strategy,
    graphs: [GraphDecl; N],
) -> (TestEngine, [Probe<u64>; N]) {
    let numbers = AccumulatorDecl::passthrough::<u64>("n");
    let reactor = ReactorDecl::new("R", vec![numbers], when_any(["n"])).strategy(strategy);
    let probes = std::array::from_fn(|_| Probe::new());
    let mut package = Package::new("p").reactor(reactor);
    let mut builder = TestEngine::builder();
    for (graph, probe) in graphs.into_iter().zip(&probes) {
        builder = builder.probe(graph.name.clone(), "out", probe);
        package = package.graph(graph.on("R"));
    }
    (builder.package(package).start().await, probes)
}

#[tokio::test(start_paused = true)]
async fn every_graph_of_a_reactor_sees_every_firing() {
    let graphs = ["g", "h", "i"].map(|name| echo::<u64>(name, "n"));
    let (engine, probes) = reactor(Strategy::Sequential, graphs).await;

    engine.push_all("n", 0..1000_u64).await;

    for probe in &probes {
        assert_eq!(probe.expect(1000).await, (0..1000).collect::<Vec<_>>());
    }
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_graph_that_fails_or_awaits_holds_no_sibling_back() {
    let budget = FaultBudget::unlimited(2);
    let failing = faults().panic_at(0).panic_at(1).error_at(3).wrap(echo::<u64>("f", "n").budget(budget));
    let slow = faults().sleep_at(0, DAY).wrap(echo::<u64>("s", "n"));
    let (engine, [failed, awaited, sibling]) =
        reactor(Strategy::Sequential, [failing, slow, echo::<u64>("g", "n")]).await;

    engine.push_all("n", 0..100_u64).await;
    engine.settle().await;

    assert_eq!(sibling.all(), (0..100).collect::<Vec<_>>());
    assert_eq!(failed.all(), (1..100).collect::<Vec<_>>(), "its first firing failed twice");
    assert!(awaited.is_empty());
    engine.assert_ledger().await;
    engine.advance(DAY).await;
    assert_eq!(awaited.all(), (0..100).collect::<Vec<_>>(), "what queued follows in order");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn under_latest_a_slow_graph_gets_the_newest_firing_and_its_sibling_all() {
    let slow = faults().sleep_at(0, DAY).wrap(echo::<u64>("s", "n"));
    let (engine, [awaited, sibling]) = reactor(Strategy::Latest, [slow, echo::<u64>("g", "n")]).await;

    for n in 0..20_u64 {
        engine.push("n", n).await;
        engine.settle().await;
    }

    assert_eq!(sibling.all(), (0..20).collect::<Vec<_>>());
    engine.advance(DAY).await;
    assert_eq!(awaited.all(), [0, 19]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}
