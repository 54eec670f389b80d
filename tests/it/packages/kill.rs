//! The reconciler is killed between any two steps: what it had begun is undone, or carried forward.

use super::{publisher, shape, subscriber, visible, whole, whole_library};
use acequia::testing::{Probe, TestEngine};
use acequia::{Component, FailAction, Load, LoadError, Package, Strategy, UnloadError};
use acequia_tests::numbers;
use std::time::Duration;

/// Beyond every restart period.
const LATER: Duration = Duration::from_secs(400);

async fn with_publisher() -> (TestEngine, Probe<u64>) {
    let signals = Probe::new();
    let builder = TestEngine::builder().package(publisher()).package(subscriber());
    let engine = builder.probe("price_consumer", "out", &signals).start().await;
    engine.push_all("raw_prices", [1_u64, 2]).await;
    engine.settle().await;
    (engine, signals)
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_of_a_load_leaves_before_or_after() {
    killed_in_a_load(|_| whole()).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_of_a_librarys_load_leaves_before_or_after() {
    killed_in_a_load(whole_library).await;
}

async fn killed_in_a_load(whole: impl Fn(&TestEngine) -> Package) {
    let (engine, signals) = with_publisher().await;
    engine.arm_failpoint(None);
    engine.load(whole(&engine)).await.unwrap();
    let places = engine.passed_failpoints();
    let after = shape(&engine).await;
    engine.unload("whole").await.unwrap();
    let before = visible(&engine).await;
    let commit = places.iter().position(|place| place == "commit").unwrap();

    for (at, place) in places.iter().enumerate() {
        engine.advance(LATER).await;
        engine.arm_failpoint(Some((at, FailAction::Kill)));
        let result = engine.load(whole(&engine)).await;
        engine.settle().await;
        if at <= commit {
            assert!(
                matches!(&result, Err(LoadError::Child { left, .. }) if left.is_empty()),
                "{place}: {result:?}"
            );
            assert_eq!(visible(&engine).await, before, "killed at {place}");
            continue;
        }
        result.unwrap_or_else(|error| panic!("killed at {place}, it is carried forward: {error}"));
        assert_eq!(shape(&engine).await, after, "killed at {place}");
        let out = engine.probe::<u64>("at_first", "out").await;
        engine.push("first", 5_u64).await;
        assert_eq!(out.expect(1).await, [5], "killed at {place}");
        engine.unload("whole").await.unwrap();
    }
    engine.push("raw_prices", 3_u64).await;
    engine.settle().await;
    assert_eq!(signals.all(), [1, 2, 3], "the others did not skip a beat");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_while_it_undoes_a_load_undoes_the_rest() {
    killed_in_the_undoing(|_| whole()).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_while_it_undoes_a_librarys_load_undoes_the_rest() {
    killed_in_the_undoing(whole_library).await;
}

async fn killed_in_the_undoing(whole: impl Fn(&TestEngine) -> Package) {
    let (engine, _) = with_publisher().await;
    let before = visible(&engine).await;
    engine.arm_failpoint(Some((10, FailAction::Fail("it fails on demand".to_owned()))));
    engine.load(whole(&engine)).await.unwrap_err();
    let places = engine.passed_failpoints();
    assert_eq!(places.last().unwrap(), "undone");

    for at in 0..10 {
        engine.advance(LATER).await;
        // Its first restart is at once, later ones wait: there the test can arm the next kill.
        assert!(engine.crash(Component::Reconciler).await);
        engine.settle().await;
        engine.arm_failpoint(Some((10, FailAction::Kill)));
        let facade = engine.engine().clone();
        let package = whole(&engine);
        let loading = async move { facade.load(package).await };
        let killed = async {
            while engine.passed_failpoints().len() < 11 {
                tokio::task::yield_now().await;
            }
            engine.arm_failpoint(Some((at, FailAction::Kill)));
            engine.advance(Duration::from_secs(1)).await;
            assert!(engine.passed_failpoints().len() > at, "it was killed there");
        };
        let (result, ()) = tokio::join!(loading, killed);
        engine.advance(LATER).await;
        assert!(matches!(result, Err(LoadError::Child { .. })), "{result:?}");
        assert_eq!(visible(&engine).await, before, "killed again at place {at} of the way back");
    }
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_of_an_unload_leaves_before_or_after() {
    killed_in_an_unload(|_| whole()).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_of_a_librarys_unload_leaves_before_or_after() {
    killed_in_an_unload(whole_library).await;
}

async fn killed_in_an_unload(whole: impl Fn(&TestEngine) -> Package) {
    let (engine, signals) = with_publisher().await;
    engine.load(whole(&engine)).await.unwrap();
    engine.arm_failpoint(None);
    engine.unload("whole").await.unwrap();
    let places = engine.passed_failpoints();
    let without = shape(&engine).await;
    let commit = places.iter().position(|place| place == "commit").unwrap();

    for (at, place) in places.iter().enumerate() {
        engine.advance(LATER).await;
        engine.load(Load::new(whole(&engine))).await.unwrap();
        let before = visible(&engine).await;
        engine.arm_failpoint(Some((at, FailAction::Kill)));
        let result = engine.unload("whole").await;
        engine.settle().await;
        if at <= commit {
            assert!(matches!(result, Err(UnloadError::Interrupted { .. })), "{place}: {result:?}");
            assert_eq!(visible(&engine).await, before, "killed at {place}");
            engine.unload("whole").await.unwrap();
        } else {
            let report = result.unwrap_or_else(|error| panic!("killed at {place}: {error}"));
            assert_eq!(report.steps.len(), 9, "{report:?}");
            assert_eq!(shape(&engine).await, without, "killed at {place}");
        }
    }
    engine.push("raw_prices", 3_u64).await;
    engine.settle().await;
    assert_eq!(signals.all(), [1, 2, 3]);
    engine.assert_ledger().await;
}

#[test]
fn a_reconciler_killed_wherever_it_waits_leaves_before_or_after() {
    // One task a round: the kill can come between any two.
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).event_interval(1).build().unwrap();
    runtime.block_on(killed_wherever_it_waits());
}

/// Kill the reconciler after so many rounds.
async fn kill_after(engine: &TestEngine, rounds: usize) {
    let killer = engine.reconciler_killer().await.unwrap();
    for _ in 0..rounds {
        tokio::task::yield_now().await;
    }
    killer();
}

async fn killed_wherever_it_waits() {
    let (engine, signals) = with_publisher().await;
    engine.load(whole()).await.unwrap();
    let after = shape(&engine).await;
    engine.unload("whole").await.unwrap();
    let (mut undone, mut carried, mut rounds) = (0, 0, 0);
    // Until it was done before the kill, several times over.
    while carried < 40 {
        engine.advance(LATER).await;
        let before = visible(&engine).await;
        let facade = engine.engine().clone();
        let killed = kill_after(&engine, rounds);
        let (result, ()) = tokio::join!(async move { facade.load(whole()).await }, killed);
        engine.settle().await;
        match result {
            Err(LoadError::Child { left, .. }) if left.is_empty() => {
                assert_eq!(visible(&engine).await, before, "killed after {rounds} rounds");
                undone += 1;
            }
            Err(LoadError::Interrupted { .. }) => assert_eq!(visible(&engine).await, before, "{rounds}"),
            Err(other) => panic!("killed after {rounds} rounds: {other}"),
            Ok(_) => {
                assert_eq!(shape(&engine).await, after, "killed after {rounds} rounds");
                carried += 1;
                let facade = engine.engine().clone();
                let killed = kill_after(&engine, 2 * carried);
                let (result, ()) = tokio::join!(async move { facade.unload("whole").await }, killed);
                engine.settle().await;
                if result.is_err() {
                    assert_eq!(shape(&engine).await, after, "unload killed after {} rounds", 2 * carried);
                    engine.unload("whole").await.unwrap();
                }
            }
        }
        assert_eq!(engine.packages().len(), 2);
        rounds += 1;
    }
    assert!(undone > 10, "{undone} undone, {carried} carried forward");
    engine.push("raw_prices", 3_u64).await;
    engine.settle().await;
    assert_eq!(signals.all(), [1, 2, 3]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_that_keeps_failing_ends_deployments_and_nothing_else() {
    let (engine, signals) = with_publisher().await;
    for _ in 0..4 {
        assert!(engine.crash(Component::Reconciler).await);
        engine.advance(Duration::from_millis(500)).await;
    }
    let refused = engine.load(numbers(Strategy::Latest)).await;
    assert!(matches!(refused, Err(LoadError::Interrupted { .. })), "{refused:?}");
    engine.push("raw_prices", 3_u64).await;
    assert_eq!(signals.expect(3).await, [1, 2, 3]);
    let _ = engine.shutdown(Duration::from_secs(1)).await;
}
