//! Another version takes over while events flow: nothing is lost, duplicated or reordered, and what fails
//! leaves the old one serving.

use super::{structure, visible};
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Batch, Engine, FailAction, Failure, GraphBuilder, GraphDecl, GraphPlacement, Kind, Load,
    LoadError, LoadOutcome, Package, ReactorDecl, Stateful, Strategy, when_any,
};
use acequia_tests::echo;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A counting stream: its boundaries are `(version, how many events it has seen)`.
fn counter(version: u64) -> AccumulatorDecl {
    AccumulatorDecl::new("n", Kind::Stream, move || {
        Stateful::new(0_u64, move |count: &mut u64, event: &u64| {
            *count += 1;
            Ok(Some(vec![version, *count, *event]))
        })
    })
}

fn reactor(accumulator: AccumulatorDecl) -> ReactorDecl {
    ReactorDecl::new("R", vec![accumulator], when_any(["n"])).strategy(Strategy::Sequential)
}

/// Graph `own` of the publisher: puts its version in front.
fn own(version: u64) -> GraphDecl {
    let mut graph = GraphBuilder::new("own");
    let seen = graph.source::<Vec<u64>>("n");
    let out = graph.node("out", (seen,), move |(seen,)| [&[version], &seen[..]].concat());
    graph.terminal(out);
    graph.on("R").build().unwrap()
}

fn publisher(version: u64) -> Package {
    let package = Package::new("publisher").version(version.to_string());
    package.reactor(reactor(counter(version))).graph(own(version))
}

fn subscriber() -> Package {
    Package::new("subscriber").version("1").graph(echo::<Vec<u64>>("foreign", "n").on("R"))
}

async fn with_subscriber() -> (TestEngine, Probe<Vec<u64>>, Probe<Vec<u64>>) {
    let (own, foreign) = (Probe::new(), Probe::new());
    let builder = TestEngine::builder().package(publisher(1)).package(subscriber());
    let engine = builder.probe("own", "out", &own).probe("foreign", "out", &foreign).start().await;
    (engine, own, foreign)
}

#[tokio::test(start_paused = true)]
async fn state_seats_sinks_and_handles_go_on_in_the_new_version() {
    let (engine, own, foreign) = with_subscriber().await;
    let handle = engine.accumulator::<u64>("n").unwrap();
    for n in 1..=3_u64 {
        handle.push(n).await.unwrap();
    }
    engine.settle().await;
    let before = (engine.tree().await, engine.reactor("R").unwrap().subscribers().await);

    let report = engine.load(publisher(2)).await.unwrap();

    assert_eq!(report.outcome("publisher"), Some(&LoadOutcome::Upgraded { from: "1".into() }));
    for n in 4..=5_u64 {
        handle.push(n).await.unwrap();
    }
    engine.settle().await;
    assert_eq!(foreign.all(), [[1, 1, 1], [1, 2, 2], [1, 3, 3], [2, 4, 4], [2, 5, 5]]);
    assert_eq!(own.all(), [[1, 1, 1, 1], [1, 1, 2, 2], [1, 1, 3, 3], [2, 2, 4, 4], [2, 2, 5, 5]]);
    let after = (engine.tree().await, engine.reactor("R").unwrap().subscribers().await);
    let packages = |tree: &[(String, Vec<acequia::ChildStatus>)]| {
        tree.iter().filter(|(name, _)| name.contains("subscriber")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(packages(&after.0), packages(&before.0), "the other package's actors are the same");
    assert_eq!(after.1[0], before.1[0], "and so is its link");
    assert_ne!(after.1[1], before.1[1], "its own graph has another actor");
    let versions: Vec<_> = engine.packages().into_iter().map(|p| p.version.to_string()).collect();
    assert_eq!(versions, ["2", "1"]);
    // What restarts now is of the new version.
    for graph in ["own", "foreign"] {
        assert!(engine.crash(acequia::Component::Graph(graph)).await);
    }
    engine.settle().await;
    handle.push(6).await.unwrap();
    engine.settle().await;
    assert_eq!(own.all().last().unwrap(), &[2, 2, 6, 6]);
    assert_eq!(foreign.len(), 6);
    engine.assert_ledger().await;
}

/// A sink that counts, and notices any value whose count does not follow the one before.
fn watch(at: usize) -> (acequia::Sink, Arc<AtomicU64>, Arc<AtomicBool>) {
    let (seen, gap) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, gaps) = (Arc::clone(&seen), Arc::clone(&gap));
    let sink = acequia::Sink::callback(move |value: &Vec<u64>| {
        let expected = count.fetch_add(1, Ordering::Relaxed) + 1;
        // How many events the state has seen, and which one this is.
        gaps.fetch_or(value[at] != expected || value[at + 1] != expected, Ordering::Relaxed);
    });
    (sink, seen, gap)
}

#[test]
fn under_full_load_no_event_is_lost_duplicated_or_reordered() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let (foreign, seen, gap) = watch(1);
        let (own_sink, own_seen, own_gap) = watch(2);
        let unrelated = Package::new("unrelated").reactor(ReactorDecl::new(
            "U",
            vec![AccumulatorDecl::passthrough::<u64>("u")],
            when_any(["u"]),
        ));
        let builder = Engine::builder().package(publisher(1)).package(subscriber()).package(unrelated);
        let engine =
            builder.sink("foreign", "out", foreign).sink("own", "out", own_sink).start().await.unwrap();
        let others = |tree: Vec<(String, Vec<acequia::ChildStatus>)>| {
            tree.into_iter().filter(|(name, _)| !name.contains("publisher")).collect::<Vec<_>>()
        };
        let before = others(engine.tree().await);
        let done = Arc::new(AtomicBool::new(false));
        let (handle, stop) = (engine.accumulator::<u64>("n").unwrap(), Arc::clone(&done));
        let pusher = std::thread::spawn(move || {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                handle.push_blocking(n).unwrap();
            }
            n
        });

        let mut during = 0;
        for version in 2..=100 {
            let before = seen.load(Ordering::Relaxed);
            engine.load(publisher(version)).await.unwrap();
            engine.ledger().await.check().unwrap();
            during += seen.load(Ordering::Relaxed) - before;
        }

        done.store(true, Ordering::Relaxed);
        let pushed = pusher.join().unwrap();
        assert!(engine.settled(Duration::from_secs(20)).await);
        for (seen, gap, graph) in [(seen, gap, "foreign"), (own_seen, own_gap, "own")] {
            assert_eq!(seen.load(Ordering::Relaxed), pushed, "{graph}");
            assert!(!gap.load(Ordering::Relaxed), "{graph}: each once, in order, over one state");
        }
        assert!(during > 1_000, "{during} events passed during the upgrades");
        assert_eq!(others(engine.tree().await), before, "actors of the others are the same");
        let ledger = engine.ledger().await;
        ledger.check().unwrap();
        assert_eq!(ledger.events().accepted, pushed);
        engine.shutdown(Duration::from_secs(5)).await;
    });
}

type Whole = fn(&[u64]) -> Result<Option<Vec<u64>>, Failure>;

fn broken(why: &str) -> Package {
    let package = Package::new("publisher").version(why);
    let panics = || -> Batch<u64, Vec<u64>, Whole> { panic!("no part today") };
    match why {
        "accumulator" => {
            package.reactor(reactor(AccumulatorDecl::new("n", Kind::Stream, panics))).graph(own(2))
        }
        "graph" => {
            let graph = own(2).wrap(|_| panic!("no part today"));
            package.reactor(reactor(counter(2))).graph(graph)
        }
        "state" => {
            let other = || Stateful::new(String::new(), |_: &mut String, _: &u64| Ok(Some(vec![0_u64])));
            package.reactor(reactor(AccumulatorDecl::new("n", Kind::Stream, other))).graph(own(2))
        }
        "hook" => {
            let package = package.started_by(|| Err(Failure::error("no start today")));
            package.reactor(reactor(counter(2))).graph(own(2))
        }
        "panicking hook" => {
            let package = package.started_by(|| panic!("no start at all"));
            package.reactor(reactor(counter(2))).graph(own(2))
        }
        "migration" => {
            let failing = counter(2).migrate(|_: u64| Err::<u64, _>(Failure::error("not today")));
            package.reactor(reactor(failing)).graph(own(2))
        }
        "panicking migration" => {
            let failing = counter(2).migrate(|_: u64| -> Result<u64, Failure> { panic!("no part today") });
            package.reactor(reactor(failing)).graph(own(2))
        }
        _ => {
            // Contract: the subscriber reads another type.
            let accumulator = AccumulatorDecl::passthrough::<u64>("n");
            package.reactor(reactor(accumulator)).graph(echo::<u64>("own", "n").on("R"))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_version_that_fails_leaves_the_old_one_serving() {
    let (engine, own, foreign) = with_subscriber().await;
    engine.push("n", 1_u64).await;
    let before = visible(&engine).await;
    let cases = [
        ("accumulator", "no part today"),
        ("graph", "no part today"),
        ("hook", "no start today"),
        ("panicking hook", "no start at all"),
        ("state", "E0330"),
        ("migration", "not today"),
        ("panicking migration", "no part today"),
        ("contract", "E0311: graph foreign reads n"),
    ];
    for (why, text) in cases {
        let error = engine.load(broken(why)).await.unwrap_err();
        assert!(error.to_string().contains(text), "{why}: {error}");
        assert_eq!(visible(&engine).await, before, "{why}");
    }
    engine.push("n", 2_u64).await;
    engine.settle().await;
    assert_eq!(foreign.all(), [[1, 1, 1], [1, 2, 2]]);
    assert_eq!(own.len(), 2);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_state_of_another_type_goes_through_the_migration() {
    let (engine, _, foreign) = with_subscriber().await;
    engine.push_all("n", [7_u64, 7, 7]).await;
    engine.settle().await;
    let migrated = AccumulatorDecl::new("n", Kind::Stream, || {
        Stateful::new(String::new(), |state: &mut String, event: &u64| {
            state.push('x');
            Ok(Some(vec![9, state.len() as u64, *event]))
        })
    });
    let migrated = migrated.migrate(|count: u64| Ok("x".repeat(usize::try_from(count).unwrap_or_default())));
    let package = Package::new("publisher").version("2").reactor(reactor(migrated)).graph(own(2));

    engine.load(package).await.unwrap();

    engine.push("n", 8_u64).await;
    engine.settle().await;
    assert_eq!(foreign.all().last().unwrap(), &[9, 4, 8]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn held_events_paused_firings_and_detached_graphs_go_on() {
    let package = |version: u64| {
        let batch =
            move || Batch::new(None, 3, move |events: &[u64]| Ok(Some([&[version], events].concat())));
        let reactor = reactor(AccumulatorDecl::new("n", Kind::Batch, batch));
        let graph = own(version).placement(GraphPlacement::Detached);
        Package::new("publisher").version(version.to_string()).reactor(reactor).graph(graph)
    };
    let (own, foreign) = (Probe::<Vec<u64>>::new(), Probe::<Vec<u64>>::new());
    let builder = TestEngine::builder().package(package(1)).package(subscriber());
    let engine = builder.probe("own", "out", &own).probe("foreign", "out", &foreign).start().await;
    engine.push_all("n", [1_u64, 2]).await;
    engine.settle().await;
    engine.reactor("R").unwrap().pause().await;

    engine.load(package(2)).await.unwrap();

    engine.push_all("n", [3_u64, 4]).await;
    engine.settle().await;
    assert!(foreign.is_empty(), "it is still paused");
    engine.reactor("R").unwrap().resume().await;
    engine.settle().await;
    assert_eq!(foreign.all(), [[2, 1, 2, 3]], "the old version held the first two");
    assert_eq!(own.all(), [[2, 2, 1, 2, 3]]);
    assert_eq!(engine.unsettled().await.n(), 1, "the fourth is held");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_reconciler_killed_at_any_place_of_an_upgrade_leaves_the_old_version_or_the_new() {
    let (engine, _, foreign) = with_subscriber().await;
    engine.arm_failpoint(None);
    engine.load(publisher(2)).await.unwrap();
    let places = engine.passed_failpoints();
    let commit = places.iter().position(|place| place == "commit").unwrap();
    let mut n = 0;
    for (at, place) in places.iter().enumerate() {
        let version = 10 + at as u64;
        engine.advance(Duration::from_secs(400)).await;
        let before = structure(&engine).await;
        engine.arm_failpoint(Some((at, FailAction::Kill)));
        let result = engine.load(publisher(version)).await;
        engine.settle().await;
        if at <= commit {
            assert!(matches!(result, Err(LoadError::Child { .. })), "{place}: {result:?}");
            assert_eq!(structure(&engine).await, before, "killed at {place}");
        } else {
            let report = result.unwrap_or_else(|error| panic!("killed at {place}: {error}"));
            assert!(matches!(report.outcome("publisher"), Some(LoadOutcome::Upgraded { .. })), "{place}");
        }
        n += 1;
        engine.push("n", n).await;
        engine.settle().await;
        let last = foreign.all().pop().unwrap();
        assert_eq!((last[1], last[2]), (n, n), "killed at {place}");
        assert_eq!(last[0] == version, at > commit, "killed at {place}: {last:?}");
    }
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_version_clears_the_quarantine_of_a_graph() {
    let (engine, own_seen, _) = with_subscriber().await;
    let bad = acequia::testing::faults().panic_at(0).wrap(own(2));
    let once = acequia::FaultBudget { attempts: 1, dead_letters: 1, ..acequia::FaultBudget::default() };
    let package = Package::new("publisher").version("2").reactor(reactor(counter(2))).graph(bad.budget(once));
    engine.load(Load::new(package)).await.unwrap();
    engine.push("n", 1_u64).await;
    engine.settle().await;
    assert!(own_seen.is_empty());

    engine.load(publisher(3)).await.unwrap();

    engine.push("n", 2_u64).await;
    assert_eq!(own_seen.expect(1).await, [[3, 3, 2, 2]]);
    engine.assert_ledger().await;
}
