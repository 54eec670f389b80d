//! Dead letters: what cannot be used is kept with its cause, and can be put back.

use acequia::testing::faults;
use acequia::{
    AccumulatorDecl, AccumulatorDef, Dropped, FaultBudget, Package, ReactorDecl, ReplayError, Sink, Strategy,
    passthrough_accumulator, when_any,
};
use acequia_tests::{echo, numbers, started};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Price {
    symbol: String,
    price: f64,
}

#[tokio::test(start_paused = true)]
async fn undecodable_json_goes_to_the_dead_letters_with_cause_accumulator_bytes_and_time() {
    let package =
        acequia_tests::single::<Price>(AccumulatorDecl::passthrough::<Price>("p"), Strategy::Sequential);
    let (engine, probe) = started::<Price>(package).await;
    engine.advance(Duration::from_secs(3)).await;

    let taken = engine.push_json("p", br#"{"symbol":"A","price":1.5}"#).unwrap();
    let refused = engine.push_json("p", br#"{"symbol":"A"}"#).unwrap().unwrap_err();

    assert!(taken.is_ok());
    assert_eq!(
        refused.to_string(),
        "E0122: the event went to the dead letters; mend its JSON and push it again"
    );
    assert_eq!(probe.expect(1).await, [Price { symbol: "A".to_owned(), price: 1.5 }]);
    let letter = &engine.dead_letters().list()[0];
    assert_eq!((letter.place.as_str(), letter.why.as_str()), ("accumulator p", "Undecodable"));
    assert_eq!(letter.value, r#"{"symbol":"A"}"#);
    let cause = letter.cause.as_ref().unwrap();
    assert!(cause.contains("Price") && cause.contains("missing field `price`"), "{cause}");
    assert_eq!(letter.at_nanos, 3_000_000_000);
    let events = engine.ledger().await.edge("R/events/p").unwrap();
    assert_eq!((events.accepted, events.dropped_for(Dropped::Undecodable)), (2, 1));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_an_undecodable_event_are_bounded() {
    let (engine, _) = started::<u64>(numbers(Strategy::Sequential)).await;

    let _ = engine.push_json("n", &vec![b'x'; 1_000_000]).unwrap();

    let kept = engine.dead_letters().list()[0].value.as_str().unwrap().len();
    assert_eq!(kept, 4096);
    let id = engine.dead_letters().list()[0].id;
    assert!(matches!(engine.replay(id).await, Err(ReplayError::NoValue { .. })));
    assert_eq!(engine.dead_letters().len(), 1, "it stays");
    engine.assert_ledger().await;
}

/// Reactor `R` over `n`; graph `g` fails at its runs 1, 2 and 3, which are the attempts of one firing.
fn failing_once() -> Package {
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    let graph = echo::<u64>("g", "n").budget(FaultBudget::unlimited(3));
    let graph = faults().error_at(1).panic_at(2).error_at(3).wrap(graph);
    Package::new("p").reactor(reactor.strategy(Strategy::Sequential)).graph(graph.on("R"))
}

#[tokio::test(start_paused = true)]
async fn a_firing_that_fails_as_often_as_allowed_is_dead_lettered_and_can_be_replayed() {
    let (engine, probe) = started::<u64>(failing_once()).await;
    engine.push_all("n", [10_u64, 11, 12]).await;
    assert_eq!(probe.expect(2).await, [10, 12]);
    engine.settle().await;

    let letter = engine.dead_letters().list().remove(0);
    assert_eq!((letter.place.as_str(), letter.item, letter.attempts), ("graph g", 1, 3));
    assert_eq!(letter.value, serde_json::json!([11]));
    assert_eq!(letter.cause.as_deref(), Some("injected error at run 3"));

    engine.replay(letter.id).await.unwrap();

    assert_eq!(probe.expect(1).await, [11]);
    assert!(engine.dead_letters().is_empty());
    let unknown = engine.replay(letter.id).await.unwrap_err();
    assert_eq!(unknown.to_string(), "E0430: no dead letter 0; it was replayed, discarded or forgotten");
    engine.settle().await;
    let deliveries = engine.ledger().await.edge("R/deliveries/g").unwrap();
    assert_eq!((deliveries.accepted, deliveries.settled(), deliveries.dropped()), (4, 3, 1));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn an_output_that_its_sink_refuses_is_dead_lettered_and_can_be_replayed() {
    let works = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&works);
    let seen = acequia::testing::Probe::<u64>::new();
    let record = seen.clone();
    let sink = Sink::try_callback(move |n: &u64| match (*n, now.load(Ordering::Relaxed)) {
        (2, false) => Err(acequia::Failure::error("disk full")),
        _ => Ok(()),
    });
    let engine = acequia::testing::TestEngine::builder()
        .package(numbers(Strategy::Sequential))
        .sink("g", "out", sink)
        .probe("g", "out", &record)
        .start()
        .await;
    engine.push_all("n", [1_u64, 2, 3]).await;
    assert_eq!(seen.expect(3).await, [1, 2, 3], "the other sink has them all");
    engine.settle().await;
    let letter = engine.dead_letters().list().remove(0);
    assert_eq!((letter.place.as_str(), letter.attempts), ("sink 0 of g.out", 3));
    assert_eq!((letter.value.as_u64(), letter.cause.as_deref()), (Some(2), Some("disk full")));

    works.store(true, Ordering::Relaxed);
    engine.replay(letter.id).await.unwrap();

    assert!(engine.dead_letters().is_empty());
    assert_eq!(seen.all(), [1, 2, 3], "a replay is for the sink that refused it alone");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn the_oldest_letters_are_forgotten_and_counted() {
    let engine = acequia::testing::TestEngine::builder()
        .package(numbers(Strategy::Sequential))
        .with(|engine| engine.dead_letter_capacity(3))
        .start()
        .await;

    for n in 0..5 {
        let _ = engine.push_json("n", format!("{n}x").as_bytes()).unwrap();
    }

    let kept: Vec<_> = engine.dead_letters().list().iter().map(|letter| letter.value.clone()).collect();
    assert_eq!(kept, ["2x", "3x", "4x"]);
    assert_eq!(engine.dead_letters().forgotten(), 2);
    let events = engine.ledger().await.edge("R/events/n").unwrap();
    assert_eq!(events.dropped_for(Dropped::Undecodable), 5, "the ledger forgets none");
    engine.assert_ledger().await;
}

static PASSES: AtomicBool = AtomicBool::new(false);

#[passthrough_accumulator(attempts = 1)]
fn gated(value: u64) -> Result<u64, String> {
    if value == 2 && !PASSES.load(Ordering::Relaxed) { Err("shut".to_owned()) } else { Ok(value) }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_its_accumulator_gave_up_can_be_replayed_and_is_a_new_acceptance() {
    let (engine, probe) =
        started::<u64>(acequia_tests::single::<u64>(gated::decl(), Strategy::Sequential)).await;
    engine.push_all("gated", [1_u64, 2, 3]).await;
    assert_eq!(probe.expect(2).await, [1, 3]);
    let letter = engine.dead_letters().list().remove(0);
    assert_eq!((letter.place.as_str(), letter.value.as_u64()), ("accumulator gated", Some(2)));

    engine.replay(letter.id).await.unwrap();
    engine.settle().await;
    let letter = engine.dead_letters().list().remove(0);
    assert_eq!(letter.cause.as_deref(), Some("shut"), "it failed again");
    PASSES.store(true, Ordering::Relaxed);
    engine.replay(letter.id).await.unwrap();

    assert_eq!(probe.expect(1).await, [2]);
    let events = engine.ledger().await.edge("R/events/gated").unwrap();
    assert_eq!((events.accepted, events.settled(), events.dropped()), (5, 3, 2));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}
