//! Loads go on while an unload drains, unless they concern what it takes down.

use super::publisher;
use acequia::testing::{TestEngine, faults};
use acequia::{
    AccumulatorDecl, FailAction, LoadError, LoadReport, Package, ReactorDecl, Strategy, Unload, UnloadError,
    UnloadReport, when_any,
};
use acequia_tests::echo;
use std::time::Duration;
use tokio::time::Instant;

const DRAIN: Duration = Duration::from_secs(60);
/// Beyond every restart period.
const LATER: Duration = Duration::from_secs(400);

/// Package `slow`, whose graph never ends its first firing.
fn slow() -> Package {
    let never = faults().sleep_at(0, Duration::from_secs(100_000)).wrap(echo::<u64>("g", "n").on("Slow"));
    let reactor = ReactorDecl::new("Slow", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    Package::new("slow").version("1").reactor(reactor.strategy(Strategy::Sequential)).graph(never)
}

/// Load `slow`, with a firing that does not end.
async fn load_slow(engine: &TestEngine) {
    engine.load(slow()).await.unwrap();
    engine.push("n", 1_u64).await;
    engine.settle().await;
}

async fn started() -> TestEngine {
    let engine = TestEngine::builder().start().await;
    load_slow(&engine).await;
    engine
}

type Unloaded = Result<UnloadReport, UnloadError>;
type Loaded = Result<LoadReport, LoadError>;

/// Ask for the unload of `slow`, and for the load of `next` right behind it; each with the time after which it was done.
async fn both(engine: &TestEngine, next: Package) -> ((Unloaded, Duration), (Loaded, Duration)) {
    let (began, facade) = (Instant::now(), engine.engine().clone());
    let unloading =
        async { (facade.unload_with("slow", Unload::default().drain(DRAIN)).await, began.elapsed()) };
    let loading = async { (engine.load(next).await, began.elapsed()) };
    tokio::join!(unloading, loading)
}

#[tokio::test(start_paused = true)]
async fn a_load_goes_on_while_an_unload_drains() {
    let engine = started().await;

    let ((unloaded, unload_took), (loaded, load_took)) = both(&engine, publisher()).await;

    loaded.unwrap();
    assert_eq!(unloaded.unwrap().dropped, 1);
    assert!(load_took < Duration::from_secs(1) && unload_took >= DRAIN, "{load_took:?} {unload_took:?}");
    let names: Vec<_> = engine.packages().into_iter().map(|package| package.name).collect();
    assert_eq!(names, ["pricing-publisher".into()]);
    engine.push("raw_prices", 1_u64).await;
    engine.settle().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_load_of_what_leaves_waits_for_the_unload() {
    let engine = started().await;
    let again = slow().version("2");
    let ((unloaded, _), (loaded, took)) = both(&engine, again).await;
    unloaded.unwrap();
    loaded.unwrap();
    assert!(took >= DRAIN, "another version of it: {took:?}");

    engine.push("n", 1_u64).await;
    engine.settle().await;
    let accumulators = vec![AccumulatorDecl::passthrough::<u64>("n")];
    let other = Package::new("other").reactor(ReactorDecl::new("Other", accumulators, when_any(["n"])));
    let ((unloaded, _), (loaded, took)) = both(&engine, other).await;
    unloaded.unwrap();
    loaded.unwrap();
    assert!(took >= DRAIN, "another package with an accumulator of the same name: {took:?}");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_of_a_load_beside_an_unload_ends_both() {
    let engine = started().await;
    engine.arm_failpoint(None);
    let ((unloaded, _), (loaded, _)) = both(&engine, publisher()).await;
    unloaded.unwrap();
    loaded.unwrap();
    let places = engine.passed_failpoints();
    let place = |name: &str| places.iter().position(|place| place == name).unwrap();
    let (drain, first) = (place("drain"), place("start package pricing-publisher"));
    assert!(drain < first && first < place("tear down reactor Slow of package slow"), "{places:?}");
    let empty = {
        engine.unload("pricing-publisher").await.unwrap();
        engine.settle().await;
        engine.tree().await.len()
    };

    for (at, place) in places.iter().enumerate() {
        engine.advance(LATER).await;
        load_slow(&engine).await;
        engine.arm_failpoint(Some((at, FailAction::Kill)));
        let ((unloaded, _), (loaded, _)) = both(&engine, publisher()).await;
        engine.settle().await;
        if let Err(error) = unloaded {
            assert!(matches!(error, UnloadError::Interrupted { .. }) && at < drain, "{place}: {error}");
            engine.unload_with("slow", Unload::default().drain(Duration::ZERO)).await.unwrap();
        }
        match loaded {
            Ok(_) => drop(engine.unload("pricing-publisher").await.unwrap()),
            Err(LoadError::Child { left, .. }) if at >= first => {
                assert!(left.is_empty(), "{place}: {left:?}")
            }
            Err(other) => panic!("killed at {place}: {other}"),
        }
        engine.settle().await;
        assert!(engine.packages().is_empty(), "killed at {place}");
        assert_eq!(engine.tree().await.len(), empty, "killed at {place}");
    }
    engine.assert_settled().await;
    engine.assert_ledger().await;
}
