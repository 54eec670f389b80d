//! The firing log: what fired, from which inputs, with which outcome.

use acequia::core::id::ItemId;
use acequia::testing::{TestEngine, faults};
use acequia::{
    AccumulatorDecl, FaultBudget, FiringRecord, Outcome, Package, ReactorDecl, Strategy, when_any,
};
use acequia_tests::{abc, echo, letters, started};
use std::time::Duration;

/// Reactor `R` over `n` with a log of `firings` and `age`, under `sequential`.
fn logged(firings: usize, age: Duration) -> Package {
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    let reactor = reactor.strategy(Strategy::Sequential).log(firings, age);
    Package::new("p").reactor(reactor).graph(echo::<u64>("g", "n").on("R"))
}

const HOUR: Duration = Duration::from_secs(3600);

async fn ids(engine: &TestEngine, n: usize) -> Vec<u64> {
    engine.reactor("R").unwrap().firings(n).await.iter().map(|firing| firing.id.0).collect()
}

#[tokio::test(start_paused = true)]
async fn a_firing_is_logged_after_execution_with_its_inputs() {
    let (engine, probe) = started::<String>(letters(when_any(["a", "b"]), Strategy::Sequential)).await;
    engine.advance(Duration::from_secs(5)).await;

    engine.push_all("a", [1_u64, 2]).await;
    engine.push("b", 9_u64).await;
    probe.expect(3).await;

    let firings = engine.reactor("R").unwrap().firings(10).await;
    let inputs: Vec<_> = firings.iter().map(|firing| firing.inputs.clone()).collect();
    let (first, second) = (Some(ItemId(0)), Some(ItemId(1)));
    assert_eq!(inputs, [vec![first, None, None], vec![second, None, None], vec![second, first, None]]);
    for firing in &firings {
        assert_eq!(firing.at.as_millis(), 5000);
        assert_eq!((firing.outcomes[0].graph.as_str(), firing.outcomes[0].package.as_str()), ("g", "p"));
        assert_eq!(firing.outcomes[0].outcome, Outcome::Completed);
    }
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn inputs_keep_their_numbers_over_many_turns() {
    let (engine, probe) = started::<u64>(logged(10_000, HOUR)).await;
    engine.push_all("n", 0..3000_u64).await;
    probe.expect(3000).await;

    let firings = engine.reactor("R").unwrap().firings(3000).await;

    assert_eq!(firings.len(), 3000);
    assert!(firings.iter().all(|firing| firing.inputs == [Some(ItemId(firing.id.0))]));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_graph_is_a_failed_firing_for_that_subscriber_only() {
    let [a, b, c] = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>);
    let reactor = ReactorDecl::new("R", vec![a, b, c], when_any(["a"])).strategy(Strategy::Sequential);
    let failing = faults().error_at(1).panic_at(2);
    let once = FaultBudget::unlimited(1);
    let package = Package::new("p")
        .reactor(reactor)
        .graph(failing.wrap(abc("h").budget(once)).on("R"))
        .graph(abc("g").on("R"));
    let (engine, probe) = started::<String>(package).await;

    engine.push_all("a", [1_u64, 2, 3, 4]).await;
    probe.expect(4).await;

    let told = |firing: &FiringRecord| -> Vec<String> {
        let outcomes = firing.outcomes.iter().map(|outcome| match &outcome.outcome {
            Outcome::Failed(failure) => format!("{} {failure}", outcome.graph),
            other => format!("{} {other:?}", outcome.graph),
        });
        outcomes.collect()
    };
    let firings = engine.reactor("R").unwrap().firings(4).await;
    assert_eq!(told(&firings[0]), ["h Completed", "g Completed"]);
    assert_eq!(told(&firings[1]), ["h injected error at run 1", "g Completed"]);
    assert_eq!(told(&firings[2]), ["h panicked: injected panic at run 2", "g Completed"]);
    assert_eq!(told(&firings[3]), ["h Completed", "g Completed"]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn the_log_is_retained_by_count() {
    let (engine, probe) = started::<u64>(logged(5, HOUR)).await;
    for n in 0..20_u64 {
        engine.push("n", n).await;
        probe.expect(1).await;
    }
    assert_eq!(ids(&engine, 100).await, [15, 16, 17, 18, 19]);
    assert_eq!(ids(&engine, 2).await, [18, 19]);
    assert_eq!(engine.reactor("R").unwrap().n_firings().await, 20);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn the_log_is_retained_by_age() {
    let (engine, probe) = started::<u64>(logged(100, Duration::from_secs(60))).await;
    for n in 0..4_u64 {
        engine.push("n", n).await;
        probe.expect(1).await;
        engine.advance(Duration::from_secs(25)).await;
    }
    engine.push("n", 4_u64).await;
    probe.expect(1).await;
    assert_eq!(ids(&engine, 100).await, [2, 3, 4], "0 is 100 s old and 1 is 75 s old");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_reads_each_firing_once_and_keeps_what_it_has_not_read() {
    let (engine, probe) = started::<u64>(logged(5, HOUR)).await;
    engine.push("n", 0_u64).await;
    probe.expect(1).await;
    let mut stream = engine.reactor("R").unwrap().follow().await.unwrap();
    assert!(stream.read(10).await.is_empty(), "it begins with the next firing");

    for n in 1..=50_u64 {
        engine.push("n", n).await;
        probe.expect(1).await;
    }

    let read = |records: Vec<FiringRecord>| records.iter().map(|firing| firing.id.0).collect::<Vec<_>>();
    assert_eq!(read(stream.read(20).await), (1..=20).collect::<Vec<_>>());
    assert_eq!(read(stream.read(100).await), (21..=50).collect::<Vec<_>>());
    assert!(stream.read(10).await.is_empty());
    assert_eq!(ids(&engine, 100).await.len(), 5, "what was read is retained as usual");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn the_reactor_waits_for_a_subscription_far_behind_and_goes_on_when_it_has_read() {
    const N: u64 = 12_000;
    let (engine, probe) = started::<u64>(logged(5, HOUR)).await;
    let mut stream = engine.reactor("R").unwrap().follow().await.unwrap();
    let pusher = engine.accumulator::<u64>("n").unwrap();
    let pushed = async { pusher.push_batch(0..N).await.unwrap() };
    let read = async {
        engine.settle().await;
        let waits = probe.len();
        assert!(waits < N as usize, "the reactor did not wait");
        engine.advance(Duration::from_secs(60)).await;
        assert_eq!(probe.len(), waits, "it goes on by itself");
        let mut ids = Vec::new();
        while (ids.len() as u64) < N {
            let records = stream.read(700).await;
            ids.extend(records.iter().map(|firing| firing.id.0));
            engine.settle().await;
        }
        ids
    };

    let (n, ids) = tokio::join!(pushed, read);

    assert_eq!((n as u64, ids), (N, (0..N).collect::<Vec<_>>()));
    assert_eq!(probe.len() as u64, N);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_dropped_holds_nothing_back() {
    let (engine, probe) = started::<u64>(logged(5, HOUR)).await;
    let stream = engine.reactor("R").unwrap().follow().await.unwrap();
    let pusher = engine.accumulator::<u64>("n").unwrap();
    let pushed = async { pusher.push_batch(0..9000_u64).await.unwrap() };
    let dropped = async {
        engine.settle().await;
        drop(stream);
    };

    tokio::join!(pushed, dropped);

    assert_eq!(probe.expect(9000).await.len(), 9000);
    assert!(ids(&engine, 10_000).await.len() < 600, "at most one turn beyond the count");
    engine.assert_ledger().await;
}
