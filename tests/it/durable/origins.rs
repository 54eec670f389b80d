//! The firings that outputs come from, of whole batches at a time, in process and from a library.

use super::{on, reactor};
use acequia::core::FiringId;
use acequia::core::durable::{LifeId, stream_number};
use acequia::core::graph::{Outcomes, TurnEnd, View};
use acequia::library::Library;
use acequia::store::disk::SimulatedDisk;
use acequia::store::journal::{Journal, RecordKind, Settings};
use acequia::testing::{Probe, TestEngine};
use acequia::{
    AccumulatorDecl, FaultBudget, GraphDecl, GraphPart, Guarantee, Load, Package, Sink, Trust,
    computation_graph,
};
use acequia_tests::echo;
use acequia_tests::library::built;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// As the fixture `kinds` has it in its library.
#[computation_graph(trigger = reactor("Plain"), attempts = 1, graph = {
    decide(plain) => { Small -> small, Large -> large }
})]
mod fallible {
    pub(super) enum Size {
        Small(i64),
        Large(i64),
    }

    pub(super) fn decide(value: &i64) -> Result<Size, String> {
        match *value {
            13 => panic!("thirteen"),
            14 => Err("fourteen".to_owned()),
            value if value < 100 => Ok(Size::Small(value)),
            value => Ok(Size::Large(value)),
        }
    }

    pub(super) fn small(value: &i64) -> i64 {
        -value
    }

    pub(super) fn large(value: &i64) -> String {
        format!("large {value}")
    }
}

/// Counts how often its part is called: for a part of a library, each call is one crossing.
struct Counted {
    part: Box<dyn GraphPart>,
    calls: Arc<AtomicUsize>,
}

impl GraphPart for Counted {
    fn turn(&mut self, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.part.turn(view, from, out)
    }

    fn tells_origins(&self) -> bool {
        self.part.tells_origins()
    }
}

const BATCH: usize = 64;

/// The graph between durable accumulators, and who looks at what comes of it.
struct Bench {
    engine: TestEngine,
    small: Probe<i64>,
    large: Probe<String>,
    calls: Arc<AtomicUsize>,
}

impl Bench {
    async fn start(disk: &SimulatedDisk, graph: impl FnOnce(&TestEngine) -> GraphDecl) -> Self {
        let engine = on(disk).start().await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let graph = graph(&engine).budget(FaultBudget::unlimited(1));
        let graph = graph.wrap(move |part| Box::new(Counted { part, calls: Arc::clone(&counted) }));
        let durable = Guarantee::Durable;
        let package = Package::new("origins")
            .reactor(reactor("Plain", AccumulatorDecl::passthrough::<i64>("plain").delivery(durable)))
            .graph(graph)
            .reactor(reactor("Small", AccumulatorDecl::passthrough::<i64>("small").delivery(durable)))
            .graph(echo::<i64>("watch_small", "small").on("Small"))
            .reactor(reactor("Large", AccumulatorDecl::passthrough::<String>("large").delivery(durable)))
            .graph(echo::<String>("watch_large", "large").on("Large"));
        let (small, large) = (Probe::new(), Probe::new());
        let load = Load::new(package)
            .sink("fallible", "small", Sink::accumulator("small"))
            .sink("fallible", "large", Sink::accumulator("large"))
            .sink("watch_small", "out", small.sink())
            .sink("watch_large", "out", large.sink());
        engine.load(load).await.unwrap();
        Self { engine, small, large, calls }
    }

    /// One turn over these values: how often the graph's part is called for it.
    async fn turn(&self, values: &[i64]) -> usize {
        let plain = self.engine.engine().reactor("Plain").unwrap();
        plain.pause().await;
        for value in values {
            self.engine.push("plain", *value).await;
        }
        let before = self.calls.load(Ordering::Relaxed);
        plain.resume().await;
        self.engine.settle().await;
        self.calls.load(Ordering::Relaxed) - before
    }
}

/// The firing that each event of `accumulator` on `disk` comes from.
fn firings(disk: &SimulatedDisk, accumulator: &str) -> Vec<u64> {
    let stream = stream_number("accumulator", accumulator);
    let mut firings = Vec::new();
    let opened = Journal::recover(Arc::new(disk.kill()), Settings::small(), |record| {
        let record = record.to_record();
        if record.kind == RecordKind::Event && record.stream.0 == stream {
            assert_eq!(record.parents.len(), 1, "it comes from one firing");
            let parent = record.parents[0].0;
            let FiringId(firing) = LifeId::of(parent).firing_of(parent).unwrap();
            firings.push(firing);
        }
    });
    drop(opened.unwrap());
    firings
}

/// A batch whose firings succeed, one whose firings succeed on either branch, and one with panics and errors
/// between them.
fn batches() -> [Vec<i64>; 4] {
    let sound: Vec<i64> = vec![1; BATCH];
    let branching = (0..BATCH).map(|at| if at % 3 == 0 { 100 + at as i64 } else { 2 }).collect();
    let failing = (0..BATCH).map(|at| match at % 8 {
        3 => 13,
        5 => 14,
        0 | 6 => 200 + at as i64,
        _ => 3,
    });
    [sound.clone(), sound, branching, failing.collect()]
}

async fn check(bench: Bench, disk: &SimulatedDisk) {
    let [warm, sound, branching, failing] = batches();
    bench.turn(&warm).await;
    assert_eq!(bench.turn(&sound).await, 1, "one call for a batch");
    assert_eq!(bench.turn(&branching).await, 1, "one call, whichever branches are taken");
    assert_eq!(bench.turn(&failing).await, 1 + BATCH / 4, "one more for each firing that failed");

    let all: Vec<(u64, i64)> = (0..)
        .zip([warm, sound, branching, failing].concat())
        .filter(|(_, value)| ![13, 14].contains(value))
        .collect();
    let small: Vec<_> = all.iter().filter(|(_, value)| *value < 100).collect();
    let large: Vec<_> = all.iter().filter(|(_, value)| *value >= 100).collect();
    assert_eq!(bench.small.all(), small.iter().map(|(_, value)| -value).collect::<Vec<_>>());
    assert_eq!(
        bench.large.all(),
        large.iter().map(|(_, value)| format!("large {value}")).collect::<Vec<_>>()
    );
    assert_eq!(firings(disk, "small"), small.iter().map(|(firing, _)| *firing).collect::<Vec<_>>());
    assert_eq!(firings(disk, "large"), large.iter().map(|(firing, _)| *firing).collect::<Vec<_>>());
    bench.engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn outputs_of_a_batch_lead_back_to_their_firings_whoever_fails_between() {
    let disk = SimulatedDisk::new(81);
    let bench =
        Bench::start(&disk, |_| Package::new("p").with_graph::<fallible::Graph>().graphs()[0].clone());
    check(bench.await, &disk).await;
}

#[tokio::test(start_paused = true)]
async fn outputs_of_a_library_lead_back_to_their_firings_and_a_batch_is_one_crossing() {
    let disk = SimulatedDisk::new(82);
    let bench = Bench::start(&disk, |engine| {
        let library = Library::open(built("kinds", &[]), &Trust::optional()).unwrap();
        let package = library.init(engine.services()).unwrap().package();
        package.graphs().iter().find(|graph| graph.name.as_str() == "fallible").unwrap().clone()
    });
    check(bench.await, &disk).await;
}
