//! Graphs run inside a library as they do in process: sync, async, fallible, panicking, late, invoked.

use super::{causes, engine_with};
use acequia::testing::Probe;
use acequia::{Dropped, Invocation};

/// The values that each test pushes: 13 panics where that is asked for, 14 fails.
const VALUES: [i64; 5] = [1, 13, 200, 14, 2];

#[tokio::test(start_paused = true)]
async fn graphs_in_a_library_fail_for_their_firing_alone_and_their_siblings_go_on() {
    let (all, small, late, elsewhere) =
        (Probe::<i64>::new(), Probe::<i64>::new(), Probe::<i64>::new(), Probe::<i64>::new());
    let large = Probe::<String>::new();
    let engine = engine_with(vec![
        ("of_plain", "out", all.sink()),
        ("fallible", "small", small.sink()),
        ("fallible", "large", large.sink()),
        ("sleeping", "slow", late.sink()),
        ("offloaded", "elsewhere", elsewhere.sink()),
    ])
    .await;

    engine.push_all("plain", VALUES).await;

    assert_eq!(all.expect(5).await, VALUES);
    assert_eq!(small.expect(2).await, [-1, -2]);
    assert_eq!(large.expect(1).await, ["large 200"]);
    assert_eq!(late.expect(3).await, [1001, 1200, 1002]);
    assert_eq!(elsewhere.expect(5).await, [2001, 2013, 2200, 2014, 2002]);
    engine.assert_settled().await;
    let failed = |graph: &str| -> Vec<String> {
        let place = format!("graph {graph}");
        causes(&engine).into_iter().filter(|(at, _)| *at == place).map(|(_, cause)| cause).collect()
    };
    assert_eq!(failed("fallible"), ["decide: fourteen", "panicked: thirteen"]);
    assert_eq!(failed("sleeping"), ["panicked: thirteen, late", "slow: fourteen, late"]);
    assert_eq!(failed("slept_on").len(), 5);
    let deliveries = engine.ledger().await.edge("Plain/deliveries/slept_on").unwrap();
    assert_eq!(deliveries.dropped_for(Dropped::TimedOut), 5, "its futures are dropped at the deadline");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn graph_in_a_library_is_invoked_with_typed_and_json_inputs() {
    let engine = engine_with(Vec::new()).await;

    let typed = Invocation::new().with("left", 40_i64).with("right", 2_i64);
    assert_eq!(engine.invoke("free", typed).await.unwrap().take::<i64>("add"), Some(42));

    let json = Invocation::new().with_json("left", &serde_json::json!(9_007_199_254_740_993_i64));
    let terminals = engine.invoke("free", json).await.unwrap();
    assert_eq!(terminals.to_json(), serde_json::json!({ "add": 9_007_199_254_740_993_i64 }));
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn json_pushed_to_a_library_is_read_by_it_or_refused_with_its_words() {
    let probe = Probe::<i64>::new();
    let engine = engine_with(vec![("of_checked", "out", probe.sink())]).await;

    engine.push_json("checked", b"4").unwrap().unwrap();
    assert!(engine.push_json("checked", b"\"four\"").unwrap().is_err());

    assert_eq!(probe.expect(1).await, [40]);
    let letters = engine.dead_letters().list();
    assert!(letters[0].cause.as_ref().unwrap().contains("expected i64"), "{letters:?}");
    let view = engine.reactor("Checked").unwrap().inspect().await;
    assert!(view.to_string().contains("40"), "the cache reads as JSON: {view}");
    engine.assert_ledger().await;
}
