//! Polling: a function that is asked at start and then each interval.

use acequia::{
    AccumulatorDecl, AccumulatorDef, Engine, SourceDecl, SourceHealth, Strategy, polling_accumulator,
};
use acequia_tests::{single, started};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

static ASKED: AtomicU64 = AtomicU64::new(0);

#[polling_accumulator(interval = "10s")]
async fn every_second_poll() -> Option<u64> {
    let n = ASKED.fetch_add(1, Ordering::Relaxed);
    n.is_multiple_of(2).then_some(n)
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_is_at_start_then_one_each_interval_and_none_is_unchanged() {
    let (engine, probe) =
        started::<u64>(single::<u64>(every_second_poll::decl(), Strategy::Sequential)).await;

    engine.settle().await;
    assert_eq!(probe.all(), [0], "at start");
    engine.advance(Duration::from_millis(9_900)).await;
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    engine.advance(Duration::from_millis(200)).await;
    assert_eq!((ASKED.load(Ordering::Relaxed), probe.all()), (2, vec![0]), "the second is unchanged");
    engine.advance(Duration::from_secs(30)).await;

    assert_eq!(probe.all(), [0, 2, 4]);
    assert_eq!(ASKED.load(Ordering::Relaxed), 5);
    let events = engine.ledger().await.edge("R/events/every_second_poll").unwrap();
    assert_eq!(events.accepted, 3, "an unchanged poll is no event");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn polls_never_overlap_and_what_a_slow_one_overran_is_skipped() {
    let (asked, at_once, most) =
        (Arc::<AtomicU64>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let (n, now, peak) = (Arc::clone(&asked), Arc::clone(&at_once), Arc::clone(&most));
    let source = SourceDecl::poll(Duration::from_secs(10), move || {
        let (n, now, peak) = (Arc::clone(&n), Arc::clone(&now), Arc::clone(&peak));
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(25)).await; // tidy: the clock is a paused one
            now.fetch_sub(1, Ordering::Relaxed);
            Ok(Some(n.fetch_add(1, Ordering::Relaxed)))
        }
    });
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(source);
    let (engine, probe) = started::<u64>(single::<u64>(accumulator, Strategy::Sequential)).await;

    // Polls at 0, 30 and 60 seconds, each of 25.
    engine.advance(Duration::from_secs(89)).await;

    assert_eq!(probe.all(), [0, 1, 2]);
    assert_eq!(most.load(Ordering::Relaxed), 1);
    engine.assert_ledger().await;
}

static FAILS: AtomicU64 = AtomicU64::new(0);

#[polling_accumulator(interval = "10s")]
async fn moody() -> Result<Option<u64>, String> {
    match FAILS.fetch_add(1, Ordering::Relaxed) {
        1 => Err("no route".to_owned()),
        n => Ok(Some(n)),
    }
}

async fn health(engine: &Engine) -> SourceHealth {
    engine.source_health("moody").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_fails_is_seen_and_polled_again() {
    let (engine, probe) = started::<u64>(single::<u64>(moody::decl(), Strategy::Sequential)).await;
    assert_eq!(probe.expect(1).await, [0]);
    assert_eq!(health(&engine).await, SourceHealth::Live);

    assert_eq!(probe.expect(1).await, [2]);

    assert_eq!(health(&engine).await, SourceHealth::Live);
    assert!(engine.counters().restarts.load(Ordering::Relaxed) == 1);
    engine.assert_ledger().await;
}
