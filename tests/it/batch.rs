//! Batch: events are collected and handed on together.

use acequia::{AccumulatorDef, Settled, Strategy, batch_accumulator};
use acequia_tests::{single, started};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[batch_accumulator(max_buffer_size = 3)]
fn by_size(events: &[u64]) -> Option<Vec<u64>> {
    Some(events.to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_is_flushed_at_once() {
    let (engine, probe) =
        started::<Vec<u64>>(single::<Vec<u64>>(by_size::decl(), Strategy::Sequential)).await;

    engine.push_all("by_size", 0..7_u64).await;
    engine.settle().await;

    assert_eq!(probe.all(), [vec![0, 1, 2], vec![3, 4, 5]]);
    let events = engine.ledger().await.edge("R/events/by_size").unwrap();
    assert_eq!((events.settled_as(Settled::HandedOn), events.unsettled), (6, 1), "6 is in the buffer");
    engine.assert_ledger().await;
}

#[batch_accumulator(flush_interval = "10s", max_buffer_size = 100)]
fn by_time(events: &[u64]) -> Option<Vec<u64>> {
    Some(events.to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_flushed_an_interval_after_its_first_event() {
    let (engine, probe) =
        started::<Vec<u64>>(single::<Vec<u64>>(by_time::decl(), Strategy::Sequential)).await;

    engine.push("by_time", 1_u64).await;
    engine.advance(Duration::from_secs(6)).await;
    engine.push("by_time", 2_u64).await;
    engine.advance(Duration::from_millis(3_900)).await;
    assert!(probe.is_empty(), "9.9 s after the first event");
    engine.advance(Duration::from_millis(200)).await;

    assert_eq!(probe.all(), [vec![1, 2]]);
    engine.push("by_time", 3_u64).await;
    engine.advance(Duration::from_millis(9_900)).await;
    assert_eq!(probe.len(), 1, "the interval began anew with 3");
    assert_eq!(probe.expect(2).await, [vec![1, 2], vec![3]]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_flushed_when_the_reactor_asks() {
    let (engine, probe) =
        started::<Vec<u64>>(single::<Vec<u64>>(by_size::decl(), Strategy::Sequential)).await;
    engine.push_all("by_size", [1_u64, 2]).await;
    engine.settle().await;
    assert!(probe.is_empty());

    engine.reactor("R").unwrap().flush().await;

    assert_eq!(probe.expect(1).await, [vec![1, 2]]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_flushed_at_shutdown() {
    let (engine, probe) =
        started::<Vec<u64>>(single::<Vec<u64>>(by_time::decl(), Strategy::Sequential)).await;
    engine.push_all("by_time", [1_u64, 2]).await;

    let report = engine.shutdown(Duration::from_secs(5)).await;

    assert_eq!(probe.all(), [vec![1, 2]]);
    assert!(report.unsettled.is_empty());
    report.ledger.check().unwrap();
    assert_eq!(report.ledger.events().settled_as(Settled::HandedOn), 2);
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[batch_accumulator(flush_interval = "1s", max_buffer_size = 100)]
fn counted(events: &[u64]) -> Option<u64> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    assert!(!events.is_empty());
    Some(events.iter().sum())
}

#[tokio::test(start_paused = true)]
async fn an_empty_batch_is_never_flushed() {
    let (engine, probe) = started::<u64>(single::<u64>(counted::decl(), Strategy::Sequential)).await;

    engine.reactor("R").unwrap().flush().await;
    engine.advance(Duration::from_secs(10)).await;
    assert_eq!(CALLS.load(Ordering::Relaxed), 0);
    engine.push("counted", 5_u64).await;
    engine.advance(Duration::from_secs(10)).await;
    engine.reactor("R").unwrap().flush().await;
    let report = engine.shutdown(Duration::from_secs(5)).await;

    assert_eq!(probe.all(), [5]);
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    assert!(report.unsettled.is_empty());
    report.ledger.check().unwrap();
}

#[batch_accumulator(max_buffer_size = 2, attempts = 2)]
fn choosy(events: Vec<u64>) -> Result<Option<u64>, String> {
    let sum = events.iter().sum();
    match sum {
        13 => Err("unlucky".to_owned()),
        sum if sum > 100 => Ok(None),
        sum => Ok(Some(sum)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_a_boundary_is_filtered_and_one_that_fails_is_dead_lettered_event_by_event() {
    let (engine, probe) = started::<u64>(single::<u64>(choosy::decl(), Strategy::Sequential)).await;

    engine.push_all("choosy", [1_u64, 2, 100, 1, 6, 7, 3, 4]).await;

    assert_eq!(probe.expect(2).await, [3, 7]);
    engine.settle().await;
    let events = engine.ledger().await.edge("R/events/choosy").unwrap();
    assert_eq!((events.settled_as(Settled::Filtered), events.dropped()), (2, 2));
    let letters = engine.dead_letters().list();
    let told: Vec<_> =
        letters.iter().map(|l| (l.value.as_u64().unwrap(), l.attempts, l.cause.as_deref())).collect();
    assert_eq!(told, [(6, 2, Some("unlucky")), (7, 2, Some("unlucky"))]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}
