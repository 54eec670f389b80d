//! `async` nodes: in place if ready, elsewhere if not; blocking nodes.

use acequia::testing::TestEngine;
use acequia::{AccumulatorDecl, GraphDef, Package, ReactorDecl, Strategy, computation_graph, when_any};
use acequia_tests::started;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Reactor `R` over `n`, under `sequential`, with the graph `G`.
fn package<G: GraphDef>() -> Package {
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    Package::new("p").reactor(reactor.strategy(Strategy::Sequential)).with_graph::<G>()
}

/// Where the only graph runs.
async fn seated(engine: &TestEngine) -> String {
    let told = engine.reactor("R").unwrap().inspect().await;
    told["subscribers"][0]["seated"].as_str().unwrap().to_owned()
}

static FIRST_HALVES: AtomicU64 = AtomicU64::new(0);
static SECOND_HALVES: AtomicU64 = AtomicU64::new(0);

#[computation_graph(trigger = reactor("R"), name = "g", graph = { half(n) -> out })]
mod pending {
    use super::{Duration, FIRST_HALVES, Ordering, SECOND_HALVES};

    async fn half(n: &u64) -> u64 {
        FIRST_HALVES.fetch_add(1, Ordering::Relaxed);
        if *n >= 3 {
            tokio::time::sleep(Duration::from_secs(1)).await; // tidy: the clock is a paused one
        }
        SECOND_HALVES.fetch_add(1, Ordering::Relaxed);
        *n
    }

    fn out(n: &u64) -> u64 {
        n * 10
    }
}

#[tokio::test(start_paused = true)]
async fn a_ready_node_runs_in_place_and_one_that_awaits_goes_on_elsewhere_from_where_it_stopped() {
    let (engine, probe) = started::<u64>(package::<pending::Graph>()).await;
    engine.push_all("n", [0_u64, 1, 2]).await;
    assert_eq!(probe.expect(3).await, [0, 10, 20]);
    assert_eq!(seated(&engine).await, "in place");

    engine.push_all("n", [3_u64, 4]).await;
    engine.settle().await;

    assert_eq!(seated(&engine).await, "detached");
    let halves = || (FIRST_HALVES.load(Ordering::Relaxed), SECOND_HALVES.load(Ordering::Relaxed));
    assert_eq!(halves(), (4, 3), "3 is halfway, 4 waits for it");
    engine.assert_ledger().await;
    assert_eq!(probe.expect(2).await, [30, 40]);
    assert_eq!(halves(), (5, 5), "no half ran twice");
    engine.push("n", 0_u64).await;
    assert_eq!(probe.expect(1).await, [0]);
    assert_eq!(seated(&engine).await, "detached", "from then on");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[computation_graph(trigger = reactor("R"), name = "g", graph = { left(n) -> out, right(n) -> out })]
mod side_by_side {
    use super::Duration;

    async fn left(n: &u64) -> u64 {
        tokio::time::sleep(Duration::from_secs(10)).await; // tidy: the clock is a paused one
        *n
    }

    async fn right(n: &u64) -> u64 {
        tokio::time::sleep(Duration::from_secs(10)).await; // tidy: the clock is a paused one
        *n
    }

    fn out(left: &u64, right: &u64) -> u64 {
        left + right
    }
}

#[tokio::test(start_paused = true)]
async fn independent_async_nodes_run_concurrently() {
    let (engine, probe) = started::<u64>(package::<side_by_side::Graph>()).await;
    let before = engine.clock().now();

    engine.push("n", 4_u64).await;

    assert_eq!(probe.expect(1).await, [8]);
    let took = engine.clock().now().since(before);
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(15), "{took:?}");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

static OUTSIDE: AtomicU64 = AtomicU64::new(0);

#[computation_graph(trigger = reactor("R"), name = "g", graph = { out(n) })]
mod blocking {
    use super::{OUTSIDE, Ordering};

    #[node(blocking)]
    fn out(n: &u64) -> u64 {
        let on_the_test_thread =
            std::thread::current().name().is_some_and(|name| name.contains("blocking_node"));
        OUTSIDE.fetch_add(u64::from(!on_the_test_thread), Ordering::Relaxed);
        *n
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocking_node_runs_on_a_thread_of_its_own() {
    let (engine, probe) = started::<u64>(package::<blocking::Graph>()).await;

    engine.push_all("n", 0..50_u64).await;

    assert_eq!(probe.expect(50).await, (0..50).collect::<Vec<_>>());
    assert_eq!(OUTSIDE.load(Ordering::Relaxed), 50);
    assert_eq!(seated(&engine).await, "detached");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[computation_graph(trigger = reactor("R"), name = "g", attempts = 2, graph = { out(n) })]
mod failing_later {
    use super::Duration;

    async fn out(n: &u64) -> Result<u64, String> {
        tokio::time::sleep(Duration::from_secs(1)).await; // tidy: the clock is a paused one
        match n {
            2 => Err("two".to_owned()),
            3 => panic!("three"),
            n => Ok(*n),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_fails_after_awaiting_is_tried_again_and_the_next_firings_follow() {
    let (engine, probe) = started::<u64>(package::<failing_later::Graph>()).await;

    engine.push_all("n", [1_u64, 2, 3, 4]).await;

    assert_eq!(probe.expect(2).await, [1, 4]);
    engine.assert_settled().await;
    let letters = engine.dead_letters().list();
    let told: Vec<_> = letters.iter().map(|l| (l.item, l.attempts, l.cause.clone().unwrap())).collect();
    assert_eq!(told, [(1, 2, "out: two".to_owned()), (2, 2, "panicked: three".to_owned())]);
    engine.assert_ledger().await;
}
