//! Deadlines: counted, reported, and waited for by nobody else.

use acequia::testing::{Probe, TestEngine, faults};
use acequia::{
    AccumulatorDecl, Dropped, FaultBudget, GraphDecl, GraphDef, Outcome, Package, ReactorDecl, Strategy,
    computation_graph, when_any,
};
use acequia_tests::{echo, started};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Graph `g`, with a deadline of a second, beside its sibling `h`.
async fn engine(graph: GraphDecl) -> (TestEngine, Probe<u64>, Probe<u64>) {
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    let graph = graph.deadline(Duration::from_secs(1)).budget(FaultBudget::unlimited(3)).on("R");
    let package = Package::new("p")
        .reactor(reactor.strategy(Strategy::Sequential))
        .graph(graph)
        .graph(echo::<u64>("h", "n").on("R"));
    let (late, sibling) = (Probe::new(), Probe::new());
    let builder = TestEngine::builder().package(package);
    let engine = builder.probe("g", "out", &late).probe("h", "out", &sibling).start().await;
    (engine, late, sibling)
}

/// The second firing of four timed out, and nothing else went wrong.
async fn one_timed_out(engine: &TestEngine) {
    engine.assert_settled().await;
    let firings = engine.reactor("R").unwrap().firings(4).await;
    let outcomes: Vec<_> = firings.iter().map(|firing| firing.outcomes[0].outcome.clone()).collect();
    let completed = Outcome::Completed;
    assert_eq!(outcomes, [completed.clone(), Outcome::TimedOut, completed.clone(), completed]);
    let deliveries = engine.ledger().await.edge("R/deliveries/g").unwrap();
    assert_eq!((deliveries.settled(), deliveries.dropped_for(Dropped::TimedOut)), (3, 1));
    let letters = engine.dead_letters().list();
    let told: Vec<_> =
        letters.iter().map(|letter| (letter.item, letter.why.as_str(), letter.attempts)).collect();
    assert_eq!(told, [(1, "TimedOut", 1)], "what had its time does not get it again");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_firing_that_awaits_past_its_deadline_is_timed_out_and_the_reactor_does_not_wait() {
    let graph = faults().sleep_at(1, Duration::from_secs(3600)).wrap(echo::<u64>("g", "n"));
    let (engine, late, sibling) = engine(graph).await;
    let before = engine.clock().now();

    engine.push_all("n", [1_u64, 2, 3, 4]).await;

    assert_eq!(sibling.expect(4).await, [1, 2, 3, 4]);
    assert!(engine.clock().now().since(before) < Duration::from_millis(500));
    assert_eq!(late.expect(3).await, [1, 3, 4]);
    assert!(engine.clock().now().since(before) < Duration::from_secs(3));
    one_timed_out(&engine).await;
}

/// A gate that a blocking thread waits at.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    bell: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.bell.wait(open).unwrap();
        }
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.bell.notify_all();
    }
}

#[tokio::test(start_paused = true)]
async fn a_firing_that_blocks_past_its_deadline_is_reported_at_once_and_what_it_yields_is_not_wanted() {
    let gate = Arc::new(Gate::default());
    let mut builder = acequia::GraphBuilder::new("g");
    let number = builder.source::<u64>("n");
    let barred = Arc::clone(&gate);
    let out = builder.node("out", (number,), move |(n,)| {
        if *n == 2 {
            barred.pass();
        }
        *n
    });
    builder.terminal(out);
    let (engine, late, sibling) = engine(builder.build().unwrap()).await;

    engine.push_all("n", [1_u64, 2, 3, 4]).await;
    assert_eq!(sibling.expect(4).await, [1, 2, 3, 4]);
    assert_eq!(late.expect(1).await, [1]);
    // A blocking thread holds the paused clock; the test moves it.
    tokio::time::advance(Duration::from_millis(1_100)).await;
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    let outcome = engine.reactor("R").unwrap().firings(3).await[0].outcomes[0].outcome.clone();
    assert_eq!(outcome, Outcome::TimedOut, "though its thread is still there");
    engine.ledger().await.check().unwrap();
    gate.open();

    assert_eq!(late.expect(2).await, [3, 4]);
    one_timed_out(&engine).await;
}

/// Its `Drop` panics, as user code may.
struct Sharp;

impl Drop for Sharp {
    fn drop(&mut self) {
        panic!("dropped in the middle");
    }
}

#[computation_graph(trigger = reactor("R"), name = "g", graph = { cut(n) -> out })]
mod sharp {
    use super::{Duration, Sharp};

    async fn cut(n: &u64) -> u64 {
        let _sharp = (*n == 1).then(|| Sharp);
        tokio::time::sleep(Duration::from_secs(if *n < 2 { 10 } else { 0 })).await; // tidy: the clock is a paused one
        *n
    }

    fn out(n: &u64) -> u64 {
        *n
    }
}

#[tokio::test(start_paused = true)]
async fn a_firing_whose_drop_panics_at_its_deadline_takes_nobody_with_it() {
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    let graph = sharp::Graph::decl().deadline(Duration::from_secs(1)).budget(FaultBudget::unlimited(1));
    let package = Package::new("p").reactor(reactor.strategy(Strategy::Sequential)).graph(graph);
    let (engine, probe) = started::<u64>(package).await;

    engine.push_all("n", [1_u64, 2, 3]).await;

    assert_eq!(probe.expect(2).await, [2, 3]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}
