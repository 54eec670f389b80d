//! Versions side by side, old code that never runs again, and the account of what is mapped.

use acequia::Load;
use acequia::Trust;
use acequia::library::{Library, LibraryError, Mapped, mapped};
use acequia::testing::{Probe, TestEngine};
use acequia_tests::eventually;
use acequia_tests::library::library;
use std::path::Path;
use std::time::Duration;

async fn serving(path: &Path) -> (TestEngine, Probe<i64>) {
    let engine = TestEngine::builder().start().await;
    let instance = Library::open(path, &Trust::optional()).unwrap().init(engine.services()).unwrap();
    let probe = Probe::new();
    let sinks = vec![("scaled".into(), "scale".into(), probe.sink())];
    engine.deploy(instance.package(), sinks).await.unwrap();
    (engine, probe)
}

fn account(path: &Path) -> Option<Mapped> {
    let path = path.canonicalize().unwrap();
    mapped().into_iter().find(|mapped| mapped.path == path)
}

#[tokio::test(start_paused = true)]
async fn two_versions_of_one_library_serve_at_once() {
    let (one, two) = (library("versioned", &[]), library("versioned", &["two"]));
    let ((first, tens), (second, hundreds)) = (serving(&one).await, serving(&two).await);

    for number in 1..=3_i64 {
        first.push("numbers", number).await;
        second.push("numbers", number).await;
    }

    assert_eq!(tens.expect(3).await, [10, 20, 30]);
    assert_eq!(hundreds.expect(3).await, [100, 200, 300]);
    first.assert_ledger().await;
    second.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn rebuilt_library_never_runs_old_code() {
    let path = library("versioned", &[]);
    let (engine, probe) = serving(&path).await;
    engine.push("numbers", 1_i64).await;
    assert_eq!(probe.expect(1).await, [10]);
    drop(engine);

    // Replaced as a careful deployment would, by a rename; the loader would still find the old code.
    let rebuilt = library("versioned", &["two"]);
    std::fs::rename(&rebuilt, &path).unwrap();
    assert!(matches!(Library::open(&path, &Trust::optional()), Err(LibraryError::Replaced { .. })));

    let (engine, probe) = serving(&library("versioned", &["two"])).await;
    engine.push("numbers", 1_i64).await;
    assert_eq!(probe.expect(1).await, [100]);
}

/// How many places of this process's memory map `path`, and how many files it has open.
fn held_by_the_system(path: &Path) -> (usize, usize) {
    let path = path.canonicalize().unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mapped = maps.lines().filter(|line| line.ends_with(&*path.to_string_lossy())).count();
    let mine = |entry: &std::fs::DirEntry| std::fs::read_link(entry.path()).is_ok_and(|to| to == path);
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().filter_map(Result::ok);
    (mapped, open.filter(mine).count())
}

#[tokio::test(start_paused = true)]
async fn a_thousand_loads_of_a_library_map_it_once_and_leave_nobody_holding_it() {
    let engine = TestEngine::builder().start().await;
    let path = library("versioned", &[]);
    drop(Library::open(&path, &Trust::optional()).unwrap());
    let before = (account(&path).unwrap(), held_by_the_system(&path));
    assert_eq!((before.0.live, before.0.package.as_deref()), (0, Some("versioned")));
    assert!(before.0.built_with.starts_with("acequia-sdk"), "{}", before.0.built_with);

    for _ in 0..1_000 {
        let instance = Library::open(&path, &Trust::optional()).unwrap().init(engine.services()).unwrap();
        let package = instance.package();
        let parts: Vec<_> = package.graphs().iter().map(|graph| graph.part()).collect();
        drop((instance, package));
        assert!(account(&path).unwrap().live > 0, "a part keeps its library");
        drop(parts);
    }

    assert_eq!((account(&path).unwrap(), held_by_the_system(&path)), before);
}

#[tokio::test(start_paused = true)]
async fn engine_that_stops_drops_what_pends_in_a_library_and_holds_it_no_longer() {
    let path = library("kinds", &[]);
    let engine = TestEngine::builder().start().await;
    let instance = Library::open(&path, &Trust::optional()).unwrap().init(engine.services()).unwrap();
    engine.deploy(instance.package(), Vec::new()).await.unwrap();
    drop(instance);
    // One graph sleeps for an hour, an accumulator for five seconds, and a source polls.
    engine.push("plain", 1_i64).await;
    engine.push("delayed", 1_i64).await;
    assert!(account(&path).unwrap().live > 0);

    let report = engine.shutdown(Duration::from_secs(60)).await;

    report.ledger.check().unwrap();
    drop((engine, report));
    eventually("nobody holds the library", async || account(&path).unwrap().live == 0).await;
}

#[tokio::test(start_paused = true)]
async fn another_version_of_a_library_takes_over_while_events_flow() {
    let engine = TestEngine::builder().start().await;
    let probe = Probe::<i64>::new();
    let of = |path: &Path, version: &str| {
        Library::open(path, &Trust::optional()).unwrap().package(engine.services()).version(version)
    };
    let first = Load::new(of(&library("versioned", &[]), "1")).sink("scaled", "scale", probe.sink());
    engine.load(first).await.unwrap();
    let numbers = engine.accumulator::<i64>("numbers").unwrap();
    numbers.push(1).await.unwrap();
    engine.settle().await;

    engine.load(of(&library("versioned", &["two"]), "2")).await.unwrap();
    numbers.push(2).await.unwrap();

    assert_eq!(probe.expect(2).await, [10, 200], "the handle and the sink are those of before");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_loads_and_unloads_a_library_maps_it_once_and_holds_nothing_of_it() {
    let engine = TestEngine::builder().start().await;
    let path = library("versioned", &[]);
    drop(Library::open(&path, &Trust::optional()).unwrap());
    let before = (account(&path).unwrap(), held_by_the_system(&path));

    for cycle in 0..200_i64 {
        engine
            .load(Library::open(&path, &Trust::optional()).unwrap().package(engine.services()))
            .await
            .unwrap();
        engine.push("numbers", cycle).await;
        assert!(account(&path).unwrap().live > 0);
        engine.unload("versioned").await.unwrap();
    }

    assert!(engine.packages().is_empty());
    let nobody = async || account(&path).unwrap().live == 0;
    eventually("the last part is dropped", nobody).await;
    assert_eq!((account(&path).unwrap(), held_by_the_system(&path)), before);
    let events = engine.ledger().await.events();
    assert_eq!((events.accepted, events.settled(), events.unsettled), (200, 200, 0));
}
