//! Packages with `runtime = "own"`: a thread with a tokio on it, inside the library, for as long as it is in use.

use super::package_folder;
use acequia::library::{Library, LibraryError, Mapped, Runtime, mapped};
use acequia::testing::TestEngine;
use acequia::{Engine, FailAction, Load, Package, Sink, Unload};
use acequia_host::{Candidate, CandidateError, Shelf, Trust};
use acequia_tests::library::{built, library};
use acequia_tests::{Folder, eventually};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The same source as the fixture's, compiled into this program.
#[path = "../../fixtures/packages/own/src/lib.rs"]
#[allow(
    unexpected_cfgs,
    dead_code,
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "features are those of the fixture, and so is its use"
)]
mod in_process;

const MANIFEST: &str = "runtime = \"own\"\n";

/// What comes out at the terminals of a package, by graph.
#[derive(Clone, Default)]
struct Outputs(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Outputs {
    fn sink<T: acequia::Payload + ToString>(&self, graph: &'static str) -> Sink {
        let all = Arc::clone(&self.0);
        Sink::callback(move |value: &T| all.lock().unwrap().push((graph, value.to_string())))
    }

    fn attached(&self, package: Package) -> Load {
        Load::new(package)
            .sink("of_asked", "out", self.sink::<String>("asked"))
            .sink("of_late", "out", self.sink::<String>("late"))
            .sink("of_counted", "out", self.sink::<i64>("counted"))
            .sink("of_ticked", "out", self.sink::<String>("ticked"))
            .sink("of_polled", "out", self.sink::<String>("polled"))
    }

    fn of(&self, graph: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(from, _)| *from == graph).map(|(_, value)| value.clone()).collect()
    }

    /// Wait until `graph` yielded as many values.
    async fn expect(&self, graph: &str, n: usize) -> Vec<String> {
        eventually(&format!("{n} values of {graph}"), async || self.of(graph).len() >= n).await;
        self.of(graph)
    }
}

fn own_library(path: &Path) -> Arc<Library> {
    let library = Library::open(path, &Trust::optional()).unwrap();
    library.run_on(Runtime::Own).unwrap();
    library
}

async fn serving(path: &Path) -> (Engine, Outputs) {
    let engine = Engine::builder().start().await.unwrap();
    let outputs = Outputs::default();
    engine.load(outputs.attached(own_library(path).package(engine.services()))).await.unwrap();
    (engine, outputs)
}

async fn ask(engine: &Engine, what: &str) {
    engine.accumulator::<String>("asked").unwrap().push(what.to_owned()).await.unwrap();
}

fn account(path: &Path) -> Mapped {
    let path = path.canonicalize().unwrap();
    mapped().into_iter().find(|mapped| mapped.path == path).unwrap()
}

/// The library at `path` has no thread, and nobody holds it; it is still mapped.
async fn is_left(path: &Path) {
    eventually("its thread has ended, and nobody holds it", async || {
        let account = account(path);
        (account.live, account.runtimes) == (0, 0)
    })
    .await;
}

#[tokio::test]
async fn nodes_accumulators_sources_polls_and_the_hook_have_a_tokio_of_their_own() {
    let path = library("own", &[]);
    let (engine, outputs) = serving(&path).await;
    assert_eq!(account(&path).runtimes, 1);

    for what in ["thread", "channel", "timeout", "panic in a task", "offload", "beats"] {
        ask(&engine, what).await;
    }
    engine.accumulator::<i64>("late").unwrap().push(5).await.unwrap();

    let answers = ["own own, own own", "55", "true", "contained: true", "7", "beats"];
    assert_eq!(outputs.expect("asked", 6).await, answers);
    assert_eq!(outputs.expect("late", 1).await, ["5 on own own"]);
    assert_eq!(outputs.expect("ticked", 3).await, ["own own"; 3]);
    assert_eq!(outputs.expect("polled", 2).await[..2], ["own own"; 2]);
    engine.ledger().await.check().unwrap();
    engine.unload("own").await.unwrap();
    is_left(&path).await;
}

#[tokio::test]
async fn a_panic_on_a_runtime_of_its_own_costs_its_firing_alone() {
    let path = library("own", &[]);
    let (engine, outputs) = serving(&path).await;

    for what in ["channel", "panic", "nothing", "channel"] {
        ask(&engine, what).await;
    }

    assert_eq!(outputs.expect("asked", 2).await, ["55", "55"]);
    let causes = || -> Vec<_> {
        let letters = engine.dead_letters().list().into_iter();
        letters.filter_map(|letter| letter.cause).collect()
    };
    eventually("both have their letter", async || causes().len() == 2).await;
    assert!(causes()[0].contains("in a node") && causes()[1].contains("nothing to do"), "{:?}", causes());
    engine.ledger().await.check().unwrap();
    engine.unload("own").await.unwrap();
    is_left(&path).await;
}

#[tokio::test]
async fn an_unload_cuts_what_pends_on_a_runtime_of_its_own_and_ends_the_thread() {
    let path = library("own", &[]);
    let (engine, outputs) = serving(&path).await;
    ask(&engine, "channel").await;
    outputs.expect("asked", 1).await;
    ask(&engine, "never").await;

    let report = engine.unload_with("own", Unload::default().drain(Duration::from_millis(50)));
    let report = report.await.unwrap();

    assert_eq!(report.dropped, 1, "{report:?}");
    is_left(&path).await;
    let ledger = engine.ledger().await;
    ledger.check().unwrap();
    // The library was never unmapped: it says itself that the firing was dropped.
    engine.load(outputs.attached(own_library(&path).package(engine.services()))).await.unwrap();
    ask(&engine, "held").await;
    assert_eq!(outputs.expect("asked", 2).await[1], "0");
    engine.unload("own").await.unwrap();
    is_left(&path).await;
}

#[tokio::test]
async fn a_declaration_that_outlives_its_package_brings_nothing_of_it_back() {
    let path = library("own", &[]);
    let engine = Engine::builder().start().await.unwrap();
    let package = own_library(&path).package(engine.services());
    let stale = package.graphs()[0].clone();
    engine.load(package).await.unwrap();
    engine.unload("own").await.unwrap();

    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(stale.part())));

    assert!(made.is_err(), "as a part that its library cannot make");
    eventually("its thread has ended, and there is no new one", async || account(&path).runtimes == 0).await;
    drop(stale);
    is_left(&path).await;
}

#[tokio::test]
async fn a_package_that_blocks_its_own_thread_is_counted_until_that_ends() {
    let path = library("own", &[]);
    let (engine, _) = serving(&path).await;
    ask(&engine, "block").await;

    // The engine waits for nothing of it: its own thread is the one that is blocked.
    let drain = Unload::default().drain(Duration::ZERO);
    engine.unload_with("own", drain).await.unwrap();

    is_left(&path).await;
}

#[tokio::test]
async fn a_hundred_loads_and_unloads_leave_no_thread_of_a_package_behind() {
    let path = library("own", &[]);
    let engine = Engine::builder().start().await.unwrap();

    for _ in 0..100 {
        let outputs = Outputs::default();
        engine.load(outputs.attached(own_library(&path).package(engine.services()))).await.unwrap();
        ask(&engine, "channel").await;
        outputs.expect("asked", 1).await;
        assert_eq!(account(&path).runtimes, 1, "one instance has one thread, the last one's has ended");
        engine.unload("own").await.unwrap();
        is_left(&path).await;
    }

    assert_eq!(mapped().iter().filter(|other| other.path == account(&path).path).count(), 1);
    let events = engine.ledger().await.events();
    assert_eq!(events.accepted, events.settled(), "{events:?}");
}

#[tokio::test]
async fn an_upgrade_moves_state_and_sources_to_the_thread_of_the_next_version() {
    let (one, two) = (library("own", &[]), library("own", &["two"]));
    let engine = Engine::builder().start().await.unwrap();
    let outputs = Outputs::default();
    let of = |path: &Path, version: &str| own_library(path).package(engine.services()).version(version);
    engine.load(outputs.attached(of(&one, "1"))).await.unwrap();
    let counted = engine.accumulator::<i64>("counted").unwrap();
    counted.push(5).await.unwrap();
    outputs.expect("counted", 1).await;
    outputs.expect("ticked", 3).await;

    engine.load(of(&two, "2")).await.unwrap();
    counted.push(2).await.unwrap();
    ask(&engine, "thread").await;

    assert_eq!(outputs.expect("counted", 2).await, ["5", "1007"]);
    assert_eq!(outputs.expect("asked", 1).await, ["own own, own own"]);
    outputs.expect("ticked", 6).await;
    is_left(&one).await;
    assert_eq!(account(&two).runtimes, 1);
    engine.ledger().await.check().unwrap();
    engine.unload("own").await.unwrap();
    eventually("the thread ends, whoever holds a handle", async || account(&two).runtimes == 0).await;
    drop(counted);
    is_left(&two).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_leaves_one_thread_or_none() {
    let path = library("own", &[]);
    let engine = TestEngine::builder().start().await;
    let package = || own_library(&path).package(engine.services()).version("1");
    engine.arm_failpoint(None);
    engine.load(package()).await.unwrap();
    let loading = engine.passed_failpoints().len();
    engine.arm_failpoint(None);
    engine.unload("own").await.unwrap();
    let unloading = engine.passed_failpoints().len();
    is_left(&path).await;

    for at in 0..loading {
        engine.advance(Duration::from_secs(400)).await;
        engine.arm_failpoint(Some((at, FailAction::Kill)));
        let loaded = engine.load(package()).await;
        engine.settle().await;
        if loaded.is_ok() {
            assert_eq!(account(&path).runtimes, 1, "killed at place {at} of a load");
            engine.unload("own").await.unwrap();
        }
        is_left(&path).await;
    }
    for at in 0..unloading {
        engine.advance(Duration::from_secs(400)).await;
        engine.load(package()).await.unwrap();
        engine.arm_failpoint(Some((at, FailAction::Kill)));
        if engine.unload("own").await.is_err() {
            engine.settle().await;
            assert_eq!(account(&path).runtimes, 1, "killed at place {at} of an unload");
            engine.unload("own").await.unwrap();
        }
        is_left(&path).await;
    }
    engine.assert_ledger().await;
}

#[tokio::test]
async fn the_manifest_says_whether_a_package_has_a_runtime_of_its_own() {
    let engine = Engine::builder().start().await.unwrap();
    for (manifest, own) in [(MANIFEST, true), ("", false)] {
        let folder = package_folder("own", &[], "1.0.0", manifest);
        let outputs = Outputs::default();
        let loaded = engine.load(outputs.attached(engine.open(folder.join("")).await.unwrap())).await;
        if !own {
            let text = loaded.unwrap_err().to_string();
            assert!(text.contains("no reactor running"), "its hook finds no tokio: {text}");
            continue;
        }
        loaded.unwrap();
        ask(&engine, "thread").await;
        assert_eq!(outputs.expect("asked", 1).await, ["own own, own own"]);
        engine.unload("own").await.unwrap();
    }
}

#[test]
fn a_runtime_of_its_own_that_the_library_does_not_have_is_refused() {
    let folder = package_folder("versioned", &[], "1.0.0", MANIFEST);
    let shelf = Folder::new().unwrap();
    let shelf = Shelf::open(shelf.join("shelf")).unwrap();

    let error = Candidate::open(&folder.join(""), &shelf, &Trust::optional()).unwrap_err();

    let text = error.to_string();
    assert!(matches!(error, CandidateError::Library(LibraryError::NoRuntime { .. })), "{text}");
    assert!(text.contains("E0720: package.toml of versioned says `runtime = \"own\"`"), "{text}");
    assert!(text.contains("feature `own-runtime`"), "{text}");
    assert!(!Library::open(built("versioned", &[]), &Trust::optional()).unwrap().can_run());
}

#[tokio::test]
async fn the_same_source_runs_in_process_on_the_engines_runtime() {
    let engine = Engine::builder().start().await.unwrap();
    let outputs = Outputs::default();
    engine.load(outputs.attached(in_process::package())).await.unwrap();

    for what in ["channel", "timeout", "panic in a task", "offload"] {
        ask(&engine, what).await;
    }
    engine.accumulator::<i64>("late").unwrap().push(5).await.unwrap();

    assert_eq!(outputs.expect("asked", 4).await, ["55", "true", "contained: true", "7"]);
    assert!(outputs.expect("late", 1).await[0].starts_with("5 on "));
    outputs.expect("ticked", 3).await;
    outputs.expect("polled", 2).await;
    engine.ledger().await.check().unwrap();
    engine.shutdown(Duration::from_secs(5)).await;
}
