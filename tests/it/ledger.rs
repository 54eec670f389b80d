//! The ledger: it balances at any moment, and would show it if it did not.

use acequia::core::cell::Delivery;
use acequia::core::graph::InputDecl;
use acequia::core::id::FiringId;
use acequia::testing::faults;
use acequia::{
    AccumulatorDecl, Dropped, Engine, Entry, FaultBudget, GraphPlacement, Overflow, Package, Placement,
    Presence, ReactorDecl, Sink, Strategy, Timestamp, when_any,
};
use acequia_tests::{echo, numbers, started};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_hidden_item_makes_the_check_fail_and_names_the_edge() {
    let (engine, _) = started::<u64>(numbers(Strategy::Sequential)).await;
    engine.push("n", 1_u64).await;
    assert!(engine.hide_one("n").await);
    engine.settle().await;

    let (edge, imbalance) = engine.ledger().await.check().unwrap_err();
    assert_eq!(edge.to_string(), "R/events/n");
    assert_eq!((imbalance.accepted, imbalance.settled, imbalance.unsettled), (1, 0, 0));
}

#[test]
fn a_firing_that_comes_back_late_is_never_counted_twice() {
    let inputs = [InputDecl::new::<u64>("n", Presence::Optional)];
    let delivery = Delivery::new("g".into(), &inputs, 8, Overflow::Block);
    let columns = [inputs[0].column()];
    for nth in 0..2 {
        delivery.redeliver(FiringId(nth), &columns, Timestamp::ZERO);
        assert_eq!(delivery.take(Timestamp::ZERO).map(|batch| batch.len()), Some(1));
        delivery.time_out(FiringId(nth));
        delivery.entry(None).check().unwrap();
        delivery.timed_out_returned();
        delivery.entry(None).check().unwrap();
        delivery.conclude(1, Some(FiringId(nth)), Entry::default(), Vec::new());
        delivery.entry(None).check().unwrap();
    }
    assert_eq!(delivery.entry(None).dropped_for(Dropped::TimedOut), 2);
}

/// Two reactors, the second fed by the first, with graphs of every placement.
fn loaded() -> Package {
    let budget = FaultBudget::unlimited(2);
    let reactor = |name: &str, source: &str, strategy| {
        let accumulator = AccumulatorDecl::passthrough::<u64>(source).capacity(128);
        ReactorDecl::new(name, vec![accumulator], when_any([source])).strategy(strategy)
    };
    let noisy = faults().seeded(1, 5);
    let pends = (0..200).fold(faults(), |plan, k| plan.sleep_at(k * 97, Duration::from_millis(1)));
    Package::new("p")
        .reactor(reactor("R", "n", Strategy::Sequential))
        .reactor(reactor("S", "m", Strategy::Latest))
        .graph(noisy.wrap(echo::<u64>("noisy", "n").on("R")).budget(budget))
        .graph(pends.wrap(echo::<u64>("pends", "n").on("R")).overflow(Overflow::DropOldest))
        .graph(
            echo::<u64>("blocks", "n").on("R").placement(GraphPlacement::Blocking).overflow(Overflow::Block),
        )
        .graph(echo::<u64>("away", "n").on("R").placement(GraphPlacement::Detached).delivery_capacity(16))
        .graph(echo::<u64>("newest", "m").on("S").placement(GraphPlacement::Detached))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_edge_balances_at_random_moments_under_load_from_several_threads() {
    let builder = Engine::builder().package(loaded()).placement(Placement::Shards { n: 2, busy_poll: false });
    let engine = builder.sink("noisy", "out", Sink::accumulator("m")).start().await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let producers: Vec<_> = (0..3_u64)
        .map(|_| {
            let (handle, stop) = (engine.accumulator::<u64>("n").unwrap(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let events = (0_u64..).take_while(|_| !stop.load(Ordering::Relaxed));
                events.filter(|event| handle.push_blocking(*event).is_ok()).count() as u64
            })
        })
        .collect();

    for look in 0..400 {
        if let Err((edge, imbalance)) = engine.ledger().await.check() {
            panic!("look {look}: {edge}: {imbalance}");
        }
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    let pushed: u64 = producers.into_iter().map(|producer| producer.join().unwrap()).sum();
    assert!(engine.settled(Duration::from_secs(30)).await, "{}", engine.unsettled().await);

    let report = engine.shutdown(Duration::from_secs(5)).await;
    report.ledger.check().unwrap();
    let events = report.ledger.edge("R/events/n").unwrap();
    assert_eq!((events.accepted, events.settled(), events.unsettled), (pushed, pushed, 0));
    for graph in ["noisy", "pends", "blocks", "away"] {
        assert_eq!(report.ledger.edge(&format!("R/deliveries/{graph}")).unwrap().accepted, pushed, "{graph}");
    }
}
