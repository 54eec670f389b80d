//! Ranges of releases in the manifests of real libraries, judged by the engine before anything is done.

use super::package_folder;
use acequia::testing::TestEngine;
use acequia::{LoadError, Package, Release, ReleaseRange, Requirement, StepPhase};
use acequia_tests::{Folder, echo};

/// The package `versioned` as a folder.
fn package(features: &[&str], release: &str, rest: &str) -> Folder {
    package_folder("versioned", features, release, rest)
}

async fn open(engine: &TestEngine, folder: &Folder) -> Package {
    engine.open(folder.join("")).await.unwrap()
}

/// A subscriber in this process of the reactor that the library `versioned` owns.
fn subscriber(range: &str) -> Package {
    let range = ReleaseRange::parse(range).unwrap();
    let requirement = Requirement::of("Numbers").from("versioned").within(range);
    Package::new("subscriber")
        .version(format!("for {requirement:?}"))
        .graph(echo::<i64>("seen", "numbers").on("Numbers"))
        .requirement(requirement)
}

#[track_caller]
fn refusal<T: std::fmt::Debug>(result: Result<T, LoadError>, parts: &[&str]) {
    let error = result.expect_err("it is out of range");
    assert!(matches!(error, LoadError::Refused(_)), "{error}");
    let text = error.to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_of_another_release_is_refused_before_anything_is_done() {
    let engine = TestEngine::builder().start().await;
    engine.load(open(&engine, &package(&[], "1.4.0", "")).await).await.unwrap();
    let before = (engine.packages(), engine.tree().await);
    let begun = |engine: &TestEngine| engine.step_counters().get(StepPhase::Planned);
    let n_begun = begun(&engine);

    refusal(engine.load(subscriber("^2")).await, &["E0476", "^2", "versioned is release 1.4.0"]);

    assert_eq!((engine.packages(), engine.tree().await), before);
    assert_eq!(begun(&engine), n_begun, "not a step was planned");
    assert!(engine.check(&[subscriber("^2")]).is_err() && engine.check(&[subscriber("^1.4")]).is_ok());
    engine.load(subscriber("^1.4")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_of_a_publisher_that_its_subscribers_do_not_take_is_refused() {
    let engine = TestEngine::builder().start().await;
    engine.load(open(&engine, &package(&[], "1.0.0", "")).await).await.unwrap();
    engine.load(subscriber("^1")).await.unwrap();
    let seen = engine.probe::<i64>("seen", "out").await;

    let second = package(&["two"], "2.0.0", "");
    let refused = engine.load(open(&engine, &second).await).await;
    refusal(refused, &["E0476", "subscriber requires ^1", "versioned is release 2.0.0"]);
    engine.push("numbers", 1_i64).await;
    assert_eq!(seen.expect(1).await, [1], "the old one serves");

    let fitting = package(&["two"], "1.1.0", "");
    engine.load(open(&engine, &fitting).await).await.unwrap();
    engine.push("numbers", 2_i64).await;
    assert_eq!(seen.expect(1).await, [2]);
    engine.assert_settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_range_in_a_manifest_is_judged_against_what_is_loaded() {
    let engine = TestEngine::builder().start().await;
    let release = Release::parse("3.1.4").unwrap();
    let feed = acequia_tests::numbers(acequia::Strategy::Sequential).version("1").release(release);
    engine.load(feed).await.unwrap();
    let requires = |range: &str| {
        format!("[[requires.reactors]]\nreactor = \"R\"\npackage = \"p\"\nversion = \"{range}\"\n")
    };

    let strict = package(&[], "1.0.0", &requires("<3"));
    refusal(engine.load(open(&engine, &strict).await).await, &["E0476", "<3", "p is release 3.1.4"]);
    let fitting = package(&[], "1.0.0", &requires("3.*"));
    engine.load(open(&engine, &fitting).await).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_same_library_under_another_manifest_is_refused_with_both_digests() {
    let engine = TestEngine::builder().start().await;
    engine.load(open(&engine, &package(&[], "1.0.0", "")).await).await.unwrap();
    engine.load(open(&engine, &package(&[], "1.0.0", "")).await).await.unwrap();
    let other = package(&[], "1.0.1", "");
    refusal(engine.load(open(&engine, &other).await).await, &["E0874", "ManifestMismatch"]);
}
