//! A package that fails in any step leaves the engine as it was.

use super::{publisher, subscriber, visible, whole};
use acequia::testing::TestEngine;
use acequia::{
    AccumulatorDecl, Batch, FailAction, Failure, Kind, LoadError, Package, ReactorDecl, StepPhase, Strategy,
    when_any,
};
use acequia_tests::echo;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn prepared() -> TestEngine {
    let engine = TestEngine::start([publisher(), subscriber()]).await;
    engine.push_all("raw_prices", [1_u64, 2, 3]).await;
    engine.settle().await;
    engine
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_any_step_leaves_the_engine_exactly_as_it_was() {
    let engine = prepared().await;
    engine.arm_failpoint(None);
    engine.load(whole()).await.unwrap();
    let places = engine.passed_failpoints();
    engine.unload("whole").await.unwrap();
    let commit = places.iter().position(|place| place == "commit").unwrap();
    assert_eq!(commit, 10, "one place a step, and one for the package: {places:#?}");
    // Retired edges are part of what is seen.
    let before = visible(&engine).await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();

    for (at, place) in places.iter().enumerate().take(commit + 1) {
        engine.arm_failpoint(Some((at, FailAction::Fail("it fails on demand".to_owned()))));
        let failed = engine.load(whole()).await.unwrap_err();
        assert!(
            matches!(&failed, LoadError::Child { reason, left, .. } if reason == "it fails on demand" && left.is_empty()),
            "{place}: {failed}"
        );
        assert_eq!(visible(&engine).await, before, "at {place}");
    }

    assert!(tokio::runtime::Handle::current().metrics().num_alive_tasks() <= tasks, "no actor is left");
    engine.arm_failpoint(None);
    engine.load(whole()).await.unwrap();
    engine.assert_ledger().await;
}

/// Package `broken`, whose parts are made by `part(n)` for the `n`th time, and which panics where that
/// says so.
fn broken(accumulator_fails: bool, graph_fails_at: Option<usize>) -> Package {
    let accumulator = AccumulatorDecl::new("b", Kind::Batch, move || {
        assert!(!accumulator_fails, "no accumulator today");
        Batch::new(None, 1, |events: &[u64]| Ok(events.first().copied()))
    });
    let good = AccumulatorDecl::passthrough::<u64>("a");
    let made = Arc::new(AtomicUsize::new(0));
    let graph = echo::<u64>("bad", "a").on("Broken").wrap(move |part| {
        assert_ne!(Some(made.fetch_add(1, Ordering::Relaxed)), graph_fails_at, "no graph today");
        part
    });
    let reactor =
        ReactorDecl::new("Broken", vec![good, accumulator], when_any(["a"])).strategy(Strategy::Latest);
    Package::new("broken")
        .version("1")
        .reactor(reactor)
        .graph(echo::<u64>("good", "a").on("Broken"))
        .graph(graph)
}

#[tokio::test(start_paused = true)]
async fn authors_code_that_panics_while_it_comes_up_leaves_nothing_behind() {
    let engine = prepared().await;
    let before = visible(&engine).await;
    let cases = [
        (broken(true, None), "no accumulator today"),
        // The first part is made for the seat, the second by the actor as it starts.
        (broken(false, Some(0)), "no graph today"),
        (broken(false, Some(1)), "no graph today"),
        (broken(false, None).started_by(|| Err(Failure::error("no start today"))), "no start today"),
        (broken(false, None).started_by(|| panic!("no start at all")), "no start at all"),
    ];
    for (package, text) in cases {
        let failed = engine.load(package).await.unwrap_err();
        assert!(
            matches!(&failed, LoadError::Child { reason, left, .. } if reason.contains(text) && left.is_empty()),
            "{failed}"
        );
        assert_eq!(visible(&engine).await, before);
    }
    assert_eq!(engine.step_counters().get(StepPhase::Refused), 5);
    engine.load(broken(false, None)).await.unwrap();
    engine.assert_ledger().await;
}
