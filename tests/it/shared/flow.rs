//! What flows: every boundary to each reactor, in order, once, with its number.

use super::{assert_shared, edge, numbers, pair, started};
use acequia::core::accumulator::Reply;
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Batch, Engine, FireInput, Kind, Overflow, Package, Passthrough, PushError, ReactorDecl,
    Settled, Sink, StateWindow, Strategy, when_all, when_any,
};
use acequia_tests::echo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn every_boundary_comes_to_each_reactor_that_shares_it() {
    let (engine, r, s) = started(pair(numbers())).await;

    engine.push_all("n", 0..2_000_u64).await;
    engine.settle().await;

    assert_eq!(s.all(), (0..2_000).collect::<Vec<_>>(), "sequential: each one, in order");
    assert_eq!(r.all().last(), Some(&1_999), "latest: the newest");
    assert!(r.all().is_sorted());
    assert_shared(&engine, 2_000, 2_000).await;
}

#[tokio::test(start_paused = true)]
async fn the_function_of_a_shared_accumulator_runs_once_an_event() {
    let runs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&runs);
    let evens = AccumulatorDecl::new("n", Kind::Passthrough, move || {
        let runs = Arc::clone(&counted);
        Passthrough::new(move |event: &u64| {
            runs.fetch_add(1, Ordering::Relaxed);
            Ok(Reply::Ready(event.is_multiple_of(2).then_some(*event)))
        })
    });
    let (engine, _, s) = started(pair(evens)).await;

    engine.push_all("n", 0..100_u64).await;
    engine.settle().await;

    assert_eq!(s.all(), (0..100).filter(|n| n % 2 == 0).collect::<Vec<_>>());
    assert_eq!(runs.load(Ordering::Relaxed), 100);
    assert_shared(&engine, 100, 50).await;
}

#[tokio::test(start_paused = true)]
async fn a_boundary_has_the_same_number_in_each_reactor() {
    let (engine, _, s) = started(pair(numbers())).await;
    for n in 0..50_u64 {
        engine.push("n", n).await;
        engine.settle().await;
    }
    s.expect(50).await;

    for name in ["R", "S"] {
        let firings = engine.reactor(name).unwrap().firings(50).await;
        let inputs: Vec<_> = firings.iter().map(|firing| firing.inputs[0].unwrap().0).collect();
        assert_eq!(inputs, (0..50).collect::<Vec<_>>(), "{name}");
    }
    assert_shared(&engine, 50, 50).await;
}

#[tokio::test(start_paused = true)]
async fn a_reactor_that_takes_the_newest_and_cannot_fire_holds_no_sibling_back() {
    let (full, mut receiver) = Sink::channel::<u64>(1, Overflow::Block);
    let s = Probe::<u64>::new();
    let builder = TestEngine::builder().package(pair(numbers()));
    let engine = builder.sink("r", "out", full).probe("s", "out", &s).start().await;

    engine.push_all("n", 0..10_000_u64).await;
    engine.settle().await;

    assert_eq!(s.len(), 10_000, "its sibling has had everything");
    assert_eq!(edge(&engine, "R/shares/n").await.unsettled, 0);
    assert!(edge(&engine, "R/boundaries/n").await.settled_as(Settled::Superseded) > 9_000);
    engine.assert_ledger().await;
    let mut last = None;
    while last != Some(9_999) {
        last = receiver.recv().await;
    }
    assert_shared(&engine, 10_000, 10_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_sequential_reactor_that_is_full_holds_the_pusher_and_loses_nothing() {
    let (full, mut receiver) = Sink::channel::<u64>(1, Overflow::Block);
    let r = Probe::<u64>::new();
    let builder = TestEngine::builder().package(pair(numbers().capacity(8)));
    let engine = builder.sink("s", "out", full).probe("r", "out", &r).start().await;
    let handle = engine.accumulator::<u64>("n").unwrap();

    let mut accepted = 0_u64;
    loop {
        engine.settle().await;
        match handle.try_push(accepted) {
            Ok(_) => accepted += 1,
            Err(PushError::Full { .. }) => break,
            Err(other) => panic!("{other}"),
        }
    }
    engine.settle().await;
    assert!(accepted < 100, "three rings, and what is in hand");
    assert!(r.len() > 8, "its sibling is ahead of it by a ring");
    engine.assert_ledger().await;

    for n in 0..accepted {
        assert_eq!(receiver.recv().await, Some(n));
        if n == 0 {
            handle.push(accepted).await.unwrap();
        }
    }
    assert_eq!(receiver.recv().await, Some(accepted));
    engine.settle().await;
    assert_eq!(r.all().last(), Some(&accepted));
    assert_shared(&engine, accepted + 1, accepted + 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_reactor_remembers_and_its_sibling_goes_on() {
    let (engine, r, s) = started(pair(numbers())).await;
    let reactor = engine.reactor("R").unwrap();
    reactor.pause().await;

    engine.push_all("n", 0..5_000_u64).await;
    engine.settle().await;
    assert_eq!((r.len(), s.len()), (0, 5_000));

    reactor.resume().await;
    engine.settle().await;
    assert_eq!(r.all(), [4_999]);
    assert_shared(&engine, 5_000, 5_000).await;
}

#[tokio::test(start_paused = true)]
async fn shared_boundaries_meet_those_of_another_source() {
    let [n, m] = ["n", "m"].map(AccumulatorDecl::passthrough::<u64>);
    let both = ReactorDecl::new("R", vec![m, n.clone()], when_all(["n", "m"])).strategy(Strategy::Sequential);
    let alone = ReactorDecl::new("S", vec![n], when_any(["n"])).strategy(Strategy::Sequential);
    let package = Package::new("p").reactor(both).reactor(alone);
    let package = package.graph(echo::<u64>("r", "n").on("R")).graph(echo::<u64>("s", "n").on("S"));
    let (engine, r, s) = started(package).await;

    engine.push_all("n", 0..300_u64).await;
    engine.settle().await;
    assert_eq!((r.len(), s.len()), (0, 300));
    engine.push_all("m", 0..300_u64).await;
    engine.settle().await;

    assert_eq!(r.all(), (0..300).collect::<Vec<_>>(), "no pair is lost");
    engine.assert_settled().await;
    engine.assert_ledger().await;
    assert_eq!(engine.ledger().await.events().accepted, 600);
}

#[tokio::test(start_paused = true)]
async fn a_flush_asked_of_one_reactor_flushes_what_it_shares() {
    let sums = AccumulatorDecl::new("n", Kind::Batch, || {
        Batch::new(None, 100, |events: &[u64]| Ok(Some(events.iter().sum::<u64>())))
    });
    let (engine, r, s) = started(pair(sums)).await;
    engine.push_all("n", [1_u64, 2, 3]).await;
    engine.settle().await;
    assert_eq!((r.len(), s.len()), (0, 0));

    engine.reactor("R").unwrap().flush().await;
    engine.settle().await;

    assert_eq!((r.all(), s.all()), (vec![6], vec![6]));
    assert_shared(&engine, 3, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_window_is_one_window() {
    let window = AccumulatorDecl::new("n", Kind::State, || {
        StateWindow::new(2, Vec::new(), |event: &u64| Ok(Some(*event)))
    });
    let reactor = |name: &str| {
        ReactorDecl::new(name, vec![window.clone()], when_any(["n"])).strategy(Strategy::Sequential)
    };
    let (r, s) = (Probe::<Vec<u64>>::new(), Probe::<Vec<u64>>::new());
    let package = Package::new("p")
        .reactor(reactor("R"))
        .reactor(reactor("S"))
        .graph(echo::<Vec<u64>>("r", "n").on("R"))
        .graph(echo::<Vec<u64>>("s", "n").on("S"));
    let builder = TestEngine::builder().package(package);
    let engine = builder.probe("r", "out", &r).probe("s", "out", &s).start().await;

    engine.push_all("n", [1_u64, 2, 3]).await;

    let windows = [vec![1], vec![1, 2], vec![2, 3]];
    assert_eq!(r.expect(3).await, windows);
    assert_eq!(s.expect(3).await, windows);
    assert_shared(&engine, 3, 3).await;
}

#[tokio::test(start_paused = true)]
async fn inspect_and_fire_see_a_share_as_any_source() {
    let (engine, r, _) = started(pair(numbers())).await;
    engine.push("n", 7_u64).await;
    r.expect(1).await;

    let reactor = engine.reactor("R").unwrap();
    let source = &reactor.inspect().await["sources"][0];
    assert_eq!((&source["name"], &source["cache"]), (&"n".into(), &7.into()));
    reactor.fire().await.unwrap();
    reactor.fire_with(FireInput::new().with("n", 9_u64)).await.unwrap();

    assert_eq!(r.expect(2).await, [7, 9]);
    assert_shared(&engine, 1, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_graph_feeds_what_two_reactors_share() {
    let head = ReactorDecl::new("H", vec![AccumulatorDecl::passthrough::<u64>("h")], when_any(["h"]));
    let package = pair(numbers()).reactor(head.strategy(Strategy::Sequential));
    let package = package.graph(echo::<u64>("head", "h").on("H"));
    let s = Probe::<u64>::new();
    let builder = TestEngine::builder().package(package).sink("head", "out", Sink::accumulator("n"));
    let engine = builder.probe("s", "out", &s).start().await;

    engine.push_all("h", 0..1_000_u64).await;

    assert_eq!(s.expect(1_000).await, (0..1_000).collect::<Vec<_>>());
    engine.assert_settled().await;
    engine.assert_ledger().await;
    assert_eq!(engine.ledger().await.edge("shared n/events/n").unwrap().accepted, 1_000);
}

#[tokio::test]
async fn settled_waits_for_what_passes_from_a_shared_accumulator_to_its_reactors() {
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let sink = Sink::callback(move |_: &u64| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let engine = Engine::builder().package(pair(numbers())).sink("s", "out", sink).start().await.unwrap();
    let handle = engine.accumulator::<u64>("n").unwrap();

    for round in 1..=50_u64 {
        handle.push_batch(0..200_u64).await.unwrap();
        assert!(engine.settled(Duration::from_secs(30)).await);
        assert_eq!(seen.load(Ordering::SeqCst), round * 200);
    }
    engine.ledger().await.check().unwrap();
    engine.shutdown(Duration::from_secs(5)).await;
}
