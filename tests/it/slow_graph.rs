//! A slow graph beside a fast one: each at its own pace, and the slow one's policy decides.

use acequia::testing::Probe;
use acequia::{
    AccumulatorDecl, Dropped, Engine, Entry, GraphBuilder, GraphDecl, Overflow, Package, ReactorDecl,
    Settled, Strategy, when_any,
};
use acequia_tests::{Gate, echo, eventually};
use std::sync::Arc;
use std::time::Duration;

/// A firing longer than this counts as slow.
const SLOW: Duration = Duration::from_millis(4);
/// The first call: far beyond, so that one is enough.
const FIRST_CALL: Duration = Duration::from_millis(200);
/// Room in the slow graph's delivery ring.
const ROOM: usize = 8;

/// Graph `slow`: its first call takes a while, every later one until the gate lets it pass.
fn slow(gate: &Arc<Gate>) -> GraphDecl {
    let (gate, mut graph) = (Arc::clone(gate), GraphBuilder::new("slow"));
    let n = graph.source::<u64>("n");
    let out = graph.node("out", (n,), move |(n,)| {
        if *n == 0 {
            gate.linger(FIRST_CALL)
        } else {
            gate.pass()
        }
        *n
    });
    graph.terminal(out);
    graph.on("R").build().unwrap()
}

struct Scene {
    engine: Engine,
    gate: Arc<Gate>,
    fast: Probe<u64>,
    slow: Probe<u64>,
}

/// Both graphs over `n`; 0 was pushed, so that the slow one has left the cell, and 1, which it has in
/// hand.
async fn scene(configure: impl FnOnce(GraphDecl) -> GraphDecl) -> Scene {
    let gate = Arc::new(Gate::default());
    let reactor = ReactorDecl::new("R", vec![AccumulatorDecl::passthrough::<u64>("n")], when_any(["n"]));
    let package = Package::new("p")
        .reactor(reactor.strategy(Strategy::Sequential))
        .graph(configure(slow(&gate)))
        .graph(echo::<u64>("fast", "n").on("R").delivery_capacity(20_000));
    let (fast, slow) = (Probe::new(), Probe::new());
    let engine = Engine::builder().package(package).slow_firing(SLOW).sink("fast", "out", fast.sink()).sink(
        "slow",
        "out",
        slow.sink(),
    );
    let scene = Scene { engine: engine.start().await.unwrap(), gate, fast, slow };
    scene.push(0..1).await;
    eventually("the first call ends", async || scene.slow.len() == 1 && scene.fast.len() == 1).await;
    scene.push(1..2).await;
    eventually("the second call begins", async || scene.gate.entered() == 1).await;
    scene
}

impl Drop for Scene {
    fn drop(&mut self) {
        // A runtime does not end before its threads do.
        self.gate.open();
    }
}

impl Scene {
    async fn push(&self, events: std::ops::Range<u64>) {
        self.engine.accumulator::<u64>("n").unwrap().push_batch(events).await.unwrap();
    }

    async fn deliveries(&self) -> Entry {
        let ledger = self.engine.ledger().await;
        ledger.check().unwrap();
        ledger.edge("R/deliveries/slow").unwrap()
    }

    /// What the slow graph yields in the end, and its ledger.
    async fn end(self) -> (Vec<u64>, Entry) {
        self.gate.open();
        assert!(self.engine.settled(Duration::from_secs(20)).await);
        let entry = self.deliveries().await;
        let report = self.engine.shutdown(Duration::from_secs(5)).await;
        report.ledger.check().unwrap();
        assert!(report.unsettled.is_empty());
        (self.slow.all(), entry)
    }
}

#[tokio::test]
async fn the_fast_graph_gets_everything_while_the_slow_one_is_inside_its_second_call() {
    let scene = scene(|slow| slow.overflow(Overflow::Coalesce)).await;

    scene.push(2..10_002).await;
    eventually("the fast one has all", async || scene.fast.len() == 10_002).await;

    assert_eq!(scene.gate.entered(), 1, "it is still in that call");
    assert_eq!(scene.slow.all(), [0]);
    assert_eq!(scene.deliveries().await.unsettled, 2);
    assert_eq!(scene.fast.all(), (0..10_002).collect::<Vec<_>>());
    let (all, entry) = scene.end().await;
    assert_eq!(all, [0, 1, 10_001], "under coalescing the newest is left");
    assert_eq!((entry.settled_as(Settled::Superseded), entry.dropped()), (9_999, 0));
}

/// Push 2 to 101 while the slow graph has 1 in hand.
async fn overflowed(overflow: Overflow) -> (Vec<u64>, Entry, usize) {
    let scene = scene(|slow| slow.overflow(overflow).delivery_capacity(ROOM)).await;
    scene.push(2..102).await;
    eventually("the fast one has all", async || scene.fast.len() == 102).await;
    assert_eq!(scene.deliveries().await.unsettled, 1 + ROOM as u64);
    let engine = scene.engine.clone();
    let (all, entry) = scene.end().await;
    (all, entry, engine.dead_letters().len())
}

#[tokio::test]
async fn the_slow_graphs_policy_decides_and_the_counters_say_so() {
    let (all, entry, letters) = overflowed(Overflow::DropOldest).await;
    assert_eq!(all, [0, 1, 94, 95, 96, 97, 98, 99, 100, 101]);
    assert_eq!((entry.dropped_for(Dropped::Overflow), letters), (92, 0));

    let (all, entry, letters) = overflowed(Overflow::DropNewest).await;
    assert_eq!(all, (0..10).collect::<Vec<_>>());
    assert_eq!((entry.dropped_for(Dropped::Overflow), letters), (92, 0));

    let (all, entry, letters) = overflowed(Overflow::DeadLetter).await;
    assert_eq!(all, (0..10).collect::<Vec<_>>());
    assert_eq!((entry.dropped_for(Dropped::Overflow), letters), (92, 92));
}

#[tokio::test]
async fn blocking_stalls_its_siblings_and_loses_nothing() {
    let scene = scene(|slow| slow.overflow(Overflow::Block).delivery_capacity(ROOM)).await;

    scene.push(2..102).await;
    eventually("the ring is full", async || scene.fast.len() == 2 + ROOM).await;
    assert_eq!(scene.deliveries().await.unsettled, 1 + ROOM as u64);
    assert_eq!(scene.fast.len(), 2 + ROOM, "the fast one waits with it");

    let fast = scene.fast.clone();
    let (all, entry) = scene.end().await;
    assert_eq!(all, (0..102).collect::<Vec<_>>());
    assert_eq!(fast.all(), all);
    assert_eq!(entry.dropped(), 0);
}
