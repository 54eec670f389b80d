//! Faults beside and inside a shared accumulator: each stays where it is.

use super::{assert_shared, edge, numbers, pair, started};
use acequia::core::accumulator::Reply;
use acequia::testing::TestEngine;
use acequia::{
    AccumulatorDecl, Component, Dropped, Health, Kind, Package, Passthrough, ReactorDecl, when_any,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The shared `n`; 13 fails in its function, as often as it is tried, until `well` is set.
fn superstitious(well: &Arc<AtomicBool>) -> AccumulatorDecl {
    let well = Arc::clone(well);
    AccumulatorDecl::new("n", Kind::Passthrough, move || {
        let well = Arc::clone(&well);
        Passthrough::new(move |event: &u64| {
            assert!(*event != 13 || well.load(Ordering::SeqCst), "thirteen");
            Ok(Reply::Ready(Some(*event)))
        })
    })
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_in_a_shared_function_is_one_letter_and_comes_back_to_all() {
    let well = Arc::new(AtomicBool::new(false));
    let (engine, r, s) = started(pair(superstitious(&well))).await;

    engine.push_all("n", [12_u64, 13, 14]).await;
    engine.settle().await;
    assert_eq!(s.all(), [12, 14]);
    let letters = engine.dead_letters().list();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].place, "accumulator n");
    assert_eq!(edge(&engine, "shared n/events/n").await.dropped_for(Dropped::DeadLetter), 1);

    well.store(true, Ordering::SeqCst);
    engine.replay(letters[0].id).await.unwrap();
    engine.settle().await;

    assert_eq!((r.all().last(), s.all()), (Some(&13), vec![12, 14, 13]));
    assert_shared(&engine, 4, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_quarantined_reactor_holds_no_sibling_back() {
    for (out, goes_on) in [("R", "S"), ("S", "R")] {
        let (engine, r, s) = started(pair(numbers().capacity(16))).await;
        for _ in 0..4 {
            assert!(engine.crash(Component::Reactor(out)).await);
            engine.advance(Duration::from_millis(500)).await;
        }
        let health = engine.reactor(out).unwrap().health().await;
        assert!(matches!(health, Health::Quarantined { .. }), "{health:?}");

        engine.push_all("n", 0..1_000_u64).await;
        engine.settle().await;

        let (stopped, going) = if out == "R" { (&r, &s) } else { (&s, &r) };
        assert_eq!((stopped.len(), going.all().last()), (0, Some(&999)));
        let share = edge(&engine, &format!("{out}/shares/n")).await;
        assert_eq!(
            (share.accepted, share.dropped_for(Dropped::Quarantined), share.unsettled),
            (1_000, 984, 16)
        );
        assert_eq!(edge(&engine, "shared n/forwards/n").await.unsettled, 0);
        engine.ledger().await.check().unwrap();

        assert!(engine.pardon("p", &format!("reactor {out}")).await);
        engine.push("n", 1_000_u64).await;
        engine.settle().await;
        assert_eq!((stopped.all().last(), going.all().last()), (Some(&1_000), Some(&1_000)), "{out}");
        assert_eq!(edge(&engine, &format!("{goes_on}/shares/n")).await.settled(), 1_001);
        engine.assert_settled().await;
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_any_actor_around_a_shared_accumulator_loses_nothing() {
    let (engine, r, s) = started(pair(numbers())).await;
    let mut pushed = 0_u64;
    let crashes = [
        Component::Accumulator("n"),
        Component::Reactor("R"),
        Component::Reactor("S"),
        Component::Graph("s"),
        Component::Package("p"),
        Component::Shard(0),
        Component::Reconciler,
    ];
    for component in crashes {
        engine.push_all("n", pushed..pushed + 100).await;
        assert!(engine.crash(component).await, "{component:?}");
        engine.push_all("n", pushed + 100..pushed + 200).await;
        pushed += 200;
        engine.advance(Duration::from_secs(1)).await;
    }

    engine.settle().await;
    assert_eq!(s.all(), (0..pushed).collect::<Vec<_>>());
    assert_eq!(r.all().last(), Some(&(pushed - 1)));
    assert_shared(&engine, pushed, pushed).await;
}

/// Panics when it is copied the way the fault says.
#[derive(Debug, Serialize, Deserialize)]
struct Fragile(u64);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(self.0 != 13, "not to be copied");
        Self(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_boundary_whose_copy_panics_is_given_up_alone() {
    let n = AccumulatorDecl::passthrough::<Fragile>("n");
    let reactor = |name: &str| ReactorDecl::new(name, vec![n.clone()], when_any(["n"]));
    let package = Package::new("p").reactor(reactor("R")).reactor(reactor("S"));
    let engine = TestEngine::start([package]).await;

    engine.push_all("n", (12..15).map(Fragile)).await;
    engine.assert_settled().await;

    for name in ["R", "S"] {
        let share = edge(&engine, &format!("{name}/shares/n")).await;
        assert_eq!((share.settled(), share.dropped_for(Dropped::DeadLetter)), (2, 1), "{name}");
    }
    let places: Vec<_> = engine.dead_letters().list().into_iter().map(|letter| letter.place).collect();
    assert_eq!(places, ["R", "S"].map(|name| format!("share of reactor {name} in accumulator n")));
    engine.assert_ledger().await;
}
