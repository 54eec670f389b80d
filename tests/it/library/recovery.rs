//! What panics in a library is back at once: on the engine's clock no time passes, and siblings skip nothing.

use super::{causes, engine_with};
use acequia::testing::{Probe, TestEngine};
use acequia::{Component, Timestamp};
use std::time::Duration;

/// How long it took by the engine's clock, which stands still while there is something to do.
fn took(engine: &TestEngine, since: Timestamp) -> Duration {
    engine.clock().now().since(since)
}

#[tokio::test(start_paused = true)]
async fn a_graph_that_panics_in_a_library_is_back_at_once_and_its_siblings_skip_nothing() {
    let (all, small) = (Probe::<i64>::new(), Probe::<i64>::new());
    let sinks = vec![("of_plain", "out", all.sink()), ("fallible", "small", small.sink())];
    let engine = engine_with(sinks).await;
    let since = engine.clock().now();

    let events: Vec<i64> = (0..60).map(|n| if n % 30 == 7 { 13 } else { n % 10 }).collect();
    engine.push_all("plain", events.clone()).await;

    assert_eq!(all.expect(events.len()).await, events);
    let sound: Vec<i64> = events.iter().filter(|event| **event != 13).map(|event| -event).collect();
    assert_eq!(small.expect(sound.len()).await, sound);
    assert_eq!(took(&engine, since), Duration::ZERO);
    assert_eq!(causes(&engine).iter().filter(|(place, _)| place == "graph fallible").count(), 2);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn an_accumulator_that_panics_in_a_library_is_back_at_once() {
    let (checked, sums) = (Probe::<i64>::new(), Probe::<i64>::new());
    let sinks = vec![("of_checked", "out", checked.sink()), ("of_summed", "out", sums.sink())];
    let engine = engine_with(sinks).await;
    let since = engine.clock().now();

    engine.push_all("checked", [1_i64, 13, 2]).await;
    engine.push_all("summed", [1_i64, 13, 2]).await;

    assert_eq!(checked.expect(2).await, [10, 20]);
    assert_eq!(sums.expect(2).await, [1, 3], "its state is that of the accepted events alone");
    assert_eq!(took(&engine, since), Duration::ZERO);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_library_graph_whose_actor_died_is_back_at_once_and_works_off_what_came_meanwhile() {
    let (all, small) = (Probe::<i64>::new(), Probe::<i64>::new());
    let sinks = vec![("of_plain", "out", all.sink()), ("fallible", "small", small.sink())];
    let engine = engine_with(sinks).await;
    let plain = engine.accumulator::<i64>("plain").unwrap();
    let since = engine.clock().now();

    assert!(engine.crash(Component::Graph("of_plain")).await);
    for event in 1..=5 {
        plain.push(event).await.unwrap();
    }

    assert_eq!(small.expect(5).await, [-1, -2, -3, -4, -5]);
    assert_eq!(all.expect(5).await, [1, 2, 3, 4, 5]);
    assert_eq!(took(&engine, since), Duration::ZERO);
    engine.assert_ledger().await;
}
