//! Sinks: callback, channel, file, another accumulator, JSON.

use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Dropped, Engine, GraphBuilder, Overflow, Package, ReactorDecl, Settled, Sink, SinkError,
    StartError, Strategy, when_any,
};
use acequia_tests::{Folder, echo, numbers, started};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An engine over the numbers `n`, with `sink` at their graph.
async fn engine(sink: Sink) -> TestEngine {
    TestEngine::builder().package(numbers(Strategy::Sequential)).sink("g", "out", sink).start().await
}

async fn outputs(engine: &Engine, sink: usize) -> acequia::Entry {
    let ledger = engine.ledger().await;
    ledger.edge(&format!("R/outputs/sink {sink} of g.out")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_callback_and_a_json_callback_see_every_value_in_order() {
    let (seen, json) = (Arc::<Mutex<Vec<u64>>>::default(), Arc::<Mutex<Vec<serde_json::Value>>>::default());
    let (typed, untyped) = (Arc::clone(&seen), Arc::clone(&json));
    let engine = TestEngine::builder()
        .package(numbers(Strategy::Sequential))
        .sink("g", "out", Sink::callback(move |n: &u64| typed.lock().unwrap().push(*n)))
        .sink("g", "out", Sink::json(move |value| untyped.lock().unwrap().push(value.clone())))
        .start()
        .await;

    engine.push_all("n", 0..1000_u64).await;
    engine.assert_settled().await;

    assert_eq!(*seen.lock().unwrap(), (0..1000).collect::<Vec<_>>());
    assert_eq!(*json.lock().unwrap(), (0..1000).map(serde_json::Value::from).collect::<Vec<_>>());
    assert_eq!(outputs(&engine, 1).await.settled_as(Settled::HandedOn), 1000);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_panics_concerns_its_value_only() {
    let seen = Arc::<Mutex<Vec<u64>>>::default();
    let record = Arc::clone(&seen);
    let engine = engine(Sink::callback(move |n: &u64| {
        assert!(*n != 2, "not two");
        record.lock().unwrap().push(*n);
    }))
    .await;

    engine.push_all("n", [1_u64, 2, 3]).await;
    engine.assert_settled().await;

    assert_eq!(*seen.lock().unwrap(), [1, 3]);
    let letter = engine.dead_letters().list().remove(0);
    assert_eq!((letter.attempts, letter.cause.as_deref()), (3, Some("panicked: not two")));
    assert_eq!(outputs(&engine, 0).await.dropped_for(Dropped::DeadLetter), 1);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_channel_holds_the_graph_until_it_is_read() {
    let (sink, mut receiver) = Sink::channel::<u64>(4, Overflow::Block);
    let engine = engine(sink).await;

    engine.push_all("n", 0..100_u64).await;
    engine.settle().await;
    assert_eq!(receiver.len(), 4);
    engine.assert_ledger().await;

    for n in 0..100 {
        assert_eq!(receiver.recv().await, Some(n));
    }
    assert!(receiver.is_empty() && receiver.try_recv().is_none());
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_channel_may_give_up_values_instead_which_are_counted() {
    let expected = [
        (Overflow::DropOldest, vec![8, 9], Dropped::Overflow, 8),
        (Overflow::DropNewest, vec![0, 1], Dropped::Overflow, 8),
        (Overflow::DeadLetter, vec![0, 1], Dropped::Overflow, 8),
        (Overflow::Coalesce, vec![8, 9], Dropped::Overflow, 0),
    ];
    for (overflow, kept, why, dropped) in expected {
        let (sink, mut receiver) = Sink::channel::<u64>(2, overflow);
        let engine = engine(sink).await;

        engine.push_all("n", 0..10_u64).await;
        engine.assert_settled().await;

        let received: Vec<u64> = std::iter::from_fn(|| receiver.try_recv()).collect();
        assert_eq!(received, kept, "{overflow:?}");
        let outputs = outputs(&engine, 0).await;
        let given_up = outputs.dropped_for(why) + outputs.settled_as(Settled::Superseded);
        assert_eq!((outputs.dropped_for(why), given_up), (dropped, 8), "{overflow:?}");
        let letters = engine.dead_letters().list();
        assert_eq!(letters.len(), if overflow == Overflow::DeadLetter { 8 } else { 0 });
        assert!(letters.iter().zip(2..).all(|(letter, n)| letter.value.as_u64() == Some(n)));
        engine.assert_ledger().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_receiver_is_gone_drops_what_comes_as_unbound() {
    let (sink, receiver) = Sink::channel::<u64>(2, Overflow::Block);
    let engine = engine(sink).await;
    let probe = engine.probe::<u64>("g", "out").await;
    engine.push_all("n", 0..10_u64).await;
    engine.settle().await;

    drop(receiver);
    engine.push("n", 10_u64).await;

    assert_eq!(probe.expect(11).await, (0..=10).collect::<Vec<_>>());
    engine.assert_settled().await;
    assert_eq!(outputs(&engine, 0).await.dropped_for(Dropped::Unbound), 9);
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn subscribing_to_a_running_engine_gives_what_comes_from_then_on() {
    let (engine, probe) = started::<u64>(numbers(Strategy::Sequential)).await;
    engine.push("n", 1_u64).await;
    probe.expect(1).await;

    let mut receiver = engine.subscribe::<u64>("g", "out", 8).await.unwrap();
    engine.push("n", 2_u64).await;

    assert_eq!(receiver.recv().await, Some(2));
    engine.shutdown(Duration::from_secs(1)).await;
    drop(engine);
    assert!(receiver.try_recv().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_file_gets_one_json_text_a_line_and_is_appended_to() {
    let folder = Folder::new().unwrap();
    let path = folder.join("out.ndjson");
    for round in 0..2_u64 {
        let mut graph = GraphBuilder::new("g");
        let number = graph.source::<f64>("n");
        let out = graph.node("out", (number,), |(n,)| (*n, format!("{n}\n")));
        graph.terminal(out);
        let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<f64>("n")], when_any(["n"]));
        let package = Package::new("p")
            .reactor(reactor.strategy(Strategy::Sequential))
            .graph(graph.on("R").build().unwrap());
        let builder = TestEngine::builder().package(package);
        let engine = builder.sink("g", "out", Sink::ndjson(&path).unwrap()).start().await;

        engine.push_all("n", (0..2000).map(|n| f64::from(n) / 3.0)).await;
        engine.assert_settled().await;
        engine.assert_ledger().await;
        assert_eq!(outputs(&engine, 0).await.settled_as(Settled::HandedOn), 2000, "round {round}");
    }

    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<(f64, String)> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4000);
    assert_eq!(
        lines[2001],
        (1.0 / 3.0, format!("{}\n", 1.0_f64 / 3.0)),
        "the same number, and no line broken"
    );
}

/// Reactors `R0`, `R1` … over `n0`, `n1` …, each with a graph `g0`, `g1` …
fn chain(n: usize) -> Package {
    (0..n).fold(Package::new("chain"), |package, at| {
        let (source, reactor, graph) = (format!("n{at}"), format!("R{at}"), format!("g{at}"));
        let accumulator = AccumulatorDecl::passthrough::<u64>(source.as_str());
        let decl = ReactorDecl::new(reactor.as_str(), vec![accumulator], when_any([source.as_str()]));
        package.reactor(decl.strategy(Strategy::Sequential)).graph(echo::<u64>(&graph, &source).on(reactor))
    })
}

#[tokio::test(start_paused = true)]
async fn a_graph_feeds_another_accumulator_in_order_and_without_loss() {
    let probe = Probe::<u64>::new();
    let engine = TestEngine::builder()
        .package(chain(3))
        .sink("g0", "out", Sink::accumulator("n1"))
        .sink("g1", "out", Sink::accumulator("n2"))
        .probe("g2", "out", &probe)
        .start()
        .await;

    engine.push_all("n0", 0..5000_u64).await;

    assert_eq!(probe.expect(5000).await, (0..5000).collect::<Vec<_>>());
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_cycle_of_accumulators_is_refused_with_its_path() {
    let circle = TestEngine::builder()
        .package(chain(3))
        .sink("g0", "out", Sink::accumulator("n1"))
        .sink("g1", "out", Sink::accumulator("n2"))
        .sink("g2", "out", Sink::accumulator("n0"))
        .try_start()
        .await;
    let refused = circle.err().expect("it is refused");
    assert!(matches!(refused, StartError::Sink(SinkError::Cycle { .. })));
    assert_eq!(
        refused.to_string(),
        "E0405: feeding n0 from g2.out closes a cycle: R2 -> R0 -> R1 -> R2; break it with a source of your own"
    );

    let engine = TestEngine::start([chain(2)]).await;
    let itself = engine.attach("g0", "out", Sink::accumulator("n0")).await.unwrap_err();
    assert!(itself.to_string().contains("cycle: R0 -> R0;"), "{itself}");
    engine.attach("g0", "out", Sink::accumulator("n1")).await.unwrap();
    let back = engine.attach("g1", "out", Sink::accumulator("n0")).await.unwrap_err();
    assert!(back.to_string().contains("cycle: R1 -> R0 -> R1;"), "{back}");
    let probe = engine.probe::<u64>("g1", "out").await;
    engine.push("n0", 7_u64).await;
    assert_eq!(probe.expect(1).await, [7], "a refusal changes nothing");
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_does_not_fit_is_refused_with_the_reason() {
    let engine = TestEngine::start([numbers(Strategy::Latest)]).await;
    let refused = async |graph: &str, terminal: &str, sink: Sink| {
        engine.attach(graph, terminal, sink).await.unwrap_err().to_string()
    };
    let sink = || Sink::callback(|_: &u64| {});

    assert_eq!(
        refused("h", "out", sink()).await,
        "E0401: graph h is not deployed; deploy it first or correct the name"
    );
    assert_eq!(refused("g", "in", sink()).await, "E0402: graph g has no terminal in; it has [\"out\"]");
    assert_eq!(
        refused("g", "out", Sink::callback(|_: &String| {})).await,
        "E0403: terminal g.out yields u64, the sink takes alloc::string::String; use the terminal's type"
    );
    assert_eq!(
        refused("g", "out", Sink::accumulator("m")).await,
        "E0404: the sink of g.out feeds accumulator m, which is not deployed"
    );
    engine.shutdown(Duration::from_secs(1)).await;
    assert_eq!(engine.ledger().await.check(), Ok(()));
}

/// Numbers that a careless edge would change.
const NUMBERS: [f64; 9] =
    [100.0, 0.1 + 0.2, 1.0 / 3.0, -0.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, 9_007_199_254_740_993.0, 1e21];

#[tokio::test(start_paused = true)]
async fn a_number_is_the_same_number_on_both_sides_of_every_json_edge() {
    let folder = Folder::new().unwrap();
    let path = folder.join("numbers.ndjson");
    let (probe, json) = (Probe::<(f64, i64, u64)>::new(), Arc::<Mutex<Vec<serde_json::Value>>>::default());
    let record = Arc::clone(&json);
    let accumulator = AccumulatorDecl::passthrough::<(f64, i64, u64)>("n");
    let engine = TestEngine::builder()
        .package(acequia_tests::single::<(f64, i64, u64)>(accumulator, Strategy::Sequential))
        .sink("g", "out", Sink::ndjson(&path).unwrap())
        .sink("g", "out", Sink::json(move |value| record.lock().unwrap().push(value.clone())))
        .probe("g", "out", &probe)
        .start()
        .await;
    let values = NUMBERS.map(|n| (n, i64::MIN, u64::MAX));

    for value in values {
        engine.push_json("n", serde_json::to_string(&value).unwrap().as_bytes()).unwrap().unwrap();
    }
    engine.assert_settled().await;

    let bits = |values: &[(f64, i64, u64)]| -> Vec<(u64, i64, u64)> {
        values.iter().map(|(float, signed, unsigned)| (float.to_bits(), *signed, *unsigned)).collect()
    };
    assert_eq!(bits(&probe.all()), bits(&values));
    let read = |text: &str| -> (f64, i64, u64) { serde_json::from_str(text).unwrap() };
    let told: Vec<_> = json.lock().unwrap().iter().map(|value| read(&value.to_string())).collect();
    assert_eq!(bits(&told), bits(&values));
    let lines: Vec<_> = std::fs::read_to_string(&path).unwrap().lines().map(read).collect();
    assert_eq!(bits(&lines), bits(&values));
    engine.assert_ledger().await;
}

/// A device that takes no byte.
const FULL: &str = "/dev/full";

#[tokio::test(start_paused = true)]
async fn lines_that_cannot_be_written_are_dead_lettered_with_their_cause() {
    if !std::path::Path::new(FULL).exists() {
        return;
    }
    let engine = engine(Sink::ndjson(FULL).unwrap()).await;

    engine.push_all("n", [7_u64, 8]).await;
    engine.assert_settled().await;
    // The letters are written with the sink's next step.
    engine.push("n", 9_u64).await;
    engine.assert_settled().await;

    assert_eq!(outputs(&engine, 0).await.dropped_for(Dropped::DeadLetter), 3);
    let letters = engine.dead_letters().list();
    assert!(letters.len() >= 2, "{letters:?}");
    assert_eq!((letters[0].place.as_str(), letters[0].value.as_u64()), ("sink 0 of g.out", Some(7)));
    assert!(letters[0].cause.is_some());
    engine.assert_ledger().await;
}
