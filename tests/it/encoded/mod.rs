//! Edges whose values are bytes on one side or on both, as at a library's boundary.

mod handle;
mod sinks;

use acequia::core::{Encoded, WireType};
use acequia::testing::{Probe, TestEngine, script};
use acequia::{
    AccumulatorDecl, Dropped, FaultBudget, FireError, FireInput, GraphBuilder, GraphDecl, GraphPlacement,
    Package, ReactorDecl, Strategy, when_any,
};
use acequia_tests::{accumulator_behind_bytes, echo, graph_behind_bytes};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Quote {
    symbol: String,
    price: f64,
}

/// The same shape under another name, as a second crate declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tick {
    symbol: String,
    price: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Other {
    price: f64,
}

fn quote(number: u64) -> Quote {
    // Bits that a careless conversion would lose.
    Quote {
        symbol: format!("s{number}"),
        price: f64::from_bits(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 2),
    }
}

fn quotes(n: u64) -> Vec<Quote> {
    (0..n).map(quote).collect()
}

/// The passthrough `n` of quotes, behind bytes or not.
fn source(behind_bytes: bool) -> AccumulatorDecl {
    let decl = AccumulatorDecl::passthrough::<Quote>("n").budget(FaultBudget::unlimited(3));
    if behind_bytes { accumulator_behind_bytes(decl) } else { decl }
}

fn package(source: AccumulatorDecl, graph: GraphDecl) -> Package {
    let reactor = ReactorDecl::new("R", vec![source], when_any(["n"])).strategy(Strategy::Sequential);
    Package::new("p").reactor(reactor).graph(graph.on("R"))
}

/// Bytes that claim to be a quote, and are none.
fn garbage() -> Encoded {
    Encoded::new(vec![1, 200, 1], WireType::of::<Quote>().unwrap())
}

/// The source `n` of `n` quotes, each followed by garbage; nobody looks at the bytes on the way in.
fn half_garbage(n: u64) -> AccumulatorDecl {
    let wire = WireType::of::<Quote>().unwrap();
    let feed = script::<Encoded>();
    for number in 0..n {
        feed.emit(Encoded::from_value(&quote(number)).unwrap()).emit(garbage());
    }
    let blind = AccumulatorDecl::encoded("n", acequia::Kind::Custom, wire, wire, |_| {
        acequia::core::accumulator::Identity::<Encoded>::default()
    });
    blind.source(feed.source())
}

async fn accounted_for(engine: &TestEngine) {
    engine.settle().await;
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn values_arrive_exactly_in_all_four_ways_in_place_and_detached() {
    for (bytes_in, bytes_graph) in [(false, false), (false, true), (true, false), (true, true)] {
        for placement in [GraphPlacement::InPlace, GraphPlacement::Detached] {
            let graph = echo::<Quote>("g", "n").placement(placement);
            let graph = if bytes_graph { graph_behind_bytes(graph) } else { graph };
            let probe = Probe::<Quote>::new();
            let package = package(source(bytes_in), graph.delivery_capacity(10_000));
            let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;

            engine.push_all("n", quotes(700)).await;

            assert_eq!(probe.expect(700).await, quotes(700), "{bytes_in} {bytes_graph} {placement:?}");
            accounted_for(&engine).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_graph_of_equal_schema_binds_and_another_is_refused() {
    let probe = Probe::<Tick>::new();
    let fitting = package(source(true), echo::<Tick>("g", "n"));
    let engine = TestEngine::builder().package(fitting).probe("g", "out", &probe).start().await;
    engine.push("n", Tick { symbol: "s".to_owned(), price: 0.1 }).await;
    assert_eq!(probe.expect(1).await, [Tick { symbol: "s".to_owned(), price: 0.1 }]);

    let refused =
        acequia::Engine::builder().package(package(source(true), echo::<Other>("g", "n"))).start().await;
    let error = refused.err().map(|error| format!("{error:?}")).unwrap_or_default();
    assert!(error.contains("TypeMismatch"), "{error}");

    // Both sides in this process: Rust's types decide, as ever.
    let refused =
        acequia::Engine::builder().package(package(source(false), echo::<Tick>("g", "n"))).start().await;
    assert!(refused.is_err());
}

static DECODED: AtomicU64 = AtomicU64::new(0);

/// Counts how often it is decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
struct Counted(u64);

impl From<u64> for Counted {
    fn from(value: u64) -> Self {
        DECODED.fetch_add(1, Ordering::SeqCst);
        Self(value)
    }
}

impl From<Counted> for u64 {
    fn from(value: Counted) -> Self {
        value.0
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_read_again_and_again_is_decoded_once() {
    let mut graph = GraphBuilder::new("g");
    let [slow, fast] = ["slow", "fast"].map(|name| graph.source::<Counted>(name));
    let out = graph.node(
        "out",
        (slow.optional(), fast.optional()),
        |(slow, fast): (Option<&Counted>, Option<&Counted>)| {
            slow.map_or(0, |slow| slow.0) + fast.map_or(0, |fast| fast.0)
        },
    );
    graph.terminal(out);
    let accumulators =
        ["slow", "fast"].map(AccumulatorDecl::passthrough::<u64>).map(accumulator_behind_bytes);
    let reactor = ReactorDecl::new("R", accumulators.to_vec(), when_any(["slow", "fast"]));
    let package = Package::new("p")
        .reactor(reactor.strategy(Strategy::Sequential))
        .graph(graph.build().unwrap().on("R"));
    let probe = Probe::<u64>::new();
    let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;
    let before = DECODED.load(Ordering::SeqCst);

    engine.push("slow", 1000_u64).await;
    for round in 0..50_u64 {
        engine.push("fast", round).await;
        engine.settle().await;
    }

    assert_eq!(probe.expect(51).await.last(), Some(&1049));
    assert_eq!(DECODED.load(Ordering::SeqCst) - before, 51);
}

#[tokio::test(start_paused = true)]
async fn firing_by_hand_lays_typed_values_over_encoded_columns_for_that_firing_only() {
    let probe = Probe::<Quote>::new();
    let package = package(source(true), echo::<Quote>("g", "n"));
    let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;
    let reactor = engine.reactor("R").unwrap();

    engine.push("n", quote(1)).await;
    assert_eq!(probe.expect(1).await, [quote(1)]);
    reactor.fire_with(FireInput::new().with("n", quote(2))).await.unwrap();
    reactor.fire().await.unwrap();
    // It gets the number that the value by hand had.
    engine.push("n", quote(3)).await;
    assert_eq!(probe.expect(3).await, [quote(2), quote(1), quote(3)]);

    let refused = reactor.fire_with(FireInput::new().with("n", Other { price: 1.0 })).await;
    assert!(matches!(refused, Err(FireError::UnknownInput { .. })));
    accounted_for(&engine).await;
}

#[tokio::test(start_paused = true)]
async fn inspect_and_push_json_speak_json_about_encoded_values() {
    WireType::of::<Quote>().unwrap();
    let probe = Probe::<Quote>::new();
    let package = package(source(true), echo::<Quote>("g", "n"));
    let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;

    engine.push_json("n", br#"{"symbol":"s","price":0.1}"#).unwrap().unwrap();
    assert!(engine.push_json("n", br#"{"symbol":"s"}"#).unwrap().is_err());

    assert_eq!(probe.expect(1).await, [Quote { symbol: "s".to_owned(), price: 0.1 }]);
    let inspected = engine.reactor("R").unwrap().inspect().await.to_string();
    assert!(inspected.contains(r#"{"price":0.1,"symbol":"s"}"#), "{inspected}");
    let letter = engine.dead_letters().list().remove(0);
    assert!(letter.cause.unwrap_or_default().contains("missing field `price`"));
    accounted_for(&engine).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_graph_cannot_decode_is_its_dead_letter_and_the_neighbours_pass() {
    for bytes_graph in [false, true] {
        for placement in [GraphPlacement::InPlace, GraphPlacement::Detached] {
            let graph = echo::<Quote>("g", "n").placement(placement);
            let graph = if bytes_graph { graph_behind_bytes(graph) } else { graph };
            let probe = Probe::<Quote>::new();
            let package = package(half_garbage(20), graph);
            let engine = TestEngine::builder().package(package).probe("g", "out", &probe).start().await;

            assert_eq!(probe.expect(20).await, quotes(20), "{bytes_graph} {placement:?}");
            accounted_for(&engine).await;
            assert_eq!(engine.dead_letters().list().len(), 20);
            let deliveries = engine.ledger().await.edge("R/deliveries/g").unwrap();
            assert_eq!(deliveries.dropped_for(Dropped::Undecodable), 20);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dead_letters_of_encoded_values_are_replayed() {
    for bytes_graph in [false, true] {
        let broken = Arc::new(AtomicBool::new(true));
        let mut graph = GraphBuilder::new("g");
        let n = graph.source::<Quote>("n");
        let gate = Arc::clone(&broken);
        let out = graph.try_node("out", (n,), move |(n,)| {
            if gate.load(Ordering::SeqCst) { Err("broken") } else { Ok(n.clone()) }
        });
        graph.terminal(out);
        let graph = graph.build().unwrap().budget(FaultBudget::unlimited(1));
        let graph = if bytes_graph { graph_behind_bytes(graph) } else { graph };
        let probe = Probe::<Quote>::new();
        let engine = TestEngine::builder()
            .package(package(source(true), graph))
            .probe("g", "out", &probe)
            .start()
            .await;

        engine.push("n", quote(7)).await;
        engine.settle().await;
        let letter = engine.dead_letters().list().remove(0);
        broken.store(false, Ordering::SeqCst);
        engine.replay(letter.id).await.unwrap();

        assert_eq!(probe.expect(1).await, [quote(7)]);
        accounted_for(&engine).await;
    }
}
