//! What fails at start is tried again, then kept out by its version.

use super::{publisher, subscriber};
use acequia::testing::TestEngine;
use acequia::{Component, Load, LoadError, LoadOutcome, Package, PackageState};
use acequia_tests::echo;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Package `flaky`, whose graph cannot be made the first `failures` times.
fn flaky(version: &str, failures: usize) -> (Package, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let graph = echo::<u64>("flaky_graph", "x").wrap(move |part| {
        assert!(count.fetch_add(1, Ordering::Relaxed) >= failures, "not yet");
        part
    });
    (Package::new("flaky").version(version).graph(graph), made)
}

fn state(engine: &TestEngine) -> Vec<PackageState> {
    let packages = engine.packages().into_iter().filter(|package| package.name.as_str() == "flaky");
    packages.map(|package| package.state).collect()
}

#[tokio::test(start_paused = true)]
async fn a_package_that_fails_once_is_tried_again_after_a_while() {
    let engine = TestEngine::start([]).await;
    let (package, made) = flaky("1", 2);

    let report = engine.load(Load::new(package).retry()).await.unwrap();

    assert!(
        matches!(report.outcome("flaky"), Some(LoadOutcome::Retrying { reason }) if reason.contains("not yet"))
    );
    engine.settle().await;
    assert_eq!(made.load(Ordering::Relaxed), 2, "the second time is at once");
    assert!(
        matches!(&state(&engine)[..], [PackageState::Retrying { failures: 2, .. }]),
        "{:?}",
        state(&engine)
    );
    engine.advance(Duration::from_millis(150)).await;
    assert_eq!(state(&engine), [PackageState::Loaded]);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_keeps_failing_is_quarantined_and_the_others_boot() {
    let (bad, made) = flaky("1", usize::MAX);
    let builder = TestEngine::builder().with(|engine| engine.boot(bad).boot(subscriber()).boot(publisher()));
    let engine = builder.start().await;
    engine.advance(Duration::from_secs(1)).await;

    assert_eq!(made.load(Ordering::Relaxed), 3);
    assert!(
        matches!(&state(&engine)[..], [PackageState::Quarantined { reason }] if reason.contains("not yet"))
    );
    let loaded = engine.packages().into_iter().filter(|package| package.state == PackageState::Loaded);
    assert_eq!(loaded.count(), 2, "publisher and parked subscriber are up");

    let refused = engine.load(flaky("1", 0).0).await.unwrap_err();
    assert!(refused.to_string().starts_with("E0467"), "{refused}");
    assert!(matches!(refused, LoadError::Refused(_)));
    engine.load(flaky("2", 0).0).await.unwrap();
    assert_eq!(state(&engine), [PackageState::Loaded], "a new version clears it");
}

#[tokio::test(start_paused = true)]
async fn an_operator_clears_a_quarantine() {
    let engine = TestEngine::start([]).await;
    let (package, _) = flaky("1", 3);
    engine.load(Load::new(package.clone()).retry()).await.unwrap();
    engine.advance(Duration::from_secs(1)).await;
    assert!(engine.load(package.clone()).await.is_err());

    assert!(engine.clear_quarantine("flaky"));
    assert!(!engine.clear_quarantine("flaky"));

    engine.load(package).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_loaded_package_that_keeps_failing_is_quarantined_by_its_version() {
    let engine = TestEngine::start([flaky("1", 0).0]).await;
    for _ in 0..4 {
        assert!(engine.crash(Component::Package("flaky")).await);
        engine.advance(Duration::from_millis(500)).await;
    }
    assert!(state(&engine).contains(&PackageState::Quarantined { reason: "crashed on demand".to_owned() }));
    engine.unload("flaky").await.unwrap();
    assert!(engine.load(flaky("1", 0).0).await.is_err());
    engine.load(flaky("2", 0).0).await.unwrap();
}
