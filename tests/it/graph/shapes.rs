//! Shapes from the macros, run by the engine; presence of sources; errors of nodes.

use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Dropped, GraphBuilder, GraphDef, Package, ReactorDecl, Strategy, computation_graph,
    k_of, passthrough_accumulator, reactor, when_all, when_any,
};
use acequia_tests::{abc, started};

#[passthrough_accumulator]
fn bids(value: f64) -> f64 {
    value
}

#[passthrough_accumulator]
fn asks(value: f64) -> f64 {
    value
}

#[reactor(accumulators = [bids, asks], criteria = when_all(bids, asks), strategy = sequential)]
struct Book;

#[computation_graph(
    trigger = reactor(Book),
    graph = {
        mid(bids, asks) -> [spread, decide],
        spread(asks) -> report,
        decide => { Quote -> send, Trade -> settle -> close, Hold -> [] },
        close -> report,
    }
)]
mod trading {
    pub(super) enum Decision {
        Quote(f64),
        Trade { size: u64 },
        Hold,
    }

    fn mid(bid: &f64, ask: &f64) -> f64 {
        f64::midpoint(*bid, *ask)
    }

    async fn spread(ask: &f64, mid: &f64) -> f64 {
        2.0 * (ask - mid)
    }

    fn decide(mid: &f64) -> Decision {
        match *mid {
            mid if mid < 10.0 => Decision::Trade { size: 5 },
            mid if mid < 100.0 => Decision::Quote(mid),
            _ => Decision::Hold,
        }
    }

    fn send(mid: &f64) -> String {
        format!("quote {mid}")
    }

    fn settle(size: &u64) -> u64 {
        size * 2
    }

    fn close(settled: &u64) -> u64 {
        settled + 1
    }

    fn report(spread: &f64, closed: Option<&u64>) -> String {
        format!("{spread} {}", closed.copied().unwrap_or(0))
    }
}

#[tokio::test(start_paused = true)]
async fn a_graph_of_chains_fans_and_branches_runs_as_written() {
    let (sent, reported) = (Probe::<String>::new(), Probe::<String>::new());
    let engine = TestEngine::builder()
        .package(Package::new("p").with_reactor::<Book>().with_graph::<trading::Graph>())
        .probe(trading::Graph::NAME, "send", &sent)
        .probe(trading::Graph::NAME, "report", &reported)
        .start()
        .await;

    for (bid, ask) in [(8.0, 9.0), (20.0, 22.0), (200.0, 201.0)] {
        engine.push("bids", bid).await;
        engine.push("asks", ask).await;
    }

    assert_eq!(reported.expect(3).await, ["1 11", "2 0", "1 0"]);
    assert_eq!(sent.expect(1).await, ["quote 21"]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[computation_graph(trigger = reactor("R"), name = "g", graph = { check(a) -> half, free(a) -> out })]
mod one_branch_fails {
    fn check(a: &u64) -> Result<u64, String> {
        if a.is_multiple_of(2) { Ok(*a) } else { Err(format!("{a} is odd")) }
    }

    fn half(a: &u64) -> u64 {
        a / 2
    }

    fn free(a: &u64) -> u64 {
        *a
    }

    fn out(a: &u64) -> u64 {
        a + 100
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_node_ends_its_branch_only() {
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("a")], when_any(["a"]));
    let package = Package::new("p").reactor(reactor.strategy(Strategy::Sequential));
    let (engine, out) = started::<u64>(package.with_graph::<one_branch_fails::Graph>()).await;
    let half = engine.probe::<u64>("g", "half").await;

    engine.push_all("a", [2_u64, 3, 4]).await;

    assert_eq!(out.expect(3).await, [102, 103, 104]);
    assert_eq!(half.expect(2).await, [1, 2]);
    engine.settle().await;
    let letter = engine.dead_letters().list().remove(0);
    assert_eq!((letter.attempts, letter.cause.as_deref()), (3, Some("check: 3 is odd")));
    assert_eq!(out.len(), 3, "its attempts yield nothing twice");
    let deliveries = engine.ledger().await.edge("R/deliveries/g").unwrap();
    assert_eq!((deliveries.settled(), deliveries.dropped_for(Dropped::DeadLetter)), (2, 1));
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_is_absent_until_it_was_first_seen() {
    let accumulators = ["a", "b", "c"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let package = Package::new("p")
        .reactor(ReactorDecl::new("R", accumulators, when_any(["a"])))
        .graph(abc("g").on("R"));
    let (engine, probe) = started::<String>(package).await;
    for (source, value) in [("a", 1_u64), ("b", 2), ("a", 3), ("c", 4), ("a", 5)] {
        engine.push(source, value).await;
        engine.settle().await;
    }
    assert_eq!(probe.all(), ["1 - -", "3 2 -", "5 2 4"]);
    engine.assert_ledger().await;
}

/// Whether a reactor with these criteria over `a` and `b` takes a graph that needs both.
async fn takes_plain(criteria: acequia::CriteriaDecl) -> Result<(), String> {
    let accumulators = ["a", "b"].map(AccumulatorDecl::passthrough::<u64>).to_vec();
    let mut graph = GraphBuilder::new("g");
    let (a, b) = (graph.source::<u64>("a"), graph.source::<u64>("b"));
    let sum = graph.node("out", (a, b), |(a, b)| a + b);
    graph.terminal(sum);
    let package = Package::new("p")
        .reactor(ReactorDecl::new("R", accumulators, criteria))
        .graph(graph.on("R").build().unwrap());
    let engine =
        TestEngine::builder().package(package).try_start().await.map_err(|error| error.to_string())?;
    let probe = engine.probe::<u64>("g", "out").await;
    engine.push("a", 1_u64).await;
    engine.push("b", 2_u64).await;
    assert_eq!(probe.expect(1).await, [3]);
    engine.assert_ledger().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_plain_reference_needs_criteria_that_guarantee_a_value() {
    let refusal = |sources: &[&str]| {
        let each = sources.iter().map(|source| {
            format!(
                "E0312: graph g takes {source} as a plain reference, but the criteria of reactor R do not guarantee it; take `Option<&T>`"
            )
        });
        Err(each.collect::<Vec<_>>().join("\n"))
    };
    assert_eq!(takes_plain(when_all(["a", "b"])).await, Ok(()));
    assert_eq!(takes_plain(k_of(2, ["a", "b"])).await, Ok(()));
    assert_eq!(takes_plain(when_all(["a"])).await, refusal(&["b"]));
    assert_eq!(takes_plain(when_any(["a", "b"])).await, refusal(&["a", "b"]));
    assert_eq!(takes_plain(k_of(1, ["a", "b"])).await, refusal(&["a", "b"]));
}
