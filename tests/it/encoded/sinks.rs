//! Sinks of one form at terminals of another.

use super::{Quote, accounted_for, half_garbage, package, quote, quotes, source};
use acequia::core::{Encoded, WireType};
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, Dropped, GraphDecl, InputDecl, Overflow, Package, Presence, ReactorDecl, Settled, Sink,
    Strategy, TerminalDecl, when_any,
};
use acequia_tests::{Folder, accumulator_behind_bytes, echo, graph_behind_bytes};
use std::sync::{Arc, Mutex};

/// Graph `g`, whose terminal `out` yields bytes as they come, whatever they are.
fn blind() -> GraphDecl {
    use acequia::core::column::Column;
    use acequia::core::graph::{Outcomes, PartFn, Topology, TurnEnd, View};
    let wire = WireType::of::<Quote>().unwrap();
    let inputs = vec![InputDecl::encoded("n", Presence::Required, wire)];
    let make = || -> Box<dyn acequia::GraphPart> {
        Box::new(PartFn(|view: &View<'_>, from, out: &mut Outcomes| {
            for firing in from..view.len() {
                out.begin(firing);
                let column = view.column(0).as_any().downcast_ref::<Column<Encoded>>().unwrap();
                let value = column.as_slice()[view.index(firing, 0).unwrap()].clone();
                out.outputs()[0].push_encoded(value.as_bytes()).unwrap();
            }
            TurnEnd::Done
        }))
    };
    let terminals = vec![TerminalDecl::encoded("out", wire)];
    GraphDecl::new("g", None, inputs, terminals, Topology::default(), Arc::new(make))
}

#[tokio::test(start_paused = true)]
async fn every_sink_reads_an_encoded_terminal_and_what_it_cannot_read_is_a_dead_letter() {
    let folder = Folder::new().unwrap();
    let file = folder.join("out.ndjson");
    let (seen, json) = (Arc::<Mutex<Vec<Quote>>>::default(), Arc::<Mutex<Vec<serde_json::Value>>>::default());
    let (typed, untyped) = (Arc::clone(&seen), Arc::clone(&json));
    let (channel, mut receiver) = Sink::channel::<Quote>(1000, Overflow::Block);
    let engine = TestEngine::builder()
        .package(package(half_garbage(10), blind()))
        .sink("g", "out", Sink::callback(move |quote: &Quote| typed.lock().unwrap().push(quote.clone())))
        .sink("g", "out", Sink::json(move |value| untyped.lock().unwrap().push(value.clone())))
        .sink("g", "out", channel)
        .sink("g", "out", Sink::ndjson(&file).unwrap())
        .start()
        .await;

    engine.settle().await;

    assert_eq!(*seen.lock().unwrap(), quotes(10));
    let as_json: Vec<_> = quotes(10).iter().map(|quote| serde_json::to_value(quote).unwrap()).collect();
    assert_eq!(*json.lock().unwrap(), as_json);
    for number in 0..10 {
        assert_eq!(receiver.try_recv(), Some(quote(number)));
    }
    for sink in 0..4 {
        let ledger = engine.ledger().await;
        let edge = ledger.edge(&format!("R/outputs/sink {sink} of g.out")).unwrap();
        assert_eq!(edge.dropped_for(Dropped::Undecodable), 10, "sink {sink}");
    }
    assert_eq!(engine.dead_letters().list().len(), 40);
    let letter = engine.dead_letters().list().remove(0);
    assert!(engine.replay(letter.id).await.is_err());
    assert_eq!(engine.dead_letters().list().len(), 40, "it stays");
    engine.assert_ledger().await;
    engine.shutdown(std::time::Duration::from_secs(10)).await;
    let lines = std::fs::read_to_string(&file).unwrap();
    let written: Vec<Quote> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(written, quotes(10));
}

/// Graph `g` of `first` feeds accumulator `m` of `second`, whose graph `h` hands on.
async fn chained(bytes_out: bool, bytes_in: bool) -> (TestEngine, Probe<Quote>) {
    let first = if bytes_out { graph_behind_bytes(echo::<Quote>("g", "n")) } else { echo::<Quote>("g", "n") };
    let feed = AccumulatorDecl::passthrough::<Quote>("m").capacity(3);
    let feed = if bytes_in { accumulator_behind_bytes(feed) } else { feed };
    let reactor = ReactorDecl::new("S", vec![feed], when_any(["m"])).strategy(Strategy::Sequential);
    let second = Package::new("q").reactor(reactor).graph(echo::<Quote>("h", "m").on("S"));
    let probe = Probe::new();
    let engine = TestEngine::builder()
        .package(package(source(false), first))
        .package(second)
        .sink("g", "out", Sink::accumulator("m"))
        .probe("h", "out", &probe)
        .start()
        .await;
    (engine, probe)
}

#[tokio::test(start_paused = true)]
async fn a_terminal_feeds_an_accumulator_in_all_four_ways() {
    for (bytes_out, bytes_in) in [(false, false), (false, true), (true, false), (true, true)] {
        let (engine, probe) = chained(bytes_out, bytes_in).await;
        engine.push_all("n", quotes(300)).await;
        assert_eq!(probe.expect(300).await, quotes(300), "{bytes_out} {bytes_in}");
        accounted_for(&engine).await;
        let outputs = engine.ledger().await.edge("R/outputs/sink 0 of g.out").unwrap();
        assert_eq!(outputs.settled_as(Settled::HandedOn), 300);
    }
}
