//! The guard is the links: no moment without link or reservation, and a refusal that nobody notices.

use super::{consumer, publisher, subscriber};
use acequia::testing::{Probe, TestEngine};
use acequia::{Component, FailAction, Package, UnloadError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

fn is_held(result: &Result<acequia::UnloadReport, UnloadError>) -> bool {
    matches!(result, Err(UnloadError::Refused(acequia::core::reconcile::UnloadRefusal::Held { .. })))
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_unloads_find_no_moment_without_link_or_reservation() {
    let engine = TestEngine::start([publisher(), subscriber()]).await;
    let (mut crashes, mut restarting) = (0, 0);
    for attempt in 0..10_000_u32 {
        // Its crash, its restart and the unload meet at ever other moments.
        let crashed = async {
            for _ in 0..attempt % 7 {
                tokio::task::yield_now().await;
            }
            match attempt % 3 {
                0 => engine.crash(Component::Graph("price_consumer")).await,
                1 if attempt % 2 == 0 => engine.crash(Component::Package("pricing-subscriber")).await,
                1 => engine.crash(Component::Reactor("PriceReactor")).await,
                _ => false,
            }
        };
        let unloaded = async {
            for _ in 0..attempt % 5 {
                tokio::task::yield_now().await;
            }
            engine.unload("pricing-publisher").await
        };
        let (crashed, unloaded) = tokio::join!(crashed, unloaded);
        assert!(is_held(&unloaded), "attempt {attempt}: {unloaded:?}");
        crashes += u32::from(crashed);
        restarting += u32::from(unloaded.unwrap_err().to_string().contains("restarting"));
        if attempt % 3 != 2 {
            // Out of the period of every intensity, so that each restart is a first one.
            tokio::time::advance(Duration::from_secs(400)).await;
        }
    }
    engine.settle().await;
    assert!(crashes > 5_000, "{crashes}");
    assert!(restarting > 100, "the race was run: {restarting} met a reservation");
    assert_eq!(engine.reactor("PriceReactor").unwrap().subscribers().await.len(), 1);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_reactor_refuses_until_its_subscribers_are_back_or_released() {
    let engine = TestEngine::start([publisher(), subscriber()]).await;
    // The subscriber waits for its second restart.
    for _ in 0..2 {
        assert!(engine.crash(Component::Graph("price_consumer")).await);
        engine.settle().await;
    }
    assert!(engine.crash(Component::Reactor("PriceReactor")).await);
    engine.settle().await;
    let refused = engine.unload("pricing-publisher").await;
    assert!(refused.unwrap_err().to_string().contains("\"price_consumer\" (pricing-subscriber, restarting)"));
    engine.advance(Duration::from_millis(150)).await;
    assert!(is_held(&engine.unload("pricing-publisher").await), "it is back");

    for _ in 0..2 {
        assert!(engine.crash(Component::Graph("price_consumer")).await);
        engine.advance(Duration::from_millis(500)).await;
    }
    let graph = "quarantined: crashed on demand";
    let tree = engine.tree().await;
    assert!(tree.iter().flat_map(|(_, children)| children).any(|child| child.status == graph), "{tree:#?}");

    engine.unload("pricing-publisher").await.unwrap();

    assert!(
        !engine.pardon("pricing-subscriber", "graph price_consumer").await
            || engine.reactor("PriceReactor").is_err()
    );
    engine.unload("pricing-subscriber").await.unwrap();
    assert!(engine.packages().is_empty());
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_gate_opens_again_when_the_reconciler_ends() {
    let engine = TestEngine::start([publisher()]).await;
    engine.arm_failpoint(Some((0, FailAction::Kill)));

    let killed = engine.unload("pricing-publisher").await;

    assert_eq!(engine.passed_failpoints()[0], "gates closed");
    assert!(matches!(killed, Err(UnloadError::Interrupted { .. })), "{killed:?}");
    engine.load(subscriber()).await.unwrap();
    let signals = engine.probe::<u64>("price_consumer", "out").await;
    engine.push("raw_prices", 7_u64).await;
    assert_eq!(signals.expect(1).await, [7]);
    assert!(is_held(&engine.unload("pricing-publisher").await));
}

/// Two threads: one pushes without a pause, the other is refused.
#[test]
fn pushes_at_full_rate_notice_nothing_of_refused_unloads() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let seen = Arc::new(AtomicU64::new(0));
        let gap = Arc::new(AtomicBool::new(false));
        let (count, gaps) = (Arc::clone(&seen), Arc::clone(&gap));
        let sink = acequia::Sink::callback(move |value: &u64| {
            let expected = count.fetch_add(1, Ordering::Relaxed);
            gaps.fetch_or(*value != expected, Ordering::Relaxed);
        });
        let builder = acequia::Engine::builder().package(publisher()).package(subscriber());
        let engine = builder.sink("price_consumer", "out", sink).start().await.unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let (handle, stop) = (engine.accumulator::<u64>("raw_prices").unwrap(), Arc::clone(&done));
        let pusher = std::thread::spawn(move || {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                handle.push_blocking(n).unwrap();
                n += 1;
            }
            n
        });

        let mut during = 0;
        for _ in 0..1_000 {
            let before = seen.load(Ordering::Relaxed);
            assert!(is_held(&engine.unload("pricing-publisher").await));
            assert_eq!(engine.packages().len(), 2);
            assert_eq!(engine.reactor("PriceReactor").unwrap().subscribers().await.len(), 1);
            during += seen.load(Ordering::Relaxed) - before;
        }

        done.store(true, Ordering::Relaxed);
        let pushed = pusher.join().unwrap();
        assert!(engine.settled(Duration::from_secs(20)).await);
        assert_eq!(seen.load(Ordering::Relaxed), pushed);
        assert!(!gap.load(Ordering::Relaxed), "each came once and in order");
        assert!(during > 1_000, "{during} passed while unloads were refused");
        engine.ledger().await.check().unwrap();
        engine.shutdown(Duration::from_secs(5)).await;
    });
}

#[tokio::test(start_paused = true)]
async fn removing_one_subscriber_touches_nobody_else() {
    let other = Package::new("other").version("1").graph(consumer("other_consumer"));
    let engine = TestEngine::start([publisher(), subscriber(), other]).await;
    let actors = |tree: Vec<(String, Vec<acequia::ChildStatus>)>| {
        let kept = tree.into_iter().filter(|(name, _)| !name.starts_with("package pricing-subscriber"));
        kept.collect::<Vec<_>>()
    };
    let before = actors(engine.tree().await);
    let signals = Probe::<u64>::new();
    engine.attach("other_consumer", "out", signals.sink()).await.unwrap();

    engine.unload("pricing-subscriber").await.unwrap();

    assert_eq!(actors(engine.tree().await), before);
    let reactor = engine.reactor("PriceReactor").unwrap();
    assert_eq!(reactor.subscribers().await.len(), 1);
    engine.push("raw_prices", 7_u64).await;
    assert_eq!(signals.expect(1).await, [7]);
    engine.assert_ledger().await;
}
