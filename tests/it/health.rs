//! Health of reactors and sources, driven by scripted sources.

use acequia::testing::{Probe, Script, TestEngine, script};
use acequia::{
    AccumulatorDecl, Component, CriteriaDecl, FailAction, Health, Package, ReactorDecl, SourceDecl,
    SourceHealth, Strategy, k_of, when_all, when_any,
};
use acequia_tests::{abc, numbers, started};
use std::time::Duration;

/// Sources `a` and `b` by script, `c` by pushes only.
async fn engine(criteria: CriteriaDecl) -> (TestEngine, [Script<u64>; 2]) {
    let feeds = [script::<u64>(), script::<u64>()];
    let [a, b, c] = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>);
    let accumulators = vec![a.source(feeds[0].source()), b.source(feeds[1].source()), c];
    let package =
        Package::new("p").reactor(ReactorDecl::new("R", accumulators, criteria)).graph(abc("g").on("R"));
    let (engine, _) = started::<String>(package).await;
    engine.settle().await;
    (engine, feeds)
}

async fn health(engine: &TestEngine) -> Health {
    engine.settle().await;
    engine.reactor("R").unwrap().health().await
}

/// A source that cannot be started: it yields another type than its events.
fn broken() -> SourceDecl {
    SourceDecl::run(|_: acequia::SourceOut<String>| async { Ok(()) })
}

#[tokio::test(start_paused = true)]
async fn a_reactor_whose_sources_run_is_live_and_pausing_shows() {
    let (engine, _) = engine(when_all(["a", "b", "c"])).await;
    assert_eq!(health(&engine).await, Health::Live);

    let reactor = engine.reactor("R").unwrap();
    reactor.pause().await;
    assert_eq!(health(&engine).await, Health::Paused);
    reactor.resume().await;
    assert_eq!(health(&engine).await, Health::Live);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_source_is_seen_at_once_with_its_reason_and_restarted_with_backoff() {
    let (engine, [a, _]) = engine(when_any(["a", "b"])).await;
    assert_eq!(engine.source_health("a").unwrap(), SourceHealth::Live);
    assert_eq!(engine.source_health("c").unwrap(), SourceHealth::SocketOnly);

    // The first restart is at once, the second after 100 ms.
    a.fail("reset by peer").fail("reset again");
    engine.settle().await;

    let seen = engine.source_health("a").unwrap();
    assert_eq!(seen, SourceHealth::Disconnected { reason: "reset again".to_owned() });
    assert_eq!(health(&engine).await, Health::Degraded { sources: vec!["a".into()] });
    assert_eq!(a.starts(), 2);
    engine.advance(Duration::from_secs(1)).await;
    assert_eq!((a.starts(), health(&engine).await), (3, Health::Live));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reactor_is_degraded_by_a_death_even_if_nobody_asked_before() {
    let (engine, [a, _]) = engine(when_all(["a", "b"])).await;

    a.fail("first").fail("second");

    assert_eq!(health(&engine).await, Health::Degraded { sources: vec!["a".into()] });
    engine.assert_ledger().await;
}

/// A reactor over `broken` and `pushed` with `criteria`.
async fn half_connected(criteria: CriteriaDecl) -> (TestEngine, Probe<String>) {
    let [a, b, c] = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>);
    let reactor = ReactorDecl::new("R", vec![a.source(broken()), b, c], criteria);
    started::<String>(Package::new("p").reactor(reactor).graph(abc("g").on("R"))).await
}

#[tokio::test(start_paused = true)]
async fn an_unconnected_source_does_not_hold_back_a_when_any_over_another() {
    let (engine, probe) = half_connected(when_any(["b"])).await;
    assert_eq!(health(&engine).await, Health::Live, "the criteria do not name a");
    assert_eq!(health(&engine).await, Health::Live, "a was never connected, so it is not lost");

    engine.push("b", 2_u64).await;

    assert_eq!(probe.expect(1).await, ["- 2 -"]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn warming_names_the_sources_that_the_criteria_wait_for() {
    let warming = Health::Warming { waiting: vec!["a".into()] };
    let (engine, probe) = half_connected(when_all(["a", "b"])).await;
    assert_eq!(health(&engine).await, warming);
    engine.push("b", 2_u64).await;
    probe.none_within(Duration::from_secs(1)).await;

    // Events can be pushed into a source that is not connected.
    engine.push("a", 1_u64).await;
    assert_eq!(probe.expect(1).await, ["1 2 -"]);
    engine.assert_ledger().await;

    let (engine, _) = half_connected(k_of(2, ["a", "b", "c"])).await;
    assert!(!matches!(health(&engine).await, Health::Warming { .. }), "b and c are enough");
    let (engine, _) = half_connected(when_any(["a"])).await;
    assert_eq!(health(&engine).await, warming);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_keeps_dying_is_tried_again_ever_more_slowly_and_pushes_still_pass() {
    let (engine, [a, _]) = engine(when_any(["a"])).await;
    for _ in 0..100 {
        a.fail("no such host");
    }
    // At once, then after 100 ms, doubling to 30 s, each with 20 % jitter.
    engine.advance(Duration::from_secs(1)).await;
    assert!((4..=6).contains(&a.starts()), "{} starts in a second", a.starts());
    engine.advance(Duration::from_secs(599)).await;
    assert!((24..=36).contains(&a.starts()), "{} starts in ten minutes", a.starts());

    let seen = engine.source_health("a").unwrap();
    assert_eq!(seen, SourceHealth::Disconnected { reason: "no such host".to_owned() });
    let probe = engine.probe::<String>("g", "out").await;
    engine.push("a", 1_u64).await;
    assert_eq!(probe.expect(1).await, ["1 - -"]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_ends_in_good_order_is_finished_and_holds_nothing_back() {
    let (engine, [a, _]) = engine(when_all(["a", "b"])).await;
    a.emit(1).end();

    assert_eq!(health(&engine).await, Health::Live);
    assert_eq!(engine.source_health("a").unwrap(), SourceHealth::Finished);
    assert_eq!(a.starts(), 1);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reactor_of_an_engine_that_stopped_is_out_of_service() {
    let (engine, _) = started::<u64>(numbers(Strategy::Latest)).await;
    let reactor = engine.reactor("R").unwrap();
    engine.shutdown(Duration::from_secs(1)).await;

    let health = reactor.health().await;

    assert!(matches!(health, Health::Quarantined { .. }), "{health:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reactor_whose_package_is_still_coming_up_is_starting() {
    let engine = TestEngine::start([]).await;
    // Its first restart is at once, the second waits: there the engine stands still.
    assert!(engine.crash(Component::Reconciler).await);
    engine.settle().await;
    engine.arm_failpoint(Some((5, FailAction::Kill)));
    let facade = engine.engine().clone();
    let deployed = async move { facade.deploy(numbers(Strategy::Latest), Vec::new()).await };
    let looked = async {
        while engine.passed_failpoints().len() < 6 {
            tokio::task::yield_now().await;
        }
        let first = engine.reactor("R").unwrap().health().await;
        engine.advance(Duration::from_millis(150)).await;
        first
    };

    let (deployed, first) = tokio::join!(deployed, looked);

    deployed.unwrap();
    assert_eq!(engine.passed_failpoints()[5], "activate graph g of package p");
    assert_eq!(first, Health::Starting);
    assert_eq!(health(&engine).await, Health::Live);
    engine.assert_ledger().await;
}
