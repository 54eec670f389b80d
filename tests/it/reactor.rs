//! Reactors: criteria, strategies, and no lost wake-up.

use acequia::{
    AccumulatorDecl, CriteriaDecl, Dropped, Engine, Package, Placement, ReactorDecl, ReactorDef, Settled,
    Sink, Strategy, k_of, passthrough_accumulator, reactor, when_all, when_any,
};
use acequia_tests::{abc, echo, letters, started};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use Strategy::{Latest, Sequential};

/// Push like `a:1 b:2 | a:3`, where a bar lets the reactor run, and compare the firings.
async fn check(criteria: CriteriaDecl, strategy: Strategy, pushes: &str, firings: &str) {
    let told = format!("{criteria:?} {strategy:?}: {pushes}");
    let (engine, probe) = started::<String>(letters(criteria, strategy)).await;
    for step in pushes.split_whitespace() {
        match step.split_once(':') {
            Some((source, value)) => engine.push(source, value.parse::<u64>().unwrap()).await,
            None => engine.settle().await,
        }
    }
    engine.assert_ledger().await;
    assert_eq!(probe.all().join(", "), firings, "{told}");
}

#[tokio::test(start_paused = true)]
async fn latest_fires_with_the_newest_boundary_of_each_source() {
    check(when_any(["a", "b", "c"]), Latest, "a:1", "1 - -").await;
    check(when_any(["a", "b", "c"]), Latest, "a:1 a:2 b:3", "2 3 -").await;
    check(when_any(["a", "b", "c"]), Latest, "a:1 | b:2 | a:3", "1 - -, 1 2 -, 3 2 -").await;
    check(when_all(["a", "b", "c"]), Latest, "a:1 b:2 | c:3 | c:4 b:5 | a:6", "1 2 3, 6 5 4").await;
    check(k_of(2, ["a", "b", "c"]), Latest, "a:1 | c:3 | a:4 | a:5 | b:6", "1 - 3, 5 6 3").await;
}

#[tokio::test(start_paused = true)]
async fn criteria_look_at_the_sources_they_name_only() {
    check(when_any(["b"]), Latest, "a:1 | c:2 | b:3 | a:4 | b:5", "1 3 2, 4 5 2").await;
    check(when_all(["a", "c"]), Latest, "a:1 b:9 | c:2", "1 9 2").await;
    check(k_of(1, ["a", "c"]), Latest, "b:1 | c:2 | b:3", "- 1 2").await;
    check(when_any(["b"]), Sequential, "a:1 b:2 a:3 b:4", "1 2 -, 3 4 -").await;
    check(when_all(["a", "b"]), Sequential, "c:1 a:2 | c:3 b:4 | c:5", "2 4 3").await;
}

#[tokio::test(start_paused = true)]
async fn sequential_when_any_fires_each_boundary_once_in_arrival_order() {
    check(when_any(["a", "b", "c"]), Sequential, "a:1 b:2 a:3 c:4", "1 - -, 1 2 -, 3 2 -, 3 2 4").await;
    check(when_any(["a", "b", "c"]), Sequential, "b:1 b:2 | a:3", "- 1 -, - 2 -, 3 2 -").await;
}

#[tokio::test(start_paused = true)]
async fn sequential_when_all_fires_the_kth_boundaries_together_and_loses_no_pair() {
    let all = || when_all(["a", "b"]);
    check(all(), Sequential, "a:1 a:2 a:3 b:10 b:20", "1 10 -, 2 20 -").await;
    check(all(), Sequential, "a:1 | a:2 | b:10 | a:3 | b:20 b:30", "1 10 -, 2 20 -, 3 30 -").await;
    check(all(), Sequential, "b:10 b:20 b:30 a:1 a:2 a:3", "1 10 -, 2 20 -, 3 30 -").await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pairs_meet_however_they_arrive() {
    let (engine, probe) = started::<String>(letters(when_all(["a", "b"]), Sequential)).await;
    let mut dice = 7_u64;
    let (mut a, mut b) = (0_u64, 0_u64);
    while a < 1000 || b < 1000 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if b >= 1000 || (a < 1000 && dice >> 63 == 0) {
            engine.push("a", a).await;
            a += 1;
        } else {
            engine.push("b", b).await;
            b += 1;
        }
    }
    let pairs: Vec<String> = (0..1000).map(|n| format!("{n} {n} -")).collect();
    assert_eq!(probe.expect(1000).await, pairs);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_firing_takes_the_snapshot_and_clears_the_flags_in_one_turn() {
    let (engine, probe) = started::<String>(letters(when_all(["a", "b"]), Latest)).await;
    engine.push("a", 1_u64).await;
    engine.settle().await;
    let dirty = |told: &serde_json::Value| -> Vec<bool> {
        told["sources"].as_array().unwrap().iter().map(|source| source["dirty"] == true).collect()
    };
    let reactor = engine.reactor("R").unwrap();
    assert_eq!(dirty(&reactor.inspect().await), [true, false, false]);

    engine.push("b", 2_u64).await;

    assert_eq!(probe.expect(1).await, ["1 2 -"]);
    assert_eq!(dirty(&reactor.inspect().await), [false, false, false]);
    engine.push("b", 3_u64).await;
    probe.none_within(Duration::from_secs(1)).await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_boundary_that_latest_passes_over_counts_as_superseded() {
    let (engine, _) = started::<String>(letters(when_any(["a"]), Latest)).await;
    engine.push_all("a", [1_u64, 2, 3]).await;
    engine.settle().await;
    let boundaries = engine.ledger().await.edge("R/boundaries/a").unwrap();
    assert_eq!(boundaries.settled_as(Settled::Superseded), 2);
    assert_eq!(boundaries.settled_as(Settled::HandedOn), 1);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_filter_refuses_firings_which_count_as_filtered() {
    let mut package = Package::new("p").graph(abc("g").on("R"));
    let accumulators = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let reactor = ReactorDecl::new("R", accumulators, when_any(["a"])).strategy(Sequential);
    package = package.reactor(reactor.filter(Arc::new(|inputs| {
        let (column, index) = inputs[0].ok_or_else(|| acequia::Failure::error("a is absent"))?;
        Ok(column.json(index).as_u64().is_some_and(|a| a > 2))
    })));
    let (engine, probe) = started::<String>(package).await;

    engine.push_all("a", [1_u64, 3, 2, 4]).await;

    assert_eq!(probe.expect(2).await, ["3 - -", "4 - -"]);
    engine.settle().await;
    assert_eq!(engine.ledger().await.edge("R/firings").unwrap().settled_as(Settled::Filtered), 2);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_fails_or_panics_costs_its_own_firing_and_leaves_a_letter() {
    let accumulators = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let reactor = ReactorDecl::new("R", accumulators, when_any(["a"])).strategy(Sequential);
    let reactor = reactor.filter(Arc::new(|inputs| {
        let (column, index) = inputs[0].ok_or_else(|| acequia::Failure::error("a is absent"))?;
        match column.json(index).as_u64() {
            Some(2) => Err(acequia::Failure::error("two is not to be told")),
            Some(3) => panic!("three is too many"),
            _ => Ok(true),
        }
    }));
    let (engine, probe) = started::<String>(Package::new("p").graph(abc("g").on("R")).reactor(reactor)).await;

    engine.push_all("a", [1_u64, 2, 3, 4]).await;

    assert_eq!(probe.expect(2).await, ["1 - -", "4 - -"]);
    engine.settle().await;
    let letters = engine.dead_letters().list();
    let told: Vec<_> =
        letters.iter().map(|l| (l.place.as_str(), l.cause.clone().unwrap_or_default())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].1.contains("two is not to be told") && told[1].1.contains("three is too many"),
        "{told:?}"
    );
    assert!(told.iter().all(|(place, _)| *place == "filter of reactor R"), "{told:?}");
    assert_eq!(engine.ledger().await.edge("R/firings").unwrap().dropped_for(Dropped::DeadLetter), 2);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[passthrough_accumulator]
fn a(value: u64) -> u64 {
    value
}

#[passthrough_accumulator]
fn b(value: u64) -> u64 {
    value
}

#[passthrough_accumulator]
fn c(value: u64) -> u64 {
    value
}

#[reactor(name = "R", accumulators = [a, b, c], criteria = k_of(2, a, b), strategy = sequential)]
struct Macros;

#[tokio::test(start_paused = true)]
async fn a_reactor_from_the_macros_behaves_as_one_by_hand() {
    let package = Package::new("p").with_reactor::<Macros>().graph(abc("g").on(Macros::NAME));
    let (engine, probe) = started::<String>(package).await;

    for (source, value) in [("c", 9_u64), ("a", 1), ("a", 2), ("b", 10), ("b", 20)] {
        engine.push(source, value).await;
    }

    assert_eq!(probe.expect(2).await, ["1 10 9", "2 20 9"]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

const REACTORS: usize = 250;
const ROUNDS: u64 = 4_000;

/// Numbered reactors over one number each; the last number that each one's graph saw.
async fn many_reactors() -> (Engine, Vec<acequia::AccumulatorHandle<u64>>, Vec<Arc<AtomicU64>>) {
    let seen: Vec<Arc<AtomicU64>> = (0..REACTORS).map(|_| Arc::default()).collect();
    let mut package = Package::new("many");
    let mut builder = Engine::builder();
    for (number, last) in seen.iter().enumerate() {
        let (source, reactor, graph) = (format!("n{number}"), format!("R{number}"), format!("g{number}"));
        let accumulator = AccumulatorDecl::passthrough::<u64>(source.as_str());
        let decl = ReactorDecl::new(reactor.as_str(), vec![accumulator], when_any([source.as_str()]));
        package = package.reactor(decl).graph(echo::<u64>(&graph, &source).on(reactor));
        let last = Arc::clone(last);
        let sink = Sink::callback(move |n: &u64| last.store(*n, Ordering::Release));
        builder = builder.sink(graph, "out", sink);
    }
    let engine = builder.package(package).start().await.unwrap();
    let handles = (0..REACTORS).map(|n| engine.accumulator::<u64>(&format!("n{n}")).unwrap()).collect();
    (engine, handles, seen)
}

/// Real threads and the real clock: a race does not show on a paused one. The producer is the test's
/// own thread; it publishes the second half of each burst while the first may be in its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_wake_up_is_lost_in_a_million_bursts_under_latest() {
    let (engine, handles, seen) = many_reactors().await;
    let clock = engine.clock();

    for round in 1..=ROUNDS {
        for n in [round * 2 - 1, round * 2] {
            for handle in &handles {
                handle.try_push(n).unwrap();
            }
        }
        let began = clock.now();
        for (number, last) in seen.iter().enumerate() {
            while last.load(Ordering::Acquire) < round * 2 {
                let waited = clock.now().since(began);
                assert!(waited < Duration::from_secs(20), "round {round}, reactor {number}: lost");
                std::thread::yield_now();
            }
        }
    }

    engine.ledger().await.check().unwrap();
    let report = engine.shutdown(Duration::from_secs(5)).await;
    assert!(report.unsettled.is_empty());
    assert_eq!(report.ledger.events().accepted, 2 * ROUNDS * REACTORS as u64);
}

/// Real threads: who pushes, and two shards that run.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_threads_push_and_each_ones_order_is_kept() {
    const EACH: u64 = 10_000;
    let seen = Arc::<Mutex<Vec<u64>>>::default();
    let record = Arc::clone(&seen);
    let engine = Engine::builder()
        .package(acequia_tests::numbers(Sequential))
        .sink("g", "out", Sink::callback(move |n: &u64| record.lock().unwrap().push(*n)))
        .placement(Placement::Shards { n: 2, busy_poll: false })
        .start()
        .await
        .unwrap();
    let handle = engine.accumulator::<u64>("n").unwrap();

    std::thread::scope(|scope| {
        for thread in 0..4 {
            let handle = handle.clone();
            scope.spawn(move || {
                for n in 0..EACH {
                    handle.push_blocking(thread * EACH + n).unwrap();
                }
            });
        }
    });

    let report = engine.shutdown(Duration::from_secs(20)).await;
    report.ledger.check().unwrap();
    assert!(report.unsettled.is_empty());
    let seen = seen.lock().unwrap();
    for thread in 0..4 {
        let own: Vec<u64> = seen.iter().copied().filter(|n| n / EACH == thread).collect();
        assert_eq!(own, (thread * EACH..(thread + 1) * EACH).collect::<Vec<_>>());
    }
}
