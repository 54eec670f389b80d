//! The reconciler is killed between any two steps of an upgrade from one library to the next.

use acequia::library::{Library, mapped};
use acequia::testing::{Probe, TestEngine};
use acequia::{FailAction, GraphBuilder, Load, LoadError, LoadOutcome, Package, Trust};
use acequia_tests::eventually;
use acequia_tests::library::library;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `keeping` yields of its sum: the version whose code made it, and the sum.
type Sum = (i64, i64);

/// A graph of this program at the library's reactor.
fn foreign() -> Package {
    let mut graph = GraphBuilder::new("foreign");
    let sum = graph.source::<Sum>("summed");
    let out = graph.node("out", (sum,), |(sum,)| *sum);
    graph.terminal(out);
    Package::new("subscriber").version("1").graph(graph.on("Summed").build().unwrap())
}

/// How many hold the library at `path`.
fn live(path: &Path) -> usize {
    let path = path.canonicalize().unwrap();
    mapped().into_iter().find(|mapped| mapped.path == path).map_or(0, |mapped| mapped.live)
}

/// Names, actors, links and versions, but for the reconciler's own actor.
async fn seen(engine: &TestEngine) -> String {
    let tree = engine.tree().await.into_iter().filter(|(name, _)| !name.starts_with("reconciler"));
    let tree: Vec<_> = tree.collect();
    let links = engine.reactor("Summed").unwrap().subscribers().await;
    format!("{tree:#?}\n{links:#?}\n{:#?}", engine.packages())
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_of_a_librarys_upgrade_leaves_the_old_version_or_the_new() {
    let paths: [PathBuf; 2] = [library("keeping", &[]), library("keeping", &["two"])];
    let engine = TestEngine::builder().start().await;
    let package = |code: usize, label: &str| {
        Library::open(&paths[code], &Trust::optional())
            .unwrap()
            .package(engine.services())
            .version(label.to_owned())
    };
    let (own, others) = (Probe::<Sum>::new(), Probe::<Sum>::new());
    engine.load(Load::new(package(0, "0")).sink("of_summed", "out", own.sink())).await.unwrap();
    engine.load(Load::new(foreign()).sink("foreign", "out", others.sink())).await.unwrap();
    engine.arm_failpoint(None);
    engine.load(package(1, "1")).await.unwrap();
    let places = engine.passed_failpoints();
    let commit = places.iter().position(|place| place == "commit").unwrap();
    assert!(places.len() > commit + 3 && commit > 20, "{places:?}");
    let (mut code, mut sum) = (1, 0);

    for (at, place) in places.iter().enumerate() {
        engine.advance(Duration::from_secs(400)).await;
        let before = seen(&engine).await;
        engine.arm_failpoint(Some((at, FailAction::Kill)));
        let result = engine.load(package(1 - code, &format!("killed-{at}"))).await;
        engine.settle().await;
        if at <= commit {
            assert!(matches!(result, Err(LoadError::Child { .. })), "{place}: {result:?}");
            assert_eq!(seen(&engine).await, before, "killed at {place}");
        } else {
            let report = result.unwrap_or_else(|error| panic!("killed at {place}: {error}"));
            assert!(matches!(report.outcome("keeping"), Some(LoadOutcome::Upgraded { .. })), "{place}");
            code = 1 - code;
        }

        sum += 1;
        engine.push("summed", 1_i64).await;
        engine.settle().await;
        let expected = (i64::try_from(code).unwrap() + 1, sum);
        assert_eq!(own.all().last(), Some(&expected), "killed at {place}");
        assert_eq!(others.all().last(), Some(&expected), "killed at {place}");
        let let_go = async || live(&paths[1 - code]) == 0;
        eventually(&format!("killed at {place}, nobody holds the version that does not serve"), let_go).await;
        assert!(live(&paths[code]) > 0, "killed at {place}");
    }
    assert_eq!((own.len(), others.len()), (places.len(), places.len()), "nothing came twice");
    engine.assert_ledger().await;
}
