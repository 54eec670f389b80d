//! Finding things by name, and names that are taken.

use acequia::testing::TestEngine;
use acequia::{AccumulatorDecl, Package, PushError, ReactorDecl, Strategy, when_all, when_any};
use acequia_tests::{echo, letters, numbers};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_nowhere_is_answered_with_those_there_are() {
    let engine = TestEngine::start([letters(when_any(["a"]), Strategy::Latest)]).await;

    let refused = engine.accumulator::<u64>("d").err().expect("there is no d");
    assert_eq!(refused.to_string(), "E0420: no accumulator d; there are [\"a\", \"b\", \"c\"]");
    let refused = engine.accumulator::<f64>("a").err().expect("of another type");
    assert_eq!(refused.to_string(), "E0422: accumulator a takes u64, not f64; ask for that type");
    let refused = engine.reactor("S").err().expect("there is no S");
    assert_eq!(refused.to_string(), "E0421: no reactor S; there are [\"R\"]");
    assert!(engine.push_json("d", b"1").is_err());
    assert!(engine.source_health("d").is_err());
    engine.assert_ledger().await;
}

/// What a running engine with the package [`numbers`] says to `package`.
async fn refused(package: Package) -> String {
    let engine = TestEngine::start([numbers(Strategy::Latest)]).await;
    let before = engine.tree().await.len();
    let refusal = engine.deploy(package, Vec::new()).await.unwrap_err();
    assert_eq!(engine.tree().await.len(), before, "nothing of it is left");
    let probe = engine.probe::<u64>("g", "out").await;
    engine.push("n", 1_u64).await;
    assert_eq!(probe.expect(1).await, [1], "and nothing else changed");
    engine.assert_ledger().await;
    refusal.to_string()
}

fn reactor(name: &str, source: &str) -> ReactorDecl {
    ReactorDecl::new(name, vec![AccumulatorDecl::passthrough::<u64>(source)], when_any([source]))
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_refused_with_its_owner() {
    let taken = |what: &str| {
        format!("E0410: package q declares {what}, which package p owns already; rename one of them")
    };
    assert_eq!(refused(Package::new("q").reactor(reactor("R", "m"))).await, taken("reactor R"));
    assert_eq!(refused(Package::new("q").reactor(reactor("S", "n"))).await, taken("accumulator n"));
    assert_eq!(refused(Package::new("q").graph(echo::<u64>("g", "n").on("R"))).await, taken("graph g"));
}

#[tokio::test(start_paused = true)]
async fn a_graph_that_does_not_fit_its_reactor_is_refused_with_the_reason() {
    assert_eq!(
        refused(Package::new("q").graph(echo::<u64>("h", "n").on("S"))).await,
        "E0411: reactor 'S' not loaded; the publishing package must load before its subscribers (package q, graph h)"
    );
    assert_eq!(
        refused(Package::new("q").graph(echo::<u64>("h", "m").on("R"))).await,
        "E0310: graph h reads [\"m\"], which reactor R does not offer; it offers [\"n\"]"
    );
    assert_eq!(
        refused(Package::new("q").graph(echo::<f64>("h", "n").on("R"))).await,
        "E0311: graph h reads n as f64, but reactor R offers u64; use that type"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reactor_that_cannot_be_is_refused_with_the_reason() {
    let over = |names: &[&str], criteria| {
        let accumulators = names.iter().map(|name| AccumulatorDecl::passthrough::<u64>(*name)).collect();
        Package::new("q").reactor(ReactorDecl::new("S", accumulators, criteria))
    };
    assert_eq!(
        refused(over(&[], when_any(["a"]))).await,
        "E0301: reactor S has no accumulators; name at least one"
    );
    assert_eq!(
        refused(over(&["a", "b", "a"], when_any(["a"]))).await,
        "E0303: reactor S names accumulator a twice; names are unique"
    );
    assert_eq!(
        refused(over(&["a", "b"], when_all(["a", "c"]))).await,
        "E0304: criteria of reactor S name c, which is not among its accumulators [\"a\", \"b\"]; add it or correct the name"
    );
    assert_eq!(
        refused(over(&["a"], acequia::k_of(2, ["a"]))).await,
        "E0305: criteria of reactor S can never be met: 2 of 1 sources; choose k between 1 and the number named"
    );
}

#[tokio::test(start_paused = true)]
async fn a_package_deployed_later_subscribes_to_a_running_reactor() {
    let engine = TestEngine::start([numbers(Strategy::Sequential)]).await;
    engine.push("n", 1_u64).await;
    engine.settle().await;

    engine.deploy(Package::new("q").graph(echo::<u64>("h", "n").on("R")), Vec::new()).await.unwrap();
    let probe = engine.probe::<u64>("h", "out").await;
    engine.push("n", 2_u64).await;

    assert_eq!(probe.expect(1).await, [2]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_engine_hands_a_pushed_event_back() {
    let engine = TestEngine::start([numbers(Strategy::Latest)]).await;
    let handle = engine.accumulator::<u64>("n").unwrap();
    engine.shutdown(Duration::from_secs(1)).await;

    let refused = handle.push(7).await.unwrap_err();

    assert!(matches!(refused, PushError::Closed { item: 7 }));
    assert!(engine.push_json("n", b"7").map_or(true, |pushed| pushed.is_err()));
    let refused = engine.deploy(Package::new("q"), Vec::new()).await.unwrap_err();
    assert_eq!(refused.to_string(), "E0414: the engine is stopping; deploy to a running one");
}
