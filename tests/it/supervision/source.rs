//! Sources: a death shows at once, and is recovered by link.

use super::{MS, child};
use acequia::testing::{Probe, Script, TestEngine, script};
use acequia::{AccumulatorDecl, Component, Engine, Package, SourceHealth, Strategy};
use acequia_tests::{eventually, single, started};
use std::time::Duration;

fn sourced(script: &Script<u64>) -> Package {
    single::<u64>(AccumulatorDecl::passthrough::<u64>("n").source(script.source()), Strategy::Sequential)
}

fn is_disconnected(engine: &TestEngine, why: &str) -> bool {
    matches!(engine.source_health("n").unwrap(), SourceHealth::Disconnected { reason } if reason.contains(why))
}

#[tokio::test(start_paused = true)]
async fn a_dead_source_shows_at_once_and_recovers_by_link_with_backoff_behind_its_offset() {
    let source = script::<u64>();
    let (engine, probe) = started::<u64>(sourced(&source)).await;
    engine.settle().await;
    assert_eq!((source.starts(), engine.source_health("n").unwrap()), (1, SourceHealth::Live));
    let began = engine.clock().now();

    source.emit(10).fail("reset by peer");
    engine.settle().await;
    assert_eq!(source.starts(), 2, "the first restart is without delay");
    assert_eq!(engine.clock().now(), began);
    assert_eq!(engine.source_health("n").unwrap(), SourceHealth::Live);

    for delay in [100_u32, 200, 400, 800] {
        let starts = source.starts();
        source.emit(u64::from(delay)).panic("reset again");
        engine.settle().await;
        assert!(is_disconnected(&engine, "reset again"), "{delay}");
        engine.advance(delay * 4 / 5 * MS - MS).await;
        assert_eq!(source.starts(), starts, "not before 80 % of {delay} ms");
        engine.advance(delay * 2 / 5 * MS + 2 * MS).await;
        assert_eq!(source.starts(), starts + 1, "after 120 % of {delay} ms");
        assert_eq!(engine.source_health("n").unwrap(), SourceHealth::Live);
    }

    assert_eq!(source.resumed_after(), [None, Some(0), Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(probe.all(), [10, 100, 200, 400, 800]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_keeps_dying_is_quarantined_until_a_pardon() {
    let source = script::<u64>();
    let (engine, probe) = started::<u64>(sourced(&source)).await;
    for _ in 0..11 {
        source.fail("no route");
    }
    engine.advance(Duration::from_secs(70)).await;

    assert_eq!(source.starts(), 11, "ten restarts, then no more");
    let health = engine.source_health("n").unwrap();
    assert!(matches!(health, SourceHealth::Quarantined { reason } if reason.contains("no route")));
    assert!(child(&engine, "accumulator n").await.1.contains("no route"));
    assert!(engine.crash(Component::Accumulator("n")).await);
    engine.settle().await;
    assert_eq!(source.starts(), 11, "a restart of its accumulator does not lift it");
    engine.push("n", 1_u64).await;

    assert!(engine.pardon("p", "accumulator n").await);
    source.emit(2);
    assert_eq!(probe.expect(2).await, [1, 2]);
    assert_eq!(engine.source_health("n").unwrap(), SourceHealth::Live);
    assert!(!engine.pardon("p", "accumulator n").await);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_source_is_not_played_again_by_a_restart_of_its_accumulator() {
    let source = script::<u64>();
    source.emit(1).end();
    let (engine, probe) = started::<u64>(sourced(&source)).await;
    engine.settle().await;
    assert_eq!(engine.source_health("n").unwrap(), SourceHealth::Finished);

    assert!(engine.crash(Component::Accumulator("n")).await);
    engine.settle().await;

    assert_eq!((source.starts(), probe.all()), (1, vec![1]));
    engine.assert_ledger().await;
}

/// A source that counts up from where it stood, without end.
fn counting() -> acequia::SourceDecl {
    acequia::SourceDecl::run(|out: acequia::SourceOut<u64>| async move {
        for n in out.resume_after().map_or(0, |last| last + 1).. {
            out.push_at(n, n).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_incarnations_of_a_source_never_publish_at_once() {
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(counting());
    let probe = Probe::<u64>::new();
    let builder = Engine::builder().package(single::<u64>(accumulator, Strategy::Sequential));
    let engine = builder.sink("g", "out", probe.sink()).start().await.unwrap();

    for (crash, component) in
        [Component::Accumulator("n"), Component::Package("p"), Component::Source("n")].iter().enumerate()
    {
        let seen = probe.len();
        eventually("the source publishes", async || probe.len() > seen + 100).await;
        assert!(engine.crash(*component).await, "{crash}");
    }
    let seen = probe.len();
    eventually("the source publishes again", async || probe.len() > seen + 100).await;

    let report = engine.shutdown(Duration::from_secs(5)).await;
    report.ledger.check().unwrap();
    let all = probe.all();
    assert_eq!(all, (0..all.len() as u64).collect::<Vec<_>>(), "none twice, none lost, in order");
}
