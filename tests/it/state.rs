//! State: a window of the newest values, emitted whole.

use acequia::{
    AccumulatorDecl, AccumulatorDef, Failure, Kind, Settled, StateWindow, Strategy, state_accumulator,
};
use acequia_tests::{single, started};
use std::time::Duration;

/// A state accumulator `s` that starts with `initial`.
fn state(capacity: i64, initial: &[u64]) -> AccumulatorDecl {
    let initial = initial.to_vec();
    AccumulatorDecl::new("s", Kind::State, move || {
        StateWindow::new(capacity, initial.clone(), |event: &u64| Ok::<_, Failure>(Some(*event)))
    })
}

/// Push `1 2 3` into a window that starts with `initial`, and compare what it emits.
async fn check(capacity: i64, initial: &[u64], emitted: &[&[u64]]) {
    let package = single::<Vec<u64>>(state(capacity, initial), Strategy::Sequential);
    let (engine, probe) = started::<Vec<u64>>(package).await;
    engine.push_all("s", [1_u64, 2, 3]).await;
    engine.assert_settled().await;
    engine.assert_ledger().await;
    assert_eq!(probe.all(), emitted, "capacity {capacity}, from {initial:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bounded_window_evicts_the_oldest_and_is_emitted_per_write() {
    check(2, &[], &[&[1], &[1, 2], &[2, 3]]).await;
    check(1, &[], &[&[1], &[2], &[3]]).await;
}

#[tokio::test(start_paused = true)]
async fn an_unbounded_window_keeps_everything() {
    check(-1, &[], &[&[1], &[1, 2], &[1, 2, 3]]).await;
}

#[tokio::test(start_paused = true)]
async fn a_window_that_holds_something_is_emitted_at_start() {
    check(2, &[7, 8, 9], &[&[8, 9], &[9, 1], &[1, 2], &[2, 3]]).await;
    check(-1, &[9], &[&[9], &[9, 1], &[9, 1, 2], &[9, 1, 2, 3]]).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_only_window_absorbs_and_never_emits() {
    let package = single::<Vec<u64>>(state(0, &[7]), Strategy::Sequential);
    let (engine, probe) = started::<Vec<u64>>(package).await;

    engine.push_all("s", [1_u64, 2]).await;

    probe.none_within(Duration::from_secs(60)).await;
    let events = engine.ledger().await.edge("R/events/s").unwrap();
    assert_eq!(events.settled_as(Settled::Absorbed), 2);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[state_accumulator(capacity = 2)]
fn positive(value: &i64) -> Option<i64> {
    (*value > 0).then_some(*value)
}

#[tokio::test(start_paused = true)]
async fn none_leaves_the_window_as_it_is() {
    let (engine, probe) =
        started::<Vec<i64>>(single::<Vec<i64>>(positive::decl(), Strategy::Sequential)).await;

    engine.push_all("positive", [1_i64, -2, 3]).await;

    assert_eq!(probe.expect(2).await, [vec![1], vec![1, 3]]);
    engine.settle().await;
    assert_eq!(engine.ledger().await.events().settled_as(Settled::Filtered), 1);
    engine.assert_ledger().await;
}
