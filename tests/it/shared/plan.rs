//! What is refused: cycles through what is shared, other declarations of it, other packages.

use super::{numbers, pair, started};
use acequia::testing::TestEngine;
use acequia::{AccumulatorDecl, Package, ReactorDecl, Sink, StartError, when_any};
use acequia_tests::echo;

#[tokio::test(start_paused = true)]
async fn a_graph_that_feeds_what_its_own_reactor_shares_is_refused_with_the_cycle() {
    let engine = TestEngine::builder().package(pair(numbers())).sink("r", "out", Sink::accumulator("n"));
    let refusal = engine.try_start().await.err().unwrap();
    let path =
        "E0405: feeding n from r.out closes a cycle: R -> shared n -> R; break it with a source of your own";
    assert!(matches!(&refusal, StartError::Sink(error) if error.to_string() == path), "{refusal}");

    // The same through a third reactor.
    let third = ReactorDecl::new("T", vec![AccumulatorDecl::passthrough::<u64>("t")], when_any(["t"]));
    let package = pair(numbers()).reactor(third).graph(echo::<u64>("g", "t").on("T"));
    let engine =
        TestEngine::builder().package(package).sink("s", "out", Sink::accumulator("t")).start().await;
    let refusal = engine.attach("g", "out", Sink::accumulator("n")).await.unwrap_err().to_string();
    assert!(refusal.contains("T -> shared n -> S -> T"), "{refusal}");
    engine.push("n", 1_u64).await;
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn reactors_that_declare_one_name_differently_are_refused_with_what_differs() {
    let reactor = |name: &str, decl: AccumulatorDecl| ReactorDecl::new(name, vec![decl], when_any(["n"]));
    let refused = async |decl: AccumulatorDecl| {
        let package = Package::new("p").reactor(reactor("R", numbers())).reactor(reactor("S", decl));
        TestEngine::builder().package(package).try_start().await.err().unwrap().to_string()
    };

    let text = refused(numbers().capacity(7)).await;
    assert_eq!(
        text,
        "E0474: reactors R and S of package p both name accumulator n, but declare it with another ring; \
         declare it once and name it in both, or rename one"
    );
    let text = refused(AccumulatorDecl::passthrough::<f64>("n")).await;
    assert!(text.contains("another function, event type, boundary type"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_reactor_of_another_package_cannot_share_and_learns_whose_it_is() {
    let (engine, _, s) = started(pair(numbers())).await;
    let foreign = Package::new("q").reactor(ReactorDecl::new("T", vec![numbers()], when_any(["n"])));

    let refusal = engine.load(foreign).await.unwrap_err().to_string();

    assert!(
        refusal.contains("E0410: package q declares accumulator n, which package p owns already"),
        "{refusal}"
    );
    engine.push("n", 1_u64).await;
    assert_eq!(s.expect(1).await, [1]);
    engine.assert_ledger().await;
}
