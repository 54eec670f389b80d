//! Restart budgets: what is spent, escalates, is quarantined, and comes back.

use super::{MS, child, link, siblings, with_siblings};
use acequia::core::supervision::{ChildSpec, Exit, Intensity, Reaction, Strategy as Restarts, Supervisor};
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Component, Dropped, EngineState, Health, Link, Package, ReactorDecl, StartError,
    Strategy, Timestamp, when_any,
};
use acequia_tests::{echo, numbers, started};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_spent_restart_budget_is_quarantine_until_a_pardon() {
    let (engine, g, h) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    for _ in 0..3 {
        assert!(engine.crash(Component::Graph("g")).await);
        engine.advance(500 * MS).await;
    }
    engine.push("n", 1_u64).await;
    engine.settle().await;
    assert_eq!(g.all(), [1], "three restarts are allowed");

    assert!(engine.crash(Component::Graph("g")).await);
    engine.push_all("n", [2_u64, 3]).await;
    engine.settle().await;

    assert_eq!(child(&engine, "graph g").await.1, "quarantined: crashed on demand");
    assert_eq!(link(&engine, "g").await, None, "quarantine releases its reservation");
    assert_eq!(engine.ledger().await.edge("R/deliveries/g").unwrap().dropped_for(Dropped::Quarantined), 2);
    engine.advance(Duration::from_secs(600)).await;
    assert!(child(&engine, "graph g").await.1.starts_with("quarantined"), "time does not heal it");

    assert!(engine.pardon("p", "graph g").await);
    engine.push("n", 4_u64).await;
    engine.settle().await;
    assert_eq!(g.all(), [1, 4]);
    assert_eq!(h.all(), [1, 2, 3, 4]);
    assert_eq!(child(&engine, "graph g").await.1, "running");
    assert!(!engine.pardon("p", "graph g").await);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_quarantined_reactor_accepts_and_does_not_fire_until_a_pardon() {
    let (engine, g, _) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    for _ in 0..4 {
        assert!(engine.crash(Component::Reactor("R")).await);
        engine.advance(500 * MS).await;
    }
    engine.push("n", 1_u64).await;
    engine.settle().await;
    assert!(g.is_empty());
    assert!(child(&engine, "reactor R").await.1.starts_with("quarantined"));
    let health = engine.reactor("R").unwrap().health().await;
    assert!(matches!(health, Health::Quarantined { reason } if reason == "crashed on demand"));
    engine.ledger().await.check().unwrap();

    assert!(engine.pardon("p", "reactor R").await);
    assert_eq!(g.expect(1).await, [1]);
    assert!(matches!(link(&engine, "g").await, Some(Link::Linked(_))));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_spent_package_budget_restarts_the_package_over_the_same_cells() {
    let graphs = ["g0", "g1", "g2", "g3", "g4", "g5", "g"];
    let package = graphs.iter().fold(siblings(echo::<u64>("x", "n").on("R")), |package, name| {
        package.graph(echo::<u64>(name, "n").on("R"))
    });
    let probe = Probe::<u64>::new();
    let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;
    engine.push("n", 1_u64).await;
    engine.settle().await;
    let before = engine.tree().await;

    for graph in graphs {
        for _ in 0..3 {
            assert!(engine.crash(Component::Graph(graph)).await, "{graph}");
            engine.advance(300 * MS).await;
        }
    }

    let after = engine.tree().await;
    assert_ne!(after.last().unwrap().0, before.last().unwrap().0, "the package has another actor");
    assert!(after.iter().flat_map(|(_, children)| children).all(|child| child.status == "running"));
    engine.push("n", 2_u64).await;
    engine.assert_settled().await;
    assert_eq!(probe.all(), [1, 2]);
    assert_eq!(engine.reactor("R").unwrap().n_firings().await, 2, "the cell is the same");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_package_that_keeps_failing_is_quarantined_until_a_pardon() {
    let (engine, g, _) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    for _ in 0..4 {
        assert!(engine.crash(Component::Package("p")).await);
        engine.advance(500 * MS).await;
    }
    let tree = engine.tree().await;
    assert!(tree.last().unwrap().0.contains("quarantined: crashed on demand"), "{tree:?}");
    engine.push("n", 1_u64).await;
    engine.settle().await;
    assert!(g.is_empty());
    engine.ledger().await.check().unwrap();

    assert!(engine.pardon("p", "package p").await);
    assert_eq!(g.expect(1).await, [1]);
    let children = engine.tree().await.pop().unwrap().1;
    assert!(children.iter().all(|child| child.status == "running"), "{children:?}");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_at_deploy_leaves_nothing_behind() {
    let (engine, _, _) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    let before = engine.tree().await;
    let package = |fails: bool| {
        let reactor = ReactorDecl::new("S", vec![AccumulatorDecl::passthrough::<u64>("m")], when_any(["m"]));
        let good = echo::<u64>("good", "m").on("S");
        let bad = echo::<u64>("bad", "m").on("S").wrap(move |part| {
            assert!(!fails, "no part today");
            part
        });
        Package::new("q").reactor(reactor).graph(good).graph(bad)
    };
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();

    let error = engine.deploy(package(true), Vec::new()).await.unwrap_err();

    assert!(
        matches!(&error, StartError::Child { reason, .. } if reason.contains("no part today")),
        "{error}"
    );
    assert_eq!(engine.tree().await, before);
    assert!(engine.accumulator::<u64>("m").is_err());
    assert!(engine.reactor("S").is_err());
    engine.settle().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), tasks, "no actor is left");
    engine.deploy(package(false), Vec::new()).await.unwrap();
    assert!(engine.accumulator::<u64>("m").is_ok());
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_at_a_restart_counts_as_a_failure() {
    let fails = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&fails);
    let graph = echo::<u64>("g", "n").on("R").wrap(move |part| {
        assert!(!flag.load(Ordering::Relaxed), "no part today");
        part
    });
    let (engine, g, _) = with_siblings(graph).await;

    fails.store(true, Ordering::Relaxed);
    assert!(engine.crash(Component::Graph("g")).await);
    engine.push_all("n", [1_u64, 2]).await;
    engine.advance(50 * MS).await;
    assert_eq!(child(&engine, "graph g").await.1, "restarting");
    fails.store(false, Ordering::Relaxed);
    engine.advance(100 * MS).await;
    assert_eq!(g.expect(2).await, [1, 2]);

    fails.store(true, Ordering::Relaxed);
    assert!(engine.crash(Component::Graph("g")).await);
    engine.advance(Duration::from_secs(2)).await;
    let (_, status) = child(&engine, "graph g").await;
    assert!(status.starts_with("quarantined") && status.contains("no part today"), "{status}");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_crashes_of_a_graph_leave_no_actor_behind() {
    let (engine, g, h) = with_siblings(echo::<u64>("g", "n").on("R")).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mut before = 0;
    for cycle in 0..10_000_u64 {
        if cycle == 10 {
            before = tasks();
        }
        assert!(engine.crash(Component::Graph("g")).await, "cycle {cycle}");
        engine.push("n", cycle).await;
        while g.len() as u64 <= cycle {
            tokio::task::yield_now().await;
        }
        // Out of the period of every intensity, so that each restart is a first one.
        tokio::time::advance(Duration::from_secs(61)).await;
    }
    engine.settle().await;

    assert!(tasks() <= before, "{} tasks, {before} before", tasks());
    assert_eq!(engine.reactor("R").unwrap().subscribers().await.len(), 2);
    assert_eq!(g.all(), (0..10_000).collect::<Vec<_>>());
    assert_eq!(h.len(), 10_000);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn cells_outlive_their_shard_and_nothing_runs_twice() {
    let (engine, probe) = started::<u64>(numbers(Strategy::Sequential)).await;
    for n in 0..5_u64 {
        engine.push("n", n).await;
        assert!(engine.crash(Component::Shard(0)).await);
        engine.advance(Duration::from_secs(400)).await;
    }
    assert_eq!(probe.all(), [0, 1, 2, 3, 4]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_keeps_failing_ends_the_engine_instead_of_leaving_all_to_wait() {
    let (engine, _) = started::<u64>(numbers(Strategy::Sequential)).await;
    for _ in 0..4 {
        assert!(engine.crash(Component::Shard(0)).await);
        engine.advance(500 * MS).await;
    }
    assert!(engine.accumulator::<u64>("n").unwrap().push(1).await.is_err());
    let EngineState::Failed { reason } = engine.state() else { panic!("{:?}", engine.state()) };
    assert!(reason.contains("shard 0"), "{reason}");
    engine.ledger().await.check().unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_its_root_the_engine_refuses_instead_of_waiting() {
    let (engine, _) = started::<u64>(numbers(Strategy::Sequential)).await;
    let handle = engine.accumulator::<u64>("n").unwrap();
    handle.push(1).await.unwrap();
    assert_eq!(engine.state(), EngineState::Running);

    assert!(engine.crash(Component::Root).await);
    engine.settle().await;

    assert!(handle.push(2).await.is_err());
    assert!(matches!(engine.state(), EngineState::Failed { .. }));
    engine.ledger().await.check().unwrap();
    let _ = engine.shutdown(Duration::from_millis(10)).await;
}

fn restarted(strategy: Restarts, ended: usize) -> Vec<usize> {
    let mut supervisor = Supervisor::new(strategy, Intensity::default());
    for name in ["a", "b", "c", "d"] {
        supervisor.add(ChildSpec::permanent(name), 1);
    }
    match supervisor.exited(ended, Exit::Failed("x".to_owned()), Timestamp::ZERO) {
        Reaction::Restart { children, delay } => {
            assert_eq!(delay, Duration::ZERO);
            children.collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_strategy_names_who_restarts_in_start_order() {
    assert_eq!(restarted(Restarts::OneForOne, 1), [1]);
    assert_eq!(restarted(Restarts::RestForOne, 1), [1, 2, 3]);
    assert_eq!(restarted(Restarts::OneForAll, 1), [0, 1, 2, 3]);
}
