//! Passthrough: one event in, at most one boundary out.

use acequia::{
    AccumulatorDecl, AccumulatorDef, Failure, FaultBudget, Settled, Strategy, passthrough_accumulator,
};
use acequia_tests::{numbers, single, started};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn each_event_becomes_one_boundary_in_order() {
    let (engine, probe) = started::<u64>(numbers(Strategy::Sequential)).await;

    engine.push_all("n", 0..2000_u64).await;

    assert_eq!(probe.expect(2000).await, (0..2000).collect::<Vec<_>>());
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[passthrough_accumulator]
fn even(value: &u64) -> Option<u64> {
    value.is_multiple_of(2).then_some(*value)
}

#[tokio::test(start_paused = true)]
async fn none_drops_the_event_counted_as_filtered() {
    let (engine, probe) = started::<u64>(single::<u64>(even::decl(), Strategy::Sequential)).await;

    engine.push_all("even", [1_u64, 2, 3, 4, 5]).await;

    assert_eq!(probe.expect(2).await, [2, 4]);
    engine.settle().await;
    let events = engine.ledger().await.edge("R/events/even").unwrap();
    assert_eq!((events.accepted, events.settled_as(Settled::Filtered)), (5, 3));
    assert_eq!(events.settled_as(Settled::HandedOn), 2);
    assert!(engine.dead_letters().is_empty());
    engine.assert_ledger().await;
}

#[passthrough_accumulator]
async fn slow_first(value: u64) -> u64 {
    if value.is_multiple_of(3) {
        tokio::time::sleep(Duration::from_secs(1)).await; // tidy: the clock is a paused one
    }
    value * 10
}

#[tokio::test(start_paused = true)]
async fn an_async_function_that_awaits_keeps_the_order() {
    let (engine, probe) = started::<u64>(single::<u64>(slow_first::decl(), Strategy::Sequential)).await;
    let before = engine.clock().now();

    engine.push_all("slow_first", 0..7_u64).await;

    assert_eq!(probe.expect(7).await, [0, 10, 20, 30, 40, 50, 60]);
    assert!(engine.clock().now().since(before) >= Duration::from_secs(3), "0, 3 and 6 wait");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[passthrough_accumulator(attempts = 2)]
fn cautious(value: u64) -> Result<u64, String> {
    match value {
        13 => Err("unlucky".to_owned()),
        14 => panic!("very unlucky"),
        value => Ok(value),
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_is_tried_again_then_dead_lettered_and_the_others_pass() {
    let (engine, probe) = started::<u64>(single::<u64>(cautious::decl(), Strategy::Sequential)).await;

    engine.push_all("cautious", [1_u64, 13, 2, 14, 3]).await;

    assert_eq!(probe.expect(3).await, [1, 2, 3]);
    engine.settle().await;
    let letters = engine.dead_letters().list();
    let told: Vec<_> =
        letters.iter().map(|l| (l.cause.clone().unwrap(), l.attempts, l.value.clone())).collect();
    assert_eq!(
        told,
        [("unlucky".to_owned(), 2, 13.into()), ("panicked: very unlucky".to_owned(), 2, 14.into())]
    );
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_passthrough_without_a_macro_does_the_same() {
    let decl = AccumulatorDecl::new("n", acequia::Kind::Passthrough, || {
        acequia::Passthrough::new(|event: &u64| {
            let boundary = event.checked_sub(1).map(|event| event.to_string());
            Ok::<_, Failure>(acequia::core::accumulator::Reply::Ready(boundary))
        })
    });
    let decl = decl.budget(FaultBudget::unlimited(1));
    let (engine, probe) = started::<String>(single::<String>(decl, Strategy::Sequential)).await;

    engine.push_all("n", [0_u64, 1, 2]).await;

    assert_eq!(probe.expect(2).await, ["0", "1"]);
    engine.assert_ledger().await;
}
