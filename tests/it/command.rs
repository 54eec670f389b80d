//! Commands to a reactor, under both strategies.

use acequia::core::id::FiringId;
use acequia::{
    AccumulatorDecl, Cause, FireError, FireInput, Package, ReactorDecl, Strategy, when_all, when_any,
};
use acequia_tests::{echo, letters, numbers, started};
use std::time::Duration;

use Strategy::{Latest, Sequential};

#[tokio::test(start_paused = true)]
async fn fire_runs_the_cache_whatever_the_criteria_say() {
    for strategy in [Latest, Sequential] {
        let (engine, probe) = started::<String>(letters(when_any(["a"]), strategy)).await;
        let reactor = engine.reactor("R").unwrap();

        assert_eq!(reactor.fire().await, Ok(FiringId(0)), "nothing has come yet");
        engine.push("b", 2_u64).await;
        engine.push("a", 1_u64).await;
        engine.settle().await;
        assert_eq!(reactor.fire().await, Ok(FiringId(2)));

        assert_eq!(probe.expect(3).await, ["- - -", "1 2 -", "1 2 -"], "{strategy:?}");
        let causes: Vec<Cause> = reactor.firings(9).await.iter().map(|firing| firing.cause).collect();
        assert_eq!(causes, [Cause::Fire, Cause::Criteria, Cause::Fire]);
        engine.assert_settled().await;
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn fire_under_latest_takes_what_is_dirty_with_it() {
    let (engine, probe) = started::<String>(letters(when_all(["a", "b"]), Latest)).await;
    engine.push("a", 1_u64).await;
    engine.settle().await;

    engine.reactor("R").unwrap().fire().await.unwrap();
    engine.push("b", 2_u64).await;
    engine.settle().await;

    assert_eq!(probe.all(), ["1 - -"], "a has fired; b waits for another");
    engine.push("a", 3_u64).await;
    assert_eq!(probe.expect(2).await[1], "3 2 -");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn fire_under_sequential_leaves_the_queues_as_they_are() {
    let (engine, probe) = started::<String>(letters(when_all(["a", "b"]), Sequential)).await;
    engine.push_all("a", [1_u64, 2]).await;
    engine.settle().await;

    engine.reactor("R").unwrap().fire().await.unwrap();
    engine.push_all("b", [10_u64, 20]).await;

    assert_eq!(probe.expect(3).await, ["- - -", "1 10 -", "2 20 -"]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn fire_with_lays_its_inputs_over_the_cache_for_one_firing() {
    for strategy in [Latest, Sequential] {
        let (engine, probe) = started::<String>(letters(when_any(["a"]), strategy)).await;
        let reactor = engine.reactor("R").unwrap();
        engine.push("b", 2_u64).await;
        engine.push("a", 1_u64).await;
        engine.settle().await;

        reactor.fire_with(FireInput::new().with("a", 7_u64).with("c", 9_u64)).await.unwrap();
        engine.push("a", 3_u64).await;
        engine.settle().await;
        reactor.fire().await.unwrap();

        assert_eq!(probe.expect(4).await, ["1 2 -", "7 2 9", "3 2 -", "3 2 -"], "{strategy:?}");
        let fired = &reactor.firings(9).await[1];
        assert_eq!(fired.cause, Cause::FireWith);
        let seen: Vec<bool> = fired.inputs.iter().map(Option::is_some).collect();
        assert_eq!(seen, [false, true, false], "what was given by hand is no boundary of a source");
        engine.assert_settled().await;
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn fire_with_leaves_what_is_dirty_to_the_criteria() {
    for strategy in [Latest, Sequential] {
        let (engine, probe) = started::<String>(letters(when_all(["a", "b"]), strategy)).await;
        engine.push("a", 1_u64).await;
        engine.settle().await;

        engine.reactor("R").unwrap().fire_with(FireInput::new().with("a", 7_u64)).await.unwrap();
        engine.push("b", 2_u64).await;

        assert_eq!(probe.expect(2).await, ["7 - -", "1 2 -"], "{strategy:?}");
        engine.assert_settled().await;
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fire_that_cannot_be_is_refused_with_the_reason() {
    let (engine, _) = started::<u64>(numbers(Latest)).await;
    let reactor = engine.reactor("R").unwrap();
    let refusal = |refused: Result<FiringId, FireError>| refused.unwrap_err().to_string();

    assert_eq!(
        refusal(reactor.fire().await),
        "E0320: graph g needs n, which has no value yet; push one, or give one with `fire_with`"
    );
    assert_eq!(
        refusal(reactor.fire_with(FireInput::new().with("n", 1.5_f64)).await),
        "E0321: reactor R has no source n of the given type; it has [\"n: u64\"]"
    );
    assert_eq!(
        refusal(reactor.fire_with(FireInput::new().with("m", 1_u64)).await),
        "E0321: reactor R has no source m of the given type; it has [\"n: u64\"]"
    );
    reactor.pause().await;
    assert_eq!(refusal(reactor.fire().await), "E0322: reactor R is paused; resume it first");
    reactor.resume().await;
    assert!(reactor.fire_with(FireInput::new().with("n", 1_u64)).await.is_ok());
    assert_eq!(reactor.n_firings().await, 1, "a refusal is no firing");
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_reactor_accepts_and_remembers_and_resume_fires_what_is_pending() {
    let expected = [(Latest, vec!["3 10 -"]), (Sequential, vec!["1 - -", "2 - -", "2 10 -", "3 10 -"])];
    for (strategy, fired) in expected {
        let (engine, probe) = started::<String>(letters(when_any(["a", "b"]), strategy)).await;
        let reactor = engine.reactor("R").unwrap();
        reactor.pause().await;

        engine.push_all("a", [1_u64, 2]).await;
        engine.settle().await;
        engine.push("b", 10_u64).await;
        engine.push("a", 3_u64).await;
        probe.none_within(Duration::from_secs(3600)).await;
        engine.assert_ledger().await;
        reactor.resume().await;

        assert_eq!(probe.expect(fired.len()).await, fired, "{strategy:?}");
        engine.assert_settled().await;
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_reactor_under_sequential_loses_no_pair() {
    let (engine, probe) = started::<String>(letters(when_all(["a", "b"]), Sequential)).await;
    let reactor = engine.reactor("R").unwrap();
    engine.push("a", 1_u64).await;
    engine.settle().await;
    reactor.pause().await;
    reactor.pause().await;

    engine.push_all("a", [2_u64, 3]).await;
    engine.push_all("b", [10_u64, 20]).await;
    engine.settle().await;
    reactor.resume().await;

    assert_eq!(probe.expect(2).await, ["1 10 -", "2 20 -"]);
    engine.settle().await;
    assert_eq!(engine.unsettled().await.n(), 1, "3 waits for its partner");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn inspect_tells_cache_flags_queues_subscribers_and_last_firings() {
    for (strategy, name, queue) in [(Latest, "latest", 1), (Sequential, "sequential", 2)] {
        let accumulators = ["a", "b"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
        let reactor = ReactorDecl::new("R", accumulators, when_all(["a", "b"])).strategy(strategy);
        let graph = echo::<u64>("g", "a").on("R");
        let (engine, probe) = started::<u64>(Package::new("p").reactor(reactor).graph(graph)).await;
        engine.push("b", 5_u64).await;
        engine.push_all("a", [1_u64]).await;
        probe.expect(1).await;
        engine.push_all("a", [2_u64, 3]).await;
        engine.settle().await;

        let told = engine.reactor("R").unwrap().inspect().await;

        assert_eq!((&told["reactor"], &told["strategy"]), (&"R".into(), &name.into()));
        assert_eq!((&told["paused"], &told["firings"]), (&false.into(), &1.into()));
        let (a, b) = (&told["sources"][0], &told["sources"][1]);
        assert_eq!(
            (&a["name"], &a["dirty"], &a["queue"]),
            (&"a".into(), &true.into(), &queue.into()),
            "{name}"
        );
        assert_eq!((&b["cache"], &b["dirty"], &b["queue"]), (&5.into(), &false.into(), &0.into()));
        assert_eq!(told["subscribers"][0]["graph"], "g");
        assert_eq!(told["subscribers"][0]["seated"], "in place");
        assert_eq!(told["last_firings"][0]["inputs"], serde_json::json!([0, 0]));
        assert_eq!(told["last_firings"][0]["outcomes"]["g"], "Completed");
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_command_reaches_its_own_reactor() {
    let mut package = Package::new("p");
    for (reactor, source, graph) in [("R", "n", "g"), ("S", "m", "h")] {
        let accumulator = AccumulatorDecl::passthrough::<u64>(source);
        package = package
            .reactor(ReactorDecl::new(reactor, vec![accumulator], when_any([source])))
            .graph(echo::<u64>(graph, source).on(reactor));
    }
    let (engine, probe) = started::<u64>(package).await;
    let other = engine.probe::<u64>("h", "out").await;

    engine.reactor("R").unwrap().pause().await;
    engine.push("n", 1_u64).await;
    engine.push("m", 2_u64).await;

    assert_eq!(other.expect(1).await, [2]);
    probe.none_within(Duration::from_secs(1)).await;
    engine.assert_ledger().await;
}
