//! Every kind of accumulator runs inside a library as it does in process.

use super::{causes, engine_and_probe, engine_with};
use acequia::library::Library;
use acequia::testing::Probe;
use acequia::{Settled, SourceHealth, Trust};
use acequia_tests::library::built;
use std::time::Duration;

#[test]
fn only_accumulators_that_change_something_are_asked() {
    let library = Library::open(built("kinds", &[]), &Trust::optional()).unwrap();
    let declared = library.declarations();
    let identities: Vec<&str> =
        declared.accumulators().filter(|decl| decl.identity).map(|decl| decl.name.as_str()).collect();
    assert_eq!(identities, ["plain", "asked"], "the engine hands these on by itself");
    let sources: Vec<&str> =
        declared.accumulators().filter(|decl| decl.source).map(|decl| decl.name.as_str()).collect();
    assert_eq!(sources, ["streamed", "asked"]);
}

#[tokio::test(start_paused = true)]
async fn passthrough_in_a_library_drops_fails_and_panics_for_its_event_alone() {
    let (engine, probe) = engine_and_probe::<i64>("of_checked").await;

    engine.push_all("checked", [1_i64, -1, 13, 2, 14, 3]).await;

    assert_eq!(probe.expect(3).await, [10, 20, 30]);
    let wanted = [("accumulator checked", "fourteen"), ("accumulator checked", "panicked: thirteen")];
    assert_eq!(causes(&engine), wanted.map(|(place, cause)| (place.to_owned(), cause.to_owned())));
    assert!(engine.dead_letters().list().iter().all(|letter| letter.attempts == 2));
    let values: Vec<_> = engine.dead_letters().list().into_iter().map(|letter| letter.value).collect();
    assert_eq!(values, [13, 14], "the library says how its events read as JSON");
    let events = engine.ledger().await.edge("Checked/events/checked").unwrap();
    assert_eq!((events.settled_as(Settled::HandedOn), events.settled_as(Settled::Filtered)), (3, 1));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn async_accumulator_in_a_library_sleeps_by_the_engines_clock() {
    let (engine, probe) = engine_and_probe::<i64>("of_delayed").await;
    let before = engine.clock().now();

    engine.push_all("delayed", [1_i64, 2]).await;

    assert_eq!(probe.expect(2).await, [2, 3]);
    let took = engine.clock().now().since(before);
    assert!((10..11).contains(&took.as_secs()), "one after the other: {took:?}");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn batch_in_a_library_is_flushed_by_size_and_by_time() {
    let (engine, probe) = engine_and_probe::<i64>("of_batched").await;

    engine.push_all("batched", [1_i64, 2, 3, 4]).await;
    engine.settle().await;

    assert_eq!(probe.all(), [6]);
    let events = engine.ledger().await.edge("Batched/events/batched").unwrap();
    assert_eq!((events.settled_as(Settled::HandedOn), events.unsettled), (3, 1), "4 is in the buffer");
    engine.advance(Duration::from_millis(1_100)).await;
    assert_eq!(probe.all(), [6, 4]);
    engine.push("batched", 5_i64).await;
    engine.settle().await;
    engine.reactor("Batched").unwrap().flush().await;
    assert_eq!(probe.expect(3).await, [6, 4, 5]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn state_in_a_library_keeps_its_window() {
    let (engine, probe) = engine_and_probe::<Vec<i64>>("of_kept").await;

    engine.push_all("kept", [1_i64, 2, 3]).await;

    assert_eq!(probe.expect(3).await, [vec![1], vec![1, 2], vec![2, 3]]);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn accumulator_in_a_library_is_shared_by_two_reactors() {
    let (left, right) = (Probe::<i64>::new(), Probe::<i64>::new());
    let engine = engine_with(vec![("left", "out", left.sink()), ("right", "out", right.sink())]).await;

    engine.push_all("counted", [1_i64, 2, 3]).await;
    engine.settle().await;

    assert_eq!(left.all(), [1_001, 2_002, 3_003], "one state, however many share it");
    assert_eq!(right.all().last(), Some(&3_003));
    let ledger = engine.ledger().await;
    assert_eq!(ledger.edge("shared counted/events/counted").unwrap().accepted, 3);
    assert_eq!(ledger.edge("Left/shares/counted").unwrap().settled(), 3);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn window_in_a_library_closes_its_panes() {
    let (engine, probe) = engine_and_probe::<(i64, i64)>("of_paned").await;

    engine.push_all("paned", [(0_i64, 1_i64), (5, 2), (12, 3), (25, 4), (1, 100)]).await;
    engine.settle().await;

    assert_eq!(probe.all(), [(0, 3), (10, 3)]);
    let events = engine.ledger().await.edge("Paned/events/paned").unwrap();
    assert_eq!(events.dropped_for(acequia::Dropped::Late), 1);
    engine.reactor("Paned").unwrap().flush().await;
    assert_eq!(probe.expect(3).await[2], (20, 4));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn stateful_stream_in_a_library_recovers_from_a_panic_between_two_changes() {
    let (engine, probe) = engine_and_probe::<i64>("of_summed").await;

    engine.push_all("summed", [1_i64, 2, 13, 3]).await;

    assert_eq!(probe.expect(3).await, [1, 3, 6], "what it added for 13 is undone");
    assert_eq!(causes(&engine).len(), 1);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn source_in_a_library_waits_for_room_and_resumes_where_it_died() {
    let (engine, probe) = engine_and_probe::<i64>("of_streamed").await;

    assert_eq!(probe.expect(2_000).await, (0..2_000).collect::<Vec<_>>());

    engine.settle().await;
    assert_eq!(engine.source_health("streamed").unwrap(), SourceHealth::Finished);
    let events = engine.ledger().await.edge("Streamed/events/streamed").unwrap();
    assert_eq!((events.accepted, events.settled_as(Settled::HandedOn)), (2_000, 2_000));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn polling_in_a_library_is_asked_each_interval() {
    let probe = Probe::<i64>::new();
    let engine = engine_with(vec![("of_asked", "out", probe.sink())]).await;
    let before = engine.clock().now();

    let news = probe.expect(3).await;

    // Other engines of this process ask the same static.
    assert!(news.iter().all(|times| times % 2 == 0), "{news:?}");
    assert!(engine.clock().now().since(before) >= Duration::from_secs(21), "two asks lie between");
    engine.assert_ledger().await;
}
