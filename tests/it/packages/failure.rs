//! A package that fails in any step leaves the engine as it was.

use super::{nobody_holds, publisher, subscriber, visible, whole, whole_library};
use acequia::library::Library;
use acequia::testing::TestEngine;
use acequia::{
    AccumulatorDecl, Batch, FailAction, Failure, Kind, LoadError, Package, ReactorDecl, StepPhase, Strategy,
    Trust, when_any,
};
use acequia_tests::echo;
use acequia_tests::library::built;
use std::path::PathBuf;
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
    fails_in_any_step(|_| whole()).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_any_step_of_a_library_leaves_the_engine_exactly_as_it_was() {
    let engine = fails_in_any_step(whole_library).await;
    engine.push("second", 7_u64).await;
    engine.unload("whole").await.unwrap();
    engine.assert_ledger().await;
}

async fn fails_in_any_step(whole: impl Fn(&TestEngine) -> Package) -> TestEngine {
    let engine = prepared().await;
    engine.arm_failpoint(None);
    engine.load(whole(&engine)).await.unwrap();
    let places = engine.passed_failpoints();
    engine.unload("whole").await.unwrap();
    let commit = places.iter().position(|place| place == "commit").unwrap();
    assert_eq!(commit, 10, "one place a step, and one for the package: {places:#?}");
    // Retired edges are part of what is seen.
    let before = visible(&engine).await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();

    for (at, place) in places.iter().enumerate().take(commit + 1) {
        engine.arm_failpoint(Some((at, FailAction::Fail("it fails on demand".to_owned()))));
        let failed = engine.load(whole(&engine)).await.unwrap_err();
        assert!(
            matches!(&failed, LoadError::Child { reason, left, .. } if reason == "it fails on demand" && left.is_empty()),
            "{place}: {failed}"
        );
        assert_eq!(visible(&engine).await, before, "at {place}");
    }

    assert!(tokio::runtime::Handle::current().metrics().num_alive_tasks() <= tasks, "no actor is left");
    engine.arm_failpoint(None);
    engine.load(whole(&engine)).await.unwrap();
    engine.assert_ledger().await;
    engine
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

/// A file that tells the library `failing` of this process where to fail. It goes with this.
struct Asked(PathBuf);

impl Asked {
    fn to_fail(at: &str) -> Self {
        let path = std::env::temp_dir().join(format!("acequia-failing-{}-{at}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        Self(path)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_librarys_code_that_fails_while_it_comes_up_leaves_nothing_behind() {
    let engine = prepared().await;
    let failing = || {
        Library::open(built("failing", &[]), &Trust::optional())
            .unwrap()
            .package(engine.services())
            .version("1")
    };
    let before = visible(&engine).await;
    for (at, text) in [
        ("start", "no start today"),
        ("panic", "no start at all"),
        ("accumulator", "no accumulator today"),
        ("graph", "no graph today"),
    ] {
        let asked = Asked::to_fail(at);
        let failed = engine.load(failing()).await.unwrap_err();
        assert!(
            matches!(&failed, LoadError::Child { reason, left, .. } if reason.contains(text) && left.is_empty()),
            "{at}: {failed}"
        );
        drop(asked);
        assert_eq!(visible(&engine).await, before, "{at}");
        nobody_holds("failing").await;
    }
    engine.load(failing()).await.unwrap();
    let good = engine.probe::<u64>("good", "out").await;
    engine.push("a", 5_u64).await;
    assert_eq!(good.expect(1).await, [5]);
    engine.unload("failing").await.unwrap();
    nobody_holds("failing").await;
    engine.assert_ledger().await;
}
