//! Loading, upgrading, unloading and stopping what shares.

use super::{edge, numbers, pair, started};
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Batch, FailAction, GraphDecl, Kind, LoadError, LoadOutcome, Package, ReactorDecl,
    Stateful, Strategy, Unload, when_any,
};
use acequia_tests::echo;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_shared_accumulator_goes_before_its_reactors_with_all_that_it_has() {
    let sums = AccumulatorDecl::new("n", Kind::Batch, || {
        Batch::new(None, 100, |events: &[u64]| Ok(Some(events.iter().sum::<u64>())))
    });
    let (engine, r, s) = started(pair(sums)).await;
    let owns = engine.packages().remove(0).owns;
    assert_eq!(owns, ["reactor R", "reactor S", "accumulator n", "graph r", "graph s"]);
    engine.push_all("n", [1_u64, 2, 3]).await;

    let gone = engine.unload("p").await.unwrap();

    let steps = ["graph s", "graph r", "accumulator n", "reactor S", "reactor R"];
    assert_eq!(gone.steps, steps.map(|step| format!("{step} torn down")));
    assert_eq!((r.all(), s.all(), gone.dropped), (vec![6], vec![6], 0));
    assert!(engine.accumulator::<u64>("n").is_err());
    assert_eq!(engine.ledger().await.events().accepted, 3, "the totals of what is gone stay");
    engine.assert_settled().await;
    engine.assert_ledger().await;

    engine.load(pair(numbers())).await.unwrap();
    engine.push("n", 1_u64).await;
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_deadline_cuts_off_on_its_way_is_dropped_unbound_and_counted() {
    let (engine, _, s) = started(pair(numbers().capacity(4))).await;
    engine.reactor("S").unwrap().pause().await;
    let handle = engine.accumulator::<u64>("n").unwrap();
    let mut accepted = 0_u64;
    while handle.try_push(accepted).is_ok() {
        accepted += 1;
        engine.settle().await;
    }

    let how = Unload::default().drain(Duration::from_millis(100));
    let gone = engine.unload_with("p", how).await.unwrap();

    assert!(s.is_empty());
    assert_eq!(
        gone.dropped, accepted,
        "in the ring, on the way, in the share, in the cache: each counts once"
    );
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_flushes_what_is_shared_before_its_reactors_end() {
    let sums = AccumulatorDecl::new("n", Kind::Batch, || {
        Batch::new(None, 100, |events: &[u64]| Ok(Some(events.iter().sum::<u64>())))
    });
    let (engine, r, s) = started(pair(sums)).await;
    engine.push_all("n", [1_u64, 2, 3]).await;

    let report = engine.shutdown(Duration::from_secs(5)).await;

    assert_eq!((r.all(), s.all()), (vec![6], vec![6]));
    assert!(report.unsettled.is_empty(), "{}", report.unsettled);
    report.ledger.check().unwrap();
}

/// A counting stream that is shared: its boundaries are the version and how many events it has seen.
fn counting(version: u64) -> Package {
    let counter = AccumulatorDecl::new("n", Kind::Stream, move || {
        Stateful::new(0_u64, move |count: &mut u64, _: &u64| {
            *count += 1;
            Ok(Some(vec![version, *count]))
        })
    });
    let reactor = |name: &str| {
        ReactorDecl::new(name, vec![counter.clone()], when_any(["n"])).strategy(Strategy::Sequential)
    };
    let graph = |name: &str, reactor: &str| -> GraphDecl { echo::<Vec<u64>>(name, "n").on(reactor) };
    let package = Package::new("p").version(version.to_string()).reactor(reactor("R")).reactor(reactor("S"));
    package.graph(graph("r", "R")).graph(graph("s", "S"))
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_hands_the_state_of_a_shared_accumulator_over_while_events_flow() {
    let (r, s) = (Probe::<Vec<u64>>::new(), Probe::<Vec<u64>>::new());
    let builder = TestEngine::builder().package(counting(1));
    let engine = builder.probe("r", "out", &r).probe("s", "out", &s).start().await;
    let handle = engine.accumulator::<u64>("n").unwrap();
    let pusher = async {
        for n in 0..3_000_u64 {
            handle.push(n).await.unwrap();
            if n % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    let upgrades = async {
        for version in 2..=6_u64 {
            s.expect(20).await;
            let report = engine.load(counting(version)).await.unwrap();
            let from = (version - 1).to_string().into();
            assert_eq!(report.outcome("p"), Some(&LoadOutcome::Upgraded { from }));
        }
    };
    tokio::join!(pusher, upgrades);
    engine.push("n", 0_u64).await;
    engine.assert_settled().await;

    for probe in [&r, &s] {
        let counts: Vec<u64> = probe.all().iter().map(|seen| seen[1]).collect();
        assert_eq!(counts, (1..=3_001).collect::<Vec<_>>(), "nothing lost, nothing twice, no state lost");
        assert!(probe.all().is_sorted_by_key(|seen| seen[0]));
        assert_eq!(probe.all().last(), Some(&vec![6, 3_001]));
    }
    assert_eq!(edge(&engine, "shared n/events/n").await.accepted, 3_001);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_shares_otherwise_is_refused() {
    let (engine, _, s) = started(pair(numbers())).await;
    let alone = ReactorDecl::new("S", vec![numbers()], when_any(["n"])).strategy(Strategy::Sequential);
    let other = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("m")], when_any(["m"]));
    let package = Package::new("p").version("2").reactor(other).reactor(alone);
    let package = package.graph(echo::<u64>("r", "m").on("R")).graph(echo::<u64>("s", "n").on("S"));

    let refusal = engine.load(package).await.unwrap_err().to_string();

    assert!(refusal.contains("E0468") && refusal.contains("accumulator n (gone)"), "{refusal}");
    engine.push("n", 5_u64).await;
    assert_eq!(s.expect(1).await, [5]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_load_that_fails_or_is_killed_at_any_place_leaves_nothing_or_all_of_what_is_shared() {
    let engine = TestEngine::builder().start().await;
    engine.arm_failpoint(None);
    engine.load(pair(numbers())).await.unwrap();
    let places = engine.passed_failpoints();
    let commit = places.iter().position(|place| place == "commit").unwrap();
    assert!(places.contains(&"prepare accumulator n of package p".to_owned()), "{places:#?}");

    for (at, place) in places.iter().enumerate() {
        for action in [FailAction::Fail("on demand".to_owned()), FailAction::Kill] {
            let engine = TestEngine::builder().start().await;
            engine.arm_failpoint(Some((at, action)));
            let loaded = engine.load(pair(numbers())).await;
            engine.settle().await;
            match loaded {
                Ok(_) => assert!(at > commit, "at {place}"),
                Err(LoadError::Child { .. } | LoadError::Interrupted { .. }) => {
                    assert!(at <= commit, "at {place}")
                }
                Err(other) => panic!("at {place}: {other}"),
            }
            let names = (engine.packages().len(), engine.accumulator::<u64>("n").is_ok());
            assert_eq!(names, if at > commit { (1, true) } else { (0, false) }, "at {place}");
            if at > commit {
                engine.push("n", 1_u64).await;
                engine.assert_settled().await;
                assert_eq!(edge(&engine, "S/shares/n").await.settled(), 1, "at {place}");
                engine.unload("p").await.unwrap();
            }
            engine.assert_ledger().await;
        }
    }
}
