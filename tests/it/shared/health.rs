//! Health of a shared source, as each of its reactors sees it.

use super::{numbers, pair, started};
use acequia::core::accumulator::Reply;
use acequia::testing::{TestEngine, script};
use acequia::{AccumulatorDecl, FaultBudget, Health, Kind, Passthrough, SourceDecl, SourceHealth};
use std::time::Duration;

async fn healths(engine: &TestEngine) -> [Health; 2] {
    engine.settle().await;
    [engine.reactor("R").unwrap().health().await, engine.reactor("S").unwrap().health().await]
}

#[tokio::test(start_paused = true)]
async fn a_dead_shared_source_degrades_each_reactor_and_starts_once() {
    let feed = script::<u64>();
    feed.emit(1);
    let (engine, r, s) = started(pair(numbers().source(feed.source()))).await;
    assert_eq!((r.expect(1).await, s.expect(1).await), (vec![1], vec![1]));
    assert_eq!(healths(&engine).await, [Health::Live, Health::Live]);

    feed.fail("reset by peer").fail("reset again");
    let degraded = Health::Degraded { sources: vec!["n".into()] };
    assert_eq!(healths(&engine).await, [degraded.clone(), degraded]);
    let seen = engine.source_health("n").unwrap();
    assert_eq!(seen, SourceHealth::Disconnected { reason: "reset again".to_owned() });

    engine.advance(Duration::from_secs(1)).await;
    assert_eq!(healths(&engine).await, [Health::Live, Health::Live]);
    assert_eq!(feed.starts(), 3, "one source, however many share it");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_source_that_never_came_keeps_each_reactor_warming() {
    let broken = SourceDecl::run(|_: acequia::SourceOut<String>| async { Ok(()) });
    let (engine, _, _) = started(pair(numbers().source(broken))).await;

    let warming = Health::Warming { waiting: vec!["n".into()] };
    assert_eq!(healths(&engine).await, [warming.clone(), warming]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_function_out_of_service_degrades_each_reactor_until_a_pardon() {
    let failing = AccumulatorDecl::new("n", Kind::Passthrough, || {
        Passthrough::new(|event: &u64| match event {
            0 => Err(acequia::Failure::error("zero")),
            n => Ok(Reply::Ready(Some(*n))),
        })
    });
    let budget = FaultBudget { attempts: 1, dead_letters: 1, ..FaultBudget::default() };
    let (engine, _, s) = started(pair(failing.budget(budget))).await;

    engine.push_all("n", [0_u64, 0, 0]).await;
    let degraded = Health::Degraded { sources: vec!["n".into()] };
    assert_eq!(healths(&engine).await, [degraded.clone(), degraded]);

    assert!(engine.pardon("p", "accumulator n").await);
    engine.push("n", 7_u64).await;
    assert_eq!(s.expect(1).await, [7]);
    assert_eq!(healths(&engine).await, [Health::Live, Health::Live]);
    engine.assert_ledger().await;
}
